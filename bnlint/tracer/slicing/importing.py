"""SlicedProject modules are sliced when they are imported; all others are imported as usual.

Only code of the project finds the project's modules: the standard library and installed packages
keep importing what they mean, whatever the project calls its files.
"""

import importlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import FrameType, ModuleType

from bnlint.tracer.slicing.lazy_globals import Names
from bnlint.tracer.slicing.sliced_module import Sliced
from bnlint.tracer.slicing.slices import outline
from bnlint.vocabulary.packages import NEVER_OURS

MACHINERY = ("importlib", "_frozen_importlib")
INIT = "__init__.py"
RELATIVE = re.compile(r"^[ \t]*from[ \t]+(\.+)", re.MULTILINE)


class SlicedProject(MetaPathFinder, Loader):
    """Finds and slices the modules below some roots, which are searched in order.

    ``missing`` are the packages that the modules wanted and that are not installed. ``texts`` stand in
    for files on disk.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        self.roots = [os.path.abspath(root) for root in roots]
        self.texts: dict[str, str] = {}
        self.missing: list[str] = []
        self._asked: list[str] = []
        self._modules: dict[str, Sliced] = {}

    # -- what building asks for ---------------------------------------------------------------

    def load_file(self, file: str) -> ModuleType:
        """The module of a file, the same that other modules of the project import.

        Raises:
            OSError: the file cannot be read.
            SyntaxError: it is not Python 3.
        """
        path = os.path.abspath(file)
        if path in self._modules:
            return self._modules[path]
        name = self._name_of(path)
        package = name.rpartition(".")[0]
        if package and not self._has_package(package, os.path.dirname(path)):
            name = os.path.splitext(os.path.basename(path))[0]
        spec = self._spec(name, path)
        module = importlib.util.module_from_spec(spec)
        if name not in sys.modules:
            sys.modules[name] = module
        return module

    def load_module(self, name: str) -> ModuleType:
        """A module by name, of the project or installed; raises ``ImportError``."""
        return self._import(name, None)

    # -- the import system's protocol -----------------------------------------------------------

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module of the project is; ``None`` for all others."""
        last = name.rpartition(".")[2]
        if path is not None:
            return self._find(name, last, list(path)) if self._is_ours(path) else None
        if name not in self._asked and not _importer_is_ours(sys._getframe(1)):
            return None
        if name in sys.builtin_module_names or (name in NEVER_OURS and self._is_installed(name)):
            return None
        rest = _rest_of_name(name, sys._getframe(1))
        plain = [root for root in self._folders() if not _is_file(root, INIT)]
        packages = [root for root in self._folders() if root not in plain]
        for part in (os.path.join(name, *rest), name):
            holding = [root for root in plain if _is_module(os.path.join(root, part))]
            if holding:
                return self._find(name, last, holding)
        return None if self._is_installed(name) else self._find(name, last, [*plain, *packages])

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module of a file, whatever name it is imported by."""
        path = spec.origin or ""
        if path not in self._modules:
            found = outline(self._content(path), path)
            names = Names(path, found, self._load_for, self.missing)
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

    def _find(self, name: str, last: str, folders: Sequence[str]) -> ModuleSpec | None:
        for folder in folders:
            below = os.path.join(folder, last)
            if _is_file(below, INIT):
                return self._spec(name, os.path.join(below, INIT))
            if _is_file(folder, f"{last}.py"):
                return self._spec(name, f"{below}.py")
        portions = [os.path.join(folder, last) for folder in folders]
        portions = [portion for portion in portions if os.path.isdir(portion)]
        if not portions:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = portions
        return spec

    def _spec(self, name: str, path: str) -> ModuleSpec:
        is_package = os.path.basename(path) == INIT
        spec = ModuleSpec(name, self, origin=path, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [os.path.dirname(path)]
        return spec

    def _folders(self) -> Iterator[str]:
        for root in self.roots:
            yield root
            if os.path.isdir(os.path.join(root, "src")):
                yield os.path.join(root, "src")

    def _name_of(self, path: str) -> str:
        """The dotted name by which a project would import a file."""
        folder = os.path.dirname(path)
        while _is_file(folder, INIT):
            folder = os.path.dirname(folder)
        if folder == os.path.dirname(path):
            around = [root for root in self._folders() if _is_inside(path, root)]
            folder = next(iter(around), folder)
            dots = max(map(len, RELATIVE.findall(self._content(path))), default=0)
            above = dots - len(os.path.relpath(path, folder).split(os.sep)) + 1
            folder = os.path.normpath(os.path.join(folder, *[os.pardir] * above))
        name = os.path.splitext(os.path.relpath(path, folder))[0].replace(os.sep, ".")
        return name.removesuffix(".__init__")

    def _has_package(self, name: str, folder: str) -> bool:
        """Whether a package is, or now becomes, that of a folder, whatever else has its name."""
        outer = name.rpartition(".")[0]
        if name not in sys.modules and (
            not outer or self._has_package(outer, os.path.dirname(folder))
        ):
            spec = self._find(name, os.path.basename(folder), [os.path.dirname(folder)])
            if spec is not None:
                sys.modules[name] = importlib.util.module_from_spec(spec)
        return folder in getattr(sys.modules.get(name), "__path__", ())

    def _is_ours(self, path: Sequence[str]) -> bool:
        """Whether a package's folders are the project's, not an environment's inside it."""
        return any(
            _is_inside(folder, root) and "site-packages" not in folder
            for folder in path
            for root in self.roots
        )

    def _is_installed(self, name: str) -> bool:
        if name in sys.modules:
            return not isinstance(sys.modules[name], Sliced)
        outside = [entry for entry in sys.path if os.path.abspath(entry) not in self.roots]
        spec = PathFinder.find_spec(name, outside)
        return spec is not None and spec.origin is not None

    # -- importing on behalf of the project -----------------------------------------------------

    def _load_for(self, name: str, level: int, importer: Names) -> ModuleType:
        package = importer.get("__package__") or importer["__name__"].rpartition(".")[0]
        return self._import("." * level + name, package)

    def _import(self, name: str, package: str | None) -> ModuleType:
        self._asked.append(name.partition(".")[0])
        try:
            return importlib.import_module(name, package)
        finally:
            self._asked.pop()


