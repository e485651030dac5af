"""The progress bar of a fit."""

from __future__ import annotations

from contextlib import ExitStack

from fwi.progress import progress_bar
from fwi.training.trainer import Callback, Trainer


class ProgressBar(Callback):
    """Shows how many samples are behind, how fast it goes, and the last validation.

    It stands after what restores a fit, which says where the bar begins.

    Args:
        batch_size: samples a step.
    """

    def __init__(self, batch_size: int) -> None:
        self.batch_size, self._open = batch_size, ExitStack()

    def on_fit_start(self, trainer: Trainer) -> None:
        """Show the bar."""
        total, done = (self.batch_size * n for n in (trainer.total_steps, trainer.step))
        self.advance = self._open.enter_context(progress_bar("train", total, done))

    def on_step_end(self, trainer: Trainer) -> None:
        """Count one batch."""
        self.advance(self.batch_size)

    def on_epoch_end(self, trainer: Trainer) -> None:
        """Show the epoch's validation."""
        self.advance(0, note=f"epoch {trainer.epoch}: {trainer.metrics['mae']:.1f} m/s")

    def on_fit_end(self, trainer: Trainer) -> None:
        """Close the bar."""
        self._open.close()
