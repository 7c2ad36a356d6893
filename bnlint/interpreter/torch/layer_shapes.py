"""How layers change rank and channels."""

from bnlint.facts.types.graph import Shape, dimensions_of
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import FirstSize, Sizes, Tensor, Unknown, Value
from bnlint.interpreter.torch.shape_axes import rearranged

SAME = frozenset({Kind.ACTIVATION, Kind.DROPOUT, Kind.PASS, Kind.OTHER_NORM, Kind.PHI})
SPATIAL = frozenset({Kind.MAX_POOL, Kind.AVG_POOL, Kind.UPSAMPLE, Kind.PAD})


def after_layer(layer: Instance, kind: Kind, inputs: list[Tensor]) -> Shape:
    """The shape that a library layer gives."""
    given = inputs[0].shape if inputs else Shape()
    match kind:
        case Kind.CONV:
            return Shape(_spatial_rank(layer, given), None, _number(layer, "out_channels"))
        case Kind.LINEAR:
            out = _number(layer, "out_features")
            last = given.rank is None or given.rank > 2
            return Shape(given.rank, None, out, channels_last=last)
        case Kind.BATCH_NORM | Kind.INSTANCE_NORM:
            return _after_norm(layer, given)
        case Kind.RESHAPE:
            name = layer.library.rpartition(".")[2]
            values = {argument: _number(layer, argument) for argument in layer.arguments}
            return rearranged(kind, name, [given], values)
        case Kind.ACTIVATION if layer.library == "torch.nn.GLU":
            return halved(given, _number(layer, "dim"))
        case _ if kind in SAME:
            return given
        case _ if kind in SPATIAL:
            channels = given.channels if not given.channels_last else None
            return Shape(_spatial_rank(layer, given), None, channels)
    return Shape()


def batched(dims: int | None) -> int | None:
    """The rank of a batch of tensors with so many spatial dimensions."""
    return None if dims is None else dims + 2


def _spatial_rank(layer: Instance, given: Shape) -> int | None:
    """The rank behind a convolution or a pooling; ``None`` where torch refuses what it is given."""
    dims = dimensions_of(layer.library)
    if given.rank is None or dims is None:
        return given.rank if given.rank is not None else batched(dims)
    return given.rank if given.rank - dims in (1, 2) else None


def _after_norm(layer: Instance, given: Shape) -> Shape:
    dims = dimensions_of(layer.library)
    rank = given.rank
    if rank is None and dims in (2, 3):
        rank = dims + 2
    if given.channels is not None:
        return Shape(rank, None, given.channels, given.channels_last)
    return Shape(rank, None, _number(layer, "num_features"))


def halved(given: Shape, dim: int | None) -> Shape:
    """The shape of a gated linear unit's output."""
    channels = given.channels
    if channels is not None and dim is not None and at_channels(given, dim):
        return Shape(given.rank, None, channels // 2, given.channels_last)
    return Shape(given.rank)


def at_channels(shape: Shape, dim: int) -> bool | None:
    """Whether ``dim`` is the dimension whose size ``channels`` is; ``None`` where it is not known."""
    if shape.channels_last:
        return dim == -1 or (None if shape.rank is None else dim % shape.rank == shape.rank - 1)
    if dim >= 0:
        return dim == 1
    return None if shape.rank is None else dim + shape.rank == 1


def sizes_of(shape: Shape, samples: Argument | None = None) -> tuple[Value, ...] | Unknown:
    """``tensor.shape`` as far as it is known; ``samples`` is the tensor's batch, if it is one."""
    if shape.sizes is not None:
        return shape.sizes
    if shape.rank is None:
        return Sizes(samples)
    sizes: list[Value] = [Unknown("size")] * shape.rank
    sizes[:1] = [FirstSize(samples)][: shape.rank]
    if shape.channels is not None and shape.rank > 1:
        sizes[-1 if shape.channels_last else 1] = shape.channels
    return tuple(sizes)


def size_at(sizes: Value, place: Value) -> Value:
    """An item of what may be a shape whose length is not known."""
    if isinstance(sizes, Sizes) and place == 0:
        return FirstSize(sizes.samples)
    return Unknown("item")


def _number(layer: Instance, name: str) -> int | None:
    bound = layer.arguments.get(name)
    value = bound.value if bound is not None else None
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None
