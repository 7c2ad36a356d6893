"""What a condition says about a value inside its branch."""

import libcst as cst

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Library, Unknown, Value
from bnlint.interpreter.library.standard_library.classes import is_instance
from bnlint.interpreter.torch.modules import norm_group
from bnlint.vocabulary.layers import KINDS, bare_name


def narrowed(m: Machine, test: cst.CSTNode, scope: Scope) -> tuple[str, Value] | None:
    """The name that ``test`` proves to be a layer of some class, and a layer to stand for it.

    Only for ``isinstance(name, nn.BatchNorm2d)`` and the like of a value that is not known, or of
    a third-party model, whose BatchNorm layers are then meant.
    """
    if type(test) is not cst.Call:
        return None
    match test:
        case cst.Call(func=cst.Name(value="isinstance"), args=[subject, classes]):
            pass
        case _:
            return None
    if not isinstance(subject.value, cst.Name):
        return None
    name = subject.value.value
    value = scope.names.get(name)
    group = norm_group(value) if isinstance(value, Instance) else None
    if not isinstance(value, Unknown) and group is None:
        return None
    wanted = m.evaluate(classes.value, scope)
    every = wanted if isinstance(wanted, tuple) else (wanted,)
    if group is not None:
        return (name, group) if is_instance(group, wanted) else None
    for cls in every:
        if isinstance(cls, Library) and (bare := bare_name(cls.path)) in KINDS:
            layer = Instance(None, f"torch.nn.{bare}", {}, m.site(subject.value, scope))
            layer.is_module, layer.resolved = True, False
            return name, layer
    return None
