"""Hugging Face's ``Trainer``: it makes the loaders, and calls ``train()`` or ``eval()`` before each use.

It does not give the mode back: what comes after finds the model as the last step left it.
"""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Library, Unknown, Value
from bnlint.interpreter.library.data_loading.data import DEFAULTS, LOADER
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.library.training_frameworks.trainer_loops import (
    PASSES,
    drawn,
    in_pass,
    learn,
    without_gradients,
)
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.torch.hooks import switch
from bnlint.interpreter.torch.modules import set_mode
from bnlint.interpreter.torch.script_forwards import call_module

PARAMETERS = ("model", "args", "data_collator", "train_dataset", "eval_dataset")
_OWN_LOOPS = ("training_step", "_inner_training_loop", "prediction_step", "evaluation_loop")
"""Methods that a project may replace, and that decide about modes and forwards."""


@framework_object("transformers", "Trainer", "Seq2SeqTrainer")
def call_trainer(
    m: Machine, trainer: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``trainer.name(...)``."""
    model = _given(trainer, "model")
    if not isinstance(model, Instance) or not model.is_module or _has_own_loop(trainer):
        return _not_followed(m, model, name, site)
    match name:
        case "train":
            _train(m, trainer, model, site, scope)
        case "evaluate" | "predict":
            dataset = arguments.get(0, "eval_dataset") or arguments.keywords.get("test_dataset")
            _evaluate(m, trainer, model, 1, site, scope, dataset)
    return Unknown(f"{name}()")


def _not_followed(m: Machine, model: Value, name: str, site: Site) -> Value:
    if name in ("train", "evaluate", "predict") and isinstance(model, Instance) and model.is_module:
        set_mode(m, model, None, site, None)
    return Unknown(f"{name}()")


def _train(m: Machine, trainer: Instance, model: Instance, site: Site, scope: Scope) -> None:
    training = _loader(m, trainer, "train", site, scope)
    for number in range(1, PASSES + 1):
        with in_pass(m, number, site):
            with drawn(m, training, number, site, scope) as batch:
                switch(m, model, site, training=True)
                learn(m, _loss(m, trainer, model, batch, site, scope), site)
            _evaluate_if_asked(m, trainer, model, number, site, scope)


def _evaluate_if_asked(
    m: Machine, trainer: Instance, model: Instance, number: int, site: Site, scope: Scope
) -> None:
    """After an epoch, where ``eval_strategy`` is not ``"no"``, its default."""
    options = _given(trainer, "args")
    asked = [_option(options, name).value for name in ("eval_strategy", "evaluation_strategy")]
    told = next((value for value in asked if value is not None), "no")
    if isinstance(told, Library):
        told = told.name.lower()
    if told == "no":
        return
    if isinstance(told, str):
        _evaluate(m, trainer, model, number, site, scope)
    else:
        m.fork(lambda: _evaluate(m, trainer, model, number, site, scope), lambda: None, site)


def _evaluate(
    m: Machine,
    trainer: Instance,
    model: Instance,
    number: int,
    site: Site,
    scope: Scope,
    dataset: Value = None,
) -> None:
    loader = _loader(m, trainer, "eval", site, scope, dataset)
    with drawn(m, loader, number, site, scope) as batch, without_gradients(m):
        switch(m, model, site, training=False)
        outputs = call_module(m, model, _taken_apart(batch), site)
        m.journal.measure(tensors_in([outputs]))


def _loss(
    m: Machine, trainer: Instance, model: Instance, batch: Value, site: Site, scope: Scope
) -> Value:
    """What the project's ``compute_loss`` gives, or the model's own loss."""
    own = trainer.cls.find("compute_loss") if trainer.cls is not None else None
    if isinstance(own, Function):
        outputs = m.call(Method(own, trainer), Arguments([model, batch]), site, scope)
    else:
        outputs = call_module(m, model, _taken_apart(batch), site)
    match outputs:
        case dict():
            return outputs.get("loss", outputs)
        case [loss, *_]:
            return loss
    return outputs


def _taken_apart(batch: Value) -> Arguments:
    """``**batch``."""
    made = Arguments()
    made.opened = True
    made.unpacked = [*tensors_in([batch])]
    return made


def _loader(
    m: Machine, trainer: Instance, kind: str, site: Site, scope: Scope, dataset: Value = None
) -> Value:
    """The loader that a trainer makes of a dataset, or that the project's method gives."""
    own = trainer.cls.find(f"get_{kind}_dataloader") if trainer.cls is not None else None
    if isinstance(own, Function):
        return m.call(Method(own, trainer), Arguments(), site, scope)
    options = _given(trainer, "args")
    made = new_instance(m, None, LOADER, trainer.site)
    given = _given(trainer, f"{kind}_dataset") if dataset is None else dataset
    made.arguments = {name: Bound(value) for name, value in DEFAULTS.items()}
    made.arguments["dataset"] = Bound(given)
    made.arguments["batch_size"] = _option(options, f"per_device_{kind}_batch_size", "batch size")
    made.arguments["shuffle"] = Bound(kind == "train")
    made.names = [f"{kind}_dataset"]
    m.journal.loaders_built.append(made)
    return made


def _option(options: Value, name: str, unknown: str = "") -> Bound:
    """An argument of ``TrainingArguments``, with the place where it is written."""
    missing = Bound(Unknown(unknown) if unknown else None)
    if not isinstance(options, Instance):
        return Bound(Unknown(unknown or name))
    found = options.arguments.get(name)
    if found is None:
        return Bound(options.attributes[name]) if name in options.attributes else missing
    return Bound(found.value, found.node, source=found.source or options.site.source)


def _given(trainer: Instance, name: str) -> Value:
    """An argument of a trainer, whose name is that of its attribute, too."""
    if name in trainer.attributes:
        return trainer.attributes[name]
    bound = trainer.arguments.get(name) or trainer.arguments.get(str(PARAMETERS.index(name)))
    return None if bound is None else bound.value


def _has_own_loop(trainer: Instance) -> bool:
    cls = trainer.cls
    return cls is not None and any(isinstance(cls.find(name), Function) for name in _OWN_LOOPS)
