"""YAML, JSON, TOML, ini and Python literals as data: nothing is executed, all of it is bounded.

What a text gives is what the safe loaders of the libraries give. Anything else, and what is too much,
is no data.
"""

import ast
import configparser
import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

MOST_NODES = 20_000
"""Of a document, those behind aliases counted as often as they occur."""
DEEPEST = 40
LONGEST_LITERAL = 20_000
LONGEST_NUMBER = 1_000
MOST_DOTS = 1_000
"""In one line of TOML, whose dotted keys take time that grows with the square of their length."""
_MANY_BLANKS = re.compile(r"[^\S\n]{200}")
"""In a line of ini, whose option ends before blanks: configparser tries each of them."""
_OPENING = re.compile(r"[\[{(]")


class NotData(Exception):
    """A text is malformed, not only data, or too much of it."""


class TooLong(NotData):
    """A text is too much to be read."""


class Lined(int):
    """A whole number that knows its line, from 1."""

    line: int


class LinedFloat(float):
    """A number that knows its line, from 1."""

    line: int


def parsed(kind: str, text: str) -> object:
    """What a text means in a format: ``yaml``, ``omegaconf``, ``json``, ``toml``, ``ini``, ``literal``.

    Raises:
        NotData: it is malformed, has something else than data, or is too large.
    """
    try:
        value = _FORMATS[kind](text)
    except NotData:
        raise
    except Exception:
        raise NotData from None
    _require_small(value)
    return value


def weight_of(kind: str, text: str) -> int:
    """What reading a text takes, as operations of Python count: PyYAML is slow."""
    return len(text) * 4 if kind in ("yaml", "omegaconf") else len(text) >> 3


def _require_small(value: object) -> None:
    """Refuse values of too many parts or levels; nothing holds itself here."""
    pending, count = [(value, 0)], 0
    while pending:
        part, depth = pending.pop()
        count += 1
        if count > MOST_NODES or depth > DEEPEST:
            raise TooLong
        match part:
            case dict():
                pending.extend((item, depth + 1) for item in part.values())
            case list() | tuple() | set() | frozenset():
                pending.extend((item, depth + 1) for item in part)


def _json(text: str) -> object:
    return json.loads(text)


def _toml(text: str) -> object:
    if any(line.count(".") > MOST_DOTS for line in text.split("\n")):
        raise NotData
    return tomllib.loads(text)


def _ini(text: str) -> object:
    if _MANY_BLANKS.search(text):
        raise NotData
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    if len(parser.sections()) * len(parser.defaults()) > MOST_NODES:  # each section has them all
        raise NotData
    found = {section: dict(parser.items(section)) for section in parser.sections()}
    return {"DEFAULT": dict(parser.defaults()), **found}


def _literal(text: str) -> object:
    if len(text) > LONGEST_LITERAL or len(_OPENING.findall(text)) > 2_000:
        raise NotData
    return ast.literal_eval(text)


def _yaml(text: str, *, floats: bool = False) -> object:
    import yaml

    loader = _loader(floats)
    _require_few_nodes(yaml.parse(text, Loader=yaml.SafeLoader))
    return yaml.load(text, Loader=loader)


def _require_few_nodes(events: Any) -> None:
    """Count the nodes of a document while it is read, before anything is made of it."""
    import yaml

    sizes: dict[str, int | None] = {}
    open_: list[tuple[str | None, int]] = []
    total = read = 0
    for event in events:
        read += 1
        size = 1
        match event:
            case yaml.AliasEvent(anchor=anchor):
                known = sizes.get(anchor)
                if known is None:  # it holds itself
                    raise NotData
                size = known
            case yaml.CollectionStartEvent(anchor=anchor):
                open_.append((anchor, total))
                if anchor is not None:
                    sizes[anchor] = None
            case yaml.CollectionEndEvent():
                anchor, before = open_.pop()
                if anchor is not None:
                    sizes[anchor] = total - before
                continue
            case yaml.ScalarEvent(anchor=anchor):
                if anchor is not None:
                    sizes[anchor] = 1
            case _:
                continue
        total += size
        if total > MOST_NODES or read > 2 * MOST_NODES or len(open_) > DEEPEST:
            raise TooLong


def _loader(floats: bool) -> Any:
    """PyYAML's safe loader, with the lines of numbers; ``floats`` as OmegaConf reads them."""
    import yaml

    kind: Any = type("Loader", (yaml.SafeLoader,), {})

    def whole(loader: Any, node: Any) -> int:
        _require_short(node.value)
        made = Lined(loader.construct_yaml_int(node))
        made.line = node.start_mark.line + 1
        return made

    def number(loader: Any, node: Any) -> float:
        _require_short(node.value)
        made = LinedFloat(loader.construct_yaml_float(node))
        made.line = node.start_mark.line + 1
        return made

    kind.add_constructor("tag:yaml.org,2002:int", whole)
    kind.add_constructor("tag:yaml.org,2002:float", number)
    if floats:
        kind.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+0123456789."))
    return kind


def _require_short(number: str) -> None:
    """Refuse what takes time that grows with the square of its length: base 60."""
    if len(number) > LONGEST_NUMBER:
        raise NotData


_FLOAT = re.compile(
    r"""^(?:[-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?(?:[0-9][0-9_]*)(?:[eE][-+]?[0-9]+)
    |\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$""",
    re.VERBOSE,
)
"""OmegaConf's: ``1e-3`` is a number."""

_FORMATS: Mapping[str, Any] = {
    "yaml": _yaml,
    "omegaconf": lambda text: _yaml(text, floats=True),
    "json": _json,
    "toml": _toml,
    "ini": _ini,
    "literal": _literal,
}
