"""Which names code uses, and where it binds them."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

import libcst as cst

from bnlint.source.parents import below, children


def dotted(node: cst.CSTNode | None) -> str:
    """The text of a dotted name, ``""`` for anything else."""
    if type(node) is cst.Name:
        return node.value
    if type(node) is cst.Attribute:
        head = dotted(node.value)
        return f"{head}.{node.attr.value}" if head else ""
    return ""


def names_in(node: cst.CSTNode) -> set[str]:
    """The names in an expression, of dotted ones the first."""
    match node:
        case cst.Name(value=value):
            return {value}
        case cst.Attribute(value=value):
            return names_in(value)
        case cst.Arg(value=value):
            return names_in(value)
    return set[str]().union(*map(names_in, children(node)))


def read_first(block: cst.BaseSuite) -> set[str]:
    """The names that statements may read before they set them, each time anew."""
    return _read_first(block, set())


def _read_first(block: cst.BaseSuite, bound: set[str]) -> set[str]:
    found: set[str] = set()
    for statement in block.body:
        match statement:
            case cst.SimpleStatementLine(body=parts):
                for part in parts:
                    found |= _read_by(part) - bound
                    bound |= _set_by(part)
            case cst.If(test=test, body=body):
                found |= names_in(test) - bound
                found |= _read_first(body, set(bound))
                found |= _read_otherwise(statement.orelse, bound)
            case _:
                found |= names_in(statement) - bound
    return found


def _read_otherwise(orelse: cst.If | cst.Else | None, bound: set[str]) -> set[str]:
    match orelse:
        case cst.If(test=test, body=body):
            inner = names_in(test) - bound | _read_first(body, set(bound))
            return inner | _read_otherwise(orelse.orelse, bound)
        case cst.Else(body=body):
            return _read_first(body, set(bound))
    return set()


def _read_by(statement: cst.CSTNode) -> set[str]:
    match statement:
        case cst.Assign(targets=targets, value=value) if all(
            isinstance(one.target, cst.Name) for one in targets
        ):
            return names_in(value)
    return names_in(statement)


def _set_by(statement: cst.CSTNode) -> set[str]:
    match statement:
        case cst.Assign(targets=targets):
            return {t.target.value for t in targets if isinstance(t.target, cst.Name)}
    return set()


@dataclass(slots=True)
class Bindings:
    """What binds the names of functions, each of which is gone through once."""

    _found: dict[cst.CSTNode, dict[str, list[cst.CSTNode]]] = field(default_factory=dict)

    def of(self, function: cst.FunctionDef | cst.Lambda, name: str) -> Sequence[cst.CSTNode]:
        """The nodes in a function that give a name, or an attribute of it, a value."""
        if function not in self._found:
            self._found[function] = _bindings_by_name(function.body)
        return self._found[function].get(name, ())


def _bindings_by_name(within: cst.CSTNode) -> dict[str, list[cst.CSTNode]]:
    found: dict[str, list[cst.CSTNode]] = {}
    for node in (within, *below(within)):
        for name in {head for target in targets(node) for head in _heads(target)}:
            found.setdefault(name, []).append(node)
    return found


def _heads(target: str) -> Iterator[str]:
    """``a``, ``a.b`` and ``a.b.c`` for the last of them."""
    return accumulate(target.split("."), "{}.{}".format)


def bindings(
    within: cst.CSTNode, name: str, but: Collection[type[cst.CSTNode]] = ()
) -> Iterator[cst.CSTNode]:
    """The nodes that give a name, or an attribute of it, a value; not those in nodes of ``but``."""
    pending = [within]
    while pending:
        node = pending.pop()
        if any(target == name or target.startswith(f"{name}.") for target in targets(node)):
            yield node
        elif not isinstance(node, cst.ImportAlias):
            pending += [child for child in children(node) if not isinstance(child, tuple(but))]


def targets(node: cst.CSTNode) -> set[str]:
    """The dotted names that a node itself binds, rebinds or deletes."""
    match node:
        case cst.Assign(targets=assigned):
            return set[str]().union(*(_parts(target.target) for target in assigned))
        case cst.AnnAssign(target=target) | cst.AugAssign(target=target):
            return _parts(target)
        case cst.NamedExpr(target=target) | cst.Del(target=target):
            return _parts(target)
        case cst.For(target=target) | cst.CompFor(target=target) | cst.AsName(name=target):
            return _parts(target)
        case cst.ImportAlias(asname=cst.AsName(name=cst.Name(value=value))):
            return {value}
        case cst.ImportAlias(name=imported):
            return {dotted(imported).partition(".")[0]}
        case cst.Param(name=cst.Name(value=value)) | cst.FunctionDef(name=cst.Name(value=value)):
            return {value}
        case cst.ClassDef(name=cst.Name(value=value)):
            return {value}
    return set()


def _parts(target: cst.CSTNode) -> set[str]:
    match target:
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            return set[str]().union(*(_parts(element.value) for element in elements))
    return {dotted(target)} - {""}
