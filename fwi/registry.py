"""Things by name: one decorator to add one, one sentence for a name that nothing has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from inspect import signature
from typing import Any, TypeVar

Thing = TypeVar("Thing")
Added = TypeVar("Added")


class Registry(Mapping[str, Thing]):
    """A mapping from names to what is registered under them, in the order of registration.

    Args:
        kind: what the things are called in errors, such as "model".
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._things: dict[str, Thing] = {}

    def add(self, name: str, thing: Thing) -> None:
        """File a thing under a name.

        Raises:
            ValueError: if the name is taken.
        """
        self._check_free(name)
        self._things[name] = thing

    def register(self, name: str) -> Callable[[Added], Added]:
        """Return a decorator that files what it decorates under a name, and hands it back.

        Raises:
            ValueError: if the name is taken.
        """
        self._check_free(name)

        def register(thing: Added) -> Added:
            self.add(name, thing)  # type: ignore[arg-type]
            return thing

        return register

    def build(self, name: str, *args: Any, **options: Any) -> Any:
        """Call what is registered under a name.

        Raises:
            KeyError: if the name is unknown; it names the nearest.
            TypeError: if it takes no such option; it names the nearest.
        """
        thing: Any = self[name]
        parameters = list(signature(thing).parameters.values())[len(args) :]
        known = [p.name for p in parameters if p.kind != p.VAR_KEYWORD]
        for option in options if len(known) == len(parameters) else ():
            if option not in known:
                raise TypeError(
                    f"unknown option {option!r} of {self.kind} {name}; {nearest(option, known)}"
                )
        return thing(*args, **options)

    def __getitem__(self, name: str) -> Thing:
        """Look a thing up.

        Raises:
            KeyError: if the name is unknown; it names the nearest.
        """
        if not isinstance(name, str):
            raise TypeError(f"{self.kind} must be a name, got {type(name).__name__}")
        if name not in self._things:
            raise KeyError(f"unknown {self.kind} {name[:60]!r}; {nearest(name, self._things)}")
        return self._things[name]

    def __contains__(self, name: object) -> bool:
        """Say whether a name is known."""
        return isinstance(name, str) and name in self._things

    def __iter__(self) -> Iterator[str]:
        """Go through the names."""
        return iter(self._things)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._things)

    def _check_free(self, name: str) -> None:
        if name in self._things:
            raise ValueError(f"{self.kind} {name!r} is registered already; choose another name")


def nearest(name: str, known: Iterable[str]) -> str:
    """Say which known names resemble an unknown one, in any case of letters, or list them all.

    Args:
        name: what was asked for.
        known: what there is.

    Returns:
        The end of an error sentence, such as ``did you mean 'unet'?``.
    """
    names = {known_name.lower(): known_name for known_name in sorted(known)}
    close = difflib.get_close_matches(str(name)[:60].lower(), names, n=3, cutoff=0.5)
    if close:
        return "did you mean " + " or ".join(repr(names[n]) for n in close) + "?"
    return "known: " + ", ".join(names.values()) if names else "there is none"
