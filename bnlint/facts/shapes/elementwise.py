"""Operations that leave the sizes of tensors as they are, or the number of samples of a batch."""

from bnlint.facts.types.kind import ARITHMETIC, WEIGHTED, Kind

OF_EACH_NUMBER = frozenset(
    """abs absolute addcdiv addcmul bitwise_not ceil clamp clamp_max clamp_min clip cos cosh acos digamma erf exp
    expm1 fix float_power floor fmax fmin fmod frac heaviside lerp log log10 log1p log2 logical_not masked_fill maximum
    minimum nan_to_num neg negative pow power reciprocal remainder round rsqrt sign sin sinh asin sqrt square tan atan
    trunc where""".split()
)
"""Functions of each number by itself, and of those that stand at its place in other tensors."""
SAME_SIZES = OF_EACH_NUMBER | frozenset("cumprod cumsum flip fliplr flipud normalize roll".split())
"""These, and functions that mix or move the numbers of one dimension."""
KEEPS_BATCH = (
    ARITHMETIC
    | WEIGHTED
    | {
        Kind.ACTIVATION,
        Kind.AVG_POOL,
        Kind.BATCH_NORM,
        Kind.DROPOUT,
        Kind.INSTANCE_NORM,
        Kind.MAX_POOL,
        Kind.OTHER_NORM,
        Kind.PAD,
        Kind.PASS,
        Kind.UPSAMPLE,
    }
)
"""Kinds whose output has as many samples as their first input."""


def keeps_sizes(name: str, operands: int) -> bool:
    """Whether a function leaves the sizes alone; ``where`` of a condition alone gives indices."""
    return name in SAME_SIZES and (name != "where" or operands > 1)
