"""A network with its weights, on NumPy arrays."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fwi import checks
from fwi.arrays import Array
from fwi.checks import check_gathers, check_velocity, warn_unusual
from fwi.config import as_path
from fwi.data.blocks import blocks
from fwi.data.store import Store
from fwi.inference.checkpoint import load_model
from fwi.inference.conditions import Conditions, check_shape
from fwi.inference.description import Description
from fwi.inference.ensemble import flip_averaged
from fwi.inference.intake import as_floats
from fwi.inference.precision import autocast, choose_device, choose_precision
from fwi.models import map_shape_of, shots_of
from fwi.models.network import Prediction, predict_all
from fwi.runs import checkpoint_path

DEFAULT = Path(__file__).parents[1] / "weights" / "default"
_LOOKED_AT = 8  # samples of a call whose traits are compared: a millisecond or three each


class Predictor:
    """A network with its weights, on NumPy arrays.

    Args:
        model: raw gathers (B, S, T, R) to velocity (B, 1, Z, X), m/s.
        description: of its checkpoint, if it has one.
        batch_size: gathers computed at once, which bounds the memory.
        precision: "auto", "float32" or "bfloat16".
        device: where it runs, see `choose_device`.

    Raises:
        ValueError: if the batch size is below 1, or precision or device is unknown.
    """

    def __init__(
        self,
        model: nn.Module,
        description: Description | None = None,
        batch_size: int = 32,
        precision: str = "auto",
        device: str | torch.device = "auto",
    ) -> None:
        whole = isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool)
        if not whole or batch_size < 1:
            raise ValueError(f"batch_size must be a whole number from 1, got {batch_size!r}")
        self.device = choose_device(device)
        self.model = model.to(self.device).to(memory_format=torch.channels_last).eval()
        self.description, self.batch_size = description, batch_size
        self.precision = choose_precision(precision, self.device)
        self._asked = precision, device
        self._said: set[str] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to another process, which chooses device and precision anew."""
        model = copy.deepcopy(self.model).cpu()
        return Predictor, (model, self.description, self.batch_size, *self._asked)

    @property
    def map_shape(self) -> tuple[int, int]:
        """Rows and columns of the maps."""
        return map_shape_of(self.model)

    @property
    def conditions(self) -> Conditions | None:
        """What the network was trained on, where its checkpoint says."""
        return None if self.description is None else self.description.conditions

    def predict(self, gathers: Any, tta: bool = True) -> Array:
        """Predict velocity maps.

        Args:
            gathers: (B, S, T, R), S at least the network's shots: an array, a tensor or nested
                lists of real numbers, as recorded; they are decimated here if those of the
                training were.
            tta: average with the prediction of the mirrored gathers.

        Returns:
            Velocity (B, Z, X) float32, m/s.

        Raises:
            ValueError: if the shape or a value does not fit, or the network was trained on
                records of another size.
            TypeError: if the gathers are no real numbers.

        Warns:
            UnusualInput: if they are unlike what the network was trained on.
        """
        velocity: Array = self.predict_all(gathers, tta).velocity
        return velocity

    def predict_all(self, gathers: Any, tta: bool = True) -> Prediction:
        """Predict maps, and all that the network's other heads say of them.

        Args:
            gathers: as in `predict`.
            tta: average everything with what is said of the mirrored gathers.

        Returns:
            Arrays, float32: velocity (B, Z, X), m/s; error, the typical absolute error of each
            cell (B, Z, X), m/s, or none without a confidence head; family, probabilities (B, n),
            or none without a family head.

        Raises:
            ValueError: as in `predict`.
            TypeError: likewise.
        """
        if not isinstance(tta, bool | np.bool_):
            raise TypeError(f"tta must be True or False, got {tta!r}")
        gathers = self._check(gathers, bool(tta))
        ask = (lambda part: flip_averaged(self._ask, part)) if tta else self._ask
        return self._in_batches(ask, gathers)

    def check_shape(self, shape: Sequence[int], tta: bool = False) -> None:
        """Refuse gathers (B, S, T, R) of a shape that the network was not made for.

        Args:
            shape: of the gathers.
            tta: whether they are to be mirrored too.

        Raises:
            ValueError: if shots, time samples or receivers do not fit.
        """
        check_shape(shape, shots_of(self.model), self.conditions, tta)

    def check_store(self, store: Store) -> None:
        """Refuse a store that was recorded otherwise than what the network was trained on.

        Raises:
            ValueError: if a recorded quantity differs; unknown ones are passed over.
        """
        if self.conditions is not None:
            self.conditions.check_recording(store, shots_of(self.model))

    def correct(self, gathers: Any, velocity: Any) -> Array:
        """Mend any maps by one pass of a corrector; do it again with what comes out, if you like.

        Args:
            gathers: observed, (B, S, 1000, 70), S at least the network's shots.
            velocity: (B, 70, 70) or (B, 1, 70, 70), m/s, of this or another network.

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
        gathers, velocity = self._check(gathers), as_floats("velocity", velocity)
        if velocity.ndim == 4 and velocity.shape[1] == 1:
            velocity = velocity[:, 0]
        check_velocity(velocity, *self.map_shape)
        checks.check_shape(
            "velocity", velocity, (len(gathers), *self.map_shape), "give one map a sample"
        )
        checks.warn_of_unit("velocity", float(velocity.max()))
        mended: Array = self._in_batches(self._mend, gathers, velocity).velocity
        return mended

    def fingerprint(self) -> int:
        """CRC-32 of the weights: the same network predicts the same maps."""
        value = 0
        for tensor in self.model.state_dict().values():
            value = zlib.crc32(tensor.cpu().contiguous().numpy().tobytes(), value)
        return value

    def _check(self, given: Any, tta: bool = False) -> Array:
        gathers = as_floats("gathers", given)
        check_gathers(gathers, None, None, None)
        if self.conditions is not None:
            gathers = self.conditions.decimated(gathers)
        self.check_shape(gathers.shape, tta)
        self._warn(gathers[:, : shots_of(self.model)])
        return gathers

    def _warn(self, gathers: Array) -> None:
        """Warn of gathers that are unlike the training's, once in each way."""
        if self.conditions is None:
            return
        looked_at = np.unique(np.linspace(0, len(gathers) - 1, _LOOKED_AT).astype(int))
        found = self.conditions.unusual(gathers[looked_at])
        new = [said for said in found if said.split(" is ")[0] not in self._said]
        if new:
            self._said |= {said.split(" is ")[0] for said in new}
            more = f" (and {len(new) - 1} more unlike)" if len(new) > 1 else ""
            warn_unusual(f"gathers are unlike what the network was trained on: {new[0]}{more}")

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
    """Predict every sample of a store, a batch in memory at a time: (n, Z, X) m/s.

    Raises:
        ValueError: if the store was recorded otherwise than what the network was trained on.
    """
    predictor.check_store(store)
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
        TypeError: if a path is none.
        ValueError: if it is not one.
    """
    path = as_path("a checkpoint", path_or_name)
    path = path if path.name else path.absolute()
    path = DEFAULT if str(path) == "default" else checkpoint_path(path)
    model, description = load_model(path)
    return Predictor(model, description, batch_size, device=device)
