"""``with`` statements."""

from collections.abc import Callable

import libcst as cst

from bnlint.facts.known import Known
from bnlint.interpreter.frames import Completion
from bnlint.interpreter.functions import run_function
from bnlint.interpreter.machine import STATEMENTS, Machine, handles
from bnlint.interpreter.names import assign
from bnlint.interpreter.objects import Class, Function, Instance, Managed, Method, Scope
from bnlint.interpreter.values import Arguments, Guard, Tensor, Unknown, Value


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
        case Guard(grad=grad):
            return _with_grad(m, grad, lambda: go_on(manager))
        case Managed():
            return _inside(m, manager, go_on)
        case Instance(cls=Class()):
            return _with_methods(m, manager, item.item, scope, go_on)
        case Tensor() | Instance():
            return go_on(manager)
    return go_on(Unknown("context manager"))


def _with_grad(m: Machine, grad: Known, body: Callable[[], Completion | None]) -> Completion | None:
    before, m.grad = m.grad, grad
    done = body()
    m.grad = before
    return done


def _inside(
    m: Machine, manager: Managed, go_on: Callable[[Value], Completion | None]
) -> Completion | None:
    """Execute a generator-based context manager with the statement's body at its ``yield``."""
    ended: list[Completion | None] = []
    frames, frame = len(m.frames), m.frame

    def on_yield(value: Value) -> None:
        inner = m.frames[frames:]
        del m.frames[frames:]
        try:
            ended.append(go_on(value))
        finally:
            m.frames.extend(inner)

    run_function(m, manager.function, manager.arguments, manager.site, on_yield)
    assert m.frame is frame
    return ended[0] if ended else go_on(Unknown("context manager"))


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
    before = m.grad
    if isinstance(enter := manager.cls.find("__enter__"), Function):
        entered = m.call(Method(enter, manager), Arguments(), site, scope)
    done = go_on(entered)
    if isinstance(leave := manager.cls.find("__exit__"), Function):
        m.call(Method(leave, manager), Arguments([None, None, None]), site, scope)
    m.grad = before
    return done
