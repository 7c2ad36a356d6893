"""How convolutions, pooling, upsampling and padding change the dimensions of a tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bnlint.facts.shapes.axes import ANY, NOTHING, Axes, Axis, Role
from bnlint.facts.types.graph import Call, dimensions_of
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument, value_of


def after_window(call: Call, given: Axes) -> Axes:
    """A convolution: samples, its own features, positions."""
    count = _dimensions(call)
    if count is None or given.rank not in (None, count + 2):
        return NOTHING
    positions = given.known[2:] if given.whole else (ANY,) * count
    sizes: Sequence[int | None] = (None,) * count
    if call.layer is not None and "transpose" not in call.op.lower():
        sizes = _slid(positions, call.layer.arguments)
    channels = call.layer.channels if call.layer is not None else None
    features = Axis(Role.FEATURES, channels, call.layer)
    return Axes((given.first, features, *(Axis(Role.POSITIONS, size) for size in sizes)), True)


def after_pooling(call: Call, given: Axes) -> Axes:
    """Pooling, upsampling and padding: what stands before the positions stays."""
    if call.kind in (Kind.UPSAMPLE, Kind.PAD):
        return _resized(call, given)
    count = _dimensions(call)
    if count is None or given.rank not in (None, count + 1, count + 2):
        return NOTHING
    whole = given if given.whole else given.extended(count + 2)
    before, positions = whole.known[:-count], whole.known[-count:]
    arguments = call.arguments if call.layer is None else call.layer.arguments
    if "adaptive" in call.op.lower():
        sizes = _adapted(positions, value_of(arguments, "output_size"))
    else:
        sizes = _slid(positions, arguments)
    return Axes((*before, *(Axis(Role.POSITIONS, size) for size in sizes)), True)


def _resized(call: Call, given: Axes) -> Axes:
    if not given.whole:
        count = _dimensions(call) or 0
        return given.extended(count + 2) if count else given.leading
    kept = 2 if call.kind is Kind.UPSAMPLE else 1
    sized = (replace(axis, size=None) for axis in given.known[kept:])
    return Axes((*given.known[:kept], *sized), True)


def _dimensions(call: Call) -> int | None:
    """The number in ``Conv2d``, ``AdaptiveAvgPool2d``, ``max_pool1d``."""
    name = call.layer.type if call.layer is not None else call.op.removesuffix("_with_indices")
    return dimensions_of(name)


def _adapted(positions: Sequence[Axis], output: object) -> list[int | None]:
    wanted = output if isinstance(output, tuple) else (output,) * len(positions)
    if len(wanted) != len(positions):
        return [None] * len(positions)
    return [
        axis.size if size is None else size if isinstance(size, int) else None
        for axis, size in zip(positions, wanted, strict=True)
    ]


def _slid(positions: Sequence[Axis], arguments: Mapping[str, Argument]) -> list[int | None]:
    """The sizes that a window leaves (the formula of torch.nn.Conv2d)."""
    if value_of(arguments, "ceil_mode", False) is not False:
        return [None] * len(positions)
    made = []
    for number, axis in enumerate(positions):
        kernel = _item(arguments, "kernel_size", number, None)
        stride = _item(arguments, "stride", number, None)
        if value_of(arguments, "stride") is None:
            stride = kernel
        padding = _item(arguments, "padding", number, 0)
        dilation = _item(arguments, "dilation", number, 1)
        made.append(_size_after(axis.size, kernel, stride, padding, dilation))
    return made


def _size_after(size: int | None, *window: int | None) -> int | None:
    kernel, stride, padding, dilation = window
    if size is None or kernel is None or stride is None or padding is None or dilation is None:
        return None
    left = (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
    return left if left > 0 else None


def _item(
    arguments: Mapping[str, Argument], name: str, number: int, default: int | None
) -> int | None:
    value = value_of(arguments, name, default)
    if isinstance(value, tuple | list):
        value = value[number] if number < len(value) else None
    return value if isinstance(value, int) else None
