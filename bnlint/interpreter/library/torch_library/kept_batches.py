"""Functions and methods of tensors whose output has as many samples as what they are given."""

from collections.abc import Mapping, Sequence

from bnlint.facts.shapes.elementwise import keeps_sizes
from bnlint.facts.shapes.reshaping import SIZE_OF_FIRST
from bnlint.interpreter.core.values import Tensor, Value


def keeps_first(name: str, inputs: Sequence[Tensor], constants: Mapping[str, Value]) -> bool:
    """Whether a change of dimensions leaves the first one alone."""
    plain, tensor = name.rstrip("_"), inputs[0]
    if keeps_sizes(plain, len(inputs) + len(constants)):
        return True
    match plain:
        case "flatten":
            return constants.get("start_dim", 0) != 0
        case "stack" | "cat" | "concat" | "concatenate" | "select":
            return _is_further(constants.get("dim", 0), tensor.shape.rank)
        case "repeat" | "expand" | "tile":
            sizes = constants.get("shape")
            return isinstance(sizes, tuple) and _repeats_others(plain, sizes, tensor.shape.rank)
        case "squeeze" if "dim" not in constants:
            return tensor.batch is not None and tensor.batch.number not in (None, 1)
        case "squeeze" | "unsqueeze":
            return constants.get("dim", 0) != 0
        case "view" | "reshape":
            sizes = constants.get("shape")
            return isinstance(sizes, tuple) and sizes[:1] == (SIZE_OF_FIRST,)
        case "transpose" | "swapdims" | "swapaxes":
            swapped = [constants.get("dim0"), constants.get("dim1")]
            return all(_is_further(dim, tensor.shape.rank) for dim in swapped)
        case "permute":
            order = constants.get("shape", constants.get("dims"))
            return isinstance(order, tuple | list) and [*order[:1]] == [0]
    return False


def _repeats_others(name: str, sizes: Sequence[Value], rank: int | None) -> bool:
    """Whether only further dimensions are repeated; more sizes than dimensions make new first ones."""
    whole = (1,) if name != "expand" else (-1, SIZE_OF_FIRST)
    return len(sizes) > 1 and sizes[0] in whole and rank in (None, len(sizes))


def _is_further(dim: Value, rank: int | None) -> bool:
    """Whether a dimension is not the first one."""
    if not isinstance(dim, int):
        return False
    return dim > 0 or (rank is not None and -rank < dim < 0)
