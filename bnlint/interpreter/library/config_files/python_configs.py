"""Configurations that are Python files, with bases that they change: ``Config.fromfile`` of OpenMMLab."""

import posixpath

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function, Scope
from bnlint.interpreter.core.values import Arguments, Configuration, Library, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.data_reading import loaded_file
from bnlint.interpreter.python.configurations import configured, pay_for, put
from bnlint.interpreter.python.data_texts import file_at
from bnlint.source import Unreadable

MMENGINE = "addict"
DEEPEST_BASE = 8
MOST_NAMES = 500
EACH = 5_000
"""What reading one file weighs: one that names itself several times ends soon."""


@library_function(
    "mmcv.Config.fromfile", "mmengine.Config.fromfile", "mmengine.config.Config.fromfile"
)
def _from_file(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "filename")
    tree = _tree(m, str(name), site, DEEPEST_BASE) if isinstance(name, str) else None
    if not isinstance(tree, dict):
        m.command_line.note_file(name)
        return Unknown(f"{path}()")
    made = configured(m, tree, MMENGINE)
    assert isinstance(made, Configuration)
    put(m, made, "filename", str(name))
    return made


def _tree(m: Machine, path: str, site: Site, depth: int) -> Value:
    """The entries of a file over those of its bases; unknown if a part is."""
    own = _names(m, path, site) if path.endswith(".py") else loaded_file(m, "", path, site)
    if not isinstance(own, dict) or not depth or not m.allowance.takes(EACH):
        return Unknown("configuration")
    bases = own.pop("_base_", [])
    made: dict[Value, Value] = {}
    for base in bases if isinstance(bases, list | tuple) else [bases]:
        if not isinstance(base, str):
            return Unknown("configuration")
        inner = _tree(m, posixpath.join(posixpath.dirname(path), base), site, depth - 1)
        if not isinstance(inner, dict):
            return inner
        made |= inner
    return _over(m, made, own)


def _over(m: Machine, base: dict[Value, Value], own: dict[Value, Value]) -> dict[Value, Value]:
    """Entries over others, dict by dict, except where one says ``_delete_=True``."""
    pay_for(m, own)
    made = dict(base)
    for key, value in own.items():
        held = made.get(key)
        if not isinstance(value, dict):
            made[key] = value
            continue
        rest = {k: v for k, v in value.items() if k != "_delete_"}
        merged = isinstance(held, dict) and value.get("_delete_") is not True
        made[key] = _over(m, held, rest) if merged and isinstance(held, dict) else rest
    return made


def _names(m: Machine, path: str, site: Site) -> Value:
    """What the names of a Python file stand for that are no code."""
    file = file_at(m, path, site)
    if file is None:
        return Unknown("configuration")
    try:
        space = m.namespaces.imported(m.namespaces.project.load(file))
    except Unreadable:
        return Unknown("configuration")
    names = [name for name in space.definitions if not name.startswith("__")]
    found: dict[Value, Value] = {}
    for name in names[:MOST_NAMES]:
        value = space.lookup(m, name)
        if not isinstance(value, Namespace | Library | Function | Class):
            found[name] = value
    return m.new(found)
