"""Loops: unrolled over a few known items, executed twice where they stand for many passes."""

from collections.abc import Callable
from functools import partial
from typing import cast

import libcst as cst

from bnlint.facts.types.context import Assumption, Condition
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader_events import LoaderIterated
from bnlint.facts.types.run import Switch
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import STATEMENTS, handles
from bnlint.interpreter.core.frames import BREAK, RAISE, ActiveLoop, Completion, End, Exit
from bnlint.interpreter.core.heap import Snapshot
from bnlint.interpreter.core.interruptions import ScriptActivity
from bnlint.interpreter.core.knowledge import is_known, may_be_absent
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Choice, Many, Maybe, Tensor, Unknown, Value, present
from bnlint.interpreter.library.data_loading.samplers import sampler_at_loops
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.python.arithmetic import truth_of
from bnlint.interpreter.python.growth import open_grown, remembered
from bnlint.interpreter.python.iterables import iterated
from bnlint.interpreter.python.iteration import elements, index_into
from bnlint.interpreter.python.name_lookup import assign
from bnlint.interpreter.torch.like_layers import treated
from bnlint.interpreter.torch.parameters import is_opaque
from bnlint.source.name_bindings import names_in, read_first

FEW = 8
"""Items of a list that are executed one by one even where models are trained on each."""
UNROLLED = 1024
"""Passes of a loop over known items while a model is built, or called with each of them."""
UNROLLED_IN_SCRIPT = 64
"""Passes of such a loop elsewhere; a longer one is executed twice, standing for all."""
UNROLLED_WITHIN = 16
"""The same for a loop within another of the same function."""
Body = Callable[[], Completion | None]
GIVEN_UP = Completion(End.BREAK, "given up")
"""The end of a pass that turned out to train or evaluate."""


@handles(STATEMENTS, cst.For)
def _for(m: Machine, node: cst.For, scope: Scope) -> Completion | None:
    iterable = iterated(m, m.evaluate(node.iter, scope), m.site(node, scope), scope)
    if isinstance(iterable, Choice) and all(isinstance(one, list) for one in iterable.values):
        return _over_one_of(m, node, iterable, scope)
    return _over(m, node, iterable, scope)


def _over_one_of(m: Machine, node: cst.For, choice: Choice, scope: Scope) -> Completion | None:
    """A loop over one of several lists of modules, each on the path on which it is the one."""
    return with_one_of(
        m,
        choice.values,
        lambda items: _over(m, node, items, scope),
        m.site(node.iter, scope),
        choice.selection,
    )


def _over(m: Machine, node: cst.For, iterable: Value, scope: Scope) -> Completion | None:
    items = elements(m, iterable)
    loop = ActiveLoop(node, m.site(node, scope), scope=scope, since=m.journal.order)
    if items is None and _is_listed(iterable):
        assert isinstance(iterable, list | tuple)
        return _one_by_one(m, node, list(iterable), loop, scope, speculate=False)
    if items is None:
        return _over_many(m, node, iterable, loop, scope)
    loop.passes = len(items)
    counts = isinstance(iterable, range) or len(items) > FEW
    most = UNROLLED_WITHIN if len(m.loops) > m.frame.loops else UNROLLED_IN_SCRIPT
    too_long = len(items) > most and is_known(items) and not _needs_each(m, node)
    if counts and (too_long or node in m.script_loops):
        return _repeated(m, node, _first_and_later(items), loop, scope)
    return _one_by_one(m, node, items, loop, scope, speculate=counts)


def _needs_each(m: Machine, node: cst.For) -> bool:
    """Whether passes build or call parts of a model that may differ: their item says which."""
    return m.building > 0 or (
        bool(m.modules) and not names_in(node.target).isdisjoint(names_in(node.body))
    )


def _is_listed(iterable: Value) -> bool:
    """Whether all that a list may hold is known, though not whether it holds it."""
    if not isinstance(iterable, list | tuple) or len(iterable) > UNROLLED:
        return False
    maybe = [item for item in iterable if may_be_absent(item)]
    return all(isinstance(i, Maybe) and not may_be_absent(present(i)) for i in maybe)


def _one_by_one(
    m: Machine,
    node: cst.For,
    items: list[Value],
    loop: ActiveLoop,
    scope: Scope,
    *,
    speculate: bool,
) -> Completion | None:
    start, depth = len(m.frame.exits), len(m.loops)
    done: Completion | None = None
    m.loops.append(loop)
    try:
        for number, item in enumerate(items[:UNROLLED], 1):
            loop.number = number
            if isinstance(item, Maybe):
                done = _perhaps(m, node, item.value, scope)
            else:
                done = _concrete_pass(m, node, item, scope, speculate=speculate and number <= 2)
            if done is not None:
                break
    finally:
        del m.loops[depth:]
    if done is GIVEN_UP:
        m.script_loops.add(node)
        return _repeated(m, node, _first_and_later(items), loop, scope)
    return _leave(m, node, done, start, scope)


