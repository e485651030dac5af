"""From a checkpoint to velocity maps."""

from __future__ import annotations

import zlib
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fwi.arrays import Array
from fwi.checks import check_gathers, check_shape, check_velocity
from fwi.geometry import OPENFWI
from fwi.inference.checkpoint import Description, load_model
from fwi.inference.ensemble import flip_averaged
from fwi.inference.precision import autocast, choose_device, choose_precision
from fwi.models import shots_of
from fwi.models.corrector import Corrector
from fwi.models.network import Network
from fwi.training.objectives.feedback import mend, predict_in_passes

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
        gathers = self._check(gathers)
        predict = partial(flip_averaged, self._forward) if tta else self._forward
        return np.concatenate([predict(gathers[part]) for part in self._parts(len(gathers))])

    def predict_error(self, gathers: Array) -> Array:
        """Predict how far each cell of this network's maps is from the truth.

        Args:
            gathers: as in `predict`.

        Returns:
            Typical absolute error (B, Z, X) float32, m/s, of maps predicted without the flip.

        Raises:
            TypeError: if the network has no confidence head.
            ValueError: if the shape or a value does not fit.
        """
        if not isinstance(self.model, Network) or self.model.error_head is None:
            raise TypeError(
                "predict_error needs a network with a confidence head; train one with "
                "train.options.confidence=true"
            )
        gathers, parts = self._check(gathers), self._parts(len(gathers))
        return np.concatenate([self._errors(self.model, gathers[part]) for part in parts])

    def correct(self, gathers: Array, velocity: Array) -> Array:
        """Mend any maps by one pass of a corrector; do it again with what comes out, if you like.

        Args:
            gathers: observed, (B, S, 1000, 70), S at least the network's shots.
            velocity: (B, 70, 70), m/s, of this or another network.

        Returns:
            Velocity (B, 70, 70) float32, m/s.

        Raises:
            TypeError: if the network is not a corrector.
            ValueError: if a shape or value does not fit.
        """
        if not isinstance(self.model, Corrector):
            raise TypeError(
                f"correct needs a corrector, got a {type(self.model).__name__}; train one with "
                "train.model=corrector"
            )
        gathers, velocity = self._check(gathers), np.asarray(velocity)
        check_velocity(velocity, OPENFWI.nz, OPENFWI.nx)
        check_shape("velocity", velocity, (len(gathers), OPENFWI.nz, OPENFWI.nx))
        parts = self._parts(len(gathers))
        return np.concatenate([self._mend(self.model, gathers[p], velocity[p]) for p in parts])

    def fingerprint(self) -> int:
        """CRC-32 of the weights: the same network predicts the same maps."""
        value = 0
        for tensor in self.model.state_dict().values():
            value = zlib.crc32(tensor.cpu().contiguous().numpy().tobytes(), value)
        return value

    def _check(self, gathers: Array) -> Array:
        gathers = np.asarray(gathers)
        check_gathers(gathers, None, None, None)
        needed = shots_of(self.model)
        if gathers.shape[1] < needed:
            raise ValueError(
                f"gathers must have at least {needed} shots for this network, got {gathers.shape}"
            )
        return gathers

    def _parts(self, n: int) -> list[slice]:
        return [slice(i, i + self.batch_size) for i in range(0, n, self.batch_size)]

    @torch.inference_mode()
    def _forward(self, gathers: Array) -> Array:
        with autocast(self.precision, self.device):
            velocity = predict_in_passes(self.model, self._tensor(gathers))
        return _maps(velocity)

    @torch.inference_mode()
    def _errors(self, model: Network, gathers: Array) -> Array:
        with autocast(self.precision, self.device):
            error = model.predict_all(self._tensor(gathers)).error
        assert error is not None
        return _maps(error)

    @torch.inference_mode()
    def _mend(self, model: Corrector, gathers: Array, velocity: Array) -> Array:
        with autocast(self.precision, self.device):
            better = mend(model, self._tensor(gathers), self._tensor(velocity)[:, None])
        return _maps(better)

    def _tensor(self, array: Array) -> torch.Tensor:
        # torch warns of read-only arrays, which a memory-mapped file is.
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self.device)


def _maps(velocity: torch.Tensor) -> Array:
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
