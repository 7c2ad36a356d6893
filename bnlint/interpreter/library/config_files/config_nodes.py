"""Packages whose configurations are dicts with attributes: yacs, OmegaConf, EasyDict, Munch, Box."""

from typing import TypeGuard

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Instance, OpenFile, Scope
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Configuration,
    Text,
    Unknown,
    Value,
)
from bnlint.interpreter.evaluation import is_key
from bnlint.interpreter.evaluation.data_formats import NotData, parsed
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.data_reading import loaded, loaded_file
from bnlint.interpreter.library.config_files.ini_files import INI, call_ini_method
from bnlint.interpreter.python.configurations import (
    NODES,
    OMEGACONF,
    configured,
    entry,
    forget_entries,
    merge,
    pay_for,
    put,
    selected,
    set_at,
)
from bnlint.interpreter.python.construction import copy_of, new_instance
from bnlint.interpreter.python.iteration import elements


def new_node(m: Machine, kind: str, cls: Class | None, arguments: Arguments) -> Configuration:
    """What the constructor of such a class makes of a dict and keywords."""
    first = arguments.get(0, "init_dict")
    made = configured(m, first if isinstance(first, dict) else {}, kind, cls if kind else None)
    assert isinstance(made, Configuration)
    made.cls = cls
    for pair in elements(m, first) or [] if not isinstance(first, dict) else ():
        if isinstance(pair, list | tuple) and len(pair) == 2 and is_key(pair[0]):
            put(m, made, pair[0], pair[1])
    for key, value in arguments.keywords.items():
        if key not in ("new_allowed", "key_list", "init_dict", "box_dots", "default_box"):
            put(m, made, key, value)
    return made


