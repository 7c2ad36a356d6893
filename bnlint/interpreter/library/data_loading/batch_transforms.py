"""Functions and objects of packages that change the samples of a batch, and give back as many."""

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.values import Tensor, Value

_TRANSFORMS = ("torchvision.transforms.", "kornia.")
_MIXING = frozenset(
    {"timm.data.Mixup", "timm.data.mixup.Mixup"}
    | {f"torchvision.transforms.v2.{name}" for name in ("CutMix", "MixUp")}
)
"""Classes whose objects take samples and labels, and give both back."""
_SEVERAL = frozenset({"FiveCrop", "TenCrop", "five_crop", "ten_crop", "Lambda"})
"""Those that give several of each sample, or do what the program says."""


def transformed(m: Machine, path: str, inputs: list[Tensor], site: Site) -> Value:
    """What a function of a package, or an object of a class of one, makes of tensors."""
    name = path.rpartition(".")[2]
    if path in _MIXING and len(inputs) > 1:
        return tuple(m.tape.tensor(Kind.UNKNOWN, name, [x], site, batch=True) for x in inputs)
    keeps = path in _MIXING or (path.startswith(_TRANSFORMS) and name not in _SEVERAL)
    return m.tape.tensor(Kind.UNKNOWN, name, inputs, site, batch=keeps)
