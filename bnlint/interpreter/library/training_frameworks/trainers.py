"""Trainers of fastai, Composer, Catalyst, MMEngine and Poutyne: what they are given, and how they switch."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.library.training_frameworks.trainer_loops import (
    PASSES,
    drawn,
    in_pass,
    learn,
    modes_given_back,
    predict,
    without_gradients,
)
from bnlint.interpreter.torch.hooks import switch
from bnlint.interpreter.torch.modules import set_mode
from bnlint.interpreter.torch.script_forwards import call_module


@immutable
class Trainer:
    """How the trainer of a framework is used.

    ``fits`` train and evaluate in turns, ``evaluates`` only evaluate. ``model``, ``training`` and
    ``evaluation`` are names of arguments, of the method or else of the constructor, where they are
    at ``positions``; ``in_order`` are those of the method by position. ``restores`` says that the mode is
    given back after an evaluation, ``leaves`` after all that a method does; ``keywords``
    are given to a model that is to return its losses; ``step`` is the method by which a project's
    trainer does all that is done with a batch.
    """

    fits: frozenset[str]
    evaluates: frozenset[str]
    model: str = "model"
    loss: str = ""
    training: Sequence[str] = ("train_dataloader",)
    evaluation: Sequence[str] = ("eval_dataloader", "val_dataloader")
    positions: Mapping[str, int] | None = None
    in_order: Sequence[str] = ()
    restores: bool = False
    leaves: bool = False
    keywords: Mapping[str, Value] | None = None
    step: str = ""


FASTAI = Trainer(
    frozenset("fit fit_one_cycle fine_tune fit_flat_cos fit_sgdr".split()),
    frozenset({"validate", "get_preds"}),
    loss="loss_func",
    training=("train_dl",),
    evaluation=("valid_dl",),
    positions={"dls": 0, "model": 1, "loss_func": 2},
)
COMPOSER = Trainer(frozenset({"fit"}), frozenset({"eval", "predict"}), restores=True)
CATALYST = Trainer(
    frozenset({"train"}),
    frozenset({"evaluate_loader", "predict_loader"}),
    loss="criterion",
    training=("train",),
    evaluation=("valid", "loader"),
    step="handle_batch",
)
MMENGINE = Trainer(
    frozenset({"train"}),
    frozenset({"val", "test"}),
    positions={"model": 0},
    keywords={"mode": "loss"},
)
POUTYNE = Trainer(
    frozenset({"fit_generator"}),
    frozenset({"evaluate_generator", "predict_generator"}),
    model="network",
    loss="loss_function",
    training=("train_generator",),
    evaluation=("valid_generator", "generator"),
    positions={"network": 0, "loss_function": 2},
    in_order=("train_generator", "valid_generator"),
    restores=True,
    leaves=True,
)
EXPERIMENT = replace(
    POUTYNE,
    fits=frozenset({"train"}),
    evaluates=frozenset({"test", "predict"}),
    evaluation=("valid_generator", "test_generator"),
    positions={"network": 1},
)
_OF_PACKAGE = {
    "fastai": FASTAI,
    "composer": COMPOSER,
    "catalyst": CATALYST,
    "mmengine": MMENGINE,
    "poutyne": POUTYNE,
}
_EXPERIMENTS = ("Experiment", "ModelBundle")


Given = dict[str, Value]
"""What a trainer is given, by the names of the arguments."""


@immutable
class _TrainerCall:
    """A call of a trainer's method: the trainer, what it trains, and what it is given."""

    how: Trainer
    trainer: Instance
    model: Instance
    given: Given
    site: Site
    scope: Scope

    @property
    def own_step(self) -> Function | None:
        """The project's method that does all that is done with a batch."""
        cls = self.trainer.cls
        found = cls.find(self.how.step) if cls is not None and self.how.step else None
        return found if isinstance(found, Function) else None

    def first(self, names: Iterable[str]) -> Value:
        """The first of some arguments that is given."""
        return next((self.given[n] for n in names if self.given.get(n) is not None), None)


