"""Trainers of fastai, Composer, Catalyst and MMEngine: what they are given, and how they switch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.framework_objects import framework_object
from bnlint.interpreter.library.trainer_loops import (
    PASSES,
    drawn,
    evaluate,
    in_pass,
    learn,
    modes_given_back,
)
from bnlint.interpreter.torch.hooks import switch
from bnlint.interpreter.torch.modules import set_mode
from bnlint.interpreter.torch.script_forwards import call_module


@dataclass(frozen=True, slots=True)
class Trainer:
    """How the trainer of a framework is used.

    ``fits`` train and evaluate in turns, ``evaluates`` only evaluate. ``model``, ``training`` and
    ``evaluation`` are names of arguments, of the method or else of the constructor, where they are
    at ``positions``. ``restores`` says that the mode is given back after an evaluation; ``keywords``
    are given to a model that is to return its losses.
    """

    fits: frozenset[str]
    evaluates: frozenset[str]
    model: str = "model"
    loss: str = ""
    training: Sequence[str] = ("train_dataloader",)
    evaluation: Sequence[str] = ("eval_dataloader", "val_dataloader")
    positions: Mapping[str, int] | None = None
    restores: bool = False
    keywords: Mapping[str, Value] | None = None


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
)
MMENGINE = Trainer(
    frozenset({"train"}),
    frozenset({"val", "test"}),
    positions={"model": 0},
    keywords={"mode": "loss"},
)
_OF_PACKAGE = {
    "fastai": FASTAI,
    "composer": COMPOSER,
    "catalyst": CATALYST,
    "mmengine": MMENGINE,
}


@framework_object("fastai", "Learner")
@framework_object("composer", "Trainer")
@framework_object("catalyst", "SupervisedRunner", "Runner", "CustomRunner")
@framework_object("mmengine", "Runner", "FlexibleRunner")
def call_trainer(
    m: Machine, trainer: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``trainer.name(...)``; of one whose class is the project's it is not known how it trains."""
    how = _OF_PACKAGE[trainer.library.partition(".")[0]]
    given = _given(trainer, arguments, how)
    model = given.get(how.model)
    if name not in how.fits | how.evaluates or not isinstance(model, Instance):
        return Unknown(f"{name}()")
    if not model.is_module:
        return Unknown(f"{name}()")
    if trainer.cls is not None:
        set_mode(m, model, None, site, None)
    elif name in how.fits:
        _fit(m, how, model, given, site, scope)
    else:
        _evaluate(m, how, model, given, 1, site, scope)
    return Unknown(f"{name}()")


Given = dict[str, Value]
"""What a trainer is given, by the names of the arguments."""


def _given(trainer: Instance, arguments: Arguments, how: Trainer) -> Given:
    """The arguments of the constructor and, before them, of the method; loaders also by their keys."""
    found: Given = {name: bound.value for name, bound in trainer.arguments.items()}
    for name, place in (how.positions or {}).items():
        if str(place) in found:
            found[name] = found[str(place)]
    found |= {name: value for name, value in arguments.keywords.items() if value is not None}
    loaders = found.get("loaders")
    if isinstance(loaders, dict):
        found |= {key: value for key, value in loaders.items() if isinstance(key, str)}
    pair = found.get("dls")
    if isinstance(pair, Instance):
        listed = [bound.value for bound in pair.arguments.values()]
        found |= dict(zip(("train_dl", "valid_dl"), listed, strict=False))
    return found


def _fit(m: Machine, how: Trainer, model: Instance, given: Given, site: Site, scope: Scope) -> None:
    training = _first(given, how.training)
    for number in range(1, PASSES + 1):
        with in_pass(m, number, site):
            switch(m, model, site, training=True)
            with drawn(m, training, number, site, scope) as batch:
                learn(m, _loss(m, how, model, given, batch, site, scope), site)
            if _first(given, how.evaluation) is not None:
                _evaluate(m, how, model, given, number, site, scope)


def _evaluate(
    m: Machine, how: Trainer, model: Instance, given: Given, number: int, site: Site, scope: Scope
) -> None:
    loader = _first(given, chain(how.evaluation, how.training))
    with drawn(m, loader, number, site, scope) as batch:
        if how.restores:
            with modes_given_back(m, model):
                switch(m, model, site, training=False)
                evaluate(m, model, batch, site)
        else:
            switch(m, model, site, training=False)
            evaluate(m, model, batch, site)


def _loss(
    m: Machine, how: Trainer, model: Instance, given: Given, batch: Value, site: Site, scope: Scope
) -> Value:
    """The loss function's, the model's own, or what the model returns."""
    inputs: list[Value] = [*tensors_in([batch])[:1]] or [Unknown("batch")]
    outputs = call_module(m, model, Arguments(inputs, dict(how.keywords or {})), site)
    targets = Unknown("targets")
    if (loss := given.get(how.loss)) is not None:
        return m.call(loss, Arguments([outputs, targets]), site, scope)
    own = model.cls.find("loss") if model.cls is not None else None
    if isinstance(own, Function) and not how.keywords:
        return m.call(Method(own, model), Arguments([outputs, batch]), site, scope)
    return outputs


def _first(given: Given, names: Sequence[str] | chain[str]) -> Value:
    return next((given[name] for name in names if given.get(name) is not None), None)
