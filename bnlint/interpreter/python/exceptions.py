"""``try`` statements: what handlers find, and what is done in any case."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

import libcst as cst

from bnlint.facts.types.context import Assumption, Condition
from bnlint.facts.types.run import Mode, Switch
from bnlint.interpreter.core.dispatch import STATEMENTS, handles
from bnlint.interpreter.core.frames import RAISE, Completion
from bnlint.interpreter.core.heap import Snapshot, Watch
from bnlint.interpreter.core.machine import Machine, Path
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import MISSING, Unknown
from bnlint.interpreter.python.name_lookup import bind
from bnlint.interpreter.torch.modules import MODE
from bnlint.source.parents import children

Try = cst.Try | cst.TryStar


@handles(STATEMENTS, cst.Try, cst.TryStar)
def _try(m: Machine, node: Try, scope: Scope) -> Completion | None:
    if node.finalbody is None:
        return _without_finally(m, node, scope)
    start, before, final = len(m.frame.exits), m.heap.snapshot(), node.finalbody.body.body
    with m.heap.watched(alone=True) as watch:
        done = _without_finally(m, node, scope)
    _note_passing(m, before, watch, lambda: m.execute(final, scope))
    last: list[Completion | None] = []
    m.on_leaving(start, lambda: last.append(m.execute(final, scope)))
    return last[-1] if last[-1] is not None else done


def _without_finally(m: Machine, node: Try, scope: Scope) -> Completion | None:
    return _body_and_handlers(m, node, scope) if node.handlers else _body(m, node, scope)


def _note_passing(m: Machine, before: Snapshot, watch: Watch, final: Callable[[], object]) -> None:
    """What a handler further out finds after an exception that passed through ``finally``."""
    if not m.heap.is_watched:
        m.heap.drop(before)
        return
    present = m.heap.snapshot()
    _raised(m, before, watch)
    final()
    for names, name, _ in watch.entries():
        m.heap.see(names, name)
    m.heap.restore(present)


def _body(m: Machine, node: Try, scope: Scope) -> Completion | None:
    return _go_on(m, node, m.execute(node.body.body, scope), scope)


def _go_on(m: Machine, node: Try, done: Completion | None, scope: Scope) -> Completion | None:
    """What follows a body that raised nothing."""
    if done is None and node.orelse is not None:
        return m.execute(node.orelse.body.body, scope)
    return done


def _body_and_handlers(m: Machine, node: Try, scope: Scope) -> Completion | None:
    """Any call of the body may raise; handlers start from whatever has been done by then."""
    body = node.body.body
    quiet = list(takewhile(lambda statement: not _may_raise(statement), body))
    done = m.execute(quiet, scope)
    if done is not None and done is not RAISE:
        return done
    before = m.heap.snapshot()
    with m.heap.watched() as watch:
        done = done or _execute_risky(m, body[len(quiet) :], scope)
    if done is not RAISE and len(quiet) == len(body):
        m.heap.drop(before)
        return _go_on(m, node, done, scope)

    def handled() -> Completion | None:
        _raised(m, before, watch)
        paths = [_handling(m, handler, scope) for handler in node.handlers]
        return m.choose(paths, m.site(node.handlers[0], scope))

    if done is RAISE:
        return handled()
    site = m.site(node.handlers[0], scope)
    return m.fork(lambda: _go_on(m, node, done, scope), handled, site)


def _execute_risky(m: Machine, body: Sequence[cst.CSTNode], scope: Scope) -> Completion | None:
    """Execute statements each of which happens only if none before has raised."""
    around = m.path
    done: Completion | None = None
    for statement in body:
        done = m.execute([statement], scope)
        if done is not None:
            break
        if _may_raise(statement):
            passed = Condition(m.site(statement, scope))
            m.path = (*m.path, Assumption(passed, True, left=True))
    m.path = around
    return done


def _raised(m: Machine, before: Snapshot, watch: Watch) -> None:
    """Turn the state behind a body into that in which any part of it has been done."""
    modes = [(names, names[MODE]) for names in before.changed() if MODE in names]
    m.heap.merge(before, m.join_contents)
    for names, name, values in watch.entries():
        m.step()
        present = names.get(name, MISSING)
        every = values if present is MISSING else [present, *values]
        m.heap.put(names, name, m.join(every))
    for names, ended in modes:
        if isinstance(mode := names.get(MODE), frozenset) and isinstance(ended, frozenset):
            m.heap.put(names, MODE, frozenset(_interrupted(mode, ended)))


def _interrupted(mode: Mode, ended: Mode) -> Iterator[Switch]:
    """The ways into a mode, with those marked that the whole body would have ended."""
    for switch in mode:
        yield switch if switch in ended else replace(switch, raised=True)


def _handling(m: Machine, handler: cst.ExceptHandler | cst.ExceptStarHandler, scope: Scope) -> Path:
    def handle() -> Completion | None:
        if handler.name is not None and isinstance(handler.name.name, cst.Name):
            bind(m, handler.name.name.value, Unknown("exception"), scope)
        return m.execute(handler.body.body, scope)

    return handle


def _may_raise(statement: cst.CSTNode) -> bool:
    """Whether a statement raises or calls anything but a mode switch, where it stands."""
    pending: list[cst.CSTNode] = [statement]
    while pending:
        node = pending.pop()
        match node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="eval" | "train"))):
                pending += children(node)
            case cst.Call() | cst.Await() | cst.Raise():
                return True
            case cst.FunctionDef() | cst.ClassDef() | cst.Lambda():
                pass
            case _:
                pending += children(node)
    return False
