"""Which of its attributes the methods of a module's class call."""

from collections.abc import Container, Iterator
from functools import cached_property

import libcst as cst

from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Class, Function
from bnlint.source.parents import below


@immutable(slots=False)
class OwnCalls(Container[str]):
    """The names that some method but the constructor calls: ``norm`` of ``self.norm(x)``."""

    cls: Class | None

    def __contains__(self, name: object) -> bool:
        return name in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        classes = () if self.cls is None else self.cls.mro
        return frozenset(n for cls in classes if isinstance(cls, Class) for n in _called(cls))


def _called(cls: Class) -> Iterator[str]:
    for name, method in cls.names.items():
        if name != "__init__" and isinstance(method, Function):
            for node in below(method.node):
                match node:
                    case cst.Call(func=cst.Attribute(value=cst.Name(value="self"), attr=attr)):
                        yield attr.value
