"""Modules of the project: names that are evaluated when they are first used, and imports."""

import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.top_level import TopLevel
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Library,
    Unknown,
    Value,
    present,
)
from bnlint.source import Project, SourceFile
from bnlint.source.name_bindings import dotted
from bnlint.vocabulary.filling import REGISTRATION
from bnlint.vocabulary.layers import bare_name
from bnlint.vocabulary.packages import STAR_EXPORTS

if TYPE_CHECKING:
    from bnlint.interpreter.core.machine import Machine


@immutable
class Directory:
    """A folder that is imported as a namespace package."""

    path: Path


_LARGE = frozenset({"torch", "torchvision", "numpy"})
"""Packages that may bring whatever name is not found elsewhere."""
BY_FASTAI = {
    "torch": "torch",
    "nn": "torch.nn",
    "F": "torch.nn.functional",
    "np": "numpy",
    "Learner": "fastai.learner.Learner",
    "DataLoaders": "fastai.data.core.DataLoaders",
}
"""Names that ``from fastai.vision.all import *`` and its like bring."""


FILLED = "<filled>"
"""The name, of no variable, that a module has once the loops that add names to it were executed."""


class Namespace:
    """One file of the project as a module."""

    def __init__(self, source: SourceFile, dunder_name: str) -> None:
        self.source = source
        self.scope = Scope({"__name__": dunder_name, "__file__": str(source.file)}, self)
        if source.file.name == "__init__.py":
            self.scope.names["__path__"] = [str(source.file.parent)]
        top_level = TopLevel()
        top_level.collect(source.tree.body)
        self.definitions, self.stars = top_level.definitions, top_level.stars
        self.fillers = top_level.fillers
        self._reach: tuple[int, list[Namespace | Library], Iterator[Namespace | Library]] | None
        self._reach = None
        """How many star imports there were, and the modules they lead to, as far as known."""
        self.pending: set[str] = set()
        self.registers = REGISTRATION in source.content.lower()
        """Whether it may register something, or hold what others register with."""
        self.has_generators = "yield" in source.content
        self.generators: dict[cst.FunctionDef, bool] = {}
        """Whether functions are generators, as far as that has been asked."""
        self.mode_questions: dict[cst.FunctionDef, tuple[bool, frozenset[str]]] = {}
        self.mode_returns: dict[
            cst.FunctionDef, tuple[cst.CSTNode | None, tuple[cst.CSTNode, ...]]
        ] = {}
        """What methods do with the mode of their module, as far as that has been asked."""
        self.literals: dict[int, Value] = {}
        """Numbers as values that remember their node, by the identity of that."""
        self.eager = False
        """Whether the body has been or is being executed as a whole."""

    @property
    def names(self) -> dict[str, Value]:
        """The names that have a value."""
        return self.scope.names

    def lookup(self, machine: "Machine", name: str) -> Value:
        """The value of a global name, evaluated now if need be, or ``MISSING``."""
        value = self.own(machine, name)
        return self._through_stars(machine, name) if value is MISSING and self.stars else value

    def own(self, machine: "Machine", name: str) -> Value:
        """The same, of a name that the module itself defines."""
        value = self.names.get(name, MISSING)
        if value is not MISSING:
            return present(value)
        if name in self.definitions and name not in self.pending and not self.eager:
            self._evaluate(machine, name)
            return present(self.names.get(name, Unknown(f"global {name}")))
        return MISSING

    def _evaluate(self, machine: "Machine", name: str) -> None:
        self.pending.add(name)
        try:
            for node in self.definitions[name]:
                if isinstance(node, cst.AugAssign) and name not in self.names:
                    continue
                machine.namespaces.execute_top(machine, node, self)
        finally:
            self.pending.discard(name)

    def _through_stars(self, machine: "Machine", name: str) -> Value:
        if name.startswith("__"):
            return MISSING
        guess: Value = MISSING
        for module in self.starred(machine.namespaces):
            if isinstance(module, Library):
                found, certain = machine.namespaces.exported(module, name)
                if certain:
                    return found
                guess = found if guess is MISSING else guess
            elif (value := module.own_or_filled(machine, name)) is not MISSING:
                return value
        return guess

    def starred(self, namespaces: "Namespaces") -> Iterator["Namespace | Library"]:
        """The modules whose names star imports bring, also through others, each once.

        They are found as far as they are asked for, and found again when there are more imports.
        """
        if self._reach is None or self._reach[0] != len(self.stars):
            self._reach = len(self.stars), [], _reached(self, namespaces)
        _, known, further = self._reach
        number = 0
        while True:
            if number == len(known):
                following = next(further, None)
                if following is None:
                    return
                known.append(following)
            yield known[number]
            number += 1

    def member(self, machine: "Machine", name: str) -> Value:
        """``module.name``: a global name or a submodule."""
        value = self.lookup(machine, name)
        if value is MISSING:
            value = self.own_or_filled(machine, name)
        if value is MISSING and self.source.file.name == "__init__.py":
            return machine.namespaces.load(name, 1, self)
        return value

    def own_or_filled(self, machine: "Machine", name: str) -> Value:
        """What the module itself defines, or gives a name to in a loop."""
        value = self.own(machine, name)
        if value is MISSING and self.fillers and FILLED not in self.names:
            self._fill(machine)
            value = self.own(machine, name)
        return value

    def _fill(self, machine: "Machine") -> None:
        """Execute the loops that give the module names which nothing else in it defines."""
        machine.heap.put(self.names, FILLED, True)
        for node in self.fillers:
            machine.namespaces.execute_top(machine, node, self)


