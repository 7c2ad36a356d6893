"""What makes a sum of two paths a residual addition: one of them is a shortcut.

A residual block adds a branch to its own input (He et al. 2016, arXiv 1603.05027; De and Smith 2020,
arXiv 2002.10444; Brock, De and Smith 2021, arXiv 2101.08692). The input arrives unchanged, but for a
constant factor; only where the block changes the number of channels or the resolution it is pooled,
padded or projected by a single layer. A sum of two paths that both learn (branches of an attention
module, levels of a feature pyramid or of an HRNet) is no such thing: nothing carries a signal through.
"""

from collections.abc import Collection

from bnlint.facts.types.kind import NORMALIZATIONS, WEIGHTED, Kind

LEARNING = WEIGHTED | {Kind.ATTENTION, Kind.RECURRENT}
"""Kinds that mix channels by weights."""
_UNCHANGED = frozenset(
    {
        Kind.PASS,
        Kind.RESHAPE,
        Kind.PERMUTE,
        Kind.SPLIT,
        Kind.PAD,
        Kind.CAT,
        Kind.DROPOUT,
        Kind.AVG_POOL,
        Kind.MAX_POOL,
        Kind.UPSAMPLE,
        Kind.MUL,
        Kind.DIV,
        Kind.PARAMETER,
    }
)
SETTLED = 2
"""What :func:`hindrance` comes to, at least, on a path that is no shortcut."""
_BESIDE_A_PROJECTION = _UNCHANGED | WEIGHTED | NORMALIZATIONS | {Kind.ACTIVATION}


def acting(kind: Kind, tensors: int) -> Kind:
    """What an operation does to a path that it lies on, by how many computed tensors it takes.

    A product of two of them is a gate; a sum with a constant or a parameter is a bias.
    """
    if kind in (Kind.MUL, Kind.DIV) and tensors > 1:
        return Kind.UNKNOWN
    return Kind.PASS if kind in (Kind.ADD, Kind.SUB) and tensors < 2 else kind


def hindrance(kind: Kind) -> int:
    """How much an operation, as what it does, speaks against being on a shortcut, of two that settle it."""
    if kind not in _BESIDE_A_PROJECTION:
        return SETTLED
    return int(kind in LEARNING)


def is_shortcut(skip: Collection[Kind], branch: Collection[Kind], *, projects: bool) -> bool:
    """Whether a path is the shortcut of a block whose branch is another.

    Both are given as what their operations do (:func:`acting`); ``projects`` says that the skip
    path changes the number of channels or the resolution.
    """
    layers = sum(kind in LEARNING for kind in skip)
    if layers >= sum(kind in LEARNING for kind in branch):
        return False
    if layers == 0:
        return _UNCHANGED.issuperset(skip)
    restored = Kind.UPSAMPLE in branch and Kind.UPSAMPLE not in skip
    nested = Kind.ADD in branch or restored
    return layers == 1 and projects and not nested and _BESIDE_A_PROJECTION.issuperset(skip)
