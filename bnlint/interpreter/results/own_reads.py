"""Which of its attributes the methods of a module's class use."""

from collections import Counter
from collections.abc import Container, Iterator
from functools import cached_property, lru_cache

import libcst as cst

from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Class, Function
from bnlint.source.name_bindings import dotted
from bnlint.source.parents import below

MOST_REMEMBERED = 128
"""Methods that were looked through; each layer of a class asks again, and what is remembered is kept in memory."""


@immutable(slots=False)
class OwnReads(Container[str]):
    """The attributes that some method reads which does not set them, and is no constructor."""

    cls: Class | None

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        classes = () if self.cls is None else self.cls.mro
        methods = (m for cls in classes if isinstance(cls, Class) for m in _methods(cls))
        return frozenset(name for method in methods for name in _read(method))


def uses(cls: Class, name: str) -> int:
    """In how many places of its class, but for the constructor, an attribute is read or set."""
    return sum(_used(method).of[name] for method in _all_methods(cls))


def asks_mode(cls: Class) -> bool:
    """Whether some method asks for ``training``, for more than to hand it to dropout."""
    return any(_used(method).asks_mode for method in _all_methods(cls))


@immutable
class _Used:
    """How often a method uses each attribute, of whatever, and what it does with ``training``."""

    of: Counter[str]
    asks_mode: bool


@lru_cache(maxsize=MOST_REMEMBERED)
def _used(method: cst.CSTNode) -> _Used:
    attributes: Counter[str] = Counter()
    asked: set[cst.CSTNode] = set()
    handed: set[cst.CSTNode] = set()
    for node in below(method):
        match node:
            case cst.Attribute(attr=cst.Name(value=name)):
                attributes[name] += 1
                asked |= {node} if name == "training" else set()
            case cst.Call(func=func, args=args) if "dropout" in dotted(func).rpartition(".")[2]:
                handed.update(argument.value for argument in args)
    return _Used(attributes, not asked <= handed)


def _all_methods(cls: Class) -> Iterator[cst.CSTNode]:
    return (method for one in cls.mro if isinstance(one, Class) for method in _methods(one))


def _methods(cls: Class) -> Iterator[cst.CSTNode]:
    for name, method in cls.names.items():
        if name != "__init__" and isinstance(method, Function):
            yield method.node


def _read(method: cst.CSTNode) -> set[str]:
    read, written = set(), set()
    for node in below(method):
        match node:
            case cst.AssignTarget(target=cst.Attribute(value=cst.Name(value="self"), attr=attr)):
                written.add(attr.value)
            case cst.Attribute(value=cst.Name(value="self"), attr=attr):
                read.add(attr.value)
    return read - written
