"""A module whose globals are evaluated when they are first looked up, as the rehearsal does it.

Functions and classes keep the file, the lines and the columns of the user's code. Nothing is
executed that no name asks for; a statement that fails matters only to those who ask for its names.
"""

import ast
import builtins
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import ModuleType, TracebackType
from typing import Any

import torch
from torch.utils._python_dispatch import _disable_current_modes

from bnlint.tracer.slicing.slices import Outline
from bnlint.tracer.slicing.statement_bindings import binds, bound_names, names_at_once

Import = Callable[[str, int, "Names"], ModuleType]
"""Imports a module by its name and the number of dots before it, from a module's code."""

FAILURES = (Exception, SystemExit)
SELF_EXPLAINING = (ImportError, OSError)
"""Errors that say what is wrong without the name that asked for them."""


class Unavailable(NameError):
    """A name whose definition fails."""


class Names(dict[str, Any]):
    """The globals of one module of the project.

    ``missing`` collects the packages that definitions wanted and that are not installed.
    """

    def __init__(self, file: str, found: Outline, load: Import, missing: list[str]) -> None:
        super().__init__(__builtins__=builtins, __file__=file)
        self.file = file
        self._outline = found
        self._load = load
        self._missing = missing
        self._busy: set[str] = set()
        self._settled: set[str] = set()
        self._done: set[int] = set()
        self._problems: dict[str, tuple[BaseException, TracebackType | None]] = {}

    def __missing__(self, name: str) -> Any:
        """Evaluate a name.

        Raises:
            KeyError: nothing defines it.
            Unavailable, ImportError, OSError: its definition fails.
        """
        if name in self._busy or (hasattr(builtins, name) and not self.defines(name)):
            raise KeyError(name)
        self._busy.add(name)
        try:
            with _undisturbed():
                self._evaluate(name)
        finally:
            self._busy.discard(name)
        if not super().__contains__(name):
            self._explain(name)
        return self[name]

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or name in self._outline.definitions

    def __iter__(self) -> Iterator[str]:
        for name in self._outline.listed:
            with suppress(KeyError, NameError, *SELF_EXPLAINING):
                self[name]
        starred = (name for module in self._starred("*") for name in _exported(module))
        return iter(dict.fromkeys([*super().__iter__(), *starred]))

    def keys(self) -> Any:
        """The names that are safe to list: of functions, classes, modules and constants."""
        return dict.fromkeys(self).keys()

    def values(self) -> Any:
        """The values of ``keys()``."""
        return [self[name] for name in self]

    def items(self) -> Any:
        """The pairs of ``keys()`` and ``values()``."""
        return [(name, self[name]) for name in self]

    def get(self, name: str, default: Any = None) -> Any:
        """The value of a name, or the default if nothing defines it."""
        try:
            return self[name]
        except KeyError:
            return default

    def defines(self, name: str) -> bool:
        """Whether a statement of the module itself defines a name."""
        return name in self._outline.definitions or name in self._outline.late

    # -- evaluation ---------------------------------------------------------------------------

    def _evaluate(self, name: str) -> None:
        definitions = self._outline.definitions
        if name not in definitions or not binds(definitions[name][0], name):
            for module in self._starred(name):
                if _exports(module, name) and hasattr(module, name):
                    self[name] = getattr(module, name)
                    break
            else:
                definitions = definitions if name in definitions else self._outline.late
        if name in definitions:
            self._settle(name, definitions)

    def _settle(self, name: str, definitions: dict[str, list[ast.stmt]]) -> None:
        """Execute all that defines a name, then all that defines what came along with it."""
        if name in self._settled:
            return
        self._settled.add(name)
        along: set[str] = set()
        for node in definitions[name]:
            if id(node) in self._done:
                continue
            self._done.add(id(node))
            try:
                self._execute(node)
            except FAILURES as error:
                self._note(name, error)
            along |= bound_names(node)
        for other in along & definitions.keys() - {name}:
            if super().__contains__(other):
                self._settle(other, definitions)

    def _execute(self, node: ast.stmt) -> None:
        if isinstance(node, ast.ClassDef):
            self._look_up(node)
        try:
            self._run(node)
        except (ImportError, NameError) as error:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef):
                raise
            self._note_missing(error)
            self._run(_Plainer(self).visit(node))
        except AttributeError as error:
            if not _import_submodule(error):
                raise
            self._run(node)

    def _look_up(self, node: ast.ClassDef) -> None:
        """A class body finds only those globals that are there already."""
        for name in names_at_once(node):
            with suppress(KeyError, *SELF_EXPLAINING):
                self[name]

    def _run(self, node: ast.stmt) -> None:
        module = ast.Module([node], [])
        exec(compile(module, self.file, "exec", self._outline.flags, dont_inherit=True), self)

    def _starred(self, name: str) -> Iterator[ModuleType]:
        """The modules of ``from module import *``, the last first."""
        if name.startswith("__"):
            return
        for star in reversed(self._outline.stars):
            if id(star) in self._done:
                continue
            try:
                yield self._load(star.module or "", star.level, self)
            except ImportError as error:
                self._done.add(id(star))
                self._note(name, error)

    # -- what fails ---------------------------------------------------------------------------

    def _note(self, name: str, error: BaseException) -> None:
        self._problems.setdefault(name, (error, error.__traceback__))
        self._note_missing(error)

    def _note_missing(self, error: BaseException) -> None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            if package not in self._missing:
                self._missing.append(package)

    def _explain(self, name: str) -> None:
        """Raise what came of the definitions of a name."""
        if name not in self._problems:
            raise KeyError(name)
        error, trace = self._problems[name]
        if isinstance(error, (*SELF_EXPLAINING, Unavailable)):
            raise error.with_traceback(trace)
        said = f"`{name}` could not be made: {type(error).__name__}: {error}"
        raise Unavailable(said).with_traceback(trace) from error


