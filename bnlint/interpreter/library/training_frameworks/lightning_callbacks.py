"""Callbacks of the project that Lightning's trainer calls before and after what it does."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Unknown, Value
from bnlint.interpreter.torch.hooks import call_step

BEFORE_FIT = ("on_fit_start", "on_train_start")
BEFORE_BATCH = ("on_train_epoch_start", "on_train_batch_start")
AFTER_BATCH = ("on_train_batch_end",)
AFTER_EPOCH = ("on_train_epoch_end",)
AFTER_FIT = ("on_train_end", "on_fit_end")
BEFORE_VALIDATION = ("on_validation_start", "on_validation_epoch_start")
AFTER_VALIDATION = ("on_validation_epoch_end", "on_validation_end")


def callbacks_of(trainer: Instance, base: str) -> list[Instance]:
    """Those of a trainer's callbacks whose class, one of the project's, derives from ``base``."""
    given = trainer.arguments.get("callbacks")
    callbacks = given.value if given is not None else None
    listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    own = (value for value in listed if isinstance(value, Instance) and value.cls is not None)
    return [callback for callback in own if callback.library.rpartition(".")[2] == base]


def call_callbacks(
    m: Machine,
    trainer: Instance,
    module: Instance,
    names: tuple[str, ...],
    site: Site,
    batch: Value = None,
) -> None:
    """Call some hooks, in this order, with what the trainer gives them.

    Source: ``Callback`` in Lightning's documentation.
    """
    of_batch = {
        "on_train_batch_start": [batch, Unknown("batch index")],
        "on_train_batch_end": [Unknown("outputs"), batch, Unknown("batch index")],
    }
    callbacks = callbacks_of(trainer, "Callback")
    for name in names:
        for callback in callbacks:
            call_step(m, callback, name, [trainer, module, *of_batch.get(name, [])], site)
