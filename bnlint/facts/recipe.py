"""How to build a model again as the rehearsal saw it built: plain values, without its code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that JSON can hold: ``None``, a truth value, a number or a text."""

    value: bool | int | float | str | None


@dataclass(frozen=True, slots=True)
class Items:
    """A list, tuple or set; ``kind`` is the name of its type."""

    kind: str
    items: tuple["Recipe", ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """A dict."""

    items: tuple[tuple["Recipe", "Recipe"], ...]


@dataclass(frozen=True, slots=True)
class ProjectName:
    """A class or function of the project: its file, absolute, and its qualified name there."""

    file: str
    name: str


@dataclass(frozen=True, slots=True)
class LibraryName:
    """Something of an installed package, by its dotted path: ``torch.nn.ReLU``."""

    path: str


@dataclass(frozen=True, slots=True)
class Built:
    """The result of calling ``callee``; the same ``key`` is the same object.

    ``attributes`` were set on it afterwards, by dotted name, in order.
    """

    callee: "Recipe"
    positional: tuple["Recipe", ...] = ()
    keywords: Mapping[str, "Recipe"] = field(default_factory=dict)
    attributes: tuple[tuple[str, "Recipe"], ...] = ()
    key: int = -1


@dataclass(frozen=True, slots=True)
class Unobtainable:
    """Something that reading the code does not give; ``reason`` says what and why."""

    reason: str


Recipe: TypeAlias = Constant | Items | Pairs | ProjectName | LibraryName | Built | Unobtainable


def missing(recipe: Recipe) -> str | None:
    """The first reason why a recipe cannot be followed, or ``None``."""
    if isinstance(recipe, Unobtainable):
        return recipe.reason
    reasons = (missing(part) for part in parts(recipe))
    return next((reason for reason in reasons if reason is not None), None)


def parts(recipe: Recipe) -> Sequence[Recipe]:
    """The recipes within one."""
    match recipe:
        case Items(items=items):
            return items
        case Pairs(items=pairs):
            return [part for pair in pairs for part in pair]
        case Built():
            set_after = [value for _, value in recipe.attributes]
            return [recipe.callee, *recipe.positional, *recipe.keywords.values(), *set_after]
    return ()