def _reached(start: Namespace, namespaces: "Namespaces") -> Iterator[Namespace | Library]:
    """The modules that star imports lead to, in the order in which a name is looked for."""
    seen: set[Namespace] = {start}
    pending = [(start, statement) for statement in start.stars]
    while pending:
        importer, statement = pending.pop()
        module = namespaces.load(dotted(statement.module), len(statement.relative), importer)
        if isinstance(module, Library):
            yield module
        elif isinstance(module, Namespace) and module not in seen:
            seen.add(module)
            yield module
            pending.extend((module, further) for further in module.stars)


@dataclass(slots=True)
class ForwardOutput:
    """What a forward returned while modules were in these modes, which are all that it asked for."""

    value: Value
    modes: dict[Instance, Known]
    arguments: Arguments
    """What it was given, which is known by its identity as long as it is kept."""


class Namespaces:
    """All modules of a rehearsal: one shared by its importers, one more for a file that is run."""

    def __init__(self, project: Project) -> None:
        self.config_store: Instance | None = None
        """What stands for the one ``ConfigStore`` of Hydra, once the program has asked for it."""
        self.project = project
        self._imported: dict[Path, Namespace] = {}
        self.first: Namespace | None = None
        self._main: Namespace | None = None
        self.forwards: dict[object, list[ForwardOutput]] = {}
        """Outputs of forwards by model and inputs."""

    @property
    def anywhere(self) -> Scope:
        """A scope for calls that no code of the project makes."""
        assert self.first is not None
        return self.first.scope

    def imported(self, source: SourceFile) -> Namespace:
        """The module that importers of a file share."""
        if source.file not in self._imported:
            self._imported[source.file] = self.new(
                source, self.project.modules.dotted_name(source.file)
            )
        return self._imported[source.file]

    def of_package(self, source: SourceFile, name: str) -> Namespace:
        """A module of ours that stands for one of a package, which is none of the project's files."""
        if source.file not in self._imported:
            self._imported[source.file] = self.new(source, name)
        return self._imported[source.file]

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """Import every module again meanwhile, as another process does."""
        before, self._imported = self._imported, {}
        try:
            yield
        finally:
            self._imported = before

    @property
    def known(self) -> list[Namespace]:
        """The script that is run, and all modules that are imported so far."""
        return [*([self._main] if self._main is not None else []), *self._imported.values()]

    def new(self, source: SourceFile, name: str) -> Namespace:
        """A module of its own, with nothing evaluated yet."""
        made = Namespace(source, name)
        self.first = self.first or made
        self._main = made if name == "__main__" else self._main
        return made

    def load(self, name: str, level: int, importer: Namespace) -> Value:
        """What ``import name`` (``level`` dots before it) gives in a file."""
        parts = name.split(".") if name else []
        for end in range(len(parts), 0 if parts else -1, -1):
            found = self.project.resolve(".".join(parts[:end]), level, importer.source.file)
            if found is None:
                continue
            if end < len(parts):
                return Unknown(f"module {name}")
            return self._module(found, name)
        return Unknown(f"module {name}") if level else Library(name)

    def submodule(self, directory: Directory, name: str) -> Value:
        """``directory.name`` for a namespace package."""
        found = self.project.submodule(directory.path, name)
        return self._module(found, name)

    def _module(self, found: SourceFile | Path | None, name: str) -> Value:
        match found:
            case SourceFile():
                return self.imported(found)
            case Path():
                return Directory(found)
        return Unknown(f"module {name}")

    def execute_top(self, machine: "Machine", node: cst.CSTNode, namespace: Namespace) -> None:
        """Execute one statement of a module's body, outside any function of the caller."""
        with machine.at_module_level(namespace):
            machine.execute([node], namespace.scope)

    @staticmethod
    def exported(module: Library, name: str) -> tuple[Value, bool]:
        """What ``from module import *`` of a package brings as ``name``, and whether that is certain.

        A package that has something of its own name brings that.
        """
        path = f"{module.path}.{name}"
        if module.path.startswith("fastai.") and name in BY_FASTAI:
            return Library(BY_FASTAI[name]), True
        if name == module.path or bare_name(path) or name in STAR_EXPORTS.get(module.path, ()):
            return Library(path), True
        guessed = module.path not in STAR_EXPORTS and not hasattr(builtins, name)
        package = module.path.partition(".")[0]
        return Library(path) if guessed and package in _LARGE else MISSING, False
