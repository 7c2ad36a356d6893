"""Where a class's code builds the module that it keeps under an attribute."""

from collections.abc import Iterator, Sequence

import libcst as cst

from bnlint.facts.types.site import Site

_CONTAINERS = ("Sequential", "ModuleList")


def assigned_call(definition: Site, path: Sequence[str]) -> Site | None:
    """The call that builds ``self.<path>`` in a class, if exactly one place does.

    The rest of a path such as ``features.0`` is looked for among the arguments of
    ``nn.Sequential(...)``; where they are not written there, nothing is found.
    """
    if not isinstance(definition.node, cst.ClassDef) or not path:
        return None
    found = list(_assigned(definition.node, path[0]))
    call = _within(found[0], path[1:]) if len(found) == 1 else None
    return Site(definition.source, call) if call is not None else None


def _assigned(definition: cst.ClassDef, name: str) -> Iterator[cst.BaseExpression]:
    """The values that methods of a class assign to ``self.name``."""
    pending: list[cst.CSTNode] = [definition.body]
    while pending:
        node = pending.pop()
        match node:
            case cst.ClassDef():
                continue
            case cst.Assign(targets=targets, value=value):
                if any(_is_attribute(target.target, name) for target in targets):
                    yield value
            case cst.AnnAssign(target=target, value=cst.BaseExpression() as value):
                if _is_attribute(target, name):
                    yield value
        pending.extend(node.children)


def _is_attribute(target: cst.BaseExpression, name: str) -> bool:
    match target:
        case cst.Attribute(value=cst.Name("self"), attr=cst.Name(value)):
            return value == name
    return False


def _within(value: cst.BaseExpression, path: Sequence[str]) -> cst.Call | None:
    if not isinstance(value, cst.Call):
        return None
    if not path:
        return value
    items = _items(value)
    if items is None or not path[0].isdecimal() or int(path[0]) >= len(items):
        return None
    return _within(items[int(path[0])], path[1:])


def _items(call: cst.Call) -> list[cst.BaseExpression] | None:
    """The modules that a container is built of, where all are written one by one."""
    name = call.func.attr if isinstance(call.func, cst.Attribute) else call.func
    if not isinstance(name, cst.Name) or name.value not in _CONTAINERS:
        return None
    if any(argument.star or argument.keyword for argument in call.args):
        return None
    match call.args:
        case [cst.Arg(value=cst.List(elements=elements) | cst.Tuple(elements=elements))]:
            return [element.value for element in elements]
    return [argument.value for argument in call.args]
