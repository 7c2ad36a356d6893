"""Whole models that a script saves to a file, and loads from it again."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, OpenFile
from bnlint.interpreter.core.values import Arguments, Choice, Value, present
from bnlint.interpreter.library.torch_library.state_dicts import is_state_dict
from bnlint.interpreter.python.construction import copy_of

_FILE = "file "
"""What the names of registers begin with that hold the model in a file."""


def keep_saved_model(m: Machine, arguments: Arguments, site: Site) -> None:
    """``torch.save(model, "net.pt")``: the file has the model as it is now, in its mode.

    Large models cost many steps: nothing is kept for a file of code that loads nothing.
    """
    value, path = arguments.get(0, "obj"), _path_of(arguments.get(1, "f"))
    if path is None:
        weights = isinstance(value, dict) or is_state_dict(value)
        _forget_files(m, [name for name in m.registers if name.startswith(_FILE) and not weights])
        return
    is_whole = isinstance(value, Instance) and value.is_module
    if is_whole and m.journal.in_script and site.source.mentions("load("):
        m.heap.put(m.registers, _FILE + path, copy_of(m, value, site))
    else:
        _forget_files(m, [_FILE + path])


def _forget_files(m: Machine, names: list[str]) -> None:
    for name in names:
        m.heap.remove(m.registers, name)


def loaded_model(m: Machine, file: Value, site: Site) -> Value:
    """The model that the script has saved to a file, ``None`` where none is known."""
    path = _path_of(file)
    kept = present(m.registers.get(_FILE + path)) if path is not None else None
    if not isinstance(kept, Instance | Choice):
        return None
    return copy_of(m, kept, site)


def _path_of(file: Value) -> str | None:
    match file:
        case OpenFile(path=path):
            return path
        case str():
            return str(file)
    return None
