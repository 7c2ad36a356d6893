"""Values that nothing changes, which the type checker sees to, so that making one costs no check.

A dataclass with ``frozen=True`` sets each field through ``object.__setattr__``, and defines two more
methods when its class is made, which most of what start-up gained comes from.
"""

from collections.abc import Callable
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
        hashed = eq and "__hash__" not in vars(cls)
        return dataclass(
            repr=False, eq=eq, unsafe_hash=hashed, order=order, kw_only=kw_only, slots=slots
        )(cls)

    return made if cls is None else made(cls)


@recursive_repr()
def _shown(value: Any) -> str:
    shown = (f"{one.name}={getattr(value, one.name)!r}" for one in fields(value) if one.repr)
    return f"{type(value).__qualname__}({', '.join(shown)})"
