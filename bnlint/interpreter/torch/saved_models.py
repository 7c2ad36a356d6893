"""Whole models that a script saves to a file, and that it or another script loads from it again."""

import posixpath

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, OpenFile
from bnlint.interpreter.core.values import Arguments, Choice, Value, present
from bnlint.interpreter.library.torch_library.state_dicts import is_state_dict
from bnlint.interpreter.python.construction import copy_of
from bnlint.interpreter.torch.modules import MODE, built_mode, descendants
from bnlint.interpreter.torch.training import note_loaded

_FILE = "file "
"""What the names of registers begin with that hold the model in a file."""


def keep_saved_model(m: Machine, arguments: Arguments, site: Site) -> None:
    """``torch.save(model, "net.pt")``: the file has the model as it is now, in its mode.

    Large models cost many steps: nothing is kept that neither this file of code nor another loads.
    """
    value, path = arguments.get(0, "obj"), _path_of(arguments.get(1, "f"))
    if path is None:
        weights = isinstance(value, dict) or is_state_dict(value)
        _forget_files(m, [name for name in m.registers if name.startswith(_FILE) and not weights])
        return
    is_whole = isinstance(value, Instance) and value.is_module
    loads = site.source.mentions("load(") or posixpath.normpath(path) in m.memory.shared_files
    if is_whole and m.journal.in_script and loads:
        m.heap.put(m.registers, _FILE + path, copy_of(m, value, site))
    else:
        _forget_files(m, [_FILE + path])


def _forget_files(m: Machine, names: list[str]) -> None:
    for name in names:
        m.heap.remove(m.registers, name)


def loaded_model(m: Machine, file: Value, site: Site) -> Value:
    """The model that a script has saved to a file, ``None`` where none is known."""
    path = _path_of(file)
    if path is None:
        return None
    kept = present(m.registers.get(_FILE + path))
    return copy_of(m, kept, site) if isinstance(kept, Instance | Choice) else _handed(m, path, site)


def hand_over(m: Machine) -> None:
    """Keep what a script, called without arguments, has saved for others of its folder.

    Where several scripts save a model to one file, it is not known which one is loaded.
    """
    line, handed = m.command_line, m.memory.handed
    if line.script is None or line.given or line.invocation is not None:
        return
    for name, value in m.registers.items():
        path = posixpath.normpath(name.removeprefix(_FILE))
        if name.startswith(_FILE) and path in m.memory.shared_files:
            place = str(line.script.parent), path
            saved = line.script.name, _last_saved(m, present(value))
            handed[place] = saved if place not in handed else ("", None)


def _last_saved(m: Machine, saved: Value) -> Value:
    """The model in a file, also where it is saved again and again; ``None`` for one of several."""
    states = saved.values if isinstance(saved, Choice) else (saved,)
    known = [state for state in states if isinstance(state, Instance)]
    alike = {(m.journal.copies.get(s), _trains(s.attributes.get(MODE))) for s in known}
    return known[-1] if len(known) == len(states) and len(alike) == 1 else None


def _handed(m: Machine, path: str, site: Site) -> Value:
    """A model that another script of the folder saves, in its mode; what switched it was there."""
    script = m.command_line.script
    if script is None or not m.journal.in_script or site.source.mentions("torch.save("):
        return None
    saver, kept = m.memory.handed.get((str(script.parent), posixpath.normpath(path)), ("", None))
    if not isinstance(kept, Instance):
        return None
    made = copy_of(m, kept, site)
    assert isinstance(made, Instance)
    for _, part in descendants(m, made):
        m.heap.put(part.attributes, MODE, built_mode(m, _trains(part.attributes.get(MODE))))
    note_loaded(m, made, site, "", saved_by=saver)
    return made


def _trains(mode: Value) -> bool | None:
    """What all ways say in which a module may have come into its mode."""
    said = {switch.training for switch in mode} if isinstance(mode, frozenset) else set()
    return said.pop() if len(said) == 1 else None


def _path_of(file: Value) -> str | None:
    match file:
        case OpenFile(path=path):
            return path
        case str():
            return str(file)
    return None
