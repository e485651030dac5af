"""Functions compiled for the processor, whose code is kept from one process to the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def kept_njit(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """`numba.njit` that keeps what it compiles beside its file or, failing that, in the home.

    Where neither can be written to, as in a container whose package and home are read-only, it is
    compiled anew in each process: a minute, where numba would refuse to import. A folder that
    others may write to is no place for code that is run.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:  # no place for the cache
            return njit(**options)(function)

    return decorate
