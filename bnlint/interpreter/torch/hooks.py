"""Methods that a framework calls: Lightning's steps, in the mode that it sets, and its loaders."""

from collections.abc import Sequence

from bnlint.facts.types.loader_events import LoaderHandedOver
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Choice, Unknown, Value
from bnlint.interpreter.library.data_loading.data import LOADER
from bnlint.interpreter.library.training_frameworks.frameworks import framework_of
from bnlint.interpreter.python.functions import run_function
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import descendants, mode_of, own_train, set_mode
from bnlint.interpreter.torch.training import note_backward

BEFORE_TRAINING = "on_fit_start on_train_start on_train_epoch_start on_train_batch_start".split()
"""Methods that run, in this order and in train mode, before the step of training."""
AFTER_TRAINING = "on_before_zero_grad on_train_batch_end".split()
"""Methods that run after each step of training."""
EVALUATION_STEPS = frozenset({"validation_step", "test_step", "predict_step"})


def framework_of_class(cls: Class) -> str | None:
    """The framework whose base class a class derives from."""
    base = cls.library_base()
    return framework_of(base.path) if base is not None else None


def run_hook(m: Machine, instance: Instance, function: Function, site: Site) -> None:
    """Execute a method as the framework does that it is written for."""
    if instance.is_module and function.name == "training_step":
        start_training(m, instance, site)
    elif instance.is_module and function.name in EVALUATION_STEPS:
        switch(m, instance, site, training=False)
    call_step(m, instance, function.name, [], site)
    if function.name == "training_step":
        end_step(m, instance, site)


def call_step(m: Machine, instance: Instance, name: str, values: list[Value], site: Site) -> None:
    """Call a hook with what the framework gives it, and do with its result what this one does."""
    function = instance.cls.find(name) if instance.cls is not None else None
    if not isinstance(function, Function):
        return
    result = run_function(m, function, Arguments([instance, *values]), site)
    match name:
        case "training_step" if losses := tensors_in([result]):
            note_backward(m, losses, site)
        case "train_dataloader":
            _hand_over(m, instance, result, site)


def start_training(m: Machine, instance: Instance, site: Site) -> None:
    """Older versions call ``train()`` first, newer ones leave what is in eval mode there."""
    modes = [mode_of(m, part) for _, part in descendants(m, instance)]
    if all(way.training for mode in modes for way in mode):
        switch(m, instance, site, training=True)
    else:
        m.fork(lambda: switch(m, instance, site, training=True), lambda: None, site)
    _run_hooks(m, instance, BEFORE_TRAINING, site)


def end_step(m: Machine, instance: Instance, site: Site) -> None:
    """What runs after a step of training: averages of weights are updated there."""
    _run_hooks(m, instance, AFTER_TRAINING, site)


def _run_hooks(m: Machine, instance: Instance, names: Sequence[str], site: Site) -> None:
    for name in names:
        hook = instance.cls.find(name) if instance.cls is not None else None
        if isinstance(hook, Function):
            run_function(m, hook, Arguments([instance]), site)


def switch(m: Machine, instance: Instance, site: Site, *, training: bool) -> None:
    """What a framework does before a step: call ``train(training)``, the module's own if it has one."""
    match own_train(instance):
        case None:
            set_mode(m, instance, training, site, m.namespaces.anywhere)
        case Unknown():
            set_mode(m, instance, None, site, None)
        case own:
            m.call(own, Arguments([training]), site, m.namespaces.anywhere)


def _hand_over(m: Machine, instance: Instance, result: Value, site: Site) -> None:
    values = result.values if isinstance(result, Choice) else (result,)
    framework = framework_of_class(instance.cls) if instance.cls is not None else None
    context = m.context()
    model = model_record(m, instance, "self") if instance.is_module else None
    for value in values:
        if not isinstance(value, Instance) or value.library != LOADER:
            continue
        loader = m.journal.loader_fact(value)
        if loader is None:
            continue
        m.journal.note(
            lambda facts, order, loader=loader: LoaderHandedOver(  # type: ignore[misc]
                order,
                site,
                context,
                loader,
                facts.model(model) if model else None,
                framework or "",
            )
        )
