"""What slices take of lists that are not listed: children and parameters of third-party models."""

from bnlint.interpreter.core.values import Value

MOST_LEFT_OUT = -8
"""How many of the last children of a third-party model may be missing from what still has BatchNorm."""


def is_most(key: Value) -> bool:
    """Whether a slice of a model's children has the first two and leaves out a few of the last.

    These hold BatchNorm layers if the model does; what is further on may have none.
    """
    if not isinstance(key, slice) or key.step not in (None, 1, -1):
        return False
    start, stop = key.start, key.stop
    return start in (None, 0) and (stop is None or stop > 1 or MOST_LEFT_OUT <= stop < 0)


def leaves_out_last(key: Value) -> bool:
    """Whether a key is a slice that begins with the first item and leaves out some of the last."""
    return isinstance(key, slice) and key.start in (None, 0) and key.stop is not None
