"""From a network to an ONNX file, compared with torch before it gets its name.

The file is one pass of the network: of a corrector, the first guess alone. The flip average of
`fwi infer` is two calls: one with the gathers, one with `fwi.geometry.flip_gathers` of them, whose
map is mirrored back.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fwi.files import atomic_file
from fwi.models import shots_of
from fwi.models.corrector import Corrector
from fwi.models.network import Network
from fwi.models.sizes import RECORD, Shape

_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
_LARGEST = 2**31  # bytes of a protobuf message, which an ONNX file is
_BATCHES = (1, 3)
_TOLERANCE = 1e-4  # of the range of the map
_ROUNDING = 2e-3  # m/s: four steps of float32 at 4500 m/s, should a map be nearly flat


@dataclass(frozen=True)
class ExportResult:
    """The file that was written.

    Attributes:
        path: of the file.
        n_bytes: its size.
        opset: version of ONNX's operators that it needs.
        difference: the largest between onnxruntime and torch, m/s.
        note: what the file leaves out of the prediction, if anything.
    """

    path: Path
    n_bytes: int
    opset: int
    difference: float
    note: str = ""

    def __str__(self) -> str:
        """Say what was written, and how far it is from torch."""
        said = (
            f"{self.path}: {self.n_bytes / 1e6:.1f} MB, opset {self.opset}, "
            f"within {self.difference:.2g} m/s of torch"
        )
        return f"{said}\n{self.note}" if self.note else said


class _MapAndError(nn.Module):
    """A network whose second output is the expected error of its map."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, gathers: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        prediction = self.network.predict_all(gathers)
        return prediction.velocity, prediction.error


def export(
    model: nn.Module, path: Path, opset: int | None = None, record: Shape = RECORD
) -> ExportResult:
    """Write a network as ONNX, and compare what onnxruntime makes of it with torch.

    The file takes "gathers" (B, S, 1000, 70) float32, any B, S the network's shots, as they were
    recorded, and gives "velocity" (B, 1, 70, 70), m/s; and "error" (B, 1, 70, 70), m/s, where the
    network has a confidence head; or records and maps of the network's own sizes. Outputs must
    agree on noise to 1e-4 of their range, the largest minus the smallest value that torch gives for
    the batch.

    Args:
        model: on the processor, in eval.
        path: of the file, which is replaced.
        opset: version of ONNX's operators; the exporter's default.
        record: time samples and receivers of the gathers.

    Returns:
        What was written, and how far it is from torch.

    Raises:
        ValueError: if the network is too large or works at one batch size alone, or the outputs
            differ; no file is left.
    """
    outputs, names = _outputs(model)
    with atomic_file(path) as temporary:
        written = _write(outputs, names, temporary, opset, record)
        difference = _compare(outputs, names, temporary, record)
    note = ""
    if isinstance(model, Corrector):
        note = "the file makes a corrector's first guess alone; mending it needs the simulator"
    return ExportResult(path, path.stat().st_size, written, difference, note)


def check_installed() -> None:
    """Refuse to begin without the packages of `fwi[export]`.

    Raises:
        ModuleNotFoundError: if one is missing.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise ModuleNotFoundError(
            f"export needs {', '.join(missing)}, which is not installed; "
            "run pip install 'fwi[export]'"
        )


def _outputs(model: nn.Module) -> tuple[nn.Module, list[str]]:
    """Give what is exported, and the names of its outputs."""
    if isinstance(model, Network) and model.error_head is not None:
        return _MapAndError(model).eval(), ["velocity", "error"]
    return model, ["velocity"]


def _write(model: nn.Module, names: list[str], path: Path, opset: int | None, record: Shape) -> int:
    """Write a model with its weights in one file, and give its opset."""
    n_bytes = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    if n_bytes >= _LARGEST:
        raise ValueError(
            f"the weights must be less than {_LARGEST / 1e9:.1f} GB for one ONNX file, "
            f"got {n_bytes / 1e9:.1f} GB; choose a smaller variant"
        )
    program = torch.onnx.export(
        model,
        (_noise(model, 2, record),),  # a batch of 1 would be taken for a constant
        dynamo=True,
        verbose=False,
        input_names=["gathers"],
        output_names=names,
        opset_version=opset,
        dynamic_shapes=({0: torch.export.Dim("batch")},),
    )
    assert program is not None  # for the type checker: only dynamo=False gives none
    program.save(path, external_data=False)
    return int(program.model.opset_imports[""])


def _compare(model: nn.Module, names: list[str], path: Path, record: Shape) -> float:
    """Give the largest difference between onnxruntime and torch, m/s, or refuse it."""
    import onnxruntime  # here, because it is of an extra

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    taken = session.get_inputs()[0].shape
    if isinstance(taken[0], int):  # torch then drops the dynamic axis without a word
        raise ValueError(
            f"the network must take batches of any size to be exported, got one of {taken[0]} "
            "alone; let its code read sizes from .shape, not from len()"
        )
    largest = 0.0
    for batch in _BATCHES:
        gathers = _noise(model, batch, record)
        with torch.inference_mode():
            expected = model(gathers) if len(names) > 1 else (model(gathers),)
        got = session.run(names, {"gathers": gathers.numpy()})
        for name, here, there in zip(names, expected, got, strict=True):
            limit = max(_TOLERANCE * float(np.ptp(here.numpy())), _ROUNDING)
            difference = float(np.abs(there - here.numpy()).max())
            if not difference <= limit:
                raise ValueError(
                    f"{name} of the ONNX file must be within {limit:.2g} m/s of torch's, got "
                    f"{difference:.2g} m/s in a batch of {batch}; set another export.opset"
                )
            largest = max(largest, difference)
    return largest


def _noise(model: nn.Module, batch: int, record: Shape) -> torch.Tensor:
    """Make noise with the amplitudes of gathers: mostly small, now and then a direct wave."""
    generator = torch.Generator().manual_seed(batch)
    network = model.network if isinstance(model, _MapAndError) else model
    return torch.randn(batch, shots_of(network), *record, generator=generator) ** 3
