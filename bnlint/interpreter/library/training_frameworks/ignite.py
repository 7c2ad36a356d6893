"""ignite: engines call a step for each batch of a loader, and handlers on events.

The steps that ignite makes switch the mode for each batch and do not give it back; those of the
project must do so themselves.
"""

import math
from collections.abc import Sequence

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine, Path
from bnlint.interpreter.core.objects import (
    Bound,
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Partial,
    Scope,
)
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Library, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.data_loading.data import LOADER
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.library.training_frameworks.trainer_loops import (
    PASSES,
    drawn,
    evaluate,
    in_pass,
    learn,
    predict,
)
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.torch.hooks import switch

ENGINE = "ignite.engine.Engine"
_MODEL, _LOSS, _STEP = "model", "loss_fn", "process_function"
_HANDLERS, _METRICS = "handlers", "metrics"
_BEFORE_STEP = ("GET_BATCH_STARTED", "GET_BATCH_COMPLETED", "ITERATION_STARTED")
_AFTER_EPOCH = ("EPOCH_COMPLETED",)


@library_function(
    "ignite.engine.create_supervised_trainer", "ignite.engine.create_supervised_evaluator"
)
def _supervised(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    made = new_instance(m, None, ENGINE, site)
    made.arguments[_MODEL] = Bound(arguments.get(0, _MODEL))
    if path.endswith("trainer"):
        made.arguments[_LOSS] = Bound(arguments.get(2, _LOSS))
    return made


@library_function("ignite.engine.Engine", "ignite.engine.engine.Engine")
def _engine(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    made = new_instance(m, None, ENGINE, site)
    made.arguments[_STEP] = Bound(arguments.get(0, _STEP))
    return made


@library_function("ignite.distributed.auto_model", "ignite.distributed.auto_optim")
def _prepared(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return next(iter(arguments.values), Unknown(path))


@library_function("ignite.distributed.auto_dataloader")
def _loader(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return m.call(Library(LOADER), arguments, site, scope)


@framework_object("ignite", "Parallel")
def call_parallel(
    m: Machine, parallel: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``with idist.Parallel(...) as parallel: parallel.run(function, *args)``, in each process."""
    function, *values = arguments.positional or [Unknown("function")]
    if name != "run":
        return Unknown(f"{name}()")
    given = Arguments([Unknown("local rank"), *values], dict(arguments.keywords))
    given.opened = arguments.opened
    return m.call(function, given, site, scope)


@framework_object("ignite", "Engine")
def call_engine(
    m: Machine, engine: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``engine.name(...)``."""
    match name:
        case "run":
            _run(m, engine, arguments, site, scope)
        case "on":
            return Partial(
                Builtin(engine, "add_event_handler"), tuple(arguments.positional[:1]), ()
            )
        case "add_event_handler":
            if len(arguments.positional) > 1:
                entry = tuple(arguments.positional)
                m.heap.put(engine.attributes, _HANDLERS, [*_handlers(engine), entry])
    return Unknown(f"{name}()")


def attach(m: Machine, arguments: Arguments) -> None:
    """``metric.attach(engine, "name")``: the outputs of the engine's steps are measured."""
    engine = arguments.get(0, "engine")
    if isinstance(engine, Instance) and engine.library == ENGINE:
        m.heap.put(engine.attributes, _METRICS, True)


def _run(m: Machine, engine: Instance, arguments: Arguments, site: Site, scope: Scope) -> None:
    loader, epochs = arguments.get(0, "data"), arguments.get(1, "max_epochs", 1)
    passes = min(epochs, PASSES) if isinstance(epochs, int) else PASSES
    _fire(m, engine, ("STARTED",), site, scope)
    for number in range(1, passes + 1):
        with in_pass(m, number, site):
            _run_epoch(m, engine, loader, number, site, scope)
    _fire(m, engine, ("COMPLETED",), site, scope)


def _run_epoch(
    m: Machine, engine: Instance, loader: Value, number: int, site: Site, scope: Scope
) -> None:
    _fire(m, engine, ("EPOCH_STARTED",), site, scope)
    with drawn(m, loader, number, site, scope) as batch:
        _fire(m, engine, _BEFORE_STEP, site, scope)
        _step(m, engine, batch, site, scope)
        _fire(m, engine, ("ITERATION_COMPLETED",), site, scope)
    _fire(m, engine, _AFTER_EPOCH, site, scope)


def _step(m: Machine, engine: Instance, batch: Value, site: Site, scope: Scope) -> None:
    model = _argument(engine, _MODEL)
    if not isinstance(model, Instance):
        output = m.call(_argument(engine, _STEP), Arguments([engine, batch]), site, scope)
        if engine.attributes.get(_METRICS) is True:
            m.journal.measure(tensors_in([output]))
        return
    trains = _LOSS in engine.arguments
    switch(m, model, site, training=trains)
    if trains:
        outputs = predict(m, model, batch, site)
        loss = m.call(_argument(engine, _LOSS), Arguments([outputs, Unknown("y")]), site, scope)
        learn(m, loss, site)
    else:
        evaluate(m, model, batch, site)


def _argument(engine: Instance, name: str) -> Value:
    bound = engine.arguments.get(name)
    return Unknown(name) if bound is None else bound.value


def _handlers(engine: Instance) -> list[Value]:
    found = engine.attributes.get(_HANDLERS)
    return found if isinstance(found, list) else []


def _fire(m: Machine, engine: Instance, events: Sequence[str], site: Site, scope: Scope) -> None:
    """Call the handlers of the project for some events, or maybe call them where a filter decides.

    What is registered for an event that is not known may run after an epoch.
    """
    for entry in _handlers(engine):
        event, handler, *values = entry if isinstance(entry, tuple) else (None, None)
        taken = _taken(handler)
        if taken is None:
            continue
        name = _named(event)
        receiver = [engine] if taken > len(values) else []
        call = _calling(m, handler, [*receiver, *values], site, scope)
        if name in events and isinstance(event, Library):
            call()
        elif name in events or (not name and events == _AFTER_EPOCH):
            m.fork(call, lambda: None, event.site if isinstance(event, Instance) else site)


def _calling(m: Machine, handler: Value, values: list[Value], site: Site, scope: Scope) -> Path:
    def call() -> None:
        m.call(handler, Arguments(values), site, scope)

    return call


def _named(event: Value) -> str:
    """``EPOCH_COMPLETED``, also where a call filters it; ``""`` if it is not known."""
    match event:
        case Library(path=path) | Instance(library=path):
            return path.rpartition(".")[2]
    return ""


def _taken(handler: Value) -> float | None:
    """How many arguments a handler of the project takes: a function, or an object that is called.

    It gets the engine where it takes one more than it is registered with.
    """
    match handler:
        case Function(node=node):
            parameters = node.params
            if isinstance(parameters.star_arg, cst.Param):
                return math.inf
            return len(parameters.posonly_params) + len(parameters.params)
        case Method(function=function):
            return _less(_taken(function), 1)
        case Partial(callee=callee, positional=given):
            return _less(_taken(callee), len(given))
        case Instance(cls=Class() as cls):
            return _less(_taken(cls.find("__call__")), 1)
    return None


def _less(taken: float | None, given: int) -> float | None:
    return None if taken is None else taken - given
