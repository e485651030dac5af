"""What a checkpoint's JSON says, and its reading: nothing in it is trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from fwi.files import settled_folder
from fwi.inference.conditions import Conditions

FORMAT = 2  # 1 had no conditions
_LARGEST = 2**24  # bytes: the history of some ten thousand epochs


@dataclass(frozen=True)
class Description:
    """What a checkpoint's JSON says.

    Attributes:
        model: registered name.
        variant: of the model.
        options: that replaced the variant's.
        epoch: epochs that were trained.
        metrics: of the validation after that epoch.
        history: the metrics of every epoch so far.
        config: the training section of the config.
        data: the store's recipe.
        conditions: what the gathers were like; unknown in checkpoints of format 1.
        format: version of this layout.
    """

    model: str
    variant: str | None
    options: dict[str, Any]
    epoch: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    conditions: Conditions | None = None
    format: int = FORMAT


_NAMES = {f.name for f in fields(Description)}
_adapter = TypeAdapter(Description)


def read_description(path: Path) -> Description:
    """Read a checkpoint's JSON.

    Raises:
        FileNotFoundError: if there is no checkpoint.
        ValueError: if the folder is not one that this version reads.
    """
    file = settled_folder(path) / "checkpoint.json"
    if not file.is_file():
        raise FileNotFoundError(f"{path} is not a checkpoint: it has no checkpoint.json")
    values = _read(file)
    found = values.get("format") if isinstance(values, dict) else None
    if type(found) is int and found > FORMAT:
        raise ValueError(f"{file} has format {found:.20g}, this version reads {FORMAT}; update fwi")
    names = _NAMES if found == FORMAT else _NAMES - {"conditions"}
    if type(found) is not int or found < 1 or set(values) != names:
        raise ValueError(
            f"{file} must hold the keys {', '.join(sorted(_NAMES))} of a checkpoint, "
            "got something else; give the folder of a checkpoint"
        )
    try:
        return _adapter.validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        fault = error.errors()[0]
        name = ".".join(map(str, fault["loc"]))[:80] or "what is nested"
        raise ValueError(
            f"{name} of {file} does not fit: {fault['msg'][:120]}, got {fault['input']!r:.60}; "
            "copy the checkpoint again"
        ) from None


def _read(file: Path) -> Any:
    size = file.stat().st_size
    if size > _LARGEST:
        raise ValueError(
            f"{file} must be at most {_LARGEST} bytes, got {size}; give the folder of a checkpoint"
        )
    try:
        return json.loads(file.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        said = str(error).splitlines()[0][:120]
        raise ValueError(f"{file} is not readable JSON: {said}; copy it again") from None
