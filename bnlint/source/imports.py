"""Which file of a project an import means, for all that read, rehearse or execute its code."""

import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice, takewhile
from pathlib import Path

from bnlint.source.listing import Listings
from bnlint.vocabulary.packages import NEVER_OURS, THIRD_PARTY

MARKERS = ("pyproject.toml", "setup.py", "setup.cfg", ".git")
"""What stands in the root folder of a project."""
_INIT = "__init__.py"
_LEVELS_WITHOUT_MARKER = 4
_PATH_CHANGED = re.compile(r"sys\.path\.(?:append|insert|extend)\b|sys\.path\s*(?:\+=|\[|=)")
_WRITTEN_PATH = re.compile(r"""(["'])([\w./-]*[A-Za-z][\w./-]*)\1""")
_MOST_PATHS = 32
"""Written paths of one file that are looked at."""


def is_well_known(package: str) -> bool:
    """Whether nearly everybody who imports a package of this name has it installed."""
    return package in NEVER_OURS or package in THIRD_PARTY


class ModuleFinder:
    """Where modules of projects are looked for.

    ``replaced`` are files that there are, whatever the disk holds. ``is_installed`` tells which
    packages an import means unless a script would find a module of the project first; without it
    these are the well-known ones.
    """

    def __init__(
        self,
        replaced: Collection[Path] = (),
        is_installed: Callable[[str], bool] = is_well_known,
    ) -> None:
        self.listings = Listings()
        self._replaced = replaced
        self._is_installed = is_installed
        self._read_from: set[Path] = set()
        """The folders of the files read so far."""
        self._added: list[Path] = []
        """The folders of the project that files read so far put on ``sys.path``."""
        self._roots: dict[Path, Path] = {}
        self._located: dict[tuple[str, int, Path], Path | None] = {}
        self._folders: dict[Path, Path] = {}
        """The folder of each importer; asking the operating system is slow."""

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
            found = next((place for place in places if self.is_folder(place)), None)
            if found is not None and found not in self._added:
                self._added.append(found)
                self._located.clear()

    def root_of(self, path: Path) -> Path:
        """Return the project's root folder for a file or folder in it.

        It is the nearest ancestor with pyproject.toml, setup.py, setup.cfg or .git; without one, the
        fourth ancestor at most, below the home directory and the file system's root.
        """
        folder = absolute(path)
        if not self.is_folder(folder):
            folder = folder.parent
        if folder not in self._roots:
            self._roots[folder] = self._find_root(folder)
        return self._roots[folder]

    def locate(self, name: str, level: int, importer: Path) -> Path | None:
        """Return the file or namespace folder that an import in ``importer`` means, if of the project.

        ``level`` counts the dots of ``from ..name import``. ``None``: not of the project.
        """
        folder = self._folders.get(importer)
        if folder is None:
            folder = self._folders[importer] = absolute(importer).parent
        key = (name, level, folder)
        if key not in self._located:
            self._located[key] = self._locate(name, level, folder)
        return self._located[key]

    def dotted_name(self, file: Path) -> str:
        """What a file is called as a module: its own name behind those of the packages that it is in."""
        folder = absolute(file).parent
        parts = [] if file.name == _INIT else [file.stem]
        while self.has_file(folder, _INIT):
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts)

    def find(self, folder: Path, parts: Iterable[str]) -> Path | None:
        """Follow the parts of a dotted name from a folder: a file, or the folder of a namespace package."""
        *packages, last = parts
        for part in packages:
            if not self._has_folder(folder, part):
                return None
            folder = folder / part
        package, module = folder / last, last + ".py"
        if self._has_folder(folder, last) and self.has_file(package, _INIT):
            return package / _INIT
        if self.has_file(folder, module):
            return folder / module
        return package if self._has_folder(folder, last) else None

    def has_file(self, folder: Path, name: str) -> bool:
        """Whether a folder has such a file, on disk or among those that are replaced."""
        return self.listings.has_file(folder, name) or folder / name in self._replaced

    def is_folder(self, path: Path) -> bool:
        """Whether there is such a folder; that of the file system's root is in none."""
        return path == path.parent or self.listings.has_directory(path.parent, path.name)

    def _locate(self, name: str, level: int, folder: Path) -> Path | None:
        parts = name.split(".") if name else []
        if not all(parts) or not (parts or level):
            return None
        if level:
            above = [*_upwards(folder, self.root_of(folder))]
            if level > len(above):
                return None
            start = above[level - 1]
            return self.find(start, parts) if parts else self._package(start)
        namespace: Path | None = None
        for root in self._search_path(parts[0], folder, within=len(parts) > 1):
            found = self.find(root, parts)
            if found is not None and not self.is_folder(found):
                return found
            namespace = namespace or found
        return namespace

    def _search_path(self, package: str, folder: Path, *, within: bool) -> Iterator[Path]:
        """Yield where a script of this project may look; folders that are packages come last.

        In those the name of an installed package is the project's only for a module ``within`` it,
        which the installed one hardly has.
        """
        installed = self._is_installed(package)
        if package in sys.builtin_module_names or (installed and package in NEVER_OURS):
            return
        chain = [*_upwards(folder, self.root_of(folder)), *self._scripts_above(folder)]
        packages = [root for root in chain if self.has_file(root, _INIT)]
        top = self.root_of(folder)
        added = [root for root in self._added if root.is_relative_to(top) and root not in chain]
        plain = [*(root for root in chain if root not in packages), *added]
        if package in sys.stdlib_module_names:
            own = plain[: len(plain) - len(added)]
            near = (r for r in own if r in self._read_from or self._is_marked(r) or r == folder)
            yield from (root for root in near if self._has_module(root, package))
            return
        if installed:
            yield from plain + packages * within
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

    def _package(self, folder: Path) -> Path | None:
        if self.has_file(folder, _INIT):
            return folder / _INIT
        return folder if self.is_folder(folder) else None

    def _has_module(self, folder: Path, name: str) -> bool:
        """Whether a folder has a module or a regular package: only these hide one that comes later."""
        return self.has_file(folder, f"{name}.py") or self.has_file(folder / name, _INIT)

    def _has_folder(self, folder: Path, name: str) -> bool:
        return self.listings.has_directory(folder, name)

    def _is_marked(self, folder: Path) -> bool:
        """Whether something says that a folder is the root of a project."""
        return any(self.listings.kind(folder, marker) is not None for marker in MARKERS)

    def _find_root(self, folder: Path) -> Path:
        candidates = list(_upwards(folder, Path(folder.anchor)))
        for candidate in candidates:
            if self._is_marked(candidate):
                return candidate
        barred = (Path(folder.anchor), Path(os.path.expanduser("~")))
        below = list(takewhile(lambda candidate: candidate not in barred, candidates))
        return below[: _LEVELS_WITHOUT_MARKER + 1][-1] if below else folder


