"""Modules of the project: names that are evaluated when they are first used, and imports."""

import builtins
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import MISSING, Library, Unknown, Value, present
from bnlint.source import Project, SourceFile
from bnlint.source.parents import children
from bnlint.vocabulary.layers import bare_name
from bnlint.vocabulary.packages import STAR_EXPORTS

if TYPE_CHECKING:
    from bnlint.interpreter.core.machine import Machine

REGISTERING = frozenset(
    """update append extend setdefault add insert register register_module add_argument set_defaults
    merge_from_file merge_from_list""".split()
)
REGISTRATION = "regist"
"""What is in the name of a decorator or function that registers something."""
PARTS = frozenset(
    "add_argument_group add_mutually_exclusive_group add_subparsers add_parser".split()
)
"""Methods that give something whose own methods change what they were called on."""


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


class Namespace:
    """One file of the project as a module."""

    def __init__(self, source: SourceFile, dunder_name: str) -> None:
        self.source = source
        self.scope = Scope({"__name__": dunder_name, "__file__": str(source.file)}, self)
        if source.file.name == "__init__.py":
            self.scope.names["__path__"] = [str(source.file.parent)]
        self.definitions: dict[str, list[cst.CSTNode]] = {}
        self.stars: list[cst.ImportFrom] = []
        self.parts: dict[str, str] = {}
        """The parsers that groups of options and commands belong to, by their names."""
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
        _collect(source.tree.body, self)

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
            elif (value := module.own(machine, name)) is not MISSING:
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
        if value is MISSING and self.source.file.name == "__init__.py":
            return machine.namespaces.load(name, 1, self)
        return value


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


class Namespaces:
    """All modules of a rehearsal: one shared by its importers, one more for a file that is run."""

    def __init__(self, project: Project) -> None:
        self.config_store: Instance | None = None
        """What stands for the one ``ConfigStore`` of Hydra, once the program has asked for it."""
        self.project = project
        self._imported: dict[Path, Namespace] = {}
        self.first: Namespace | None = None
        self._main: Namespace | None = None
        self.forwards: dict[object, Value] = {}
        """Outputs of forwards by model, mode and inputs."""

    @property
    def anywhere(self) -> Scope:
        """A scope for calls that no code of the project makes."""
        assert self.first is not None
        return self.first.scope

    def imported(self, source: SourceFile) -> Namespace:
        """The module that importers of a file share."""
        if source.file not in self._imported:
            self._imported[source.file] = self.new(source, source.file.stem)
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


def dotted(node: cst.CSTNode | None) -> str:
    """The text of a dotted name, or ``""`` for anything else."""
    if type(node) is cst.Name:
        return node.value
    if type(node) is cst.Attribute:
        head = dotted(node.value)
        return f"{head}.{node.attr.value}" if head else ""
    return ""


def _collect(body: Iterable[cst.CSTNode], space: Namespace) -> None:
    for statement in body:
        match statement:
            case cst.SimpleStatementLine(body=small):
                for node in small:
                    _collect_small(node, space)
            case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
                _define(space, name.value, statement)
                for decorator in statement.decorators:
                    _collect_registration(decorator.decorator, statement, space)
            case cst.For():
                for stored in _stored_into(statement):
                    _define(space, stored, statement)
            case cst.If():
                _collect_if(statement, space)
            case cst.Try() | cst.With():
                _collect(statement.body.body, space)
                if isinstance(statement, cst.Try):
                    for handler in statement.handlers:
                        _collect_missing(handler.body.body, space)


def _collect_if(statement: cst.If, space: Namespace) -> None:
    test = _words(statement.test)
    if "__main__" in test or "__name__" in test:
        return
    if "TYPE_CHECKING" not in test:
        _collect(statement.body.body, space)
    match statement.orelse:
        case cst.If():
            _collect_if(statement.orelse, space)
        case cst.Else(body=body):
            _collect(body.body, space)


def _collect_missing(body: Sequence[cst.CSTNode], space: Namespace) -> None:
    """Names that only an exception handler defines."""
    known = dict(space.definitions)
    _collect(body, space)
    for name in known:
        space.definitions[name] = known[name]


def _collect_small(node: cst.CSTNode, space: Namespace) -> None:
    match node:
        case cst.Assign(targets=targets):
            for target in targets:
                for name in target_names(target.target):
                    _define(space, name, node)
            _collect_part(node, space)
        case cst.AnnAssign(target=target) | cst.AugAssign(target=target):
            for name in target_names(target):
                _define(space, name, node)
        case cst.Import(names=names):
            for alias in names:
                _define(space, _bound_name(alias), node)
        case cst.ImportFrom(names=names):
            if isinstance(names, cst.ImportStar):
                space.stars.append(node)
                return
            for alias in names:
                _define(space, _bound_name(alias), node)
        case cst.Expr(value=cst.Call() as call):
            _collect_registration(call, node, space)


def _collect_registration(expression: cst.CSTNode, node: cst.CSTNode, space: Namespace) -> None:
    """``REGISTRY.update(...)`` and ``@REGISTRY.register``: using the registry executes them."""
    function = expression.func if isinstance(expression, cst.Call) else expression
    if not isinstance(function, cst.Attribute) or not isinstance(function.value, cst.Name):
        return
    name = function.value.value
    is_call = isinstance(node, cst.Expr)
    if name in space.definitions and (not is_call or function.attr.value in REGISTERING):
        _define(space, name, node)
        if name in space.parts:
            _define(space, space.parts[name], node)


def _collect_part(node: cst.Assign, space: Namespace) -> None:
    """``group = parser.add_argument_group()``: what the group gets, its parser has."""
    match node:
        case cst.Assign(
            targets=[cst.AssignTarget(target=cst.Name(value=part))],
            value=cst.Call(
                func=cst.Attribute(value=cst.Name(value=whole), attr=cst.Name(value=method))
            ),
        ) if method in PARTS and whole in space.definitions:
            space.parts[part] = space.parts.get(whole, whole)
            _define(space, space.parts[part], node)


def _define(space: Namespace, name: str, node: cst.CSTNode) -> None:
    space.definitions.setdefault(name, []).append(node)


def _bound_name(alias: cst.ImportAlias) -> str:
    if alias.asname is not None:
        return dotted(alias.asname.name)
    return dotted(alias.name).partition(".")[0]


def target_names(target: cst.CSTNode) -> Iterator[str]:
    """The names that an assignment target binds or changes."""
    match target:
        case cst.Name(value=value):
            yield value
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            for element in elements:
                yield from target_names(element.value)
        case cst.Subscript(value=value) | cst.Attribute(value=value):
            yield from target_names(value)


def _stored_into(loop: cst.For) -> Iterator[str]:
    for line in loop.body.body:
        for node in line.body if isinstance(line, cst.SimpleStatementLine) else ():
            match node:
                case cst.Assign(targets=targets):
                    for target in targets:
                        yield from target_names(target.target)
                case cst.AugAssign(target=target):
                    yield from target_names(target)
                case cst.Expr(value=cst.Call(func=cst.Attribute(value=cst.Name(value=name)))):
                    yield name


def _words(node: cst.CSTNode) -> set[str]:
    found: set[str] = set()
    pending: list[cst.CSTNode] = [node]
    while pending:
        current = pending.pop()
        match current:
            case cst.Name(value=value):
                found.add(value)
            case cst.SimpleString(value=value):
                found.add(value.strip("\"'"))
            case _:
                pending += children(current)
    return found
