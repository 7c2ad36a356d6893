"""Directory listings, read once each."""

import os
from collections.abc import Mapping
from pathlib import Path

DIRECTORY = True
FILE = False


class Listings:
    """What directories hold; file system calls cost more than everything else in a look-up."""

    def __init__(self) -> None:
        self._known: dict[str, Mapping[str, bool]] = {}

    def entries(self, directory: Path) -> Mapping[str, bool]:
        """Return the names in a directory, each with ``DIRECTORY`` or ``FILE``; empty if none."""
        key = str(directory)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _scan(key)
        return found

    def has_file(self, directory: Path, name: str) -> bool:
        """Whether the directory holds a file of that name."""
        return self.entries(directory).get(name) is FILE

    def has_directory(self, directory: Path, name: str) -> bool:
        """Whether the directory holds a directory of that name."""
        return self.entries(directory).get(name) is DIRECTORY


def _scan(directory: str) -> Mapping[str, bool]:
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
