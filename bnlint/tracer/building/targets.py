"""What ``bnlint trace`` and ``bnlint signal`` are told: a target, input sizes, arguments."""

import ast
import os
import re
from collections.abc import Mapping

from bnlint.errors import UsageError, did_you_mean
from bnlint.facts.types.recipe import Constant, Items, LibraryName, Pairs, Recipe
from bnlint.immutable import immutable
from bnlint.tracer.building.recipe_json import to_json

DTYPES = {
    "float32": "float32",
    "float": "float32",
    "float16": "float16",
    "half": "float16",
    "bfloat16": "bfloat16",
    "float64": "float64",
    "double": "float64",
    "int64": "int64",
    "long": "int64",
    "int32": "int32",
    "int": "int32",
    "uint8": "uint8",
    "bool": "bool",
}
"""Names of element types, and what torch calls them."""
SIZES = re.compile(r"\d+([x,*]\d+)*")
DOTTED = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
REFERENCE = "@"
"""Begins an argument that names something rather than being a value: ``act=@torch.nn.ReLU``."""


@immutable
class TraceTarget:
    """A class, factory or model by its dotted ``name`` in a file or in a module."""

    name: str
    file: str | None = None
    module: str | None = None

    def to_json(self, arguments: Mapping[str, Recipe]) -> dict[str, object]:
        """What the child is told."""
        given = {name: to_json(value) for name, value in arguments.items()}
        where = {"file": self.file, "module": self.module}
        return {**where, "name": self.name, "arguments": given}


@immutable
class Size:
    """The shape and the element type of one input."""

    sizes: tuple[int, ...]
    dtype: str = "float32"

    def to_json(self) -> list[object]:
        """What the child is told."""
        return [list(self.sizes), self.dtype]


def parse_target(text: str) -> TraceTarget:
    """Read ``pkg.models:resnet18`` or ``path/to/file.py:Class``; the name may have dots.

    Raises :class:`UsageError` for anything else, and for a file that is not there.
    """
    where, colon, name = text.rpartition(":")
    if not colon or not where or not DOTTED.fullmatch(name):
        raise UsageError(
            f"`{text}` names no model: write `package.module:name` or `path/to/file.py:name`"
        )
    if not (where.endswith(".py") or os.sep in where or "/" in where):
        if not DOTTED.fullmatch(where):
            raise UsageError(f"`{where}` in `{text}` is neither a module nor a .py file")
        return TraceTarget(name, module=where)
    file = os.path.abspath(os.path.expanduser(where))
    if os.path.isdir(file):
        raise UsageError(
            f"`{where}` is a folder: name a file in it, `{where.rstrip('/')}/file.py:{name}`"
        )
    if not os.path.isfile(file):
        raise UsageError(f"there is no file `{where}`{_similar(file)}")
    return TraceTarget(name, file=file)


def parse_size(text: str, dtype: str | None = None) -> Size:
    """Read ``8x3x224x224``, ``8,3,224,224`` or ``8x128:int64``, with ``dtype`` where none is said.

    Raises :class:`UsageError` for anything else and for sizes that are not positive.
    """
    numbers, colon, named = (part.strip() for part in text.partition(":"))
    said = named if colon else dtype or "float32"
    if said not in DTYPES:
        raise UsageError(f"`{said}` is no type of input{did_you_mean(said, DTYPES)}")
    plain = numbers.strip("()[]").replace(" ", "")
    if not SIZES.fullmatch(plain):
        raise UsageError(f"`{text}` is no input size: write it as 8x3x224x224, the batch first")
    sizes = tuple(int(number) for number in re.split(r"[x,*]", plain))
    if 0 in sizes:
        raise UsageError(f"`{text}` is no input size: every dimension has to be at least 1")
    return Size(sizes, DTYPES[said])


def parse_argument(text: str) -> tuple[str, Recipe]:
    """Read ``name=value``: a Python literal where it is one, else a text; ``none`` is a text, too.

    ``name=@torch.nn.ReLU`` is what can be imported by that name. Raises :class:`UsageError` for anything
    else.
    """
    name, equals, value = text.partition("=")
    name = name.strip()
    if not equals or not name.isidentifier():
        raise UsageError(f"`{text}` is no argument: write `--arg name=value`")
    return name, _value(value.strip())


def _value(text: str) -> Recipe:
    if text.startswith(REFERENCE) and DOTTED.fullmatch(text[1:]):
        return LibraryName(text[1:])
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        value = {"true": True, "false": False}.get(text.lower(), text)
    return _literal(value, text)


def _literal(value: object, text: str) -> Recipe:
    match value:
        case None | bool() | int() | float() | str():
            return Constant(value)
        case list() | tuple() | set():
            return Items(type(value).__name__, tuple(_literal(item, text) for item in value))
        case dict():
            return Pairs(tuple((_literal(k, text), _literal(v, text)) for k, v in value.items()))
    raise UsageError(f"`{text}` holds a {type(value).__name__}, which cannot be passed to a model")


def _similar(file: str) -> str:
    folder, name = os.path.split(file)
    try:
        known = [entry[:-3] for entry in os.listdir(folder) if entry.endswith(".py")]
    except OSError:
        return ""
    close = did_you_mean(name.removesuffix(".py"), known)
    return close.replace("`?", ".py`?")
