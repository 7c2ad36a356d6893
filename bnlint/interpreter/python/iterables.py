"""What iterating an object yields."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.values import MISSING, Arguments, Many, Unknown, Value
from bnlint.interpreter.library.data import LOADER, loader_batches


def iterated(m: Machine, value: Value, site: Site, scope: Scope) -> Value:
    """``iter(value)``: loaders and objects of project classes give what they yield."""
    if not isinstance(value, Instance) or value.is_module:
        return value
    if value.library == LOADER:
        return loader_batches(m, value)
    function = value.cls.find("__iter__") if value.cls is not None else MISSING
    if isinstance(function, Function):
        made = m.call(Method(function, value), Arguments(), site, scope)
        return Many(Unknown("item")) if made is value else made
    return Many(Unknown("item"))
