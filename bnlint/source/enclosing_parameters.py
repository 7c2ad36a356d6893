"""The parameters of the functions around a place."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile


def parameters_around(source: "SourceFile", node: cst.CSTNode) -> Iterator[str]:
    """Yield the names of the parameters of all functions that a node is in, inner ones first."""
    for above in source.parents.above(node):
        if isinstance(above, cst.FunctionDef | cst.Lambda):
            yield from parameters_of(above)


def parameters_of(function: cst.FunctionDef | cst.Lambda) -> Iterator[str]:
    """Yield the names of a function's parameters."""
    params = function.params
    every = [*params.posonly_params, *params.params, *params.kwonly_params]
    stars = [params.star_arg, params.star_kwarg]
    yield from (p.name.value for p in (*every, *stars) if isinstance(p, cst.Param))
