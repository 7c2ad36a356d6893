"""Whether names mean the same at two places of one function."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.source.deciding import function_around
from bnlint.source.enclosing_parameters import parameters_of
from bnlint.source.parents import children

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile


def means_the_same(source: "SourceFile", expression: cst.CSTNode, place: cst.CSTNode) -> bool:
    """Whether an expression of names has one value, which is there before ``place`` is reached.

    It has if both stand in one function and its names are parameters that nothing rebinds or are
    bound once, before the place.
    """
    function = function_around(source, place)
    if function is None or function_around(source, expression) is not function:
        return False
    before = source.positions.offsets(place)[0]
    return all(_is_settled(source, function, name, before) for name in _names(source, expression))


def _names(source: "SourceFile", node: cst.CSTNode) -> Iterator[str]:
    """The dotted names in an expression; of ``self.a`` the attribute, of ``args.a`` the name."""
    match node:
        case cst.Attribute(value=cst.Name(value="self"), attr=attr):
            yield f"self.{attr.value}"
        case cst.Attribute(value=value):
            yield from _names(source, value)
        case cst.Name(value=name):
            if name not in ("None", "True", "False"):
                yield name
        case _:
            for child in children(node):
                yield from _names(source, child)


def _is_settled(source: "SourceFile", function: cst.CSTNode, name: str, before: int) -> bool:
    assert isinstance(function, cst.FunctionDef | cst.Lambda)
    bound = [source.positions.offsets(node)[0] for node in source.bindings.of(function, name)]
    if name in parameters_of(function):
        return not bound
    if not bound:
        return not name.startswith("self.")
    return len(bound) == 1 and bound[0] < before
