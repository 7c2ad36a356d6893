"""In which precision layers keep their numbers."""

from collections.abc import Sequence

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Library, Value
from bnlint.interpreter.torch.module_classes import canonical
from bnlint.interpreter.torch.modules import descendants
from bnlint.interpreter.torch.norms import LOW, is_batch_norm

_METHODS = {"half": True, "bfloat16": True, "float": False, "double": False}
_TYPES = {
    **dict.fromkeys(("torch.half", "torch.float16", "torch.bfloat16"), True),
    **dict.fromkeys(("torch.float", "torch.float32", "torch.double", "torch.float64"), False),
}


def is_low(method: str, given: Sequence[Value]) -> bool | None:
    """Whether a method of a module makes its numbers ones of 16 bits, ``None`` if it leaves them."""
    if method not in ("to", "type"):
        return _METHODS.get(method)
    kinds = (_TYPES.get(canonical(one.path)) for one in given if isinstance(one, Library))
    return next((low for low in kinds if low is not None), None)


def set_precision(m: Machine, module: Instance, site: Site, *, low: bool) -> None:
    """``module.half()``, ``module.to(torch.float32)``: also its BatchNorm layers' statistics."""
    m.journal.effects += 1
    for _, layer in descendants(m, module):
        if is_batch_norm(layer):
            m.heap.put(layer.attributes, LOW, low)
            m.journal.lowered[layer] = site
