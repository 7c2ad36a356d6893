"""What is no longer known after code that is not executed: what it assigns, what it mentions."""

from collections.abc import Iterable, Iterator

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import GivenUp, Instance, Scope
from bnlint.interpreter.core.values import MISSING, Arguments, Tensor, Unknown, Value, present
from bnlint.interpreter.python.name_lookup import bind
from bnlint.interpreter.torch.modules import modules_in, set_mode
from bnlint.source.name_bindings import dotted
from bnlint.source.parents import children

INNER = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})
"""Code that does not run where it stands."""
PARTS_PER_STEP = 4
"""Nodes of code that is not executed that count as one step."""
FORGOTTEN = frozenset(
    {
        *(cst.AssignTarget, cst.AnnAssign, cst.AugAssign, cst.NamedExpr, cst.For, cst.CompFor),
        *(cst.AsName, cst.MatchAs, cst.MatchStar, cst.FunctionDef, cst.ClassDef),
        *(cst.Name, cst.Attribute),
    }
)
"""Nodes that bind or mention something."""
GRADIENT_SWITCHES = frozenset({"set_grad_enabled", "no_grad", "enable_grad", "inference_mode"})


def forget(m: Machine, nodes: Iterable[cst.CSTNode], scope: Scope) -> None:
    """Make unknown what code may change: names, attributes, the modes of models it mentions.

    Losses that it mentions may be backpropagated there.
    """
    for node in nodes:
        mentioned: list[Value] = []
        for number, part in enumerate(parts_of(node)):
            m.step(number % PARTS_PER_STEP == 0)
            if type(part) in FORGOTTEN:
                _forget_part(m, part, scope, mentioned)
        for module in modules_in(mentioned):
            set_mode(m, module, None, m.site(node, scope), None)
        tensors = [value for value in mentioned if isinstance(value, Tensor)]
        m.journal.may_backpropagate(tensors)


def _forget_part(m: Machine, part: cst.CSTNode, scope: Scope, mentioned: list[Value]) -> None:
    match part:
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target):
            _forget_target(m, target, scope)
        case cst.AugAssign(target=target) | cst.NamedExpr(target=target):
            _forget_target(m, target, scope)
        case cst.For(target=target) | cst.CompFor(target=target):
            _forget_target(m, target, scope)
        case cst.AsName(name=target):
            _forget_target(m, target, scope)
        case cst.MatchAs(name=cst.Name() as target) | cst.MatchStar(name=cst.Name() as target):
            _forget_target(m, target, scope)
        case cst.FunctionDef(name=target) | cst.ClassDef(name=target):
            _forget_target(m, target, scope)
        case cst.Name(value=name):
            mentioned.append(known_value(scope, name))
            if name in GRADIENT_SWITCHES:
                m.grad = Known.UNKNOWN
        case cst.Attribute(value=cst.Name(value=owner), attr=attr):
            value = known_value(scope, owner)
            if isinstance(value, Instance):
                mentioned.append(present(value.attributes.get(attr.value, MISSING)))


@handles(CALLS, GivenUp)
def _call_given_up(
    m: Machine, callee: GivenUp, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    for reads in m.readings:
        reads.fixed = False
    node = callee.function.node
    m.reached.add(node)
    forget(m, [node.body], callee.local)
    return m.call_unknown(callee.function, arguments, site)


def parts_of(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """A node and all below it that runs where it stands."""
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        if type(current) not in INNER:
            pending += children(current)


def known_value(scope: Scope, name: str) -> Value:
    """The value of a name, without evaluating anything for it."""
    inner: Scope | None = scope
    while inner is not None:
        if name in inner.names:
            return present(inner.names[name])
        inner = inner.parent
    return present(scope.namespace.names.get(name, MISSING))


def _forget_target(m: Machine, target: cst.CSTNode, scope: Scope) -> None:
    match target:
        case cst.Name(value=name):
            bind(m, name, Unknown(f"{name} after code that is not followed"), scope)
        case cst.Tuple(elements=parts) | cst.List(elements=parts):
            for part in parts:
                _forget_target(m, part.value, scope)
        case cst.Attribute(value=owner_node, attr=attr):
            owner = known_value(scope, dotted(owner_node))
            if isinstance(owner, Instance) and attr.value in owner.attributes:
                m.heap.put(owner.attributes, attr.value, Unknown(f"attribute {attr.value}"))
                m.heap.structure += 1
        case cst.Subscript(value=owner_node):
            _forget_items(m, known_value(scope, dotted(owner_node)))


def _forget_items(m: Machine, owner: Value) -> None:
    if isinstance(owner, list):
        m.heap.touch(owner)
        owner[:] = [Unknown("item set by code that is not followed") for _ in owner]
    elif isinstance(owner, dict):
        m.heap.touch(owner)
        owner.update(dict.fromkeys(owner, Unknown("item set by code that is not followed")))
