"""What the statements of a module's body define, by name, each with what fills it later."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import libcst as cst

from bnlint.source.name_bindings import dotted
from bnlint.source.parents import children
from bnlint.vocabulary.filling import PARTS, filled, registers

_FILLING = frozenset({"globals", "setattr", "__dict__"})
"""What a loop has in it that may give its module names: ``setattr(sys.modules[__name__], name, value)``."""


@dataclass(slots=True)
class TopLevel:
    """The definitions of a module.

    ``definitions`` are each name's statements, in order, also those that fill what has the name.
    """

    definitions: dict[str, list[cst.CSTNode]] = field(default_factory=dict)
    stars: list[cst.ImportFrom] = field(default_factory=list)
    fillers: list[cst.CSTNode] = field(default_factory=list)
    """Loops that add names to the module, which are not written down anywhere."""
    _wholes: dict[str, str] = field(default_factory=dict)
    """The parsers that groups of options and commands belong to, by their names."""

    def collect(self, body: Iterable[cst.CSTNode]) -> None:
        """Add what some statements define."""
        for statement in body:
            match statement:
                case cst.SimpleStatementLine(body=small):
                    for node in small:
                        self._collect_small(node)
                case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
                    self._define(name.value, statement)
                    for registry in _registries(statement):
                        self._fill(registry, statement)
                case cst.For() | cst.While():
                    for stored in dict.fromkeys(_stored_into(statement.body)):
                        self._define(stored, statement)
                    if not _FILLING.isdisjoint(_words(statement.body)):
                        self.fillers.append(statement)
                case cst.If():
                    self._collect_if(statement)
                case cst.With():
                    self.collect(statement.body.body)
                case cst.Try():
                    self._collect_try(statement)

    def _collect_if(self, statement: cst.If) -> None:
        test = _words(statement.test)
        if "__main__" in test or "__name__" in test:
            return
        if "TYPE_CHECKING" not in test:
            self.collect(statement.body.body)
        match statement.orelse:
            case cst.If():
                self._collect_if(statement.orelse)
            case cst.Else(body=body):
                self.collect(body.body)

    def _collect_try(self, statement: cst.Try) -> None:
        self.collect(statement.body.body)
        if statement.orelse is not None:
            self.collect(statement.orelse.body.body)
        for handler in statement.handlers:
            self._collect_missing(handler.body.body)

    def _collect_missing(self, body: Sequence[cst.CSTNode]) -> None:
        """Names that only an exception handler defines."""
        missing = TopLevel()
        missing.collect(body)
        self.definitions.update(
            (name, nodes)
            for name, nodes in missing.definitions.items()
            if name not in self.definitions
        )
        self.stars += missing.stars

    def _collect_small(self, node: cst.CSTNode) -> None:
        match node:
            case cst.Assign():
                for name in _assigned(node):
                    self._define(name, node)
                self._collect_part(node)
            case cst.AnnAssign(target=target, value=cst.BaseExpression()):
                for name in target_names(target):
                    self._define(name, node)
            case cst.AugAssign(target=target):
                for name in target_names(target):
                    self._define(name, node)
            case cst.Import(names=aliases):
                for alias in aliases:
                    self._define(_bound_name(alias), node)
            case cst.ImportFrom(names=cst.ImportStar()):
                self.stars.append(node)
            case cst.ImportFrom(names=[*aliases]):
                for alias in aliases:
                    self._define(_bound_name(alias), node)
            case cst.Expr(value=value):
                for name in _filled(value):
                    self._fill(name, node)

    def _collect_part(self, node: cst.Assign) -> None:
        """``group = parser.add_argument_group()``: what the group gets, its parser has."""
        match node:
            case cst.Assign(
                targets=[cst.AssignTarget(target=cst.Name(value=part))],
                value=cst.Call(
                    func=cst.Attribute(value=cst.Name(value=whole), attr=cst.Name(value=method))
                ),
            ) if method in PARTS and whole in self.definitions:
                self._wholes[part] = self._wholes.get(whole, whole)
                self._define(self._wholes[part], node)

    def _fill(self, name: str, node: cst.CSTNode) -> None:
        """Using a name that the module defines executes what fills it."""
        if name in self.definitions:
            self._define(name, node)
            if name in self._wholes:
                self._define(self._wholes[name], node)

    def _define(self, name: str, node: cst.CSTNode) -> None:
        self.definitions.setdefault(name, []).append(node)


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


def _assigned(node: cst.Assign) -> Iterator[str]:
    for target in node.targets:
        yield from target_names(target.target)


def _bound_name(alias: cst.ImportAlias) -> str:
    if alias.asname is not None:
        return dotted(alias.asname.name)
    return dotted(alias.name).partition(".")[0]


def _filled(value: cst.CSTNode) -> Sequence[str]:
    """The names that a call fills."""
    match value:
        case cst.Call(func=cst.Attribute(value=owner, attr=cst.Name(value=function)), args=given):
            return filled(next(target_names(owner), None), function, _names(given))
        case cst.Call(func=cst.Name(value=function), args=given):
            return filled(None, function, _names(given))
    return ()


def _names(arguments: Iterable[cst.Arg]) -> list[str | None]:
    by_position = (argument.value for argument in arguments if argument.keyword is None)
    return [value.value if isinstance(value, cst.Name) else None for value in by_position]


def _registries(definition: cst.FunctionDef | cst.ClassDef) -> Iterator[str]:
    """``R`` of ``@R.register`` and ``@R.register(...)``."""
    for decorator in definition.decorators:
        expression = decorator.decorator
        function = expression.func if isinstance(expression, cst.Call) else expression
        if isinstance(function, cst.Attribute) and registers(function.attr.value):
            yield from target_names(function.value)


def _stored_into(body: cst.BaseSuite) -> Iterator[str]:
    """The names that a loop's body binds, changes or fills."""
    for statement in body.body:
        match statement:
            case cst.SimpleStatementLine(body=small):
                for node in small:
                    yield from _changed(node)
            case cst.For(body=inner) | cst.While(body=inner) | cst.If(body=inner):
                yield from _stored_into(inner)


def _changed(node: cst.CSTNode) -> Iterator[str]:
    match node:
        case cst.Assign():
            yield from _assigned(node)
        case cst.AugAssign(target=target):
            yield from target_names(target)
        case cst.Expr(value=value):
            yield from _filled(value)


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
