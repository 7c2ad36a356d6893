"""Arguments of library constructors by parameter name."""

from collections.abc import Mapping
from functools import cache

from bnlint.interpreter.core.objects import Bound
from bnlint.interpreter.core.values import Arguments, Unknown
from bnlint.vocabulary.layers import REQUIRED, SIGNATURES


def bind_signature(bare: str, arguments: Arguments) -> dict[str, Bound]:
    """Arguments of a torch.nn constructor by parameter name, defaults included."""
    bound: dict[str, Bound] = {}
    for number, parameter in enumerate(SIGNATURES[bare]):
        name = parameter.name
        if number < len(arguments.positional) and not parameter.keyword_only:
            node = arguments.nodes[number]
            bound[name] = Bound(arguments.positional[number], node, positional=True)
        elif name in arguments.keywords:
            bound[name] = Bound(arguments.keywords[name], arguments.keyword_nodes.get(name))
        elif arguments.opened or arguments.further or parameter.default is REQUIRED:
            bound[name] = Bound(Unknown(f"argument {name}"))
        else:
            bound[name] = _defaults(bare)[name]
    return bound


@cache
def _defaults(bare: str) -> Mapping[str, Bound]:
    """The defaults of a torch.nn constructor, which all layers share that are built with them."""
    return {parameter.name: Bound(parameter.default) for parameter in SIGNATURES[bare]}


def bind_loosely(arguments: Arguments) -> dict[str, Bound]:
    """Arguments of a constructor without a table: positional ones by number."""
    bound = {
        str(number): Bound(value, arguments.nodes[number], positional=True)
        for number, value in enumerate(arguments.positional)
    }
    for name, value in arguments.keywords.items():
        bound[name] = Bound(value, arguments.keyword_nodes.get(name))
    return bound