def _concrete_pass(
    m: Machine, node: cst.For, item: Value, scope: Scope, *, speculate: bool
) -> Completion | None:
    """One pass with a known item; given up where it turns out to train or evaluate."""

    def body() -> Completion | None:
        m.loops[-1].item = item
        assign(m, node.target, item, scope)
        used = _names_used(m, node)
        execute = partial(m.execute, node.body.body, scope)
        return treated(m, node, item, scope.names, used, execute)

    if not speculate or m.modules or m.speculating:
        return _pass(m, body)
    before, place = m.heap.snapshot(), m.place
    notes, exits, abstract = len(m.journal.notes), len(m.frame.exits), m.frame.abstract
    m.speculating = True
    try:
        done = _pass(m, body)
    except ScriptActivity:
        del m.journal.notes[notes:]
        m.go_to(place)
        m.frame.abstract = abstract
        m.abandon(exits)
        m.heap.restore(before)
        return GIVEN_UP
    finally:
        m.speculating = False
    m.heap.drop(before)
    return done


def _names_used(m: Machine, node: cst.For) -> tuple[str, ...]:
    """The names that the body of a loop may read before it sets them, without that of the item."""
    if node not in m.memory.used:
        m.memory.used[node] = tuple(read_first(node.body) - names_in(node.target))
    return m.memory.used[node]


def _perhaps(m: Machine, node: cst.For, item: Value, scope: Scope) -> Completion | None:
    """One pass with an item that may not be there."""
    return m.fork(
        lambda: _concrete_pass(m, node, item, scope, speculate=False),
        lambda: None,
        m.site(node.iter, scope),
    )


def _pass(m: Machine, body: Body) -> Completion | None:
    start = len(m.frame.exits)
    done = body()
    done, _ = m.rejoin(End.CONTINUE, done, start)
    return done


def _first_and_later(items: list[Value]) -> list[Value]:
    """The items of the two passes that stand for all: numbers are not known."""
    if all(isinstance(item, int | float) for item in items):
        return [Unknown("loop variable"), Unknown("loop variable")]
    return [items[0], items[min(1, len(items) - 1)]] if items else []


def _over_many(
    m: Machine, node: cst.For, iterable: Value, loop: ActiveLoop, scope: Scope
) -> Completion | None:
    element: Value = Unknown("item")
    match iterable:
        case Many():
            element, loop.loader = iterable.element, iterable.loader
        case Tensor() if m.modules:
            element = index_into(m, iterable, Unknown("position"), node.iter, scope)
        case Tensor():
            element = iterable
        case Instance() if is_opaque(iterable):
            element = iterable
        case list() if m.allowance.takes(len(iterable)):
            known = [item for item in iterable if not isinstance(item, Unknown)]
            element = m.join(known) if known else element
    if loop.loader is not None:
        note_iteration(m, loop.loader, node, scope, whole=True)
    return _repeated(m, node, [element, element], loop, scope)


def note_iteration(
    m: Machine, loader: Instance, node: cst.CSTNode, scope: Scope, *, whole: bool = False
) -> None:
    """Record that a loader is drawn from; ``whole`` if a loop does."""
    m.note_activity()
    site, context, fact = m.site(node, scope), m.context(), m.journal.loader_fact(loader)
    if fact is None:
        return
    reached = sampler_at_loops(m, loader) if whole else {}
    m.journal.note(lambda _, order: LoaderIterated(order, site, context, fact, whole, reached))


def _repeated(
    m: Machine, node: cst.For, items: list[Value], loop: ActiveLoop, scope: Scope
) -> Completion | None:
    bodies = [_body_with(m, node, item, scope) for item in items]
    return _twice(m, node, bodies, loop, scope)


def _body_with(m: Machine, node: cst.For, item: Value, scope: Scope) -> Body:
    def body() -> Completion | None:
        m.loops[-1].item = item
        assign(m, node.target, item, scope)
        return m.execute(node.body.body, scope)

    return body


def _twice(
    m: Machine, node: cst.For | cst.While, bodies: list[Body], loop: ActiveLoop, scope: Scope
) -> Completion | None:
    start, depth = len(m.frame.exits), len(m.loops)
    m.loops.append(loop)
    try:
        done = _abstract_passes(m, bodies, loop, scope)
    finally:
        del m.loops[depth:]
    return _leave(m, node, done, start, scope)


def _abstract_passes(
    m: Machine, bodies: list[Body], loop: ActiveLoop, scope: Scope
) -> Completion | None:
    """Passes that stand for all; in later passes of a loop around only as many as change modes."""
    again = any(outer.abstract and outer.number > 1 for outer in m.loops)
    loop.abstract, loop.since = True, m.journal.order
    m.frame.abstract += 1
    done, ranks = None, _ranks(scope)
    try:
        for number, body in enumerate(bodies[-1:] * len(bodies) if again else bodies, 1):
            ranks = _ranks(scope)
            loop.number = number
            with remembered(m.heap) as before:
                loop.before = before
                done = _pass(m, body)
            if number > 1:
                open_grown(m, before, loop)
            if done is not None or (again and not _changes_modes(before)):
                break
    finally:
        m.frame.abstract -= 1
    _forget_ranks(m, scope, ranks)
    return done


