"""Its modules are sliced when they are imported, and found where the rehearsal finds them
(:mod:`bnlint.source.imports`); all others are imported as usual. Only code of the project finds the
project's modules: the standard library and installed packages keep importing what they mean, whatever
the project calls its files.
"""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import FrameType, ModuleType

from bnlint.source.imports import ModuleFinder
from bnlint.tracer.slicing.lazy_globals import Names, Sliced
from bnlint.tracer.slicing.slices import outline

MACHINERY = ("importlib", "_frozen_importlib")
INIT = "__init__.py"
RELATIVE = re.compile(r"^[ \t]*from[ \t]+(\.+)", re.MULTILINE)


class SlicedProject(MetaPathFinder, Loader):
    """Finds and slices the modules of the project of a script in the folder ``home``.

    ``missing`` are the packages that the modules wanted and that are not installed. ``texts`` stand in
    for files on disk.
    """

    def __init__(self, home: str) -> None:
        self.home = Path(os.path.abspath(home))
        self.texts: dict[str, str] = {}
        self.missing: list[str] = []
        self._finder = ModuleFinder(is_installed=self._is_installed)
        self._asked: dict[str, Path] = {}
        """The packages that are imported on behalf of files."""
        self._modules: dict[str, Sliced] = {}

    # -- what building asks for ---------------------------------------------------------------

    def load_file(self, file: str) -> ModuleType:
        """The module of a file, the same that other modules of the project import.

        Raises:
            OSError: the file cannot be read.
            SyntaxError: it is not Python 3.
        """
        path = Path(os.path.abspath(file))
        if str(path) in self._modules:
            return self._modules[str(path)]
        name = self._name_of(path)
        package = name.rpartition(".")[0]
        if package and not self._has_package(package, path.parent):
            name = path.stem
        module = importlib.util.module_from_spec(self._spec(name, path))
        if name not in sys.modules:
            sys.modules[name] = module
        return module

    def load_module(self, name: str) -> ModuleType:
        """A module by name, of the project or installed; raises ``ImportError``."""
        return self._import(name, None, self.home / INIT)

    # -- the import system's protocol -----------------------------------------------------------

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of the project is; ``None`` for all others."""
        if path is not None:
            return self._find(name, [*map(Path, path)]) if self._are_ours(path) else None
        importer = self._asked.get(name) or _importer(sys._getframe(1))
        if importer is None:
            return None
        parts = [name, *_rest_of_name(name, sys._getframe(1))]
        for end in range(len(parts), 0, -1):
            found = self._finder.locate(".".join(parts[:end]), 0, importer)
            if found is not None:
                module = found.parent if found.name == INIT else found
                return self._find(name, [module.parents[end - 1]])
        return None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of a file, whatever name it is imported by."""
        path = spec.origin or ""
        if path not in self._modules:
            content = self._content(path)
            self._finder.search_for(Path(path), content)
            names = Names(path, outline(content, path), self._load_for, self.missing)
            names["__name__"] = spec.name
            self._modules[path] = Sliced(spec.name, names)
        return self._modules[path]

    def _content(self, path: str) -> str:
        if path in self.texts:
            return self.texts[path]
        with open(path, "rb") as file:
            return importlib.util.decode_source(file.read())

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing: names are evaluated when they are used."""

    # -- finding ------------------------------------------------------------------------------

    def _find(self, name: str, folders: Sequence[Path]) -> ModuleSpec | None:
        """The last part of a dotted name, in folders of the package that it is in."""
        places = [self._finder.find(folder, [name.rpartition(".")[2]]) for folder in folders]
        found = [place for place in places if place is not None]
        file = next((place for place in found if not self._finder.is_folder(place)), None)
        if file is not None:
            return self._spec(name, file)
        if not found:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [*map(str, found)]
        return spec

    def _spec(self, name: str, path: Path) -> ModuleSpec:
        is_package = path.name == INIT
        spec = ModuleSpec(name, self, origin=str(path), is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [str(path.parent)]
        return spec

    def _name_of(self, path: Path) -> str:
        """The dotted name by which a project would import a file."""
        folder = path.parent
        while (folder / INIT).is_file():
            folder = folder.parent
        if folder == path.parent:
            around = Path(os.path.commonpath([folder, self.home]))
            folder = around if self._are_ours([str(around)]) else folder
            dots = max(map(len, RELATIVE.findall(self._content(str(path)))), default=0)
            above = dots + 1 - len(path.relative_to(folder).parts)
            folder = [folder, *folder.parents][max(0, min(above, len(folder.parents)))]
        return ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__")

    def _has_package(self, name: str, folder: Path) -> bool:
        """Whether a package is, or now becomes, that of a folder, whatever else has its name."""
        outer = name.rpartition(".")[0]
        if name not in sys.modules and (not outer or self._has_package(outer, folder.parent)):
            spec = self._find(name, [folder.parent])
            if spec is not None:
                sys.modules[name] = importlib.util.module_from_spec(spec)
        return str(folder) in getattr(sys.modules.get(name), "__path__", ())

    def _are_ours(self, folders: Iterable[str]) -> bool:
        """Whether folders are the project's, not an environment's inside it."""
        root = self._finder.root_of(self.home)
        return any(
            Path(os.path.abspath(folder)).is_relative_to(root) and "site-packages" not in folder
            for folder in folders
        )

    def _is_installed(self, name: str) -> bool:
        if name in sys.modules:
            return not isinstance(sys.modules[name], Sliced)
        outside = [entry for entry in sys.path if not self._are_ours([entry])]
        spec = PathFinder.find_spec(name, outside)
        return spec is not None and spec.origin is not None

    # -- importing on behalf of the project -----------------------------------------------------

    def _load_for(self, name: str, level: int, importer: Names) -> ModuleType:
        package = importer.get("__package__") or importer["__name__"].rpartition(".")[0]
        return self._import("." * level + name, package, Path(importer.file))

    def _import(self, name: str, package: str | None, importer: Path) -> ModuleType:
        before = self._asked
        self._asked = {**before, name.partition(".")[0]: importer}
        try:
            return importlib.import_module(name, package)
        finally:
            self._asked = before


def install(home: str) -> SlicedProject:
    """Let the project of a script in the folder ``home`` be imported, sliced, from here on."""
    found = SlicedProject(home)
    sys.meta_path.insert(0, found)
    return found


@contextmanager
def project(home: str) -> Iterator[SlicedProject]:
    """Let a script's project be imported, sliced; afterwards all is as it was."""
    before, found = dict(sys.modules), install(home)
    try:
        yield found
    finally:
        sys.meta_path.remove(found)
        for name in [name for name in sys.modules if name not in before]:
            if _is_of_project(sys.modules[name], found):
                del sys.modules[name]


def _is_of_project(module: ModuleType, found: SlicedProject) -> bool:
    paths = getattr(module, "__path__", ())
    return isinstance(module, Sliced) or found._are_ours(map(str, paths))


def _importer(frame: FrameType | None) -> Path | None:
    """The file of the project whose code imports something; ``None`` where other code does."""
    while frame is not None and _is_machinery(frame):
        frame = frame.f_back
    names = None if frame is None else frame.f_globals
    return Path(names.file) if isinstance(names, Names) else None


def _rest_of_name(name: str, frame: FrameType | None) -> list[str]:
    """``["b", "c"]`` if ``a`` is looked for because ``a.b.c`` is imported."""
    full = name
    while frame is not None and _is_machinery(frame):
        wanted = frame.f_locals.get("name")
        if isinstance(wanted, str) and wanted.startswith(f"{name}.") and len(wanted) > len(full):
            full = wanted
        frame = frame.f_back
    return full.split(".")[1:]


def _is_machinery(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__", "")).startswith(MACHINERY)
