"""Forwards of modules within a model: project classes, containers, layers."""

from itertools import groupby
from operator import itemgetter

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Mode
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.budget import MAX_DEPTH
from bnlint.interpreter.core.frames import Activation
from bnlint.interpreter.core.journal import ForwardRecord
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Choice, Many, Tensor, Unknown, Value, present
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.python.functions import run_function
from bnlint.interpreter.torch.layer_shapes import after_layer
from bnlint.interpreter.torch.model_records import keyed_name, model_record
from bnlint.interpreter.torch.modules import (
    UNKNOWN_MODE,
    WRAPPERS,
    children,
    is_switched_since,
    mode_of,
)
from bnlint.interpreter.torch.norms import keeping_records, norm_records
from bnlint.interpreter.torch.parameters import is_opaque
from bnlint.vocabulary.layers import KINDS, bare_name


def note_forward(
    m: Machine,
    module: Instance,
    inputs: list[Tensor],
    site: Site,
    receiver: str = "",
    *,
    splitter: Instance | None = None,
    inner: bool = False,
) -> ForwardRecord:
    """Record a call of a module, under DataParallel or not, and the state of its BatchNorm layers."""
    norms = norm_records(m, module)
    m.step(len(norms) >> 4)
    record = ForwardRecord(
        len(m.journal.forwards),
        model_record(m, module, receiver or keyed_name(site)),
        site,
        mode_of(m, module),
        norms,
        m.grad,
        inputs,
        Known.of(splitter is not None),
        inner,
        receiver,
        assumptions=m.assumptions(),
        device_count=None if splitter is None else _devices(splitter),
        keeping=keeping_records(m, module),
    )
    m.journal.forwards.append(record)
    context = m.context()
    m.journal.note(lambda facts, order: facts.forward(record, order, context))
    return record


def note_own_switches(m: Machine, record: ForwardRecord, since: int) -> None:
    """A forward has switched modes itself: its layers may have run before that or after it.

    What it puts into train mode it may have had in eval mode before; ``since`` is when it began.
    """
    module = record.model.module
    record.mode |= _with_former(mode_of(m, module), since)
    now = {
        norm.instance: norm.mode for norm in (*norm_records(m, module), *keeping_records(m, module))
    }
    for norm in (*record.norms, *record.keeping):
        norm.mode |= _with_former(now.get(norm.instance, norm.mode), since)


def _with_former(mode: Mode, since: int) -> Mode:
    back = any(switch.order > since and switch.training is not False for switch in mode)
    return mode | UNKNOWN_MODE if back else mode


def _devices(splitter: Instance) -> int | None:
    """How many devices DataParallel is given."""
    given = splitter.arguments.get("device_ids")
    match given.value if given is not None else None:
        case list() | tuple() | range() as listed if listed:
            return len(listed)
    return None


def within(
    m: Machine, module: Instance, arguments: Arguments, site: Site, receiver: str = ""
) -> Value:
    """A call of a module within the forward of another.

    Raises:
        BudgetExceeded: the entry point has used its steps.
    """
    m.step()
    if len(m.modules) > MAX_DEPTH:
        return m.call_unknown(module, arguments, site)
    if m.grad is Known.NO and not any(r.inner for r in m.journal.forwards[-1:]):
        _note_inner(m, module, arguments, site, receiver)
    m.modules.append(module)
    try:
        return run_module(m, module, arguments, site)
    finally:
        m.modules.pop()


def _note_inner(
    m: Machine, module: Instance, arguments: Arguments, site: Site, receiver: str
) -> None:
    """A module called without gradients inside a forward that has them."""
    outer = m.journal.forwards[-1] if m.journal.forwards else None
    if outer is None or outer.grad is Known.NO or outer.model.module is not m.modules[0]:
        return
    if norm_records(m, module):
        note_forward(m, module, tensors_in(arguments.values), site, receiver, inner=True)


