"""Calling functions of the project: binding parameters and executing bodies."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import libcst as cst

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.budget import MAX_DEPTH, Toil
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.frames import Activation, Completion, End
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import (
    Function,
    GivenUp,
    Instance,
    Managed,
    Method,
    Partial,
    Scope,
)
from bnlint.interpreter.core.values import (
    MORE_YIELDED,
    Arguments,
    Many,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.python.answers import executed_or_remembered
from bnlint.source.parents import below

_APART = frozenset({cst.FunctionDef, cst.ClassDef, cst.Lambda})
DEEPEST_RECURSION = 3
"""Executions of one function within itself where conditions that are not known decide on them."""


@handles(CALLS, Function)
def _call_function(
    m: Machine, function: Function, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if function.managed:
        return Managed(function, arguments, site)
    execute = partial(run_function, m, function, arguments, site)
    return executed_or_remembered(m, function, arguments, execute)


def call_method(
    m: Machine, method: Method, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``receiver.method(...)``."""
    given = arguments.prefixed(method.receiver)
    if method.function.managed:
        return Managed(method.function, given, site)
    return run_function(m, method.function, given, site)


@handles(CALLS, Partial)
def _call_partial(
    m: Machine, partial: Partial, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    made = arguments.prefixed(*partial.positional)
    made.keywords = {**dict(partial.keywords), **arguments.keywords}
    return m.call(partial.callee, made, site, scope)


def run_function(
    m: Machine,
    function: Function,
    arguments: Arguments,
    site: Site,
    on_yield: Callable[[Value], None] | None = None,
) -> Value:
    """Execute a function with arguments and return what it returns on any of its paths."""
    node = function.node
    blind = _knows_nothing(arguments)
    if len(m.frames) > MAX_DEPTH or _is_endless(m, node, blind):
        for reads in m.readings:
            reads.fixed = False
        return Unknown("recursion", site)
    local = bind_parameters(m, function, arguments)
    if node in m.memory.given_up:
        return m.call(GivenUp(function, local), arguments, site, local)
    definition = Site(function.scope.namespace.source, node)
    frame = Activation(function.name, site, definition, conditions=len(m.path), loops=len(m.loops))
    frame.blind = blind
    frame.since = m.steps, m.happened
    m.frames.append(frame)
    toil = m.toil.setdefault(node, Toil())
    toil.within += 1
    grad, loops = m.grad, len(m.loops)
    try:
        if function.grad is None:
            value = _run_body(m, function, local, on_yield)
        else:
            with m.gradients_given_back():
                m.grad = function.grad
                value = _run_body(m, function, local, on_yield)
            m.grad = grad
    finally:
        costly = _leave(m, frame, toil)
        del m.loops[loops:]
    if costly and type(node) is cst.FunctionDef and not _is_needed(function, arguments):
        m.memory.given_up.add(node)
    if m.recipes is not None and isinstance(node, cst.FunctionDef):
        m.recipes.note_returned(function, arguments, value)
    return value


def _leave(m: Machine, frame: Activation, toil: Toil) -> bool:
    """End what a function does; whether all calls of it took too much for nothing."""
    m.frames.pop()
    toil.within -= 1
    began, before = frame.since
    if toil.within or m.building or m.happened != before:
        return False
    return toil.is_too_much(m.steps - began)


def _is_needed(function: Function, arguments: Arguments) -> bool:
    """Whether a function makes an object, or gets a module, of which less would be known without it."""
    modules = (isinstance(v, Instance) and v.is_module for v in arguments.values)
    return function.name == "__init__" or any(modules)


def _run_body(
    m: Machine, function: Function, local: Scope, on_yield: Callable[[Value], None] | None
) -> Value:
    node = function.node
    if type(node) is cst.Lambda:
        return m.evaluate(node.body, local)
    assert type(node) is cst.FunctionDef
    m.reached.add(node)
    if on_yield is not None:
        local.on_yield = on_yield
    elif is_generator(function):
        local.yielded = []
    return _finish(m, m.execute(node.body.body, local), local)


def _knows_nothing(arguments: Arguments) -> bool:
    values = arguments.values
    return bool(values) and all(isinstance(value, Unknown) for value in values)


def _is_endless(m: Machine, node: cst.CSTNode, blind: bool) -> bool:
    """Whether a function calls itself again and again and nothing that is known will end it."""
    count = 0
    for frame in reversed(m.frames):
        if frame.definition is not None and frame.definition.node is node:
            if blind and frame.blind and _is_conditional(m):
                return True
            count += 1
            if count == DEEPEST_RECURSION:
                return len(m.path) > frame.conditions or _is_conditional(m)
    return False


def _is_conditional(m: Machine) -> bool:
    """Whether a condition before this place, or a loop that stands for many passes, decides."""
    return m.frame.abstract > 0 or bool(m.frame.exits)


def _finish(m: Machine, done: Completion | None, local: Scope) -> Value:
    if done is None:
        done = Completion(End.RETURN, None)
    _, values = m.rejoin(End.RETURN, done, 0)
    m.abandon(0)
    if local.yielded is not None:
        return _generated(m, local.yielded)
    return m.join(values) if values else Unknown("raises", m.frame.call)


def _generated(m: Machine, yielded: list[Value]) -> Value:
    known = [v for v in yielded if not (isinstance(v, Unknown) and v.reason == MORE_YIELDED)]
    if len(known) == len(yielded):
        return known
    return Many(m.join(known) if known else Unknown("item"))


def bind_parameters(m: Machine, function: Function, arguments: Arguments) -> Scope:
    """A scope with a function's parameters bound to arguments or defaults."""
    params = function.node.params
    names: dict[str, Value] = {}
    positional = [*params.posonly_params, *params.params]
    keywords, batch = dict(arguments.keywords), _unpacked_batch(arguments)
    for number, param in enumerate(positional):
        name = param.name.value
        if number < len(arguments.positional):
            names[name] = arguments.positional[number]
        else:
            names[name] = _passed(m, name, keywords, function, arguments)
    if isinstance(params.star_arg, cst.Param):
        rest = tuple(arguments.positional[len(positional) :])
        opened = arguments.opened and not rest
        further = Many(batch or Unknown("argument"))
        names[params.star_arg.name.value] = further if opened else rest
    for param in params.kwonly_params:
        names[param.name.value] = _passed(m, param.name.value, keywords, function, arguments)
    if params.star_kwarg is not None:
        name = params.star_kwarg.name.value
        unknown = batch or Unknown("keyword arguments")
        names[name] = unknown if arguments.opened else m.new(dict(keywords))
    if m.command_line.has_switches:
        _rename_switches(m, positional, arguments)
    m.heap.new(names)
    local = Scope(names, function.scope.namespace, function.scope, function)
    if arguments.further:
        rests = (params.star_arg, params.star_kwarg)
        local.further = frozenset(p.name.value for p in rests if isinstance(p, cst.Param))
    if local.parent is not None and local.parent.cls is not None:
        local.parent = local.parent.parent
    if local.parent is not None and local.parent is function.scope.namespace.scope:
        local.parent = None
    return local


def _rename_switches(m: Machine, parameters: list[cst.Param], arguments: Arguments) -> None:
    """Options that are off go by the names of the parameters that they are given to as well."""
    given = zip(parameters, arguments.nodes, arguments.positional, strict=False)
    for parameter, node, value in given:
        m.command_line.rename(node, value, parameter.name.value)
    for name, node in arguments.keyword_nodes.items():
        m.command_line.rename(node, arguments.keywords.get(name), name)


def _unpacked_batch(arguments: Arguments) -> Tensor | None:
    """The one batch that ``**batch`` takes apart in a call, whatever its parts are called."""
    match arguments.unpacked:
        case [Tensor() as batch]:
            return replace(batch, index=-1, shape=Shape(), whole=True)
    return None


def _passed(
    m: Machine,
    name: str,
    keywords: dict[str, Value],
    function: Function,
    arguments: Arguments,
) -> Value:
    if name in keywords:
        return keywords.pop(name)
    missing = Unknown(f"argument {name}")
    if not arguments.opened:
        value = function.defaults.get(name, missing)
        m.note_read(function.defaults, name, value)
        return value
    batch = _unpacked_batch(arguments)
    return missing if batch is None or name in function.defaults else replace(batch, whole=False)


def is_generator(function: Function) -> bool:
    """Whether a function's own body contains ``yield``."""
    node, space = function.node, function.scope.namespace
    if type(node) is not cst.FunctionDef or not space.has_generators:
        return False
    if node not in space.generators:
        space.generators[node] = _contains_yield(node)
    return space.generators[node]


def _contains_yield(function: cst.FunctionDef) -> bool:
    return any(type(node) is cst.Yield for node in below(function.body, _APART))
