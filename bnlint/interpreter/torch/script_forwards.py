"""Calls of modules: forwards that the script makes, on the tape and among the events."""

from collections.abc import Callable, Iterable

import libcst as cst

from bnlint.facts.shapes.elementwise import KEEPS_BATCH
from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import is_training
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.journal import Journal, Recorded
from bnlint.interpreter.core.knowledge import CONCRETE
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import ForwardOutput
from bnlint.interpreter.core.objects import Builtin, Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import Start, tensors_in
from bnlint.interpreter.core.unknown_uses import note_unknown_data
from bnlint.interpreter.core.values import (
    NO_GRADIENTS,
    Arguments,
    Choice,
    Gradients,
    Many,
    Maybe,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.python.functions import call_method, run_function
from bnlint.interpreter.torch.inner_forwards import (
    note_forward,
    note_own_switches,
    run_module,
    within,
)
from bnlint.interpreter.torch.modules import WRAPPERS, is_container, mode_of
from bnlint.interpreter.torch.norms import perhaps_synchronised, plain_batch_norm
from bnlint.interpreter.torch.training import is_optimizer, note_step
from bnlint.interpreter.torch.wrappers import unwrapped, wrappers
from bnlint.source.name_bindings import dotted
from bnlint.vocabulary.layers import KINDS, bare_name

MOST_ALIKE = 32
"""Items of an argument by which calls of a model are told apart; a longer one is itself alone."""


CALLED = frozenset({"typer.Typer", "typer.main.Typer"})
"""Library classes whose objects are called to run the program."""


@handles(CALLS, Instance)
def _call_instance(
    m: Machine, instance: Instance, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if instance.is_module:
        function = getattr(site.node, "func", None)
        return call_module(m, instance, arguments, site, receiver_of(m, instance, function, scope))
    if instance.cls is not None:
        call = instance.cls.find("__call__")
        if isinstance(call, Function):
            return run_function(m, call, arguments.prefixed(instance), site)
    if instance.library in CALLED:
        return m.call(Builtin(instance, "__call__"), arguments, site, scope)
    return m.call_unknown(instance, arguments, site)


@handles(CALLS, Method)
def _call_method(
    m: Machine, method: Method, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    module = method.receiver
    if m.modules or not isinstance(module, Instance) or not _is_forward(module, method):
        value = call_method(m, method, arguments, site, scope)
        if method.function.name == "step" and is_optimizer(module):
            note_step(m, site)
        return value
    function = getattr(site.node, "func", None)
    receiver = receiver_of(m, module, getattr(function, "value", None), scope)
    return call_module(m, module, arguments, site, receiver)


def _is_forward(module: Instance, method: Method) -> bool:
    """Whether a script that calls a method runs a whole model."""
    return (
        module.is_module
        and module.cls is not None
        and module.cls.find("forward") is method.function
    )


@handles(CALLS, Choice)
def _call_choice(
    m: Machine, choice: Choice, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    plain = plain_batch_norm(choice)
    if plain is not None:
        return perhaps_synchronised(m, m.call(plain, arguments, site, scope))
    callables = choice.known
    others = len(callables) < len(choice.values)
    results: list[Value] = []

    def call(callee: Value) -> None:
        if callee is None:
            results.extend(tensors_in(arguments.values)[:1])
        else:
            results.append(m.call(callee, arguments, site, scope))

    called = [*callables, None] if others else callables
    with_one_of(m, called, call, site, choice.selection, results)
    joined = m.join(results) if results else Unknown("call")
    if isinstance(joined, Choice) and [*map(id, joined.values)] == [*map(id, results)]:
        return Choice(joined.values, choice.selection)
    return joined


def receiver_of(m: Machine, module: Instance, node: cst.CSTNode | None, scope: Scope) -> str:
    """The dotted name in a scope that stands for a module, ``""`` if the node is none."""
    name = dotted(node)
    if node is None or not name:
        return ""
    value = m.evaluate(node, scope)
    meant = value.values if isinstance(value, Choice) else (value,)
    same = (isinstance(one, Instance) and module in (one, unwrapped(one)) for one in meant)
    return name if any(same) else ""


def call_module(
    m: Machine, module: Instance, arguments: Arguments, site: Site, receiver: str = ""
) -> Value:
    """``receiver(...)``: a forward of the script's, or one within another's."""
    if m.modules:
        return within(m, module, arguments, site, receiver)
    if not _is_model(module):
        return _loose_layer(m, module, arguments, site)
    return _by_script(m, module, arguments, site, receiver)


def _is_model(module: Instance) -> bool:
    """Whether a call of the module is worth an event: it is not a loss or a single function."""
    bare = bare_name(module.library)
    if module.cls is not None or bare is None or is_container(module):
        return True
    return KINDS.get(bare) in (Kind.BATCH_NORM,) or module.library in WRAPPERS


def _loose_layer(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    """A loss function or a single layer that the script calls itself."""
    inputs = tensors_in(arguments.values)
    kind = KINDS.get(bare_name(module.library) or "", Kind.UNKNOWN)
    keeps = kind in KEEPS_BATCH
    return m.tape.tensor(kind, module.type_name, inputs, site, layer=module, batch=keeps)


def _by_script(
    m: Machine, module: Instance, arguments: Arguments, site: Site, receiver: str
) -> Value:
    inputs = tensors_in(arguments.values)
    splitter: Instance | None = None
    for wrapper in wrappers(module):
        splitter = wrapper if wrapper.library == "torch.nn.DataParallel" else splitter
    module = unwrapped(module)
    note_unknown_data(m, inputs)
    record = note_forward(m, module, inputs, site, receiver, splitter=splitter)
    record.constants = _constants(arguments)
    m.journal.note_joined(inputs)
    m.note_activity()
    effects, since = m.journal.effects, m.journal.order
    output = _memoised(m, module, arguments, site)
    if m.journal.effects != effects:
        note_own_switches(m, record, since)
    depends = frozenset({record.number}).union(*(t.depends for t in inputs))
    grads = NO_GRADIENTS
    if m.grad is not Known.NO:
        own = frozenset({record.number})
        made = Gradients(own) if m.grad is Known.YES else Gradients(maybe=own)
        grads = Gradients.of_all([made, *(t.grads for t in inputs)])
    loaders = frozenset[Instance]().union(*(t.loaders for t in inputs))
    batch = inputs[0].batch if inputs else None

    def outside(tensor: Tensor | None) -> Tensor:
        shape = tensor.shape if tensor is not None else Shape()
        return Tensor(-1, shape, depends, grads, loaders, batch)

    return _mapped(output, outside, unknown=True)


def _constants(arguments: Arguments) -> tuple[str, ...]:
    """The constants among the arguments, with the names of those that are given by name."""
    given = (*enumerate(arguments.positional), *arguments.keywords.items())
    return tuple(f"{name}={value!r}" for name, value in given if isinstance(value, CONCRETE))


def _mapped(
    value: Value, change: Callable[[Tensor | None], Tensor], *, unknown: bool = False
) -> Value:
    """The same with other tensors, a few levels deep; what is shared stays shared.

    With ``unknown`` the parts that are not known count as tensors, too.
    """
    made: dict[tuple[int, int], Value] = {}

    def of(value: Value, depth: int) -> Value:
        key = id(value), depth
        match value:
            case Tensor():
                return change(value)
            case Unknown() if unknown:
                return change(None)
            case Maybe(value=inner) if depth:
                return Maybe(of(inner, depth - 1))
            case list() | tuple() | dict() if depth and key in made:
                return made[key]
            case list() | tuple() | dict() if len(value) > MOST_LOOKED_AT:
                return value
            case list() if depth:
                made[key] = [of(item, depth - 1) for item in value]
            case tuple() if depth:
                made[key] = tuple(of(item, depth - 1) for item in value)
            case dict() if depth:
                made[key] = {name: of(item, depth - 1) for name, item in value.items()}
            case Many(element=element) if depth:
                return Many(of(element, depth - 1))
            case Instance() if value.is_answer and depth and key not in made:
                made[key] = answer = value.replica()
                held = value.attributes.items()
                answer.attributes = {name: of(part, depth - 1) for name, part in held}
        return made.get(key, value)

    return change(None) if isinstance(value, Unknown) else of(value, 3)


def _memoised(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    """The output of a forward, from an earlier one of the same model if any.

    The modes that the earlier one asked for are as they were then.
    """
    memo = m.namespaces.forwards.setdefault(
        (id(module), _signature(arguments), m.heap.structure), []
    )
    for known in memo:
        if known.modes == _modes(m, known.modes):
            return known.value
    journal = m.journal
    asked, journal.modes_asked = journal.modes_asked, {}
    changes, marks = _changes(journal), _marks(journal)
    output = record_forward(m, module, arguments, site)
    if _marks(journal) != marks:
        journal.modes_asked[module] = None
    if _changes(journal) == changes:
        memo.append(ForwardOutput(output, _modes(m, journal.modes_asked), arguments))
    journal.modes_asked = asked | journal.modes_asked
    return output


def _modes(m: Machine, modules: Iterable[Instance]) -> dict[Instance, Known]:
    """Whether modules are in train mode."""
    return {module: is_training(mode_of(m, module)) for module in list(modules)}


def _changes(journal: Journal) -> tuple[int, ...]:
    """Counts of what a forward that is remembered may not do."""
    return journal.effects, len(journal.forwards)


def _marks(journal: Journal) -> tuple[int, ...]:
    """Counts of what a forward does besides, each time that the model is in another mode."""
    return journal.states.noted, len(journal.notes)


def _signature(arguments: Arguments) -> tuple[object, ...]:
    def of(value: Value, depth: int = 3) -> object:
        match value:
            case Tensor(shape=shape, whole=whole):
                return shape.rank, shape.channels, shape.channels_last, whole
            case Unknown():
                return "unknown"
            case None | bool() | int() | float() | str():
                return repr(value)
            case list() | tuple() if depth and len(value) <= MOST_ALIKE:
                return type(value), *(of(item, depth - 1) for item in value)
            case Maybe(value=inner) | Many(element=inner) if depth:
                return type(value), of(inner, depth - 1)
        return id(value)

    named = tuple((name, of(value)) for name, value in arguments.keywords.items())
    return (*(of(value) for value in arguments.positional), *named)


def record_forward(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    """Execute a model's forward on the tape."""
    outer, start = m.tape.start, len(m.tape.ops)
    m.tape.start = Start(start, len(m.loops), len(m.path), len(m.frames), m.journal.order)
    m.modules.append(module)
    try:
        given = _as_inputs(m, arguments)
        output = run_module(m, module, given, site)
        ends = tuple(t.index for t in tensors_in([output]) if t.index >= start)
        if module not in m.journal.graphs:
            m.journal.graphs[module] = Recorded(start, len(m.tape.ops), ends)
    finally:
        m.modules.pop()
        m.tape.start = outer
    return output


def _as_inputs(m: Machine, arguments: Arguments) -> Arguments:
    def entered(tensor: Tensor | None) -> Tensor:
        shape = tensor.shape if tensor is not None else Shape()
        inner = Shape(shape.rank, None, shape.channels, shape.channels_last)
        index = m.tape.emit(Kind.INPUT, "input", [], None, shape=inner)
        return Tensor(index, inner)

    made = Arguments([_mapped(value, entered) for value in arguments.positional])
    made.keywords = {name: _mapped(value, entered) for name, value in arguments.keywords.items()}
    made.opened = arguments.opened
    made.unpacked = [_mapped(value, entered) for value in arguments.unpacked]
    return made