def modules_of(module: str, members: Iterable[str]) -> Iterator[str]:
    """Yield the names of the modules that ``from module import members`` may execute."""
    yield module
    yield from (f"{module}.{member}".lstrip(".") for member in members)


def added_folders(content: str) -> tuple[tuple[str, ...], ...]:
    """The folders that the lines about paths name, if code changes ``sys.path``.

    Each is the parts of a path without leading dots: where ``"/home/me/project/lib"`` lies on this
    machine, and what ``join(here, "..", "lib")`` starts from, is for the caller to find out.
    """
    if "sys.path" not in content or not _PATH_CHANGED.search(content):
        return ()
    return tuple(dict.fromkeys(islice(_written_paths(content), _MOST_PATHS)))


def _written_paths(content: str) -> Iterator[tuple[str, ...]]:
    for line in content.splitlines():
        if "path" in line or "dir" in line:
            for match in _WRITTEN_PATH.finditer(line):
                parts = tuple(part for part in match[2].split("/") if part.strip("."))
                if parts:
                    yield parts


def absolute(path: Path) -> Path:
    """The path from the file system's root, with links as they are."""
    return Path(os.path.abspath(path))


def _upwards(folder: Path, top: Path) -> Iterator[Path]:
    while True:
        yield folder
        if folder in (top, folder.parent):
            return
        folder = folder.parent
