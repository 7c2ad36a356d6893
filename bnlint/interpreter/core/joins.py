"""What a value is when it differs between two paths."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Switch
from bnlint.interpreter.core.heap import Contents
from bnlint.interpreter.core.objects import Class, Function, Instance, Partial
from bnlint.interpreter.core.values import (
    CONDITIONAL,
    SOME_ITEMS,
    Choice,
    Configuration,
    KeptMode,
    Library,
    Many,
    Maybe,
    Tensor,
    Unknown,
    Value,
    present,
)
from bnlint.vocabulary.layers import bare_name
from bnlint.vocabulary.packages import builds_model

if TYPE_CHECKING:
    from bnlint.interpreter.core.tape import Tape

MOST_ALTERNATIVES = 6
MOST_EXTRA_ITEMS = 8
"""Items by which a list is longer on one path that are kept one by one."""
MOST_PARTS = 16
"""Parts of what a function gives where it does not give up."""
MOST_MODULES = 1024
"""Modules of a list that is one of several."""
_ABSENT = object()


def join_values(tape: "Tape", one: Value, other: Value) -> Value:
    """The value that stands for both."""
    if one is other:
        return one
    if type(one) is type(other) is frozenset:
        return _join_modes(one, other)
    match one, other:
        case (Maybe(), _) | (_, Maybe()):
            return Maybe(join_values(tape, present(one), present(other)))
        case Known(), Known():
            return one if one is other else Known.UNKNOWN
        case Tensor(), Tensor():
            return tape.phi(one, other)
        case (Tensor(), _) if not isinstance(other, Choice):
            return tape.phi(one)
        case (_, Tensor()) if not isinstance(one, Choice):
            return tape.phi(other)
        case list(), list() if len(one) == len(other):
            return _join_within(tape, one, other)
        case tuple(), tuple() if len(one) == len(other):
            return _join_within(tape, one, other)
        case dict(), dict():
            return _join_within(tape, one, other)
        case (KeptMode(), KeptMode() | bool()) | (bool(), KeptMode()) if one == other:
            return bool(one)
        case Many(), Many():
            loader = one.loader if one.loader is other.loader else None
            element = join_values(tape, one.element, other.element)
            return Many(element, loader, every=one.every and other.every)
    if type(one) is type(other) and not isinstance(one, Unknown) and one == other:
        return one
    return _choice(one, other)


def _join_within(
    tape: "Tape",
    one: list[Value] | tuple[Value, ...] | dict[Value, Value],
    other: list[Value] | tuple[Value, ...] | dict[Value, Value],
) -> Value:
    """Join containers part by part; what is shared within them is joined once."""
    key, outermost = (id(one), id(other)), not tape.joined
    if key in tape.joined:
        return tape.joined[key]
    tape.joined[key] = Unknown("holds itself")
    try:
        made: Value
        if isinstance(one, dict) and isinstance(other, dict):
            made = _joined_as(one, _join_dicts(tape, one, other))
        else:
            made = _each(tape, [*one], [*other])
        tape.joined[key] = (
            tuple(made) if isinstance(one, tuple) and isinstance(made, list) else made
        )
        return tape.joined[key]
    finally:
        if outermost:
            tape.joined.clear()


def _joined_as(one: dict[Value, Value], joined: dict[Value, Value]) -> dict[Value, Value]:
    """What is joined, as a dict of the same kind."""
    if not isinstance(one, Configuration):
        return joined
    made = Configuration(one.kind, one.cls)
    made.update(joined)
    return made


def _each(tape: "Tape", one: Sequence[Value], other: Sequence[Value]) -> list[Value]:
    pairs = zip(one, other, strict=True)
    return [a if a is b else join_values(tape, a, b) for a, b in pairs]


def _join_modes(one: frozenset[Value], other: frozenset[Value]) -> Value:
    """A mode is a set of switches; other sets are equal or not known."""
    joined = one | other
    if one == other or all(isinstance(item, Switch) for item in joined):
        return joined
    return Unknown(CONDITIONAL)


def _choice(one: Value, other: Value) -> Value:
    for unknown, known in ((one, other), (other, one)):
        if isinstance(unknown, Unknown) and not isinstance(
            known, Instance | Function | Class | Choice
        ):
            return unknown
    values: list[Value] = []
    for value in (one, other):
        values.extend(value.values if isinstance(value, Choice) else [value])
    kept = _distinct(values)
    if len(kept) > MOST_ALTERNATIVES:
        kept = _unwrapped(kept)
    made = Choice(tuple(kept))
    worth = any(map(_is_worth_a_choice, kept)) or (None in kept and any(map(_holds_objects, kept)))
    return made if worth and len(made.known) <= MOST_ALTERNATIVES else Unknown(CONDITIONAL)


def _holds_objects(value: Value) -> bool:
    """Whether a value is a few things, objects among them, which code that goes on takes apart."""
    parts = value if isinstance(value, list | tuple) and len(value) <= MOST_PARTS else ()
    return any(isinstance(part, Instance) for part in parts)


def _distinct(values: list[Value]) -> list[Value]:
    """The values without repetitions, of those that are not known only the first: one says all."""
    kept: list[Value] = []
    for value in values:
        unknown = isinstance(value, Unknown)
        if not any(value is one or (unknown and isinstance(one, Unknown)) for one in kept):
            kept.append(value)
    return kept


def _unwrapped(values: list[Value]) -> list[Value]:
    """The values without wrappers around others of them: they run the same models."""
    others = {id(value) for value in values}
    return [
        value
        for value in values
        if not isinstance(value, Instance) or id(value.attributes.get("module")) not in others
    ]


def _is_worth_a_choice(value: Value) -> bool:
    """Whether going on with one of several values tells more than that it is not known."""
    match value:
        case Library(path=path):
            return bare_name(path) is not None or builds_model(path)
        case Partial(callee=callee):
            return _is_worth_a_choice(callee)
        case [Instance(is_module=True) | (str(), Instance(is_module=True)), *_]:
            return len(value) <= MOST_MODULES
    return isinstance(value, Instance | Function | Class)


def _join_dicts(
    tape: "Tape", one: dict[Value, Value], other: dict[Value, Value]
) -> dict[Value, Value]:
    if one.keys() == other.keys():
        return {
            key: value if value is (b := other[key]) else join_values(tape, value, b)
            for key, value in one.items()
        }
    joined: dict[Value, Value] = {}
    for key in dict.fromkeys([*one, *other]):
        a, b = one.get(key, _ABSENT), other.get(key, _ABSENT)
        if a is _ABSENT or b is _ABSENT:
            joined[key] = Maybe(present(b if a is _ABSENT else a))
        else:
            joined[key] = join_values(tape, a, b)
    return joined


def join_contents(tape: "Tape", one: Contents, other: Contents) -> Contents:
    """The contents of one container that differ between two paths."""
    match one, other:
        case dict(), dict():
            return _join_dicts(tape, one, other)
        case list(), list():
            return _join_lists(tape, one, other)
        case set(), set():
            return one if one == other else {*(one & other), Unknown(SOME_ITEMS)}
    return other


def _join_lists(tape: "Tape", one: list[Value], other: list[Value]) -> list[Value]:
    if len(one) == len(other):
        return _each(tape, one, other)
    shared = min(len(one), len(other))
    rest = max(one, other, key=len)[shared:]
    if len(rest) > MOST_EXTRA_ITEMS:
        rest = [Unknown(SOME_ITEMS)]
    head = [join_values(tape, a, b) for a, b in zip(one, other, strict=False)]
    return [*head, *(Maybe(present(item)) for item in rest)]
