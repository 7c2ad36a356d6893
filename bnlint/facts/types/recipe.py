"""How to build a model again as the rehearsal saw it built: plain values, without its code."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from bnlint.immutable import immutable


@immutable
class Constant:
    """A value that JSON can hold: ``None``, a truth value, a number or a text."""

    value: bool | int | float | str | None


@immutable
class Assumed:
    """A number that reading does not give and whose value hardly matters: of classes, of words."""

    name: str
    value: int


@immutable
class Items:
    """A list, tuple, set or frozenset; ``kind`` is the name of its type."""

    kind: str
    items: tuple["Recipe", ...]


@immutable
class Pairs:
    """A dict."""

    items: tuple[tuple["Recipe", "Recipe"], ...]


@immutable
class ProjectName:
    """A class or function of the project: its file, absolute, and its qualified name there.

    The empty name is the module itself.
    """

    file: str
    name: str


@immutable
class LibraryName:
    """Something of an installed package, by its dotted path: ``torch.nn.ReLU``."""

    path: str


@immutable
class Built:
    """The result of calling ``callee``; the same ``key`` is the same object.

    ``attributes`` were set on it afterwards, by dotted name, in order. A recipe may hold the same
    object several times, then each with some of the first of its attributes.
    """

    callee: "Recipe"
    positional: tuple["Recipe", ...] = ()
    keywords: Mapping[str, "Recipe"] = field(default_factory=dict)
    attributes: tuple[tuple[str, "Recipe"], ...] = ()
    key: int = -1


@immutable
class Record:
    """An object by its attributes, made without calling its class: options, a configuration.

    ``unknown`` are the attributes that reading does not give, each with the reason; they matter
    only if the model reads them.
    """

    cls: "Recipe"
    known: Mapping[str, "Recipe"]
    unknown: Mapping[str, str] = field(default_factory=dict)
    key: int = -1


@immutable
class Unobtainable:
    """Something that reading the code does not give; ``reason`` says what and why."""

    reason: str


Recipe: TypeAlias = (
    Constant | Assumed | Items | Pairs | ProjectName | LibraryName | Built | Record | Unobtainable
)


def missing(recipe: Recipe) -> str | None:
    """The first reason why a recipe cannot be followed, or ``None``."""
    return next((part.reason for part in walk(recipe) if isinstance(part, Unobtainable)), None)


def walk(recipe: Recipe) -> Iterator[Recipe]:
    """A recipe and all within it, from the outside in."""
    pending = [recipe]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(reversed(parts(current)))


def mapped(recipe: Recipe, change: Callable[["Recipe"], "Recipe"]) -> Recipe:
    """A recipe with those directly within it changed."""
    match recipe:
        case Items(kind, items):
            return Items(kind, tuple(change(item) for item in items))
        case Pairs(items):
            return Pairs(tuple((change(key), change(value)) for key, value in items))
        case Built(callee, positional, keywords, attributes, key):
            return Built(
                change(callee),
                tuple(change(value) for value in positional),
                {name: change(value) for name, value in keywords.items()},
                tuple((name, change(value)) for name, value in attributes),
                key,
            )
        case Record(cls, known, unknown, key):
            changed = {name: change(value) for name, value in known.items()}
            return Record(change(cls), changed, unknown, key)
    return recipe


def parts(recipe: Recipe) -> Sequence[Recipe]:
    """The recipes directly within one."""
    match recipe:
        case Items(items=items):
            return items
        case Pairs(items=pairs):
            return [part for pair in pairs for part in pair]
        case Built():
            set_after = [value for _, value in recipe.attributes]
            return [recipe.callee, *recipe.positional, *recipe.keywords.values(), *set_after]
        case Record():
            return [recipe.cls, *recipe.known.values()]
    return ()


def renumbered(recipe: Recipe) -> Recipe:
    """The same recipe with its objects numbered from 0, so that equal models have equal recipes."""
    return _renumbered(recipe, {})


def _renumbered(recipe: Recipe, numbers: dict[int, int]) -> Recipe:
    made = mapped(recipe, lambda part: _renumbered(part, numbers))
    if isinstance(made, Built | Record) and made.key >= 0:
        return replace(made, key=numbers.setdefault(made.key, len(numbers)))
    return made
