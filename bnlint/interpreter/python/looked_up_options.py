"""Options of the command line that name an entry of a dict or of a module: which others they may name."""

from collections.abc import Mapping, Set
from functools import partial

import libcst as cst

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function, Scope
from bnlint.interpreter.core.script_options import Option
from bnlint.interpreter.core.values import Value, present
from bnlint.interpreter.python.unnamed_models import builds_something, models_of, names_batchnorm
from bnlint.source.parents import below

MOST_ENTRIES = 100
"""Entries of a larger dict are no models."""


def looked_up_options(m: Machine, *, unknown_models: int) -> list[Option]:
    """The option that would name another entry, one that may build a model with BatchNorm.

    Of several it is the one that is named most like the default, ``vgg16_bn`` beside ``vgg16``.
    Entries that are data, say paths of modules, may where a model is not known.
    """
    promising = partial(_may_have_batchnorm, m, unknown_models > 0)
    found = [
        Option(flag, name)
        for flag, tables in m.command_line.tables.items()
        for table in tables
        for name, value in _entries(m, flag, table).items()
        if not m.command_line.is_default(flag, name) and promising(value)
    ]
    alike = sorted(found, key=lambda o: m.command_line.likeness(o.flag, str(o.value)), reverse=True)
    return alike[:1]


def freezing_options(m: Machine) -> list[Option]:
    """The option that would name another entry with BatchNorm, of which another method freezes it.

    One of the same name was called, so that the script freezes whatever it builds.
    """
    if not m.command_line.tables:
        return []
    called = {node.name.value for node in m.reached if isinstance(node, cst.FunctionDef)}
    found = [
        Option(flag, name)
        for flag, tables in m.command_line.tables.items()
        for table in tables
        for name, value in _entries(m, flag, table).items()
        if not m.command_line.is_default(flag, name)
        if builds_something(value) and _freezes(m, value, called) and names_batchnorm(m, value)
    ]
    return found[:1]


def _freezes(m: Machine, value: Value, called: Set[str]) -> bool:
    """Whether something builds a class that has a method, not executed yet, that freezes parts of it."""
    match value:
        case Class(node=cst.ClassDef(body=block)):
            return any(_is_new_freeze(m, part, called) for part in block.body)
        case Function(node=node, scope=Scope(namespace=space)):
            names = {n.value for n in below(node) if type(n) is cst.Name}
            used = (space.own(m, name) for name in sorted(names & space.definitions.keys()))
            return any(_freezes(m, one, called) for one in used if isinstance(one, Class))
    return False


def _is_new_freeze(m: Machine, part: cst.CSTNode, called: Set[str]) -> bool:
    if not isinstance(part, cst.FunctionDef) or part.name.value not in called or part in m.reached:
        return False
    return any(type(node) is cst.Name and node.value == "requires_grad" for node in below(part))


def _entries(m: Machine, flag: str, table: Value) -> Mapping[str, Value]:
    line = m.command_line
    match table:
        case Namespace() as module:
            choices = [name for name in line.choices_of(flag) if name in module.definitions]
            if choices:
                return {name: module.lookup(m, name) for name in choices}
            return {one.name: one for one in models_of(m, module)}
        case dict() if len(table) <= MOST_ENTRIES:
            entries = {str(k): present(v) for k, v in table.items() if isinstance(k, str)}
            return {name: v for name, v in entries.items() if line.takes(flag, name)}
    return {}


def _may_have_batchnorm(m: Machine, data: bool, value: Value) -> bool:
    if builds_something(value):
        return names_batchnorm(m, value)
    return data and isinstance(value, str | tuple | list)
