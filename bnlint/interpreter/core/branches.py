"""Code that only another value of an option would have executed, and what is written in it."""

import re

import libcst as cst

from bnlint.immutable import immutable
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.source.parents import below

TELLING = re.compile(
    r"freez|frozen|^requires_grad|^eval$|^train\(\)$|BatchNorm|^batch_norm$|^momentum$"
    r"|^half$|^bfloat16$|^checkpoint\(\)$"
)
"""Names in a branch that say that it does something with BatchNorm, its mode or its parameters."""


@immutable(eq=False)
class Branch:
    """Code that is only executed with an option: the names in it, the local functions of those, its file's names."""

    words: frozenset[str]
    functions: frozenset[cst.CSTNode] = frozenset()
    namespace: Namespace | None = None

    @property
    def is_telling(self) -> bool:
        """Whether it says by itself that it does something with BatchNorm."""
        return any(TELLING.search(word) for word in self.words)


def compared(target: cst.ComparisonTarget) -> str | None:
    """``"a"`` of ``== "a"`` and of ``in ("a", "b")``."""
    match target:
        case cst.ComparisonTarget(operator=cst.Equal(), comparator=cst.SimpleString() as literal):
            pass
        case cst.ComparisonTarget(
            operator=cst.In(),
            comparator=cst.Tuple(elements=[cst.Element(value=cst.SimpleString() as literal), *_])
            | cst.List(elements=[cst.Element(value=cst.SimpleString() as literal), *_]),
        ):
            pass
        case _:
            return None
    return literal.evaluated_value if isinstance(literal.evaluated_value, str) else None


def last_name(node: cst.Name | cst.Attribute) -> str:
    """``c`` of ``c`` and of ``a.b.c``."""
    return node.value if isinstance(node, cst.Name) else node.attr.value


def words_of(body: cst.CSTNode) -> frozenset[str]:
    """The names in some code, and ``train()`` and ``checkpoint()`` where it calls what is named so."""
    found: set[str] = set()
    for node in (body, *below(body)):
        match node:
            case cst.Name(value=name):
                found.add(name)
            case cst.Call(func=cst.Attribute(attr=cst.Name("train")), args=[]):
                found.add("train()")
            case cst.Call(func=cst.Name("checkpoint") | cst.Attribute(attr=cst.Name("checkpoint"))):
                found.add("checkpoint()")
    return frozenset(found)
