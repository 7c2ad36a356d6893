"""Constants of a script that choose what it does, as options of a command line would."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import libcst as cst

from bnlint.source import SourceFile
from bnlint.source.name_bindings import targets
from bnlint.source.parents import children

_CHOICE = re.compile(r"\w[\w-]{0,39}")
"""Strings that may be one of several choices: no paths, no sentences."""
_HOLDING = (
    *(cst.BaseCompoundStatement, cst.BaseSuite, cst.SimpleStatementLine, cst.Else, cst.Finally),
    *(cst.ExceptHandler, cst.MatchCase, cst.WithItem, cst.Import, cst.ImportFrom),
)
"""What holds statements and other nodes that bind names."""


def constants_of(source: SourceFile) -> frozenset[cst.CSTNode]:
    """The assignments of a literal string or bool in a script's main part to names that it binds once."""
    found = [node for node in _main_part(source.tree.body) if _is_choice(node)]
    if not found:
        return frozenset()
    bound = Counter(name for node in _statements(source.tree.body) for name in targets(node))
    changed = set(re.findall(r"\bglobal +(\w+)", source.content))
    names = {node: name_of_constant(node) for node in found}
    return frozenset(n for n, name in names.items() if bound[name] == 1 and name not in changed)


def name_of_constant(node: cst.Assign) -> str:
    """The name that a constant is assigned to; ``""`` for what is none."""
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
            return name
    return ""


def _main_part(body: Sequence[cst.CSTNode]) -> Iterator[cst.Assign]:
    """The assignments at a script's top, and those after it has asked for its name."""
    for statement in body:
        match statement:
            case cst.SimpleStatementLine(body=small):
                yield from (node for node in small if isinstance(node, cst.Assign))
            case cst.If(test=cst.Comparison(left=cst.Name("__name__")), body=block):
                yield from _main_part(block.body)


def _is_choice(node: cst.Assign) -> bool:
    match node.value:
        case cst.Name(value="True" | "False"):
            return bool(name_of_constant(node))
        case cst.SimpleString() as text:
            value = text.evaluated_value
            chooses = isinstance(value, str) and _CHOICE.fullmatch(value)
            return bool(chooses and name_of_constant(node))
    return False


def _statements(body: Sequence[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """What may bind names of a module: its statements, but for what is in functions and classes."""
    pending = list(body)
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, _HOLDING) and not isinstance(node, cst.FunctionDef | cst.ClassDef):
            pending += children(node)
