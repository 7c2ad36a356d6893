"""The sizes of parameters, as far as the arguments of their layers give them."""

from bnlint.facts.types.graph import Shape
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Value, present
from bnlint.vocabulary.layers import bare_name


def sizes_of_parameter(parameter: Instance) -> tuple[int, ...] | None:
    """The shape of a convolutional or linear layer's weight; ``None`` for other parameters."""
    owner = parameter.attributes.get("owner")
    if not isinstance(owner, Instance) or present(owner.attributes.get("weight")) is not parameter:
        return None
    bare = bare_name(owner.library) or ""
    if bare == "Linear":
        return _whole(_argument(owner, "out_features"), _argument(owner, "in_features"))
    if "Conv" not in bare or not bare[-2:-1].isdigit():
        return None
    return _of_convolution(owner, int(bare[-2]), transposed="Transpose" in bare)


def shape_of_parameter(parameter: Instance) -> Shape:
    """The same as a shape."""
    return Shape(sizes=sizes_of_parameter(parameter))


def _of_convolution(layer: Instance, dims: int, *, transposed: bool) -> tuple[int, ...] | None:
    inputs, outputs = _argument(layer, "in_channels"), _argument(layer, "out_channels")
    groups, kernel = _argument(layer, "groups"), _argument(layer, "kernel_size")
    first, second = (inputs, outputs) if transposed else (outputs, inputs)
    if not isinstance(second, int) or not isinstance(groups, int) or not groups:
        return None
    sizes = kernel if isinstance(kernel, list | tuple) else (kernel,) * dims
    return _whole(first, second // groups, *sizes) if len(sizes) == dims else None


def _argument(layer: Instance, name: str) -> Value:
    bound = layer.arguments.get(name)
    return None if bound is None else bound.value


def _whole(*sizes: Value) -> tuple[int, ...] | None:
    known = tuple(int(size) for size in sizes if isinstance(size, int) and size > 0)
    return known if len(known) == len(sizes) else None
