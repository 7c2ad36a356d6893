"""Lists and containers that grow in a loop of which two passes stand for all."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import cast

from bnlint.interpreter.core.frames import ActiveLoop
from bnlint.interpreter.core.heap import Contents, Heap, Snapshot
from bnlint.interpreter.core.knowledge import is_further
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import FURTHER, SOME_ITEMS, Unknown, Value
from bnlint.interpreter.torch.modules import modules_in, next_name


@contextmanager
def remembered(heap: Heap) -> Iterator[Snapshot]:
    """What has changed by the end, and how it was before."""
    before = heap.snapshot()
    try:
        yield before
    finally:
        heap.drop(before)


def grown(m: Machine, items: Value, added: Sequence[Value]) -> list[Value]:
    """What a list gets when ``added`` is added to it.

    Of what is added in a loop that stands for many passes nobody knows how many there are. Of numbers
    no more is kept; of others, such as the samples of a replay buffer, what the two passes added.
    """
    others = [value for value in added if not is_further(value)]
    passes = _passes_around(m, items) if others and isinstance(items, list) else []
    if not passes or not isinstance(items, list):
        return list(added)
    if any(isinstance(value, Unknown | int) for value in others):
        return [Unknown(SOME_ITEMS)]
    if max(passes) == 1 or any(map(is_further, items)) or modules_in(others):
        return list(added)
    return [Unknown(FURTHER), *added]


def _passes_around(m: Machine, items: list[Value]) -> list[int]:
    """The numbers of the passes, each one of two that stand for all, that a list is older than."""
    return [
        loop.number
        for loop in m.loops
        if loop.before is not None and not m.heap.is_newer(items, loop.before)
    ]


def open_grown(m: Machine, before: Snapshot, loop: ActiveLoop) -> None:
    """Between what the first pass added and what the last one did, others have added more.

    Only modules count here, whose neighbours matter; ``grown`` sees to others.
    """
    for container, contents in list(before.saved.values()):
        if isinstance(container, list) and isinstance(contents, list):
            _open_list(m, container, contents)
        elif isinstance(container, dict) and isinstance(contents, dict):
            _open_replaced(m, cast(dict[Value, Value], container), contents)
    for owner in loop.grown:
        saved = before.saved.get(id(owner.attributes))
        if saved is not None:
            _open_container(m, owner, saved[1])


def _open_list(m: Machine, items: list[Value], first: list[Value]) -> None:
    added = len(items) - len(first)
    if added <= 0 or not (modules_in(items[len(first) :]) or modules_in(items[:added])):
        return
    appended = all(map(_is_same, items, first))
    if appended or all(map(_is_same, items[added:], first)):
        m.heap.touch(items)
        items.insert(len(first) if appended else added, Unknown(FURTHER))


def _is_same(one: Value, other: Value) -> bool:
    return one is other


def _open_replaced(m: Machine, names: dict[Value, Value], first: dict[Value, Value]) -> None:
    """``layers = layers + [...]`` makes a longer list each time."""
    for name, value in names.items():
        if not isinstance(value, list):
            continue
        known = first.get(name)
        if value is not known and isinstance(known, list):
            _open_list(m, value, known)


def _open_container(m: Machine, owner: Instance, first: Contents) -> None:
    names = owner.attributes
    added = {name: value for name, value in names.items() if name not in first}
    if added:
        kept = {name: value for name, value in names.items() if name in first}
        between = {next_name(owner): Unknown(FURTHER)}
        m.heap.fill(names, cast(Contents, kept | between | added))
        m.heap.structure += 1
