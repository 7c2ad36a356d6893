"""What an import statement means inside a project."""

import os
import sys
from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.source import lookups
from bnlint.source.data_files import DataFiles
from bnlint.source.listing import Listings
from bnlint.source.lookups import Lookup
from bnlint.source.search_paths import added_folders
from bnlint.source.unreadable import Unreadable
from bnlint.vocabulary.packages import NEVER_OURS, THIRD_PARTY

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
"""What stands in the root folder of a project."""
_LEVELS_WITHOUT_MARKER = 4


class Project:
    """The project files that are read, and how their imports lead from one to another.

    ``overrides`` stand in for files on disk (an editor's buffer, text from standard input).
    ``unreadable`` remembers imported files that could not be read.
    """

    def __init__(self, overrides: "Mapping[Path, SourceFile] | None" = None) -> None:
        self.unreadable: dict[Path, Unreadable] = {}
        self._overrides = {_absolute(path): file for path, file in (overrides or {}).items()}
        self._files: dict[Path, SourceFile] = {}
        self._read_from: set[Path] = set()
        """The folders of the files read so far."""
        self._added: list[Path] = []
        """The folders of the project that files read so far put on ``sys.path``."""
        self._roots: dict[Path, Path] = {}
        self._located: dict[tuple[str, int, Path], Path | None] = {}
        self._folders: dict[Path, Path] = {}
        """The folder of each importer; asking the operating system is slow."""
        self._listings = Listings()
        self.data = DataFiles()
        for path, source in self._overrides.items():
            self.search_for(path, source.content)

    @property
    def overrides(self) -> "tuple[SourceFile, ...]":
        """The files that stand in for those on disk."""
        return tuple(self._overrides.values())

    @property
    def files(self) -> "tuple[SourceFile, ...]":
        """All files read so far, in reading order."""
        return tuple(self._files.values())

    def lookups(self) -> tuple[Lookup, ...]:
        """What was asked of the file system so far, but for the Python files that were read."""
        listings = self._listings
        some = (
            lookups.kinds(path, own, listings.known(path)) for path, own in listings.names.items()
        )
        every = (lookups.entries(path, names) for path, names in listings.whole.items())
        return *some, *every, *self.data.lookups()

    def load(self, path: Path, display: str | None = None) -> "SourceFile":
        """Read a file, at most once; raises :class:`Unreadable`."""
        file = _absolute(path)
        if file in self._files:
            return self._files[file]
        if file in self.unreadable:
            raise self.unreadable[file]
        from bnlint.source.file import read

        try:
            source = self._overrides[file] if file in self._overrides else read(file, display)
        except Unreadable as error:
            self.unreadable[file] = error
            raise
        self._files[file] = source
        self.search_for(file, source.content)
        return source

    def search_for(self, file: Path, content: str) -> None:
        """Search from now on also where a file's own imports lead: it may be the script that is run.

        That is its folder, and folders of the project that its code puts on ``sys.path``.
        """
        folder = file.parent
        if folder not in self._read_from:
            self._read_from.add(folder)
            self._located.clear()
        for parts in added_folders(content):
            bases = [*_upwards(folder, self.root_of(folder))]
            ends = (parts[start:] for start in range(len(parts)))
            places = (base.joinpath(*end) for end in ends for base in bases)
            found = next((place for place in places if self._is_folder(place)), None)
            if found is not None and found not in self._added:
                self._added.append(found)
                self._located.clear()

    def root_of(self, path: Path) -> Path:
        """Return the project's root folder for a file or folder in it.

        It is the nearest ancestor with pyproject.toml, setup.py, setup.cfg or .git; without one, the
        fourth ancestor at most, below the home directory and the file system's root.
        """
        folder = _absolute(path)
        if not self._is_folder(folder):
            folder = folder.parent
        if folder not in self._roots:
            self._roots[folder] = self._find_root(folder)
        return self._roots[folder]

    def resolve(self, name: str, level: int, importer: Path) -> "SourceFile | Path | None":
        """Return the file or namespace folder that an import in ``importer`` means, if of the project.

        ``level`` counts the dots of ``from ..name import``. ``None``: not of the project, or
        unreadable.
        """
        return self._open(self.locate(name, level, importer))

    def locate(self, name: str, level: int, importer: Path) -> Path | None:
        """The same, without reading the file."""
        folder = self._folders.get(importer)
        if folder is None:
            folder = self._folders[importer] = _absolute(importer).parent
        key = (name, level, folder)
        if key not in self._located:
            self._located[key] = self._locate(name, level, folder)
        return self._located[key]

    def _locate(self, name: str, level: int, folder: Path) -> Path | None:
        parts = name.split(".") if name else []
        if not all(parts) or not (parts or level):
            return None
        if level:
            above = [*_upwards(folder, self.root_of(folder))]
            return self._find(above[level - 1], parts) if level <= len(above) else None
        namespace: Path | None = None
        for root in self._search_path(parts[0], folder):
            found = self._find(root, parts)
            if found is not None and not self._is_folder(found):
                return found
            namespace = namespace or found
        return namespace

    def _search_path(self, package: str, folder: Path) -> Iterator[Path]:
        """Yield where a script of this project may look; folders that are packages come last."""
        if package in NEVER_OURS or package in sys.builtin_module_names:
            return
        chain = [*_upwards(folder, self.root_of(folder)), *self._scripts_above(folder)]
        packages = [root for root in chain if self._has_file(root, "__init__.py")]
        top = self.root_of(folder)
        added = [root for root in self._added if root.is_relative_to(top) and root not in chain]
        plain = [*(root for root in chain if root not in packages), *added]
        if package in sys.stdlib_module_names:
            yield from plain[: len(plain) - len(added)]
            return
        if package in THIRD_PARTY:
            yield from plain
            return
        for root in plain + packages:
            yield root
            if self._has_folder(root, "src"):
                yield root / "src"

    def _scripts_above(self, folder: Path) -> Iterator[Path]:
        """Yield folders above the root that hold a file that was read: scripts import from there."""
        root = self.root_of(folder)
        above = list(_upwards(root.parent, Path(folder.anchor)))[:_LEVELS_WITHOUT_MARKER]
        if root != root.parent:
            yield from (candidate for candidate in above if candidate in self._read_from)

    def _find(self, folder: Path, parts: list[str]) -> Path | None:
        """Follow a dotted name from a folder; the file, or the folder of a namespace package."""
        for part in parts[:-1]:
            if not self._has_folder(folder, part):
                return None
            folder = folder / part
        if not parts:
            return self._package(folder)
        last = parts[-1]
        if self._has_folder(folder, last) and self._has_file(folder / last, "__init__.py"):
            return folder / last / "__init__.py"
        if self._has_file(folder, last + ".py"):
            return folder / (last + ".py")
        return folder / last if self._has_folder(folder, last) else None

    def _package(self, folder: Path) -> Path | None:
        if self._has_file(folder, "__init__.py"):
            return folder / "__init__.py"
        return folder if self._is_folder(folder) else None

    def _open(self, found: Path | None) -> "SourceFile | Path | None":
        if found is None or self._is_folder(found):
            return found
        try:
            return self.load(found)
        except Unreadable:
            return None

    def has_file(self, path: Path) -> bool:
        """Whether there is such a file, on disk or among the texts that replace it."""
        return self._has_file(path.parent, path.name)

    def entries(self, folder: Path) -> "Mapping[str, bool]":
        """The names in a folder; none when it cannot be read."""
        return self._listings.entries(folder)

    def _has_file(self, folder: Path, name: str) -> bool:
        return self._listings.has_file(folder, name) or folder / name in self._overrides

    def _has_folder(self, folder: Path, name: str) -> bool:
        return self._listings.has_directory(folder, name)

    def _is_folder(self, path: Path) -> bool:
        """Whether there is such a folder; that of the file system's root is in none."""
        return path == path.parent or self._listings.has_directory(path.parent, path.name)

    def _find_root(self, folder: Path) -> Path:
        candidates = list(_upwards(folder, Path(folder.anchor)))
        for candidate in candidates:
            if any(self._listings.kind(candidate, marker) is not None for marker in MARKERS):
                return candidate
        barred = (Path(folder.anchor), Path(os.path.expanduser("~")))
        below = list(takewhile(lambda candidate: candidate not in barred, candidates))
        return below[: _LEVELS_WITHOUT_MARKER + 1][-1] if below else folder


def _upwards(folder: Path, top: Path) -> Iterator[Path]:
    while True:
        yield folder
        if folder in (top, folder.parent):
            return
        folder = folder.parent


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path))
