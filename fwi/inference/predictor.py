"""A network with its weights, on NumPy arrays."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fwi.arrays import Array
from fwi.checks import check_gathers, check_shape, check_velocity
from fwi.data.blocks import blocks
from fwi.data.store import Store
from fwi.geometry import OPENFWI
from fwi.inference.checkpoint import Description, load_model
from fwi.inference.ensemble import flip_averaged
from fwi.inference.precision import autocast, choose_device, choose_precision
from fwi.models import shots_of
from fwi.models.network import Prediction, predict_all
from fwi.runs import checkpoint_path

DEFAULT = Path(__file__).parents[1] / "weights" / "default"


class Predictor:
    """A network with its weights, on NumPy arrays.

    Args:
        model: raw gathers (B, S, T, R) to velocity (B, 1, Z, X), m/s.
        description: of its checkpoint, if it has one.
        batch_size: gathers computed at once, which bounds the memory.
        precision: "auto", "float32" or "bfloat16".
        device: where it runs, see `choose_device`.
    """

    def __init__(
        self,
        model: nn.Module,
        description: Description | None = None,
        batch_size: int = 32,
        precision: str = "auto",
        device: str | torch.device = "auto",
    ) -> None:
        self.device = choose_device(device)
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
        velocity: Array = self.predict_all(gathers, tta).velocity
        return velocity

    def predict_all(self, gathers: Array, tta: bool = True) -> Prediction:
        """Predict maps, and all that the network's other heads say of them.

        Args:
            gathers: as in `predict`.
            tta: average everything with what is said of the mirrored gathers.

        Returns:
            Arrays, float32: velocity (B, Z, X), m/s; error, the typical absolute error of each
            cell (B, Z, X), m/s, or none without a confidence head; family, probabilities (B, n),
            or none without a family head.

        Raises:
            ValueError: if the shape or a value does not fit.
            TypeError: if the gathers are not floating.
        """
        ask = (lambda part: flip_averaged(self._ask, part)) if tta else self._ask
        return self._in_batches(ask, self._check(gathers))

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
        if not hasattr(self.model, "mend"):
            raise TypeError(
                f"correct needs a corrector, got a {type(self.model).__name__}; train one with "
                "train.model=corrector"
            )
        gathers, velocity = self._check(gathers), np.asarray(velocity)
        check_velocity(velocity, OPENFWI.nz, OPENFWI.nx)
        check_shape("velocity", velocity, (len(gathers), OPENFWI.nz, OPENFWI.nx))
        mended: Array = self._in_batches(self._mend, gathers, velocity).velocity
        return mended

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

    def _in_batches(self, ask: Callable[..., Prediction], *arrays: Array) -> Prediction:
        """Ask about a batch at a time, and join the answers."""
        starts = range(0, len(arrays[0]), self.batch_size)
        said = [ask(*(a[i : i + self.batch_size] for a in arrays)) for i in starts]
        heads = zip(*said, strict=True)
        return Prediction(*(None if parts[0] is None else np.concatenate(parts) for parts in heads))

    @torch.inference_mode()
    def _ask(self, gathers: Array) -> Prediction:
        with autocast(self.precision, self.device):
            said = predict_all(self.model, self._tensor(gathers))
        family = None if said.family is None else said.family.float().softmax(1)
        return Prediction(*map(_array, (said.velocity, said.error, family)))

    @torch.inference_mode()
    def _mend(self, gathers: Array, velocity: Array) -> Prediction:
        with autocast(self.precision, self.device):
            mend: Any = self.model.mend
            return Prediction(_array(mend(self._tensor(gathers), self._tensor(velocity)[:, None])))

    def _tensor(self, array: Array) -> torch.Tensor:
        # torch warns of read-only arrays, which a memory-mapped file is.
        return torch.from_numpy(np.require(array, requirements=["C", "W"])).to(self.device)


def _array(said: torch.Tensor | None) -> Array | None:
    """Bring what a head says to NumPy, maps without their channel."""
    if said is None:
        return None
    return (said[:, 0] if said.ndim == 4 else said).float().cpu().numpy()


def predict_store(predictor: Predictor, store: Store, tta: bool) -> Array:
    """Predict every sample of a store, a batch in memory at a time: (n, Z, X) m/s."""
    parts = blocks(range(len(store)), predictor.batch_size)
    return np.concatenate([predictor.predict(store.gathers(part), tta) for part in parts])


def load(
    path_or_name: str | Path = "default",
    batch_size: int = 32,
    device: str | torch.device = "auto",
) -> Predictor:
    """Load a checkpoint.

    Args:
        path_or_name: a checkpoint's folder, a run's folder (its best checkpoint), or "default"
            for the weights that ship with the package.
        batch_size: gathers computed at once.
        device: where the network runs, see `choose_device`.

    Returns:
        The predictor.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        ValueError: if it is not one.
    """
    path = DEFAULT if str(path_or_name) == "default" else checkpoint_path(Path(path_or_name))
    model, description = load_model(path)
    return Predictor(model, description, batch_size, device=device)
