"""Where forwards ask whether gradients are recorded, or will be computed of a tensor."""

import re

import libcst as cst

from bnlint.facts.types.hand_written import GradientsAsked
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Scope
from bnlint.interpreter.core.values import Tensor, Unknown, Value
from bnlint.interpreter.torch.parameters import frozen_state
from bnlint.vocabulary.operations import GRADIENT_CUTS

MOST_FOLLOWED = 50
"""Operations that are looked at for one that learns."""
_DIFFERENTIABLE = WEIGHTED | {
    Kind.BATCH_NORM,
    Kind.ACTIVATION,
    Kind.DROPOUT,
    Kind.MAX_POOL,
    Kind.AVG_POOL,
    Kind.RESHAPE,
    Kind.PERMUTE,
    Kind.ADD,
    Kind.CAT,
}
"""Kinds of operations whose outputs need a gradient if an input does."""


def note_gradients_asked(m: Machine, site: Site, scope: Scope) -> None:
    """``torch.is_grad_enabled()`` in the forward of a module, or in a function that this calls."""
    if not m.modules:
        return
    layer = m.modules[-1]
    of_method = scope.names.get("self") is layer
    call = None if of_method else _call_of_layer(m, layer)
    last = None if call is None or scope.function is None else _last_parameter(scope.function, call)
    asked = GradientsAsked(site, of_method, call if last is not None else None, last)
    m.journal.states.note_asked(layer, asked)


def _call_of_layer(m: Machine, layer: Instance) -> Site | None:
    """The call by which a method of a layer comes to the function that is being executed."""
    if len(m.frames) < 2 or layer.cls is None:
        return None
    definition = m.frames[-2].definition
    method = layer.cls.find(m.frames[-2].function)
    if not isinstance(method, Function) or definition is None or method.node is not definition.node:
        return None
    params = method.node.params.params
    return m.frame.call if params and params[0].name.value == "self" else None


def _last_parameter(function: Function, call: Site) -> Site | None:
    """The end of a function's parameters, if ``training`` can be one more.

    The file calls it only there, and the last parameter has no default.
    """
    node, source = function.node, function.scope.namespace.source
    params = node.params
    if not isinstance(node, cst.FunctionDef) or source is not call.source or not params.params:
        return None
    if params.star_arg is not cst.MaybeSentinel.DEFAULT or params.star_kwarg is not None:
        return None
    last = params.params[-1]
    uses = len(re.findall(rf"\b{function.name}\b", source.content))
    named = re.search(r"\btraining\b", source.text(node)) is not None
    if last.default is not None or last.annotation is not None or uses != 2 or named:
        return None
    return Site(source, last.name)


def requires_grad(m: Machine, tensor: Tensor) -> Value:
    """``tensor.requires_grad`` in a forward: yes for what a layer that learns has certainly computed."""
    if m.grad is not Known.YES or tensor.index < 0:
        return Unknown("tensor requires_grad")
    pending, seen = [tensor.index], set[int]()
    while pending and len(seen) < MOST_FOLLOWED:
        op = m.tape.ops[index := pending.pop()]
        if index in seen or not op.certain or op.name in GRADIENT_CUTS:
            continue
        seen.add(index)
        if op.layer is not None and op.kind in WEIGHTED:
            learns = frozen_state(m, op.layer)[0] is Known.NO
            if learns and op.grad:
                return True
        if op.kind in _DIFFERENTIABLE and op.grad:
            pending += op.inputs
    return Unknown("tensor requires_grad")
