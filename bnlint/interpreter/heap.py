"""Everything mutable in a rehearsal, with cheap copies of its state for paths that branch."""

from collections.abc import Callable
from typing import TypeAlias

from bnlint.interpreter.values import Value

Container: TypeAlias = dict[str, Value] | dict[Value, Value] | list[Value] | set[Value]
Contents: TypeAlias = dict[Value, Value] | list[Value] | set[Value]


class Snapshot:
    """The state at one moment: the contents of all containers that have changed since."""

    __slots__ = ("saved", "structure")

    def __init__(self, structure: int) -> None:
        self.saved: dict[int, tuple[Container, Contents]] = {}
        self.structure = structure


class Heap:
    """Saves a container's contents for every live snapshot before it first changes.

    Call ``touch`` before any change to a container that may be older than a snapshot.
    """

    def __init__(self, structure: int = 0) -> None:
        self._live: list[Snapshot] = []
        self.structure = structure
        """Changes whenever it may have changed which modules hold which."""

    def touch(self, container: Container) -> None:
        """Announce that ``container`` is about to change."""
        key = id(container)
        copy: Contents | None = None
        for snapshot in self._live:
            if key not in snapshot.saved:
                if copy is None:
                    copy = container.copy()  # type: ignore[assignment]
                snapshot.saved[key] = (container, copy)  # type: ignore[assignment]

    def put(self, names: dict[str, Value], name: str, value: Value) -> None:
        """Set one entry."""
        if self._live:
            self.touch(names)
        names[name] = value

    def snapshot(self) -> Snapshot:
        """Remember the present state until it is dropped."""
        made = Snapshot(self.structure)
        self._live.append(made)
        return made

    def drop(self, snapshot: Snapshot) -> None:
        """Forget a remembered state."""
        self._live.remove(snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a remembered state and forget it."""
        self._leave(snapshot)
        for container, contents in snapshot.saved.values():
            self.touch(container)
            _fill(container, contents)

    def merge(self, snapshot: Snapshot, join: Callable[[Contents, Contents], Contents]) -> None:
        """Join a remembered state into the present one and forget it."""
        self._leave(snapshot)
        for container, contents in snapshot.saved.values():
            joined = join(contents, container)  # type: ignore[arg-type]
            self.touch(container)
            _fill(container, joined)

    def _leave(self, snapshot: Snapshot) -> None:
        self.drop(snapshot)
        if self.structure != snapshot.structure:
            self.structure += 1


def _fill(container: Container, contents: Contents) -> None:
    container.clear()
    if isinstance(container, list):
        container.extend(contents)
    else:
        container.update(contents)  # type: ignore[arg-type]
