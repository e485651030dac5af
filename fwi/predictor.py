"""From a checkpoint to velocity maps."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from fwi.checks import check_gathers
from fwi.ensemble import flip_averaged
from fwi.models import shots_of
from fwi.training.checkpoint import Description, load_model
from fwi.training.precision import autocast, choose_device, choose_precision

Array = npt.NDArray[Any]

DEFAULT = Path(__file__).parent / "weights" / "default"


class Predictor:
    """A network with its weights, on NumPy arrays.

    Args:
        model: raw gathers (B, S, T, R) to velocity (B, 1, Z, X), m/s.
        description: of its checkpoint, if it has one.
        batch_size: gathers computed at once, which bounds the memory.
        precision: "auto", "float32" or "bfloat16".
    """

    def __init__(
        self,
        model: nn.Module,
        description: Description | None = None,
        batch_size: int = 32,
        precision: str = "auto",
    ) -> None:
        self.device = choose_device()
        self.model = model.to(self.device).to(memory_format=torch.channels_last).eval()
        self.description, self.batch_size = description, batch_size
        self.precision = choose_precision(precision, self.device)

    def predict(self, gathers: Array, tta: bool = True) -> Array:
        """Predict velocity maps.

        Args:
            gathers: (B, S, T, R), S at least the network's shots, any floating dtype.
            tta: average with the prediction of the mirrored gathers.

        Returns:
            Velocity (B, Z, X) float32, m/s.

        Raises:
            ValueError: if the shape or a value does not fit.
            TypeError: if the gathers are not floating.
        """
        gathers = np.asarray(gathers)
        check_gathers(gathers, None, None, None)
        needed = shots_of(self.model)
        if gathers.shape[1] < needed:
            raise ValueError(
                f"gathers must have at least {needed} shots for this network, got {gathers.shape}"
            )
        parts = (gathers[i : i + self.batch_size] for i in range(0, len(gathers), self.batch_size))
        if tta:
            return np.concatenate([flip_averaged(self._forward, part) for part in parts])
        return np.concatenate([self._forward(part) for part in parts])

    def fingerprint(self) -> int:
        """CRC-32 of the weights: the same network predicts the same maps."""
        value = 0
        for tensor in self.model.state_dict().values():
            value = zlib.crc32(tensor.cpu().contiguous().numpy().tobytes(), value)
        return value

    @torch.inference_mode()
    def _forward(self, gathers: Array) -> Array:
        # torch warns of read-only arrays, which a memory-mapped file is.
        writeable = np.require(gathers, requirements=["C", "W"])
        tensor = torch.from_numpy(writeable).to(self.device)
        with autocast(self.precision, self.device):
            velocity = self.model(tensor)
        return velocity[:, 0].float().cpu().numpy()


def load(path_or_name: str | Path = "default", batch_size: int = 32) -> Predictor:
    """Load a checkpoint.

    Args:
        path_or_name: a checkpoint's folder, a run's folder (its best checkpoint), or "default"
            for the weights that ship with the package.
        batch_size: gathers computed at once.

    Returns:
        The predictor.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        ValueError: if it is not one.
    """
    path = DEFAULT if str(path_or_name) == "default" else Path(path_or_name)
    if (path / "checkpoints").is_dir():
        path = path / "checkpoints" / "best"
    model, description = load_model(path)
    return Predictor(model, description, batch_size)
