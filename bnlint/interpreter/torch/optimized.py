"""Whose parameters a program hands to optimizers."""

from collections.abc import Iterable, Iterator

from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import SOME_ITEMS, Choice, Many, Maybe, Unknown, Value
from bnlint.interpreter.torch.freezing import owners
from bnlint.interpreter.torch.modules import descendants
from bnlint.interpreter.torch.parameters import is_parameter

_NO_OPTIMIZERS = ("torch.optim.lr_scheduler.", "torch.optim.swa_utils.")
_LISTS = (SOME_ITEMS, "operation")
"""Why an item is not known that stands for those of a list, or of several that were added."""
_DEPTH = 4
"""How deep parameters may lie in an argument: groups are dicts in a list."""


def builds_optimizer(path: str) -> bool:
    """Whether a call of what torch calls ``path`` makes an optimizer."""
    named = path.rpartition(".")[2][:1].isupper()
    return named and path.startswith("torch.optim.") and not path.startswith(_NO_OPTIMIZERS)


def note_optimized(m: Machine, values: Iterable[Value]) -> None:
    """An optimizer gets parameters; what is not known among them may be any."""
    m.journal.optimizers += 1
    for value in values:
        for found in _within(value, _DEPTH):
            if isinstance(found, Instance):
                _note(m, found)
            elif m.journal.in_script:
                m.journal.optimizes_unknown = True


def note_perhaps_optimized(m: Machine, values: Iterable[Value]) -> None:
    """Lists of parameters go where they are not followed: an optimizer may get them."""
    for value in values:
        if not isinstance(value, Instance | Unknown):
            for found in _within(value, _DEPTH):
                if isinstance(found, Instance):
                    _note(m, found)


def owners_within(values: Iterable[Value]) -> Iterator[Instance]:
    """The modules whose parameters are among the arguments of an optimizer."""
    for value in values:
        for found in _within(value, _DEPTH):
            if isinstance(found, Instance):
                yield from owners(found)


def _note(m: Machine, parameter: Instance) -> None:
    for owner in owners(parameter):
        m.journal.optimized.update(module for _, module in descendants(m, owner))


def _within(value: Value, depth: int) -> Iterator[Instance | Unknown]:
    """The parameters in an argument, and what is not known there."""
    match value:
        case Instance() if is_parameter(value):
            yield value
        case Unknown(reason=reason, cause=Many() as inner) if depth and reason in _LISTS:
            yield from _within(inner, depth - 1)
        case Unknown():
            yield value
        case Many(element=inner) | Maybe(value=inner) if depth:
            yield from _within(inner, depth - 1)
        case Choice(values=items) | (list() as items) | (tuple() as items) if depth:
            for item in items[:MOST_LOOKED_AT]:
                yield from _within(item, depth - 1)
        case dict() if depth:
            for item in value.values():
                yield from _within(item, depth - 1)
