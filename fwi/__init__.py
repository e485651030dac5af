"""Seismic shot gathers in, velocity maps out.

Every name below is imported when it is first used, so that `import fwi` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fwi import families
    from fwi.competition import submission
    from fwi.inference.predictor import load
    from fwi.inversion import refine
    from fwi.models import create_model
    from fwi.physics.simulator import linearize, simulate
    from fwi.stages import run

_HOMES = {
    "create_model": "fwi.models",
    "families": "fwi.families",
    "linearize": "fwi.physics.simulator",
    "load": "fwi.inference.predictor",
    "refine": "fwi.inversion",
    "run": "fwi.stages",
    "simulate": "fwi.physics.simulator",
    "submission": "fwi.competition.submission",
}

__all__ = [
    "create_model",
    "families",
    "linearize",
    "load",
    "refine",
    "run",
    "simulate",
    "submission",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'fwi' has no attribute {name!r}")
    home = import_module(_HOMES[name])
    return home if _HOMES[name].endswith("." + name) else getattr(home, name)


def __dir__() -> list[str]:
    return __all__
