"""The files of a project, and how their imports lead from one to another."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.source import lookups
from bnlint.source.data_files import DataFiles
from bnlint.source.imports import ModuleFinder, absolute
from bnlint.source.lookups import Lookup
from bnlint.source.unreadable import Unreadable

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile


class Project:
    """The project files that are read; their imports are followed as ``modules`` finds them.

    ``overrides`` stand in for files on disk (an editor's buffer, text from standard input), and so do
    ``elsewhere``, those of other programs, for whoever reads them all the same. ``unreadable`` remembers imported files that could not be read.
    """

    def __init__(
        self,
        overrides: "Mapping[Path, SourceFile] | None" = None,
        elsewhere: "Mapping[Path, SourceFile] | None" = None,
    ) -> None:
        self.unreadable: dict[Path, Unreadable] = {}
        self._overrides = {absolute(path): file for path, file in (overrides or {}).items()}
        self._elsewhere = {absolute(path): file for path, file in (elsewhere or {}).items()}
        self._files: dict[Path, SourceFile] = {}
        self.modules = ModuleFinder(self._overrides.keys())
        self.data = DataFiles()
        for path, source in self._overrides.items():
            self.modules.search_for(path, source.content)

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
        listings = self.modules.listings
        some = (
            lookups.kinds(path, own, listings.known(path)) for path, own in listings.names.items()
        )
        every = (lookups.entries(path, names) for path, names in listings.whole.items())
        return *some, *every, *self.data.lookups()

    def load(self, path: Path, display: str | None = None) -> "SourceFile":
        """Read a file, at most once; raises :class:`Unreadable`."""
        file = absolute(path)
        if file in self._files:
            return self._files[file]
        if file in self.unreadable:
            raise self.unreadable[file]
        from bnlint.source.file import read

        try:
            known = self._overrides.get(file) or self._elsewhere.get(file)
            source = known or read(file, display)
        except Unreadable as error:
            self.unreadable[file] = error
            raise
        self._files[file] = source
        self.modules.search_for(file, source.content)
        return source

    def resolve(self, name: str, level: int, importer: Path) -> "SourceFile | Path | None":
        """Return the file or namespace folder that an import in ``importer`` means, if of the project.

        ``level`` counts the dots of ``from ..name import``. ``None``: not of the project, or
        unreadable.
        """
        return self._open(self.modules.locate(name, level, importer))

    def submodule(self, folder: Path, name: str) -> "SourceFile | Path | None":
        """The same of ``name`` in the folder of a namespace package."""
        return self._open(self.modules.find(folder, [name]))

    def root_of(self, path: Path) -> Path:
        """Return the project's root folder for a file or folder in it."""
        return self.modules.root_of(path)

    def entries(self, folder: Path) -> Mapping[str, bool]:
        """The names in a folder; none when it cannot be read."""
        return self.modules.listings.entries(folder)

    def _open(self, found: Path | None) -> "SourceFile | Path | None":
        if found is None or self.modules.is_folder(found):
            return found
        try:
            return self.load(found)
        except Unreadable:
            return None
