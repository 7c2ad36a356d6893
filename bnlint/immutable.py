"""Values that nothing changes, which the type checker sees to, so that making one costs no check.

A dataclass with ``frozen=True`` sets each field through ``object.__setattr__``. It also compiles each
of its methods when the class is made; here, those that compare are compiled when they are first called:
start-up makes some two hundred classes.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from reprlib import recursive_repr
from typing import Any, TypeVar, dataclass_transform, overload

T = TypeVar("T")


@overload
def immutable(cls: type[T], /) -> type[T]: ...


@overload
def immutable(
    *, eq: bool = True, order: bool = False, kw_only: bool = False, slots: bool = True
) -> Callable[[type[T]], type[T]]: ...


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def immutable(
    cls: type[Any] | None = None,
    /,
    *,
    eq: bool = True,
    order: bool = False,
    kw_only: bool = False,
    slots: bool = True,
) -> Any:
    """A dataclass of values, compared and hashed by its fields unless ``eq`` is off.

    Raises:
        TypeError: what :func:`dataclasses.dataclass` raises.
    """

    def made(cls: type[Any]) -> type[Any]:
        if not any("__repr__" in vars(base) for base in cls.__mro__[:-1]):
            cls.__repr__ = _shown  # type: ignore[assignment]
        own = set(vars(cls))
        value = dataclass(repr=False, eq=order, order=order, kw_only=kw_only, slots=slots)(cls)
        methods = {"__eq__": _equality(value), "__hash__": _hash(value)} if eq else {}
        for name in methods.keys() - own:
            setattr(value, name, methods[name])
        return value

    return made if cls is None else made(cls)


def _equality(cls: type[Any]) -> Callable[[Any, Any], Any]:
    def equals(value: Any, other: Any) -> Any:
        names = [one.name for one in fields(cls) if one.compare]
        same = f"{_tuple('a', names)} == {_tuple('b', names)}"
        code = f"lambda a, b: {same} if a.__class__ is b.__class__ else NotImplemented"
        return _compiled(cls, "__eq__", code)(value, other)

    return equals


def _hash(cls: type[Any]) -> Callable[[Any], int]:
    def hashed(value: Any) -> int:
        names = [one.name for one in fields(cls) if one.compare and one.hash is not False]
        return int(_compiled(cls, "__hash__", f"lambda a: hash({_tuple('a', names)})")(value))

    return hashed


def _tuple(value: str, names: Iterable[str]) -> str:
    return f"({''.join(f'{value}.{name}, ' for name in names)})"


def _compiled(cls: type[Any], name: str, code: str) -> Callable[..., Any]:
    """Make a method when it is first called; few classes of a run are ever compared."""
    method: Callable[..., Any] = eval(code)
    setattr(cls, name, method)
    return method


@recursive_repr()
def _shown(value: Any) -> str:
    shown = (f"{one.name}={getattr(value, one.name)!r}" for one in fields(value) if one.repr)
    return f"{type(value).__qualname__}({', '.join(shown)})"
