"""Dicts whose entries are attributes, too."""

import re
from collections.abc import Callable, Mapping, Sequence

import libcst as cst

from bnlint.interpreter.core.dispatch import ATTRIBUTES, SETTERS, handles
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Method,
    Property,
    Scope,
    Static,
)
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Configuration,
    Library,
    Unknown,
    Value,
    present,
)
from bnlint.interpreter.python.functions import run_function
from bnlint.source.parents import below

OMEGACONF = "omegaconf"
DEEPEST_REFERENCE = 8
MOST_REFERENCES = 200
DEEPEST_NESTING = 100
_REFERENCE = re.compile(r"\$\{(\.*+)([\w\[\]-][\w.\[\]-]*+)\}")
YACS = "yacs"
HYPERPARAMETERS = "hyperparameters"
NODES: Mapping[str, str] = {
    "yacs.config.CfgNode": YACS,
    "fvcore.common.config.CfgNode": YACS,
    "detectron2.config.CfgNode": YACS,
    "easydict.EasyDict": "easydict",
    "munch.Munch": "munch",
    "munch.DefaultMunch": "munch",
    "munch.munchify": "munch",
    "munch.Munch.fromDict": "munch",
    "addict.Dict": "addict",
    "box.Box": "box",
    "dotmap.DotMap": "dotmap",
    "attrdict.AttrDict": "attrdict",
    "ml_collections.ConfigDict": "ml_collections",
    "ml_collections.config_dict.ConfigDict": "ml_collections",
    "mmcv.ConfigDict": "addict",
    "mmcv.Config": "addict",
    "mmengine.ConfigDict": "addict",
    "mmengine.Config": "addict",
    "mmengine.config.ConfigDict": "addict",
    "mmengine.config.Config": "addict",
    "lightning.fabric.utilities.data.AttributeDict": HYPERPARAMETERS,
    "lightning.pytorch.utilities.parsing.AttributeDict": HYPERPARAMETERS,
    "pytorch_lightning.utilities.parsing.AttributeDict": HYPERPARAMETERS,
    "builtins.dict": "",
    "collections.OrderedDict": "",
}
"""Classes of configurations, also as bases of a project's own, and the packages' names for them."""
CONSTRUCTORS: Mapping[str, str] = {
    OMEGACONF: "omegaconf.OmegaConf.create",
    **{kind: path for path, kind in reversed(list(NODES.items()))},
}
"""What makes such a configuration of a dict."""
METHODS = frozenset(dir(dict)) - {"__class__"}


def is_config(cls: Class) -> bool:
    """Whether a class of the project is a copy of OpenMMLab's ``Config``, which reads Python files."""
    init = cls.find("__init__")
    if not isinstance(init, Function) or not isinstance(cls.find("__getattr__"), Function):
        return False
    texts = (node for node in below(init.node.body) if isinstance(node, cst.SimpleString))
    return any(text.evaluated_value == "_cfg_dict" for text in texts)


def configured(m: Machine, tree: Value, kind: str, cls: Class | None = None) -> Value:
    """A tree of dicts and lists, each dict of which has its entries as attributes."""
    pay_for(m, tree)
    match tree:
        case Configuration() | dict():
            made = Configuration(kind, cls)
            m.heap.new(made)
            for key, item in tree.items():
                made[key] = configured(m, item, kind, cls)
                _adopt(made, made[key])
            return made
        case list():
            return m.new([configured(m, item, kind, cls) for item in tree])
        case tuple():
            return tuple(configured(m, item, kind, cls) for item in tree)
    return tree


def class_of(value: Configuration) -> Value:
    """What ``type()`` says of a configuration; not known where a package has several such classes."""
    if value.cls is not None:
        return value.cls
    paths = [path for path, kind in NODES.items() if kind == value.kind]
    return Library(paths[0]) if len(paths) == 1 else Unknown("type()")


def pay_for(m: Machine, part: Value) -> None:
    """Count a part of a tree that is gone through: trees may share their parts, or hold themselves."""
    if isinstance(part, dict | list | tuple):
        m.step(1 + (len(part) >> 4))


def _adopt(parent: Configuration, value: Value) -> None:
    if isinstance(value, Configuration):
        value.parent = parent


def put(m: Machine, owner: Configuration, key: Value, value: Value) -> None:
    """Set one entry."""
    m.heap.touch(owner)
    if type(value) is dict and owner.kind:
        value = configured(m, value, owner.kind, owner.cls)
    owner[key] = value
    _adopt(owner, value)


def forget_entries(m: Machine, owner: Configuration) -> None:
    """Something that is not known has been written over what a configuration holds."""
    pay_for(m, owner)
    for key, value in list(owner.items()):
        if isinstance(value, Configuration):
            forget_entries(m, value)
        else:
            m.heap.touch(owner)
            owner[key] = Unknown(f"configuration of {key}")