@framework_object("fastai", "Learner")
@framework_object("composer", "Trainer")
@framework_object("catalyst", "SupervisedRunner", "Runner", "CustomRunner")
@framework_object("mmengine", "Runner", "FlexibleRunner")
@framework_object("poutyne", "Model", *_EXPERIMENTS)
def call_trainer(
    m: Machine, trainer: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``trainer.name(...)``; of one whose class is the project's only the step for a batch is known."""
    how = _how(trainer)
    given = _given(trainer, arguments, how)
    model = given.get(how.model, trainer.attributes.get(how.model))
    known = isinstance(model, Instance) and model.is_module
    if name not in how.fits | how.evaluates or not known:
        return Unknown(f"{name}()")
    assert isinstance(model, Instance)
    use = _TrainerCall(how, trainer, model, given, site, scope)
    if trainer.cls is not None and use.own_step is None:
        set_mode(m, model, None, site, None)
    elif name in how.fits:
        _fit(m, use)
    else:
        _evaluate(m, use, 1)
    return Unknown(f"{name}()")


def _how(trainer: Instance) -> Trainer:
    package, _, name = trainer.library.rpartition(".")
    package = package.partition(".")[0]
    return EXPERIMENT if package == "poutyne" and name in _EXPERIMENTS else _OF_PACKAGE[package]


def _given(trainer: Instance, arguments: Arguments, how: Trainer) -> Given:
    """The arguments of the constructor and, before them, of the method; loaders also by their keys."""
    found: Given = {name: bound.value for name, bound in trainer.arguments.items()}
    for name, place in (how.positions or {}).items():
        if str(place) in found:
            found[name] = found[str(place)]
    found |= {name: value for name, value in arguments.keywords.items() if value is not None}
    found |= dict(zip(how.in_order, arguments.positional, strict=False))
    loaders = found.get("loaders")
    if isinstance(loaders, dict):
        found |= {key: value for key, value in loaders.items() if isinstance(key, str)}
    pair = found.get("dls")
    if isinstance(pair, Instance):
        listed = [bound.value for bound in pair.arguments.values()]
        found |= dict(zip(("train_dl", "valid_dl"), listed, strict=False))
    return found


def _fit(m: Machine, use: _TrainerCall) -> None:
    training, site = use.first(use.how.training), use.site
    for number in range(1, PASSES + 1):
        back = modes_given_back(m, use.model) if use.how.leaves else nullcontext()
        with in_pass(m, number, site), back:
            switch(m, use.model, site, training=True)
            with drawn(m, training, number, site, use.scope) as batch:
                if not _do_own_step(m, use, batch, training=True):
                    learn(m, _loss(m, use, batch), site)
            if use.first(use.how.evaluation) is not None:
                _evaluate(m, use, number)


def _evaluate(m: Machine, use: _TrainerCall, number: int) -> None:
    loader = use.first((*use.how.evaluation, *use.how.training))
    back = modes_given_back(m, use.model) if use.how.restores else nullcontext()
    with drawn(m, loader, number, use.site, use.scope) as batch, back:
        switch(m, use.model, use.site, training=False)
        with without_gradients(m):
            if not _do_own_step(m, use, batch, training=False):
                m.journal.measure(tensors_in([predict(m, use.model, batch, use.site)]))


def _do_own_step(m: Machine, use: _TrainerCall, batch: Value, *, training: bool) -> bool:
    """Call the project's step for a batch, if it has one."""
    if use.own_step is None:
        return False
    seen: Given = {n: use.given[n] for n in ("optimizer", "criterion") if n in use.given}
    seen |= {use.how.model: use.model, "is_train_loader": training, "batch_metrics": {}}
    for name, value in seen.items():
        m.heap.put(use.trainer.attributes, name, value)
    step = Method(use.own_step, use.trainer)
    m.call(step, Arguments([batch]), use.site, use.scope)
    return True


def _loss(m: Machine, use: _TrainerCall, batch: Value) -> Value:
    """The loss function's, the model's own, or what the model returns."""
    how, model = use.how, use.model
    inputs: list[Value] = [*tensors_in([batch])[:1]] or [Unknown("batch")]
    outputs = call_module(m, model, Arguments(inputs, dict(how.keywords or {})), use.site)
    if (loss := use.given.get(how.loss)) is not None:
        return m.call(loss, Arguments([outputs, Unknown("targets")]), use.site, use.scope)
    own = model.cls.find("loss") if model.cls is not None else None
    if isinstance(own, Function) and not how.keywords:
        return m.call(Method(own, model), Arguments([outputs, batch]), use.site, use.scope)
    return outputs
