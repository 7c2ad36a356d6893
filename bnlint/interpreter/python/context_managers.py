"""``with`` statements."""

from collections.abc import Callable

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.interpreter.core.dispatch import STATEMENTS, handles
from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.heap import Watch
from bnlint.interpreter.core.knowledge import open_one
from bnlint.interpreter.core.machine import Machine, Path
from bnlint.interpreter.core.objects import (
    Class,
    Function,
    Instance,
    Managed,
    Method,
    OpenFile,
    Scope,
)
from bnlint.interpreter.core.values import Arguments, GradientSwitch, Many, Tensor, Unknown, Value
from bnlint.interpreter.python.functions import run_function
from bnlint.interpreter.python.name_lookup import assign


@handles(STATEMENTS, cst.With)
def _with(m: Machine, node: cst.With, scope: Scope) -> Completion | None:
    return _enter(m, node, 0, scope)


def _enter(m: Machine, node: cst.With, number: int, scope: Scope) -> Completion | None:
    if number == len(node.items):
        return m.execute(node.body.body, scope)
    item = node.items[number]
    manager = m.evaluate(item.item, scope)

    def go_on(entered: Value) -> Completion | None:
        if item.asname is not None:
            assign(m, item.asname.name, entered, scope)
        return _enter(m, node, number + 1, scope)

    match manager:
        case GradientSwitch():
            return _with_grad(m, manager, lambda: go_on(manager))
        case Managed():
            return _inside(m, manager, go_on)
        case Instance(cls=Class()):
            return _with_methods(m, manager, item.item, scope, go_on)
        case Tensor() | Instance() | OpenFile():
            return go_on(manager)
        case Many() | list() | range():  # a progress bar over it
            return go_on(manager)
    return go_on(Unknown("context manager", None, open_one([manager])))


def _with_grad(m: Machine, guard: GradientSwitch, body: Path) -> Completion | None:
    start, before = len(m.frame.exits), m.grad if guard.before is None else guard.before
    with m.gradients_given_back():
        m.grad = guard.grad
        done = body()
    m.on_leaving(start, lambda: _set_grad(m, before))
    return done


def _set_grad(m: Machine, grad: Known) -> None:
    m.grad = grad


def _inside(
    m: Machine, manager: Managed, go_on: Callable[[Value], Completion | None]
) -> Completion | None:
    """Execute a generator-based context manager with the statement's body at its ``yield``."""
    ended: list[Completion | None] = []
    frames, frame, start = len(m.frames), m.frame, len(m.frame.exits)

    def on_yield(value: Value) -> None:
        inner = m.frames[frames:]
        del m.frames[frames:]
        try:
            ended.append(go_on(value))
        finally:
            m.frames.extend(inner)

    with m.heap.watched() as watch:
        run_function(m, manager.function, manager.arguments, manager.site, on_yield)
        m.heap.look()
    assert m.frame is frame
    if not ended:
        return go_on(Unknown("context manager"))
    m.on_exits(start, lambda: _may_be_set(m, watch))
    return ended[0]


def _may_be_set(m: Machine, watch: Watch) -> None:
    """On a path that left the body, what the manager does afterwards has been done, too."""
    for names, name, values in watch.entries():
        if name in names:
            m.heap.put(names, name, m.join([names[name], values[-1]]))


def _with_methods(
    m: Machine,
    manager: Instance,
    node: cst.CSTNode,
    scope: Scope,
    go_on: Callable[[Value], Completion | None],
) -> Completion | None:
    assert manager.cls is not None
    site = m.site(node, scope)
    entered: Value = Unknown("context manager")
    before, start = m.grad, len(m.frame.exits)
    if isinstance(enter := manager.cls.find("__enter__"), Function):
        entered = m.call(Method(enter, manager), Arguments(), site, scope)
    done = go_on(entered)
    leave = manager.cls.find("__exit__")

    def left() -> None:
        if isinstance(leave, Function):
            m.call(Method(leave, manager), Arguments([None, None, None]), site, scope)
        m.grad = before

    m.on_leaving(start, left)
    return done