def _changes_modes(before: Snapshot) -> bool:
    """Whether modes, gradients or flags are now other than they were."""
    return any(
        old is not (new := cast(dict[Value, Value], container).get(name))
        and _as_switch(old) != _as_switch(new)
        for container, contents in before.saved.values()
        if isinstance(container, dict) and isinstance(contents, dict)
        for name, old in contents.items()
    )


def _as_switch(value: Value) -> object:
    """What of a value decides which way a program goes: modes, gradients and flags."""
    match value:
        case frozenset():
            return {switch.training for switch in value if isinstance(switch, Switch)}
        case bool() | Known():
            return value
    return None


def _ranks(scope: Scope) -> dict[str, int]:
    """The numbers of dimensions of the tensors that have names."""
    tensors = ((n, v) for n, v in scope.names.items() if isinstance(v, Tensor))
    return {name: tensor.shape.rank for name, tensor in tensors if tensor.shape.rank is not None}


def _forget_ranks(m: Machine, scope: Scope, before: dict[str, int]) -> None:
    """What the last of two passes still changed depends on how many passes there are."""
    for name, rank in _ranks(scope).items():
        value = scope.names[name]
        if before.get(name, rank) != rank and isinstance(value, Tensor):
            m.heap.put(scope.names, name, m.tape.phi(value, Tensor()))


def _leave(
    m: Machine, node: cst.For | cst.While, done: Completion | None, start: int, scope: Scope
) -> Completion | None:
    if done is None and node.orelse is not None:
        done = m.execute(node.orelse.body.body, scope)
    done, _ = m.rejoin(End.BREAK, done, start)
    return done


@handles(STATEMENTS, cst.While)
def _while(m: Machine, node: cst.While, scope: Scope) -> Completion | None:
    loop = ActiveLoop(node, m.site(node, scope), since=m.journal.order)

    def body() -> Completion | None:
        return m.execute(node.body.body, scope)

    value = m.evaluate(node.test, scope)
    known = truth_of(value)
    if known is False:
        return _leave(m, node, None, len(m.frame.exits), scope)
    if _is_endless(node, value):
        return _endless(m, [body, body], loop, scope)
    if known is None:
        perhaps = _if_at_all(m, body, m.site(node.test, scope))
        return _twice(m, node, [perhaps, perhaps], loop, scope)
    if node in m.script_loops:
        return _twice(m, node, [body, body], loop, scope)
    return _unrolled_while(m, node, loop, body, scope)


def _if_at_all(m: Machine, body: Body, test: Site) -> Body:
    """A pass before which the loop may end, since its test is not known."""

    def perhaps() -> Completion | None:
        goes_on = Assumption(Condition(test), True, left=True)
        m.frame.exits.append(Exit(BREAK, m.heap.snapshot(), goes_on))
        return body()

    return perhaps


def _endless(m: Machine, bodies: list[Body], loop: ActiveLoop, scope: Scope) -> Completion | None:
    """A loop that only a ``break`` ends."""
    start, depth = len(m.frame.exits), len(m.loops)
    m.loops.append(loop)
    try:
        done = _abstract_passes(m, bodies, loop, scope)
    finally:
        del m.loops[depth:]
    breaks = any(left.completion.end is End.BREAK for left in m.frame.exits[start:])
    if done is None and breaks:
        done = RAISE
    done, _ = m.rejoin(End.BREAK, done, start)
    return done


def _is_endless(node: cst.While, value: Value) -> bool:
    """Whether only a ``break`` ends a loop: ``while True``, ``while 1``; a count runs down."""
    return isinstance(node.test, cst.Integer) or (isinstance(node.test, cst.Name) and value is True)


def _unrolled_while(
    m: Machine, node: cst.While, loop: ActiveLoop, body: Body, scope: Scope
) -> Completion | None:
    start, activity, depth = len(m.frame.exits), m.journal.activity, len(m.loops)
    most = UNROLLED if m.building else UNROLLED_IN_SCRIPT
    m.loops.append(loop)
    done: Completion | None = None
    try:
        for number in range(1, most + 1):
            loop.number = number
            done = _pass(m, body)
            known = False if done is not None else truth_of(m.evaluate(node.test, scope))
            if known is False:
                break
            acts = m.journal.activity != activity
            if acts:
                m.script_loops.add(node)
            if acts or known is None or number == most:
                further = body if known else _if_at_all(m, body, m.site(node.test, scope))
                done = _abstract_passes(m, [further, further], loop, scope)
                break
    finally:
        del m.loops[depth:]
    return _leave(m, node, done, start, scope)
