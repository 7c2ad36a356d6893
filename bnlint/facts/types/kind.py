"""What an operation is, as far as rules care."""

from enum import StrEnum


class Kind(StrEnum):
    """The kind of a layer or of a call in a model's graph."""

    INPUT = "input"
    PARAMETER = "parameter"
    CONV = "conv"  # convolutions and transposed convolutions
    LINEAR = "linear"
    BATCH_NORM = (
        "batch norm"  # BatchNorm1d/2d/3d, SyncBatchNorm, lazy forms, subclasses, F.batch_norm
    )
    INSTANCE_NORM = "instance norm"
    OTHER_NORM = "other norm"  # group, layer, RMS, local response ...
    ACTIVATION = "activation"
    DROPOUT = "dropout"
    MAX_POOL = "max pool"
    AVG_POOL = "average pool"
    UPSAMPLE = "upsample"
    PAD = "pad"
    RESHAPE = "reshape"  # view, reshape, flatten, squeeze, pixel shuffle ...
    PERMUTE = "permute"
    PASS = "pass"  # identity, contiguous, to, clone ...: values unchanged
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    CAT = "cat"
    SPLIT = "split"  # indexing, chunk, split, unbind
    REDUCE = "reduce"  # mean, sum, max over dimensions
    MATMUL = "matmul"
    REGIONS = "regions"  # RoIAlign and the like: many parts of each image
    EMBEDDING = "embedding"
    RECURRENT = "recurrent"
    ATTENTION = "attention"
    CONTAINER = "container"  # Sequential, ModuleList, user modules
    OTHER = "other"  # a known operation of no special interest
    PHI = "phi"  # one of several tensors, depending on a condition that is not known
    UNKNOWN = "unknown"  # an operation that could not be resolved


NORMALIZATIONS = frozenset({Kind.BATCH_NORM, Kind.INSTANCE_NORM, Kind.OTHER_NORM})
"""Kinds whose output has a normalised scale."""

WEIGHTED = frozenset({Kind.CONV, Kind.LINEAR})
"""Kinds that multiply their input by a weight and may add a bias per output channel."""

ARITHMETIC = frozenset({Kind.ADD, Kind.SUB, Kind.MUL, Kind.DIV})
"""Kinds that combine the numbers of two tensors one by one."""
