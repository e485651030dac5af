"""What many pieces of work have in common travels to a process once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pickle import Unpickler
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Shared(Generic[Value]):
    """A value that many pieces hold, such as a network.

    Attributes:
        value: which nobody changes.
    """

    value: Value


def pack(thing: Any) -> tuple[bytes, list[Shared[Any]]]:
    """Pickle something for another process, and give apart what it shares with others."""
    from ray.cloudpickle import CloudPickler

    shared: list[Shared[Any]] = []

    class Packer(CloudPickler):
        def persistent_id(self, part: Any) -> int | None:
            """Leave a shared value out, for its number."""
            if not isinstance(part, Shared):
                return None
            if part not in shared:
                shared.append(part)
            return shared.index(part)

    file = BytesIO()
    Packer(file).dump(thing)
    return file.getvalue(), shared


def unpack(packed: bytes, shared: Callable[[int], Shared[Any]]) -> Any:
    """Undo `pack`.

    Args:
        packed: by another process of this user.
        shared: from a number to what stood there.
    """

    class Opener(Unpickler):
        def persistent_load(self, number: Any) -> Shared[Any]:
            """Put a shared value in again."""
            return shared(number)

    return Opener(BytesIO(packed)).load()
