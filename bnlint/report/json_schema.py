"""JSON schemas of what is written for programs, derived from the types that it is written with."""

from collections.abc import Mapping, Sequence
from enum import Enum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from bnlint.immutable import immutable
from bnlint.report.graph_json import GraphJson
from bnlint.report.json import FindingJson
from bnlint.report.summary_json import SummaryJson
from bnlint.report.timeline_json import RunJson
from bnlint.urls import REPOSITORY

Schema = dict[str, Any]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_SCALARS = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    NoneType: "null",
}


@immutable
class Document:
    """One kind of JSON: what writes it, its type, and its version, which grows when its keys change."""

    command: str
    version: int
    kind: Any


DOCUMENTS: Mapping[str, Document] = {
    "findings": Document("bnlint --format json", 2, list[FindingJson]),
    "graph": Document("bnlint trace TARGET --graph FILE.json", 2, GraphJson),
    "summary": Document("bnlint --summary FILE", 1, SummaryJson),
    "timeline": Document("bnlint timeline --format json", 1, list[RunJson]),
}
"""What users may ask the schema of."""


def schema(name: str) -> Schema:
    """Return the JSON schema (draft 2020-12) of one of :data:`DOCUMENTS`."""
    document = DOCUMENTS[name]
    return {
        "$schema": _DRAFT,
        "$id": f"{REPOSITORY}/schemas/{name}/{document.version}",
        "title": f"What `{document.command}` writes",
        **of_type(document.kind),
    }


def of_type(kind: Any) -> Schema:
    """Return the schema of a type: scalars, unions, enumerations, lists, mappings, typed dicts.

    The words of an ``Annotated`` type are its description. Raises ``TypeError`` for other types.
    """
    origin, given = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return {**of_type(given[0]), "description": given[1]}
    if origin is NotRequired:
        return of_type(given[0])
    if origin in (Union, UnionType):
        return _any_of([of_type(each) for each in given])
    if origin is Literal:
        return {"enum": list(given)}
    if origin in (list, Sequence):
        return {"type": "array", "items": of_type(given[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": of_type(given[1])}
    if is_typeddict(kind):
        return _record(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return {"enum": [member.value for member in kind]}
    if kind not in _SCALARS:
        raise TypeError(f"no JSON: {kind!r}")
    return {"type": _SCALARS[kind]}


def _any_of(choices: Sequence[Schema]) -> Schema:
    """One of several, in a line where all are plain."""
    if all(list(choice) == ["type"] for choice in choices):
        return {"type": [choice["type"] for choice in choices]}
    return {"anyOf": list(choices)}


def _record(kind: Any) -> Schema:
    keys = get_type_hints(kind, include_extras=True)
    return {
        "type": "object",
        "properties": {key: of_type(value) for key, value in keys.items()},
        "required": sorted(kind.__required_keys__),
        "additionalProperties": False,
    }
