"""Lightning's trainer: it draws the batches, switches the modes and calls a module's steps."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance, Method, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.data_loading.data import LOADER
from bnlint.interpreter.library.training_frameworks.lightning_callbacks import (
    AFTER_BATCH,
    AFTER_EPOCH,
    AFTER_FIT,
    AFTER_VALIDATION,
    BEFORE_BATCH,
    BEFORE_FIT,
    BEFORE_VALIDATION,
    call_callbacks,
)
from bnlint.interpreter.library.training_frameworks.lightning_freezing import fine_tuning_callbacks
from bnlint.interpreter.library.training_frameworks.trainer_loops import (
    PASSES,
    drawn,
    modes_given_back,
    without_gradients,
)
from bnlint.interpreter.torch.hooks import call_step, end_step, start_training, switch
from bnlint.interpreter.torch.training import note_loaded, note_step

EVALUATIONS = {"validate": "validation", "test": "test", "predict": "predict"}
"""The step that each method of a trainer runs without training."""
AFTER = ("training_epoch_end", "on_train_epoch_end")
BEFORE = ("prepare_data", "setup", "configure_model", "configure_optimizers")


def lightning_module(values: list[Value]) -> Instance | None:
    """The module of the project that a trainer is given, if it is one of Lightning's."""
    return _of_class(values, "LightningModule")


def _of_class(values: list[Value], base: str) -> Instance | None:
    objects = (v for v in values if isinstance(v, Instance) and v.cls is not None)
    return next((v for v in objects if v.library.rpartition(".")[2] == base), None)


CHECKPOINTED = "load_from_checkpoint"
"""The class method that builds a module with the arguments that a checkpoint remembers."""
_OF_THE_FILE = frozenset("checkpoint_path map_location hparams_file strict weights_only".split())


def from_checkpoint(m: Machine, cls: Class, arguments: Arguments, site: Site) -> Value:
    """``cls.load_from_checkpoint(path)``: trained weights, in train mode, as any new module.

    Source: ``LightningModule.load_from_checkpoint`` in Lightning's documentation.
    """
    kept = {n: value for n, value in arguments.keywords.items() if n not in _OF_THE_FILE}
    given = Arguments(keywords=kept)
    given.further = True
    made = m.call(cls, given, site, m.namespaces.anywhere)
    if isinstance(made, Instance):
        note_loaded(m, made, site, f"{cls.name}()")
        m.journal.loaded.add(made)
    return made


def fit(
    m: Machine,
    trainer: Instance,
    module: Instance,
    arguments: Arguments,
    site: Site,
    scope: Scope,
) -> None:
    """``trainer.fit(module, ...)``: training and validation in turns."""
    source = _of_class(arguments.values, "LightningDataModule") or module
    m.heap.put(trainer.attributes, "datamodule", None if source is module else source)
    callbacks = fine_tuning_callbacks(trainer)
    for callback in callbacks:
        call_step(m, callback, "freeze_before_training", [module], site)
    for owner in dict.fromkeys((source, module)):
        for name in BEFORE:
            _call(m, owner, name, ["fit"] if name == "setup" else [], site)
    training = _loader(m, arguments, source, "train", 1, site)
    validation = _loader(m, arguments, source, "val", 2, site)
    call_callbacks(m, trainer, module, BEFORE_FIT, site)
    for number in range(1, PASSES + 1):
        for callback in callbacks:
            given = [module, Unknown("epoch"), Unknown("optimizer")]
            call_step(m, callback, "finetune_function", given, site)
        with drawn(m, training, number, site, scope) as batch:
            _train(m, trainer, module, batch, site)
        _evaluate(m, module, "validation", validation, number, site, scope, trainer)
        call_callbacks(m, trainer, module, AFTER_EPOCH, site)
        for name in AFTER:
            call_step(m, module, name, [], site)
    call_callbacks(m, trainer, module, AFTER_FIT, site)


def _train(m: Machine, trainer: Instance, module: Instance, batch: Value, site: Site) -> None:
    """One step of training, with what comes before and after it."""
    start_training(m, module, site)
    call_callbacks(m, trainer, module, BEFORE_BATCH, site, batch)
    call_step(m, module, "training_step", [batch, Unknown("batch index")], site)
    note_step(m, site)
    call_callbacks(m, trainer, module, AFTER_BATCH, site, batch)
    end_step(m, module, site)


def evaluate(
    m: Machine, module: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> None:
    """``trainer.test(module, loader)`` and the like."""
    kind = EVALUATIONS[name]
    source = _of_class(arguments.values, "LightningDataModule") or module
    loader = _loader(m, arguments, source, "val" if name == "validate" else kind, 1, site)
    _evaluate(m, module, kind, loader, 1, site, scope)


def _evaluate(
    m: Machine,
    module: Instance,
    kind: str,
    loader: Value,
    number: int,
    site: Site,
    scope: Scope,
    trainer: Instance | None = None,
) -> None:
    """Run a step in eval mode without gradients, and give back the modes that there were.

    Within the training of a ``trainer`` its callbacks take part.
    """
    if module.cls is None or not isinstance(module.cls.find(f"{kind}_step"), Function):
        return
    with modes_given_back(m, module), drawn(m, loader, number, site, scope) as batch:
        switch(m, module, site, training=False)
        with without_gradients(m):
            if trainer is not None:
                call_callbacks(m, trainer, module, BEFORE_VALIDATION, site)
            call_step(m, module, f"{kind}_step", [batch, Unknown("batch index")], site)
            if trainer is not None:
                call_callbacks(m, trainer, module, AFTER_VALIDATION, site)
            for name in (f"{kind}_epoch_end", f"on_{kind}_epoch_end"):
                call_step(m, module, name, [], site)


def _loader(
    m: Machine, arguments: Arguments, source: Instance, kind: str, place: int, site: Site
) -> Value:
    """What a trainer is given for ``kind``, or what the module's own method gives."""
    keywords = (f"{kind}_dataloaders", f"{kind}_dataloader", "dataloaders")
    given = next((arguments.keywords[k] for k in keywords if k in arguments.keywords), None)
    if given is None:
        given = arguments.get(place, f"{kind}_dataloaders")
    if isinstance(given, list | tuple) and given:
        given = given[0]
    if isinstance(given, Instance) and given.library == LOADER:
        return given
    made = _call(m, source, f"{kind}_dataloader", [], site)
    return made[0] if isinstance(made, list | tuple) and made else made


def _call(m: Machine, owner: Instance, name: str, values: list[Value], site: Site) -> Value:
    function = owner.cls.find(name) if owner.cls is not None else None
    if not isinstance(function, Function):
        return None
    return m.call(Method(function, owner), Arguments(values), site, m.namespaces.anywhere)
