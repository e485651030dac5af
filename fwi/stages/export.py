"""export: from a checkpoint to an ONNX file."""

from __future__ import annotations

from fwi.config import Config
from fwi.files import check_free
from fwi.inference.export import ExportResult, check_installed, export
from fwi.inference.predictor import load
from fwi.models.sizes import RECORD
from fwi.runs import run_of


def run(config: Config, *, force: bool = False) -> ExportResult:
    """Write a checkpoint's network as ONNX, checked against torch, see `fwi.inference.export`.

    Args:
        config: reads `export`, and `name`, `runs` for what it leaves open.
        force: replace a file that is there.

    Returns:
        What was written, and how far it is from torch.

    Raises:
        FileExistsError: if the file is there, without `force`.
        FileNotFoundError: if there is no such checkpoint.
        ModuleNotFoundError: if the packages of `fwi[export]` are not installed.
        ValueError: if the checkpoint is damaged or cannot be exported; no file is left.
    """
    section, there = config.export, run_of(config)
    check_installed()
    out = check_free(section.out or there.onnx, force)
    predictor = load(section.checkpoint or there.path, device="cpu")
    known = predictor.conditions
    record = RECORD if known is None else (known.samples, known.receivers)
    return export(predictor.model, out, section.opset, record)