def entry(owner: Configuration, key: Value) -> Value:
    """What reading an entry gives, its references followed, or ``MISSING``."""
    value = present(owner.get(key, MISSING))
    return resolved(owner, value) if owner.kind == OMEGACONF else value


def resolved(owner: Configuration, value: Value) -> Value:
    """A string with the references in it, ``${train.batch_size}``, replaced."""
    return _References().resolved(owner, value, DEEPEST_REFERENCE)


class _References:
    """Follows references, so many of them in all: each may lead to a string of several."""

    def __init__(self) -> None:
        self.left = MOST_REFERENCES

    def resolved(self, owner: Configuration, value: Value, depth: int) -> Value:
        """A string with its references replaced."""
        if not isinstance(value, str) or "${" not in value:
            return value
        whole = _REFERENCE.fullmatch(value)
        if whole is not None:
            return self._referred(owner, whole[1], whole[2], depth)
        parts: list[str] = []
        end = 0
        for found in _REFERENCE.finditer(value):
            made = self._referred(owner, found[1], found[2], depth)
            if isinstance(made, bool) or not isinstance(made, str | int | float):
                return Unknown("a reference")
            parts += [value[end : found.start()], str(made)]
            end = found.end()
        text = "".join([*parts, value[end:]])
        return Unknown("a reference") if "${" in text or len(text) > 10_000 else text

    def _referred(self, owner: Configuration, dots: str, path: str, depth: int) -> Value:
        self.left -= 1
        holder: Configuration | None = owner
        for _ in range(len(dots) - 1):
            holder = holder.parent if holder is not None else None
        if not dots:
            holder = _outermost(owner)
        value: Value = holder
        for name in path.split("."):
            known = isinstance(value, Configuration) and name in value
            if not isinstance(value, Configuration) or not known or not depth or self.left < 0:
                return Unknown("a reference")
            value = self.resolved(value, present(value[name]), depth - 1)
        return value


def _outermost(holder: Configuration) -> Configuration:
    for _ in range(DEEPEST_NESTING):
        if holder.parent is None:
            break
        holder = holder.parent
    return holder


def selected(value: Value, names: Sequence[str]) -> Value:
    """The entry that a dotted path leads to, or ``MISSING``."""
    for name in names:
        if not isinstance(value, Configuration):
            return MISSING
        value = entry(value, name)
    return value


def set_at(m: Machine, owner: Configuration, names: Sequence[str], value: Value) -> None:
    """Set the entry that a dotted path leads to; what is missing on the way is made."""
    *above, last = names
    for name in above:
        inner = owner.get(name)
        if not isinstance(inner, Configuration):
            put(m, owner, name, configured(m, {}, owner.kind, owner.cls))
            inner = owner[name]
        assert isinstance(inner, Configuration)
        owner = inner
    put(m, owner, last, value)


def merge(
    m: Machine,
    into: Configuration,
    other: Value,
    written: Callable[[Value, Value], Value] | None = None,
) -> None:
    """Write the entries of another tree over those of a configuration, dict by dict.

    ``written`` says what an entry becomes, by its new value and the one that it had.
    """
    if not isinstance(other, dict):
        forget_entries(m, into)
        return
    pay_for(m, other)
    for key, value in list(other.items()):
        held = into.get(key)
        if isinstance(held, Configuration) and isinstance(value, dict):
            merge(m, held, value, written)
        elif written is not None:
            put(m, into, key, written(value, held))
        else:
            put(m, into, key, configured(m, value, into.kind, into.cls))


@handles(ATTRIBUTES, Configuration)
def _of_configuration(
    m: Machine, value: Configuration, name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    if value.cls is not None:
        found = _of_class(m, value, value.cls, name, node, scope)
        if found is not MISSING:
            return found
    if name == "__dict__":
        return value
    if name in METHODS and name not in value:
        return Builtin(value, name)
    held = entry(value, name)
    if type(held) is dict:
        put(m, value, name, configured(m, held, value.kind, value.cls))
        return value[name]
    if held is not MISSING:
        return held
    fallback = value.cls.find("__getattr__") if value.cls is not None else MISSING
    if isinstance(fallback, Function):
        return run_function(m, fallback, Arguments([value, name]), m.site(node, scope))
    return Builtin(value, name)


def _of_class(
    m: Machine, value: Configuration, cls: Class, name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    found = cls.find(name)
    match found:
        case Function():
            return Method(found, value)
        case Static(function=Function() as function, bound=bound):
            return Method(function, cls) if bound else function
        case Property(getter=getter):
            return run_function(m, getter, Arguments([value]), m.site(node, scope))
    return found


@handles(SETTERS, Configuration)
def _set(
    m: Machine, owner: Configuration, name: str, value: Value, node: cst.CSTNode, scope: Scope
) -> None:
    if name != "__dict__":
        put(m, owner, name, value)