class Sliced(ModuleType):
    """A module of the project, whose names are evaluated when they are first used."""

    def __init__(self, name: str, names: Names) -> None:
        super().__init__(name)
        object.__setattr__(self, "_names", names)

    def __getattr__(self, name: str) -> Any:
        names: Names = object.__getattribute__(self, "_names")
        try:
            return names[name]
        except KeyError:
            pass
        raise AttributeError(f"module `{self.__name__}` has no attribute `{name}`")

    def __setattr__(self, name: str, value: object) -> None:
        names: Names = object.__getattribute__(self, "_names")
        if name.startswith("__"):
            super().__setattr__(name, value)
        elif isinstance(value, ModuleType) and names.defines(name):
            return  # what a package's body defines comes after its submodules
        names[name] = value

    @property
    def __dict__(self) -> Names:  # type: ignore[override]
        names: Names = object.__getattribute__(self, "_names")
        return names

    def __dir__(self) -> list[str]:
        return sorted(self.__dict__)


def _import_submodule(error: AttributeError) -> bool:
    """A package's module that some other import, which nothing asked for, would have brought."""
    package = error.obj
    if not isinstance(package, ModuleType) or not hasattr(package, "__path__"):
        return False
    try:
        importlib.import_module(f"{package.__name__}.{error.name}")
    except ImportError:
        return False
    return True


class _Plainer(ast.NodeTransformer):
    """Leaves out decorators and annotations that need a package that is not there."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg) and argument.annotation is not None:
                argument.annotation = self._kept(argument.annotation)
        if node.returns is not None:
            node.returns = self._kept(node.returns)
        node.decorator_list = [each for each in node.decorator_list if self._kept(each)]
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        node.decorator_list = [each for each in node.decorator_list if self._kept(each)]
        self.generic_visit(node)
        return node

    def _kept(self, node: ast.expr) -> ast.expr | None:
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                try:
                    self._names.get(part.id)
                except ImportError:
                    return None
        return node


def _exports(module: ModuleType, name: str) -> bool:
    """Whether ``from module import *`` brings a name, if the module has it."""
    every = getattr(module, "__all__", None)
    return name in every if every is not None else not name.startswith("_")


def _exported(module: ModuleType) -> list[str]:
    every = getattr(module, "__all__", None)
    if every is not None:
        return list(every)
    return [name for name in vars(module) if not name.startswith("_")]


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Definitions that a running model looks up are no part of what it computes."""
    with torch._C.DisableTorchFunction(), _disable_current_modes():
        yield
