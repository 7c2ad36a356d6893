"""What ``fvcore.common.registry`` does, for the interpreter to execute."""

from collections.abc import Callable
from typing import Any


class Registry:
    """Objects by their names."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.entries: dict[str, Any] = {}

    def register(self, entry: Any = None) -> Any:
        """Enter a class or a function under its own name; without one, a decorator that does so."""
        if entry is None:
            return self.decorator()
        self.entries[entry.__name__] = entry
        return entry

    def decorator(self) -> Callable[[Any], Any]:
        """What enters that which it decorates."""

        def enter(entry: Any) -> Any:
            self.entries[entry.__name__] = entry
            return entry

        return enter

    def get(self, name: str) -> Any:
        """The entry of a name."""
        return self.entries[name]

    def __getitem__(self, name: str) -> Any:
        return self.entries[name]

    def __contains__(self, name: str) -> bool:
        return name in self.entries
