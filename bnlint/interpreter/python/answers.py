"""Calls of functions that are made again with equal arguments and do nothing but answer."""

from collections.abc import Callable
from dataclasses import dataclass

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function
from bnlint.interpreter.core.reads import FIXED, NotFixed, Reads, identity, reading
from bnlint.interpreter.core.values import Arguments, Value


@dataclass(slots=True)
class Answer:
    """What a call returned, and what it read on the way."""

    value: Value
    reads: Reads


def executed_or_remembered(
    m: Machine, function: Function, arguments: Arguments, execute: Callable[[], Value]
) -> Value:
    """What ``execute`` returns, or what it returned for the same arguments.

    A call is remembered if it read nothing from outside but values that nothing changes, changed
    nothing that is older than itself, and returned such a value.
    """
    if (
        m.exchanged.values
        or m.recipes is not None
        or arguments.opened
        or arguments.further
        or arguments.unpacked
    ):
        return execute()
    try:
        key = (
            function,
            identity((arguments.positional, arguments.keywords)),
            m.command_line.situation,
        )
    except NotFixed:
        return execute()
    if key not in m.memory.answers:
        m.memory.answers[key] = None
        return execute()
    answer = m.memory.answers[key]
    if answer is not None and answer.reads.holds():
        answer.reads.repeat()
        return answer.value
    with reading(m) as reads:
        value = execute()
        if not reads.told and not reads.changed() and _is_fixed(value):
            m.memory.answers[key] = Answer(value, reads)
    return value


def _is_fixed(value: Value) -> bool:
    if type(value) is tuple:
        return all(map(_is_fixed, value))
    return type(value) in FIXED
