"""What iterating an object yields."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.values import MISSING, Arguments, Choice, Many, Unknown, Value
from bnlint.interpreter.library.data import LOADER, loader_batches


def iterated(m: Machine, value: Value, site: Site, scope: Scope) -> Value:
    """``iter(value)``: loaders and objects of project classes give what they yield."""
    if isinstance(value, Choice):
        return _of_one_loader(m, value, site, scope) or value
    if not isinstance(value, Instance) or value.is_module:
        return value
    if value.library == LOADER:
        return loader_batches(m, value)
    function = value.cls.find("__iter__") if value.cls is not None else MISSING
    if isinstance(function, Function):
        made = m.call(Method(function, value), Arguments(), site, scope)
        return Many(Unknown("item")) if made is value else made
    return Many(Unknown("item"))


def _of_one_loader(m: Machine, choice: Choice, site: Site, scope: Scope) -> Many | None:
    """What alternatives yield that draw from one loader: itself, and what shows the progress."""
    loader, *others = (v.loader if isinstance(v, Many) else v for v in choice.values)
    if not isinstance(loader, Instance) or loader.library != LOADER:
        return None
    if any(other is not loader for other in others):
        return None
    return loader_batches(m, loader)
