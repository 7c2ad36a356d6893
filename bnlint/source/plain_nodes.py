"""LibCST's nodes made as cheap to ask as other objects.

They are compared by identity, and no class is registered as one of theirs, but ``isinstance`` asks
:class:`abc.ABCMeta` and every look-up in a dictionary a ``__hash__``, both of which is Python code: one
part in twenty of a rehearsal.
"""

from abc import ABCMeta
from collections.abc import Iterator

import libcst as cst


class _Plain(ABCMeta):
    """Answers ``isinstance`` and ``issubclass`` as classes do that are not abstract."""

    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__


def make_plain() -> None:
    """Let Python itself compare, hash and classify nodes; what the answers are does not change."""
    for kind in {cst.CSTNode, *_below(cst.CSTNode)}:
        if type(kind) is ABCMeta:
            kind.__class__ = _Plain
        for name in ("__eq__", "__hash__"):
            if name in vars(kind):
                setattr(kind, name, getattr(object, name))


def _below(kind: type) -> Iterator[type]:
    inner: type
    for inner in type.__subclasses__(kind):
        yield inner
        yield from _below(inner)