def run_module(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    """Execute a module's forward; the module itself is already on the stack."""
    assigned = module.attributes.get("forward")
    if isinstance(assigned, Function | Method):
        return m.call(assigned, arguments, site, _scope_of(assigned))
    if assigned is not None:
        return m.call_unknown(module, arguments, site)
    if module.cls is not None:
        for name in ("forward", "__call__"):
            function = module.cls.find(name)
            if isinstance(function, Function):
                return run_function(m, function, arguments.prefixed(module), site)
            if isinstance(function, Method):
                return m.call(function, arguments, site, function.function.scope)
    return run_library(m, module, arguments, site)


def _scope_of(value: Function | Method) -> Scope:
    return value.scope if isinstance(value, Function) else value.function.scope


def run_library(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    """The forward of a library class, or of a library base class."""
    first = next(iter(arguments.values), Unknown("no input"))
    if module.library == "torch.nn.Sequential":
        return _run_sequence(m, module, first, site)
    if module.library in WRAPPERS:
        inner = next((child for _, child in children(module)), None)
        if isinstance(inner, Instance):
            return within(m, inner, arguments, site)
    return _run_layer(m, module, arguments, site)


def _is_put_into_eval(m: Machine, layer: Instance) -> bool:
    """Whether the forward that is being recorded has put a layer into eval mode."""
    began = m.tape.start.order
    if not is_switched_since(layer, began):
        return False
    return all(s.training is False and s.order > began for s in mode_of(m, layer))


def _run_sequence(m: Machine, module: Instance, value: Value, site: Site) -> Value:
    m.frames.append(Activation("Sequential", site, None))
    try:
        return _run_children(m, module, value, site)
    finally:
        m.frames.pop()


def _run_children(m: Machine, module: Instance, value: Value, site: Site) -> Value:
    for name, alternatives in groupby(children(module), key=itemgetter(0)):
        entry = present(module.attributes.get(name))
        if isinstance(entry, Choice):
            value = _run_one_of(m, entry, value, site)
            continue
        for _, child in alternatives:
            value = _run_child(m, child, value, site)
    return value


def _run_child(m: Machine, child: Value, value: Value, site: Site) -> Value:
    if isinstance(child, Instance):
        return within(m, child, Arguments([value]), child.site)
    if isinstance(child, Many) and isinstance(child.element, Instance):
        return _run_maybe(m, child.element, value, site)
    return m.tape.tensor(Kind.UNKNOWN, "unknown module", tensors_in([value]), site)


def _run_one_of(m: Machine, choice: Choice, value: Value, site: Site) -> Value:
    """Pass a value through one of several modules, it is not known which."""
    passed: list[Value] = []

    def run(child: Value) -> None:
        passed.append(_run_child(m, child, value, site))

    with_one_of(m, choice.values, run, site, choice.selection)
    return m.join(passed)


def _run_maybe(m: Machine, module: Instance, value: Value, site: Site) -> Value:
    """Pass a value through a module of which there may be any number."""
    passed: list[Value] = [value]

    def call() -> None:
        made = m.call(module, Arguments([value]), site, m.namespaces.anywhere)
        passed.append(made)

    m.fork(call, lambda: None, site)
    return m.join(passed[1:] or passed)


def _run_layer(m: Machine, module: Instance, arguments: Arguments, site: Site) -> Value:
    bare = bare_name(module.library)
    kind = KINDS.get(bare or "", Kind.UNKNOWN)
    inputs = tensors_in(arguments.values)
    if module.cls is not None and module.cls.find("forward") is not None and bare == "Module":
        kind = Kind.UNKNOWN
    shape = after_layer(module, kind, inputs)
    known = kind not in (Kind.UNKNOWN, Kind.RECURRENT, Kind.ATTENTION) and not is_opaque(module)
    output = m.tape.tensor(
        kind, bare or module.type_name, inputs, site, layer=module, shape=shape, batch=known
    )
    if kind is Kind.BATCH_NORM and output.index >= 0:
        m.tape.ops[output.index].in_eval = _is_put_into_eval(m, module)
    if kind is Kind.RECURRENT:
        return output, Unknown("state")
    indices = module.arguments.get("return_indices")
    if indices is not None and indices.value is not False:
        return (output, output) if indices.value is True else Unknown("output with indices")
    return output
