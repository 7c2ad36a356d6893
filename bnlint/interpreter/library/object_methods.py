"""Methods of library objects that are not modules: optimizers, loaders, parsers, trainers."""

from bnlint.facts.types.loader_events import LoaderHandedOver
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_known
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Tensor, Unknown, Value
from bnlint.interpreter.library.calls import FUNCTION_HANDLERS
from bnlint.interpreter.library.command_lines.commands import APPS, call_app_method, run_app
from bnlint.interpreter.library.command_lines.dataclass_parsers import (
    DATACLASS_PARSERS,
    PARSING,
    parse_dataclasses,
)
from bnlint.interpreter.library.command_lines.parser_declarations import PARSERS
from bnlint.interpreter.library.command_lines.parsers import call_parser_method
from bnlint.interpreter.library.data_loading.data import LOADER, loader_batches
from bnlint.interpreter.library.standard_library.launchers import PROCESSES, start_process
from bnlint.interpreter.library.torch_library.state_dicts import call_state_method, is_state_dict
from bnlint.interpreter.library.training_frameworks import ignite, lightning
from bnlint.interpreter.library.training_frameworks.framework_objects import handler_of
from bnlint.interpreter.library.training_frameworks.frameworks import framework_of
from bnlint.interpreter.library.training_frameworks.lightning import lightning_module
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.python.iteration import is_named_tuple
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import modules_in
from bnlint.interpreter.torch.optimized import note_optimized
from bnlint.interpreter.torch.training import note_backward, note_step
from bnlint.interpreter.torch.weight_swaps import keeps_average, note_swapped

_COMMAND_LINE = APPS | DATACLASS_PARSERS | PARSERS
"""Classes of what reads the command line."""


def call_object_method(
    m: Machine, instance: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``instance.name(...)``."""
    if instance.library in _COMMAND_LINE:
        return _call_command_line(m, instance, name, arguments, site, scope)
    if (handler := handler_of(instance.library)) is not None:
        return handler(m, instance, name, arguments, site, scope)
    if instance.library == LOADER:
        return loader_batches(m, instance) if name == "__iter__" else Unknown(f"loader {name}")
    if is_state_dict(instance):
        return call_state_method(instance, name)
    if instance.library.startswith("torch.optim.lr_scheduler."):
        m.note_activity()
        return Unknown(f"scheduler {name}")
    if instance.library.startswith("torch.optim.") or keeps_average(instance.library):
        return _optimizer(m, instance, name, arguments, site, scope)
    if is_named_tuple(instance) and name in ("_replace", "_asdict"):
        return _fields(m, instance, name, arguments, site)
    match name:
        case "start" if instance.library in PROCESSES:
            start_process(m, instance, site, scope)
            return None
        case "scale" | "scale_loss":
            inputs = tensors_in(arguments.values)
            return inputs[0] if inputs else Unknown("loss")
        case "step" if instance.library.endswith("GradScaler"):
            note_step(m, site)
            return None
        case "sample" | "rsample" | "sample_n" if _draws_from_constants(instance):
            return Tensor(made_up=True, drawn=True)
        case "backward" | "manual_backward" if inputs := tensors_in(arguments.values):
            note_backward(m, inputs, site)
            return None
        case "attach" if instance.library.startswith(("ignite.metrics.", "ignite.contrib.")):
            ignite.attach(m, arguments)
            return None
    if framework_of(instance.library):
        return _call_framework(m, instance, name, arguments, site, scope)
    return m.call_unknown(Unknown(name, None, instance), arguments, site)


def _call_framework(
    m: Machine, trainer: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """A method of a framework's trainer, which runs what it is given."""
    module = lightning_module(arguments.values)
    if name == "fit":
        _hand_over(m, trainer, arguments, site)
        if module is not None:
            lightning.fit(m, trainer, module, arguments, site, scope)
        return None
    evaluates = name in ("validate", "test", "predict")
    if evaluates and module is not None and framework_of(trainer.library) == "Lightning":
        lightning.evaluate(m, module, name, arguments, site, scope)
    return Unknown(f"{name}()")


def _call_command_line(
    m: Machine, instance: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """A method of what reads the command line."""
    if instance.library in APPS:
        if name == "__call__":
            return run_app(m, instance, site, scope)
        return call_app_method(m, instance, name, arguments, site, scope)
    if instance.library in DATACLASS_PARSERS and name in PARSING:
        return parse_dataclasses(m, instance, name, arguments, site, scope)
    if instance.library in PARSERS:
        return call_parser_method(m, instance, name, arguments, site)
    return m.call_unknown(Unknown(name, None, instance), arguments, site)


def _draws_from_constants(distribution: Instance) -> bool:
    """Whether an object is one of torch's distributions, and nothing of it was computed from data."""
    values = [bound.value for bound in distribution.arguments.values()]
    known = is_known([value for value in values if not isinstance(value, Tensor)])
    made_up = all(tensor.made_up for tensor in tensors_in(values))
    return distribution.library.startswith("torch.distributions.") and known and made_up


def _fields(m: Machine, record: Instance, name: str, arguments: Arguments, site: Site) -> Value:
    """Methods of named tuples."""
    if name == "_asdict":
        return dict(record.attributes)
    made = new_instance(m, record.cls, record.library, site)
    made.attributes = record.attributes | arguments.keywords
    if arguments.opened:
        made.attributes = {field: Unknown(f"argument {field}") for field in made.attributes}
    return made


def _optimizer(
    m: Machine, optimizer: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if name == "add_param_group":
        note_optimized(m, arguments.values)
    note_swapped(m, optimizer, name, site)
    handler = FUNCTION_HANDLERS.get(f"{optimizer.library}.{name}")
    if handler is not None:
        return handler(m, f"{optimizer.library}.{name}", arguments, site, scope)
    if name != "step":
        return Unknown(f"optimizer {name}")
    closure = arguments.get(0, "closure")
    loss: Value = Unknown("loss")
    if closure is not None and not isinstance(closure, Unknown | int | float):
        loss = m.call(closure, Arguments(), site, scope)
        note_step(m, site, _evaluations(optimizer))
        return loss
    note_step(m, site)
    return loss


def _evaluations(optimizer: Instance) -> int:
    """How often a step of an optimizer calls its closure at most, as far as that is known."""
    if not optimizer.library.endswith(".LBFGS"):
        return 1
    given = {"max_iter": 20, "max_eval": 0}
    for place, name in enumerate(given, 2):
        bound = optimizer.arguments.get(name) or optimizer.arguments.get(str(place))
        if bound is not None and bound.value is not None:
            given[name] = bound.value if isinstance(bound.value, int) else 1
    return given["max_eval"] or given["max_iter"] * 5 // 4


def _hand_over(m: Machine, trainer: Instance, arguments: Arguments, site: Site) -> None:
    models = [module for value in arguments.values for module in modules_in(value)]
    model = model_record(m, models[0]) if models else None
    loaders = [v for v in arguments.values if isinstance(v, Instance) and v.library == LOADER]
    named = [arguments.keywords.get(k) for k in ("train_dataloaders", "train_dataloader")]
    training = [v for v in named if isinstance(v, Instance)] or loaders[:1]
    context, framework = m.context(), framework_of(trainer.library) or trainer.library
    for loader in training:
        fact = m.journal.loader_fact(loader)
        if fact is None:
            continue
        m.journal.note(
            lambda facts, order, fact=fact: LoaderHandedOver(  # type: ignore[misc]
                order, site, context, fact, facts.model(model) if model else None, framework
            )
        )
