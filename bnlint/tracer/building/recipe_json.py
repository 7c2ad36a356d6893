"""Recipes as JSON: how the command line tells the child what to build."""

from collections.abc import Mapping
from typing import Any

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

Json = Any
"""What ``json.loads`` gives."""


def to_json(recipe: Recipe) -> Json:
    """Return what :func:`from_json` takes: lists that begin with the recipe's kind."""
    match recipe:
        case Constant(value):
            return ["constant", value]
        case Assumed(name, value):
            return ["assumed", name, value]
        case Items(kind, items):
            return ["items", kind, [to_json(item) for item in items]]
        case Pairs(items):
            return ["pairs", [[to_json(key), to_json(value)] for key, value in items]]
        case ProjectName(file, name):
            return ["project", file, name]
        case LibraryName(path):
            return ["library", path]
        case Built(callee, positional, keywords, attributes, key):
            given = [to_json(value) for value in positional]
            set_after = [[name, to_json(value)] for name, value in attributes]
            return ["built", to_json(callee), given, _named(keywords), set_after, key]
        case Record(cls, known, unknown, key):
            return ["record", to_json(cls), _named(known), dict(unknown), key]
        case Unobtainable(reason):
            return ["unobtainable", reason]


def from_json(data: Json) -> Recipe:
    """Read a recipe back; raises ``ValueError``, ``TypeError`` or ``KeyError`` for anything else."""
    match data:
        case ["constant", value]:
            return Constant(value)
        case ["assumed", str(name), int(value)]:
            return Assumed(name, value)
        case ["items", str(kind), list(items)]:
            return Items(kind, tuple(from_json(item) for item in items))
        case ["pairs", list(items)]:
            return Pairs(tuple((from_json(key), from_json(value)) for key, value in items))
        case ["project", str(file), str(name)]:
            return ProjectName(file, name)
        case ["library", str(path)]:
            return LibraryName(path)
        case ["built", callee, list(given), dict(keywords), list(attributes), int(key)]:
            positional = tuple(from_json(value) for value in given)
            set_after = tuple((str(name), from_json(value)) for name, value in attributes)
            return Built(from_json(callee), positional, _recipes(keywords), set_after, key)
        case ["record", cls, dict(known), dict(unknown), int(key)]:
            return Record(from_json(cls), _recipes(known), unknown, key)
        case ["unobtainable", str(reason)]:
            return Unobtainable(reason)
    raise ValueError(f"no recipe: {data!r:.80}")


def _named(recipes: Mapping[str, Recipe]) -> dict[str, Json]:
    return {name: to_json(value) for name, value in recipes.items()}


def _recipes(data: Mapping[str, Json]) -> dict[str, Recipe]:
    return {name: from_json(value) for name, value in data.items()}