@library_function(*(name for name in NODES if not name.startswith(("builtins.", "collections."))))
def _node(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    first = arguments.get(0, "init_dict")
    known = first is None or isinstance(first, dict | list | tuple)
    return new_node(m, NODES[path], None, arguments) if known else Unknown(f"{path}()")


@library_function("argparse.Namespace", "types.SimpleNamespace")
def _namespace(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    made = new_instance(m, None, path, site)
    made.attributes.update(arguments.keywords)
    made.resolved = not arguments.opened
    return made


# -- methods ----------------------------------------------------------------------------------


def call_configuration_method(
    m: Machine, owner: Configuration, name: str, arguments: Arguments, site: Site
) -> Value:
    """``owner.name(...)``, or ``MISSING`` for what a dict does."""
    if owner.kind == INI:
        return call_ini_method(m, owner, name, arguments, site)
    first = arguments.get(0, "key")
    match name:
        case "merge_from_file" | "merge_from_list" | "merge_from_other_cfg" | "merge_from_dict":
            _merge_from(m, owner, name, first, site)
            return None
        case "clone" | "copy" | "copy_and_resolve_references" | "toDict" | "to_dict":
            return copy_of(m, owner, site)
        case "freeze" | "defrost" | "set_new_allowed" | "lock" | "unlock":
            return None
        case "__init__":
            owner.update(new_node(m, owner.kind, None, arguments))
            return None
        case "get" if is_key(first):
            held = entry(owner, first)
            default = arguments.get(1, "default")
            return default if held is MISSING else held
        case "update":
            other = arguments.get(0, "other", {})
            merge(m, owner, other) if owner.kind == "box" else _update(m, owner, other)
            _update(m, owner, arguments.keywords)
            return None
        case "setdefault" | "__getattr__" | "__getitem__" if is_key(first):
            if name == "setdefault" and first not in owner:
                put(m, owner, first, arguments.get(1, "default"))
            return entry(owner, first) if first in owner else Unknown(f"entry {first}")
        case "__setattr__" | "__setitem__" if is_key(first):
            put(m, owner, first, arguments.get(1, "value"))
            return None
        case "items" | "values" if owner.kind == OMEGACONF:
            pairs: list[Value] = [(key, entry(owner, key)) for key in owner]
            return pairs if name == "items" else [entry(owner, key) for key in owner]
    return MISSING


def _update(m: Machine, owner: Configuration, other: Value) -> None:
    if isinstance(other, dict):
        for key, value in list(other.items()):
            put(m, owner, key, value)
    else:
        forget_entries(m, owner)


def _merge_from(m: Machine, owner: Configuration, method: str, source: Value, site: Site) -> None:
    if method == "merge_from_list":
        _merge_list(m, owner, source, site)
        return
    if method == "merge_from_file" and isinstance(source, str):
        source = loaded_file(m, "yaml", source, site)
    elif method == "merge_from_file":
        m.command_line.note_file(source)
    merge(m, owner, source, lambda value, held: _decoded(m, value, held, site))


def _merge_list(m: Machine, owner: Configuration, source: Value, site: Site) -> None:
    """``cfg.merge_from_list(["TRAIN.BATCH_SIZE", "4"])``; nothing where it is not known."""
    items = elements(m, source)
    if items is None or len(items) % 2:
        return
    for key, value in zip(items[::2], items[1::2], strict=True):
        if isinstance(key, str):
            names = key.split(".")
            set_at(m, owner, names, _decoded(m, value, selected(owner, names), site))


def _decoded(m: Machine, value: Value, held: Value, site: Site) -> Value:
    if isinstance(value, str):
        value = decoded(value, site)
    if isinstance(value, list) and isinstance(held, tuple):
        return tuple(value)
    return list(value) if isinstance(value, tuple) and isinstance(held, list) else value


def decoded(text: str, site: Site, kind: str = "literal") -> Value:
    """A string as the value that it is written like, which remembers who gave it."""
    try:
        value = parsed(kind, str(text)[:1_000])
    except NotData:
        return text
    given = text.given_by if isinstance(text, Text) else None
    return with_site(value, site, given_by=given) if isinstance(value, int | float) else value


# -- OmegaConf --------------------------------------------------------------------------------

_OMEGACONF = "omegaconf.OmegaConf."


DEEPEST = 16
"""Dataclasses within dataclasses; deeper ones stay objects."""


def _fields(record: Instance, depth: int) -> dict[Value, Value]:
    """The fields of a dataclass, those that are dataclasses as dicts, too."""
    return {
        name: _fields(value, depth - 1) if depth and _is_record(value) else value
        for name, value in record.attributes.items()
    }


def _is_record(value: Value) -> TypeGuard[Instance]:
    return isinstance(value, Instance) and value.cls is not None and value.cls.dataclass


def tree_of(m: Machine, value: Value, site: Site) -> Value:
    """What OmegaConf makes of dicts, dataclasses and YAML."""
    match value:
        case dict() | list() | tuple():
            return configured(m, value, OMEGACONF)
        case Instance(cls=Class(dataclass=True)):
            return tree_of(m, _fields(value, DEEPEST), site)
        case Class(dataclass=True):
            return tree_of(m, m.call(value, Arguments(), site, m.namespaces.anywhere), site)
        case str():
            return configured(m, loaded(m, "omegaconf", value, "", site), OMEGACONF)
        case None:
            return configured(m, {}, OMEGACONF)
    return value


@library_function(*(_OMEGACONF + name for name in ("create", "structured")))
def _create(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return tree_of(m, arguments.get(0, "obj"), site)


@library_function(_OMEGACONF + "load")
def _load(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    source = arguments.get(0, "file_")
    name = source.path if isinstance(source, OpenFile) else source
    if not isinstance(name, str):
        m.command_line.note_file(name)
        return Unknown("OmegaConf.load()")
    return configured(m, loaded_file(m, "omegaconf", str(name), site), OMEGACONF)


@library_function(_OMEGACONF + "merge", _OMEGACONF + "unsafe_merge")
def _merged(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    trees = [tree_of(m, value, site) for value in arguments.positional]
    if not trees or arguments.opened or not isinstance(trees[0], Configuration):
        return Unknown("OmegaConf.merge()")
    made = copy_of(m, trees[0], site)
    for tree in trees[1:] if isinstance(made, Configuration) else ():
        merge(m, made, tree)  # type: ignore[arg-type]
    return made


@library_function(_OMEGACONF + "from_cli", _OMEGACONF + "from_dotlist")
def _dotlist(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``a.b=c``; without a command line that is known nothing is given."""
    made = configured(m, {}, OMEGACONF)
    assert isinstance(made, Configuration)
    words = arguments.get(0, "args_list")
    if words is None and m.command_line.argv is not None:
        m.command_line.was_read = True
        words = m.command_line.argv[1:]
    if not isinstance(words, list | tuple):
        return made
    for word in words:
        if isinstance(word, str):
            key, given, value = word.partition("=")
            text = Text(value)
            text.option, text.given_by = None, getattr(word, "given_by", None)
            set_at(m, made, key.split("."), decoded(text, site, OMEGACONF) if given else None)
    return made


@library_function(_OMEGACONF + "to_container", _OMEGACONF + "to_object")
def _container(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return _plain(m, arguments.get(0, "cfg"))


def _plain(m: Machine, tree: Value) -> Value:
    pay_for(m, tree)
    match tree:
        case Configuration():
            return m.new({key: _plain(m, entry(tree, key)) for key in tree})
        case list():
            return m.new([_plain(m, item) for item in tree])
    return tree


@library_function(_OMEGACONF + "select")
def _select(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    tree, key = arguments.get(0, "cfg"), arguments.get(1, "key")
    if not isinstance(tree, Configuration) or not isinstance(key, str):
        return Unknown("OmegaConf.select()")
    found = selected(tree, key.split("."))
    return arguments.keywords.get("default") if found is MISSING else found


@library_function(_OMEGACONF + "update")
def _set(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    tree, key, value = (arguments.get(i, n) for i, n in enumerate(("cfg", "key", "value")))
    if isinstance(tree, Configuration) and isinstance(key, str):
        set_at(m, tree, key.split("."), value)
    return None


@library_function(*(_OMEGACONF + n for n in ("set_struct", "set_readonly", "resolve", "to_yaml")))
def _harmless(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return None


@library_function("omegaconf.open_dict", "omegaconf.read_write")
def _opened(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Unknown(path)
