"""optparse: options in the terms of argparse, which took its place."""

from collections.abc import Mapping

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Library, Value
from bnlint.interpreter.library.command_lines.parser_declarations import (
    DECLARED,
    declarations_of,
    declare,
)

KINDS: Mapping[Value, Value] = {
    "int": Library("builtins.int"),
    "long": Library("builtins.int"),
    "float": Library("builtins.float"),
    "complex": Library("builtins.complex"),
    "string": Library("builtins.str"),
    "str": Library("builtins.str"),
    "choice": Library("builtins.str"),
}


def in_argparses_terms(arguments: Arguments) -> Arguments:
    """The arguments of an ``add_option``, whose types are words, as those of an ``add_argument``."""
    kind = arguments.keywords.get("type")
    if not isinstance(kind, str) or kind not in KINDS:
        return arguments
    made = arguments.prefixed()
    made.keywords = {**arguments.keywords, "type": KINDS[kind]}
    return made


def add_group(m: Machine, parser: Instance, group: Instance) -> Value:
    """``parser.add_option_group(group)``: what the group has been told, the parser knows."""
    for name, value in group.attributes.items():
        if name != DECLARED:
            m.heap.put(parser.attributes, name, value)
    for declaration in declarations_of(group):
        declare(m, parser, declaration)
    return group
