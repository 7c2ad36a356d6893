"""Everything mutable in a rehearsal, with cheap copies of its state for paths that branch."""

from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import TypeAlias, cast

from bnlint.interpreter.core.values import Value

Container: TypeAlias = dict[str, Value] | dict[Value, Value] | list[Value] | set[Value]
Contents: TypeAlias = dict[Value, Value] | list[Value] | set[Value]


class Snapshot:
    """The state at one moment: the contents of all containers that have changed since."""

    __slots__ = ("clock", "saved", "structure")

    def __init__(self, structure: int, clock: int) -> None:
        self.saved: dict[int, tuple[Container, Contents]] = {}
        self.structure = structure
        self.clock = clock

    def changed(self) -> Iterator[dict[str, Value]]:
        """The entries of objects, as they are now, some of which have changed since."""
        for container, _ in self.saved.values():
            if isinstance(container, dict):
                yield cast(dict[str, Value], container)


class Watch:
    """The values that entries had, on any path, when something was called that may raise."""

    __slots__ = ("_latest", "seen")

    def __init__(self) -> None:
        self.seen: dict[int, tuple[dict[str, Value], dict[str, list[Value]]]] = {}
        self._latest: dict[tuple[int, str], tuple[dict[str, Value], Value]] = {}

    def note(self, names: dict[str, Value], name: str, value: Value) -> None:
        """An entry is set."""
        self._latest[id(names), name] = names, value

    def look(self) -> None:
        """Something is called that may raise."""
        for (_, name), (names, value) in self._latest.items():
            self.see(names, name, value)
        self._latest.clear()

    def see(self, names: dict[str, Value], name: str, value: Value) -> None:
        """An entry has a value when something raises."""
        values = self.values(names, name)
        if not values or values[-1] is not value:
            values.append(value)

    def values(self, names: dict[str, Value], name: str) -> list[Value]:
        """The values that one entry had, to be changed in place."""
        return self.seen.setdefault(id(names), (names, {}))[1].setdefault(name, [])

    def entries(self) -> Iterator[tuple[dict[str, Value], str, list[Value]]]:
        """Each entry that was set, with its values."""
        for names, entries in self.seen.values():
            for name, values in entries.items():
                if values:
                    yield names, name, values


class Heap:
    """Saves a container's contents for every live snapshot before it first changes.

    Call ``touch`` before any change to a container that may be older than a snapshot.
    """

    def __init__(self, structure: int = 0) -> None:
        self._live: list[Snapshot] = []
        self._watches: list[Watch] = []
        self._clock = 0
        self._births: dict[int, int] = {}
        """When containers were made: no path that parted before knows of them."""
        self.structure = structure
        """Changes whenever it may have changed which modules hold which."""

    def touch(self, container: Container) -> None:
        """Announce that ``container`` is about to change."""
        key = id(container)
        if not self._live or key in self._live[-1].saved:
            return  # what a snapshot has saved, all older ones have that need it
        birth = self._births.get(key, 0)
        if birth > self._live[-1].clock:
            return
        saved = container, cast(Contents, container.copy())
        for snapshot in reversed(self._live):
            if key in snapshot.saved or birth > snapshot.clock:
                return
            snapshot.saved[key] = saved

    def new(self, container: Container) -> None:
        """Announce that ``container`` has just been made."""
        if self._live:
            self._births[id(container)] = self._clock

    def is_newer(self, container: Container, snapshot: Snapshot) -> bool:
        """Whether a container was announced as new since a snapshot that is live."""
        return self._births.get(id(container), 0) > snapshot.clock

    def discover(
        self,
        names: dict[str, Value],
        name: str,
        value: Value,
        part: dict[str, Value],
        shared: str | None = None,
    ) -> None:
        """Enter what was there before anybody looked.

        ``part`` are its own entries; ``shared`` is one that was always the same in both.
        """
        names[name] = value
        for snapshot in self._live:
            before = dict(part)
            saved = snapshot.saved.get(id(names))
            if saved is not None and isinstance(saved[1], dict):
                saved[1].setdefault(name, value)
                if shared is not None and shared in saved[1]:
                    before[shared] = saved[1][shared]
            if shared is not None:
                snapshot.saved[id(part)] = part, cast(Contents, before)

    def put(self, names: dict[str, Value], name: str, value: Value) -> None:
        """Set one entry."""
        if self._live:
            self.touch(names)
        for watch in self._watches:
            watch.note(names, name, value)
        names[name] = value

    def remove(self, names: dict[str, Value], name: str) -> None:
        """Take one entry away."""
        self.touch(names)
        names.pop(name, None)

    def fill(self, container: Container, contents: Contents) -> None:
        """Set all entries."""
        self.touch(container)
        _fill(container, contents)

    @contextmanager
    def watched(self, *, alone: bool = False) -> Iterator[Watch]:
        """See every entry that is set meanwhile; ``alone`` means that nobody else does."""
        watch, others = Watch(), self._watches
        self._watches = [watch] if alone else [*others, watch]
        try:
            yield watch
        finally:
            self._watches = others

    @contextmanager
    def given_back(self, names: dict[str, Value], name: str) -> Iterator[None]:
        """An entry that is set meanwhile is set back whatever happens: nobody outside sees it."""
        seen = [watch.values(names, name) for watch in self._watches]
        lengths = [len(values) for values in seen]
        yield
        for values, length in zip(seen, lengths, strict=True):
            del values[length:]

    def look(self) -> None:
        """Announce that something is called that may raise."""
        for watch in self._watches:
            watch.look()

    @property
    def is_watched(self) -> bool:
        """Whether anybody sees what is set."""
        return bool(self._watches)

    def see(self, names: dict[str, Value], name: str) -> None:
        """Let those who watch see an entry as it is."""
        for watch in self._watches:
            if name in names:
                watch.see(names, name, names[name])

    def snapshot(self) -> Snapshot:
        """Remember the present state until it is dropped."""
        made = Snapshot(self.structure, self._clock)
        self._clock += 1
        self._live.append(made)
        return made

    def drop(self, snapshot: Snapshot) -> None:
        """Forget a remembered state."""
        self._live.remove(snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a remembered state and forget it."""
        self._leave(snapshot)
        for container, contents in snapshot.saved.values():
            self.fill(container, contents)

    def merge(
        self,
        snapshot: Snapshot,
        join: Callable[[Contents, Contents], Contents],
        apart: Set[int] = frozenset(),
    ) -> None:
        """Join a remembered state into the present one and forget it.

        ``apart`` are the identities of containers that are filled afterwards, whatever they hold.
        """
        self._leave(snapshot)
        for key, (container, contents) in snapshot.saved.items():
            if key in apart:
                continue
            joined = join(contents, container)  # type: ignore[arg-type]
            self.fill(container, joined)

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
