"""Hydra's ``ConfigStore``: configurations that the program itself stores, as dicts or dataclasses."""

from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Maybe, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.python.construction import new_instance

STORE = "hydra.core.config_store.ConfigStore"


def stored(m: Machine, name: str) -> Value:
    """What is stored under ``group/name``, ``None`` if nothing is."""
    entry = _entries(m).get(name.removesuffix(".yaml"))
    return Unknown("configuration") if isinstance(entry, Maybe) else entry


def stored_groups(m: Machine) -> set[str]:
    """The groups that have something stored."""
    return {name.rpartition("/")[0] for name in _entries(m)}


def _entries(m: Machine) -> Mapping[str, Value]:
    store = m.namespaces.config_store
    return {} if store is None else store.attributes


@library_function(f"{STORE}.instance")
def _instance(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """The one store of a program."""
    if m.namespaces.config_store is None:
        m.namespaces.config_store = new_instance(m, None, STORE, site)
    return m.namespaces.config_store


@framework_object("hydra", "ConfigStore")
def _call(
    m: Machine, store: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``store.store(name, node, group)``."""
    key, group = arguments.get(0, "name"), arguments.get(2, "group")
    if name == "store" and isinstance(key, str):
        whole = f"{group}/{key}" if isinstance(group, str) else key
        m.heap.put(store.attributes, whole.removesuffix(".yaml"), arguments.get(1, "node"))
    return None
