"""Data for evaluation that no loader yields: what has a name that says so, and items of datasets."""

from dataclasses import replace
from functools import lru_cache

import libcst as cst

from bnlint.facts.types.loader import Purpose
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Tensor, Unknown, Value
from bnlint.interpreter.library.data_loading.datasets import purpose_of_name, words_of

SOURCE = "held-out data"
"""The class of what stands in a tensor for the loader that its data would come from."""
DATA_WORDS = frozenset("x xs data input inputs image images img imgs feature features".split())


def held_out(m: Machine, target: cst.Name, value: Value, scope: Scope) -> Value:
    """A value that a script gives a name: ``val_x`` and ``X_test`` are no data to train on.

    What is not known counts as data if its name says that, too.
    """
    name = target.value
    if not _is_for_evaluation(name) or m.modules or m.building:
        return value
    match value:
        case Tensor(loaders=loaders, made_up=False, depends=depends) if not (loaders or depends):
            source = _source(m, name, m.site(target, scope))
            return replace(value, loaders=frozenset({source}))
        case Unknown() if type(value) is Unknown and _is_data(name):
            source = _source(m, name, m.site(target, scope))
            return Tensor(loaders=frozenset({source}), whole=True)
    return value


def item_of_dataset(m: Machine, dataset: Instance, item: Value, site: Site) -> Value:
    """What a script takes out of a dataset by its index, if that is one for evaluation."""
    name = next((name for name in dataset.names if _is_for_evaluation(name)), None)
    if name is None or m.modules or not _is_dataset(dataset):
        return item
    source = frozenset({_source(m, name, site)})

    def of(part: Value) -> Value:
        match part:
            case Tensor(made_up=False) | Unknown():
                known = part if isinstance(part, Tensor) else Tensor(whole=True)
                return replace(known, loaders=known.loaders | source)
        return part

    match item:
        case tuple() | list():
            return type(item)(of(part) for part in item)
        case dict():
            return m.new({key: of(part) for key, part in item.items()})
    return of(item)


def _source(m: Machine, name: str, site: Site) -> Instance:
    """One for each name and place: a loop that binds it again means the same data."""
    key = name, site
    if key not in m.journal.held_out:
        made = Instance(None, SOURCE, {}, site)
        made.names, made.resolved = [name], False
        m.journal.held_out[key] = made
    return m.journal.held_out[key]


def _is_dataset(value: Instance) -> bool:
    base = value.cls.library_base() if value.cls is not None else None
    return base is not None and base.path.startswith("torch.utils.data.")


@lru_cache(maxsize=8192)
def _is_for_evaluation(name: str) -> bool:
    return purpose_of_name(name) is Purpose.EVALUATION


@lru_cache(maxsize=8192)
def _is_data(name: str) -> bool:
    return not DATA_WORDS.isdisjoint(words_of(name))
