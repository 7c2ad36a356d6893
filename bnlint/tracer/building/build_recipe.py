"""From recipes to live objects."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from bnlint.facts.types.recipe import (
    Assumed,
    Built,
    Constant,
    Items,
    LibraryName,
    Pairs,
    ProjectName,
    Recipe,
    Record,
    Unobtainable,
)
from bnlint.tracer.building.weights import without_weights
from bnlint.tracer.slicing.importing import SlicedProject

KINDS = {kind.__name__: kind for kind in (list, tuple, set, frozenset)}


class NotKnown(Exception):
    """Something that reading the code did not give; the text says what and why."""


class Maker:
    """Follows recipes; those with the same key give the same object."""

    def __init__(self, sources: SlicedProject) -> None:
        self._sources = sources
        self._made: dict[int, Any] = {}
        self._set: dict[int, int] = {}
        """How many of an object's attributes have been set."""
        self.notes: list[str] = []
        """What was assumed, in words."""

    def make(self, recipe: Recipe) -> Any:
        """The object that a recipe describes.

        Raises:
            NotKnown: the recipe has a gap, or names what is not there.
            Exception: whatever the project's code raises.
        """
        match recipe:
            case Constant(value):
                return value
            case Assumed(name, value):
                self._note(f"`{name}` is not known from reading: {value} is taken for it")
                return value
            case Items(kind, items):
                return KINDS[kind](self.make(item) for item in items)
            case Pairs(items):
                return {self.make(key): self.make(value) for key, value in items}
            case ProjectName(file, name):
                return _member(self._sources.load_file(file), name, file)
            case LibraryName(path):
                return self._of_library(path)
            case Built():
                return self._built(recipe)
            case Record():
                return self._record(recipe)
            case Unobtainable(reason):
                raise NotKnown(reason)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _of_library(self, path: str) -> Any:
        """Something of an installed package: the longest part that is a module, then attributes."""
        parts = path.split(".")
        for end in range(len(parts), 0, -1):
            name = ".".join(parts[:end])
            try:
                found = self._sources.load_module(name)
            except ModuleNotFoundError as error:
                if end == 1 or error.name is None or not f"{name}.".startswith(f"{error.name}."):
                    raise
                continue
            return _member(found, ".".join(parts[end:]), name)
        raise NotKnown(f"`{path}` is not installed")

    def _built(self, recipe: Built) -> Any:
        made = self._made[recipe.key] if recipe.key in self._made else self._new(recipe)
        done = self._set.get(recipe.key, 0)
        for number, (name, value) in enumerate(recipe.attributes[done:], done + 1):
            if recipe.key >= 0:
                self._set[recipe.key] = number
            _set(made, name, self.make(value))
        return made

    def _new(self, recipe: Built) -> Any:
        callee = self.make(recipe.callee)
        positional = [self.make(value) for value in recipe.positional]
        keywords = {name: self.make(value) for name, value in recipe.keywords.items()}
        if isinstance(recipe.callee, LibraryName):
            positional, keywords = without_weights(recipe.callee.path, positional, keywords)
        made = callee(*positional, **keywords)
        if recipe.key >= 0:
            self._made[recipe.key] = made
        return made

    def _record(self, recipe: Record) -> Any:
        if recipe.key in self._made:
            return self._made[recipe.key]
        made = _lacking(self.make(recipe.cls), recipe.unknown)
        if recipe.key >= 0:
            self._made[recipe.key] = made
        for name, value in recipe.known.items():
            object.__setattr__(made, name, self.make(value))
        return made


def _member(owner: Any, name: str, where: str) -> Any:
    for part in name.split(".") if name else ():
        try:
            owner = getattr(owner, part)
        except AttributeError:
            raise NotKnown(f"there is no `{part}` in {where}") from None
    return owner


def _set(owner: Any, name: str, value: object) -> None:
    """``owner.a.b = value``."""
    *path, last = name.split(".")
    for part in path:
        if not hasattr(owner, part):
            if not isinstance(value, nn.Module):
                return
            raise NotKnown(f"there is no `{'.'.join(path)}` to set `{last}` of")
        owner = getattr(owner, part)
    if isinstance(owner, nn.Module) and isinstance(value, nn.Module):
        owner.add_module(last, value) if not hasattr(owner, last) else setattr(owner, last, value)
    else:
        setattr(owner, last, value)


def _lacking(cls: Any, unknown: Mapping[str, str]) -> Any:
    """An object of a class, without its constructor, that says why it lacks some attributes."""
    if not unknown:
        return cls.__new__(cls)

    def absent(self: object, name: str) -> Any:
        if name in unknown:
            raise NotKnown(unknown[name])
        inherited = getattr(super(made, self), "__getattr__", None)
        if inherited is not None:
            return inherited(name)
        raise AttributeError(f"`{cls.__name__}` has no attribute `{name}`")

    body = {"__getattr__": absent, "__module__": cls.__module__}
    made: Any = type(cls.__name__, (cls,), body)
    return made.__new__(made)