def install(roots: Sequence[str]) -> SlicedProject:
    """Let the project below ``roots`` be imported, sliced, from here on."""
    found = SlicedProject(roots)
    sys.meta_path.insert(0, found)
    return found


@contextmanager
def project(roots: Sequence[str]) -> Iterator[SlicedProject]:
    """Let the project below ``roots`` be imported, sliced; afterwards all is as it was."""
    before, found = dict(sys.modules), install(roots)
    try:
        yield found
    finally:
        sys.meta_path.remove(found)
        for name in [name for name in sys.modules if name not in before]:
            if _is_of_project(sys.modules[name], found):
                del sys.modules[name]


def _is_of_project(module: ModuleType, found: SlicedProject) -> bool:
    paths = getattr(module, "__path__", ())
    return isinstance(module, Sliced) or found._is_ours([str(path) for path in paths])


def _importer_is_ours(frame: FrameType | None) -> bool:
    while frame is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if not name.startswith(MACHINERY):
            return isinstance(frame.f_globals, Names)
        frame = frame.f_back
    return False


def _rest_of_name(name: str, frame: FrameType | None) -> list[str]:
    """``["b", "c"]`` if ``a`` is looked for because ``a.b.c`` is imported."""
    full = name
    while frame is not None and str(frame.f_globals.get("__name__", "")).startswith(MACHINERY):
        wanted = frame.f_locals.get("name")
        if isinstance(wanted, str) and wanted.startswith(f"{name}.") and len(wanted) > len(full):
            full = wanted
        frame = frame.f_back
    return full.split(".")[1:]


def _is_module(path: str) -> bool:
    return os.path.isfile(f"{path}.py") or _is_file(path, INIT)


def _is_file(folder: str, name: str) -> bool:
    return os.path.isfile(os.path.join(folder, name))


def _is_inside(path: str, folder: str) -> bool:
    return os.path.abspath(path).startswith(os.path.join(folder, ""))
