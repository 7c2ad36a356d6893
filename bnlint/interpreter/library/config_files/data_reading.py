"""Files that are opened to be read, and the data that loaders make of them."""

import posixpath
import re
from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import ATTRIBUTES, handles
from bnlint.interpreter.core.knowledge import open_one
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, OpenFile, Scope
from bnlint.interpreter.core.values import Arguments, PathText, Text, Unknown, Value
from bnlint.interpreter.evaluation.data_formats import (
    Lined,
    LinedFloat,
    NotData,
    TooLong,
    parsed,
    weight_of,
)
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.python.data_texts import file_at, lines_of, text_at
from bnlint.visible import display_path

LOADERS: Mapping[str, str] = {
    **{
        f"{package}.{function}": "yaml"
        for package in ("yaml", "oyaml", "ruamel.yaml", "ruamel_yaml")
        for function in ("load", "safe_load", "full_load", "unsafe_load")
    },
    **{
        f"{package}.{function}": "json"
        for package in ("json", "simplejson", "ujson", "orjson")
        for function in ("load", "loads")
    },
    **{
        f"{package}.{function}": "toml"
        for package in ("toml", "tomllib", "tomli")
        for function in ("load", "loads")
    },
    "mmcv.load": "",
    "mmengine.load": "",
    "mmengine.fileio.load": "",
    "ast.literal_eval": "literal",
}
"""The formats that functions read; ``""`` is that of the file's suffix."""
FORMATS: Mapping[str, str] = {".yaml": "yaml", ".yml": "yaml", ".json": "json", ".toml": "toml"}
_MALFORMED, _TOO_LARGE = object(), object()
_OF_NOTHING = re.compile(r"(?:^|/)None(?:\.\w+)?$")
"""A path that text and an option without a value make: ``./None``, ``configs/None.yaml``."""
BY_PATH = frozenset({"toml.load", "mmcv.load", "mmengine.load", "mmengine.fileio.load"})
"""Functions that take the path of a file."""


def loaded(m: Machine, kind: str, text: str, name: str, site: Site) -> Value:
    """The data of a text, whose numbers remember the file ``name`` that they come from."""
    if (kind, text) not in m.memory.documents:
        if not m.allowance.takes(weight_of(kind, text)):
            return _too_large(name, site)
        m.memory.documents[kind, text] = _parsed(kind, text)
    tree = m.memory.documents[kind, text]
    if tree is _MALFORMED:
        return Unknown(f"malformed {name}" if name else f"{kind} load()", site)
    if tree is _TOO_LARGE or not m.allowance.takes(len(text)):
        return _too_large(name, site)
    return _known(m, tree, name, site, "")


def _parsed(kind: str, text: str) -> object:
    try:
        return parsed(kind, text)
    except TooLong:
        return _TOO_LARGE
    except NotData:
        return _MALFORMED


def _too_large(name: str, site: Site) -> Unknown:
    return Unknown(f"large {name or 'text'}", site)


def _known(m: Machine, tree: object, name: str, site: Site, key: object) -> Value:
    match tree:
        case bool() | None | str():
            return tree
        case int() | float():
            plain = int(tree) if isinstance(tree, int) else float(tree)
            return with_site(plain, site, given_by=_place(tree, name, key)) if name else plain
        case list():
            return m.new([_known(m, item, name, site, key) for item in tree])
        case tuple():
            return tuple(_known(m, item, name, site, key) for item in tree)
        case dict():
            return m.new({k: _known(m, item, name, site, k) for k, item in tree.items()})
    return Unknown("data")


def _place(number: int | float, name: str, key: object) -> str:
    """``train_batch_size: 7` in `configs/icnet.yaml`, line 12``."""
    line = f", line {number.line}" if isinstance(number, Lined | LinedFloat) else ""
    value = int(number) if isinstance(number, int) else float(number)
    return f"`{str(key)[:60]}: {value}` in {name}{line}"


def loaded_file(m: Machine, kind: str, path: str, site: Site) -> Value:
    """The data in a file; without a ``kind``, in the format that its suffix says."""
    file = file_at(m, path, site)
    text = text_at(m, path, site)
    kind = kind or FORMATS.get(posixpath.splitext(path)[1].lower(), "")
    if file is not None and text is None and m.namespaces.project.data.is_too_large(file):
        return _too_large(display_path(file), site)
    if file is None or text is None or not kind:
        return Unknown(f"file {path} load()", site)
    return loaded(m, kind, text, display_path(file), site)


@library_function(*LOADERS)
def _load(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    source, kind = arguments.get(0, "stream"), LOADERS[path]
    made: Value = Unknown(f"{path}()", site, open_one([source]))
    match source:
        case OpenFile(path=name):
            made = loaded_file(m, kind, name, site)
        case str() if path in BY_PATH or isinstance(source, PathText):
            made = loaded_file(m, kind, str(source), site)
        case str() if not path.endswith("json.load"):
            name = source.file if isinstance(source, Text) else ""
            made = loaded(m, kind, str(source), name, site) if kind else made
    hook = arguments.keywords.get("object_hook")
    if hook is not None and not isinstance(made, Unknown):
        return _hooked(m, made, hook, site, scope)
    return made


def _hooked(m: Machine, tree: Value, hook: Value, site: Site, scope: Scope) -> Value:
    """What ``object_hook`` makes of each dict, the inner ones first."""
    match tree:
        case dict():
            inner = {key: _hooked(m, item, hook, site, scope) for key, item in tree.items()}
            return m.call(hook, Arguments([m.new(inner)]), site, scope)
        case list():
            return m.new([_hooked(m, item, hook, site, scope) for item in tree])
    return tree


@library_function("builtins.open", "io.open", "codecs.open")
def _open(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return opened(m, arguments.get(0, "file"), arguments.get(1, "mode", "r"), site)


def opened(m: Machine, path: Value, mode: Value, site: Site) -> Value:
    """An open file; one that is written is not read afterwards."""
    if not isinstance(path, str) or not isinstance(mode, str):
        m.command_line.note_file(path)
        return Unknown("open()", site, open_one([path]))
    if set(mode) - set("rbtU"):
        m.written.add(str(path))
        return Unknown("open()")
    if _OF_NOTHING.search(path):
        m.command_line.note_file(None)
    return OpenFile(str(path), site)


@handles(ATTRIBUTES, OpenFile)
def _of_file(m: Machine, value: OpenFile, name: str, node: object, scope: Scope) -> Value:
    return Builtin(value, name) if name != "name" else value.path


def call_file_method(m: Machine, file: OpenFile, name: str, site: Site) -> Value:
    """``file.read()`` and the like."""
    match name:
        case "read" | "readlines":
            text = text_at(m, file.path, site)
            if text is None:
                return Unknown(f"{name}()")
            return _content(m, file, text, site) if name == "read" else lines_of(text)
        case "__iter__":
            return file
    return Unknown(f"file {name}")


def _content(m: Machine, file: OpenFile, text: str, site: Site) -> Text:
    content, found = Text(text), file_at(m, file.path, site)
    content.option, content.file = None, display_path(found) if found is not None else ""
    return content
