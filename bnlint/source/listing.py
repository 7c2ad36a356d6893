"""Directory listings, read once each."""

import os
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

DIRECTORY = True
FILE = False


class Listings:
    """What directories hold; file system calls cost more than everything else in a look-up."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, bool]] = {}
        self.names: dict[str, set[str]] = defaultdict(set)
        """The single names that were asked for, by directory."""
        self.whole: dict[str, Mapping[str, bool]] = {}
        """The directories whose entries were all asked for."""

    def entries(self, directory: Path) -> Mapping[str, bool]:
        """Return the names in a directory, each with ``DIRECTORY`` or ``FILE``; empty if none."""
        found = self.whole[str(directory)] = self.known(str(directory))
        return found

    def known(self, key: str) -> Mapping[str, bool]:
        """The same of a directory that nobody is told to have asked for."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = scan(key)
        return found

    def has_file(self, directory: Path, name: str) -> bool:
        """Whether the directory holds a file of that name."""
        return self.kind(directory, name) is FILE

    def has_directory(self, directory: Path, name: str) -> bool:
        """Whether the directory holds a directory of that name."""
        return self.kind(directory, name) is DIRECTORY

    def kind(self, directory: Path, name: str) -> bool | None:
        """``DIRECTORY``, ``FILE``, or ``None`` where there is nothing of that name."""
        key = str(directory)
        self.names[key].add(name)
        return self.known(key).get(name)


def scan(directory: str) -> Mapping[str, bool]:
    """The names in a directory as they are now."""
    try:
        with os.scandir(directory) as entries:
            return {entry.name: _is_directory(entry) for entry in entries}
    except OSError:
        return {}


def _is_directory(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
