"""Functions and methods of tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from bnlint.facts.shapes.elementwise import KEEPS_BATCH
from bnlint.facts.shapes.reshaping import SIZE_OF_FIRST
from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import ARITHMETIC, Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.knowledge import open_at
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import (
    NO_GRADIENTS,
    Arguments,
    Choice,
    FirstSize,
    Many,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.library.torch_library.created_tensors import create, sizes_given
from bnlint.interpreter.library.torch_library.kept_batches import keeps_first
from bnlint.interpreter.python.arithmetic import may_be_tensors
from bnlint.interpreter.torch.freezing import note_weights_written
from bnlint.interpreter.torch.function_shapes import after_function, part_shapes
from bnlint.interpreter.torch.layer_shapes import after_layer, at_channels, sizes_of
from bnlint.interpreter.torch.parameters import tensor_inputs
from bnlint.interpreter.torch.shape_axes import broadcast, joined_rows
from bnlint.interpreter.torch.states import changed_in_place, cut, note_functional
from bnlint.interpreter.torch.training import note_backward
from bnlint.vocabulary.function_parameters import VARIADIC, parameter, parameter_named
from bnlint.vocabulary.operations import (
    CREATIONS,
    FUNCTIONS,
    GRADIENT_CUTS,
    MEASURES,
    METHODS,
)


def call_tensor_function(m: Machine, name: str, arguments: Arguments, site: Site) -> Value:
    """``torch.name(...)`` or ``F.name(...)``."""
    kind = FUNCTIONS.get(name, Kind.OTHER)
    if name in CREATIONS or (name == "normal" and not tensors_in(arguments.values)):
        return create(m, name, arguments, site)
    return _operate(m, kind, name, arguments, site)


def call_tensor_method(
    m: Machine, tensor: Tensor, name: str, arguments: Arguments, site: Site
) -> Value:
    """``tensor.name(...)``."""
    match name:
        case "backward":
            note_backward(m, [tensor], site)
            return None
        case "item" | "tolist" | "numpy":
            m.journal.measure([tensor])
            return _outside(tensor)
        case "size" | "dim" | "ndimension" | "numel" | "nelement" | "stride":
            return size(tensor.shape, name, arguments, tensor.batch)
        case "keys" | "values" | "items" if tensor.whole:
            return Many(_items_of(tensor, name))
        case "new" | "new_tensor" | "new_zeros" | "new_ones" | "new_full" | "new_empty":
            return Tensor()
    if name in DRAWS:
        return replace(tensor, loaders=frozenset(), made_up=True, drawn=True)
    kind = METHODS.get(name)
    if kind is None:
        return _undocumented(m, tensor, name, arguments, site)
    return _operate(m, kind, name, arguments.prefixed(tensor), site)


DRAWS = frozenset(
    """normal_ uniform_ random_ exponential_ bernoulli_ cauchy_ log_normal_ geometric_""".split()
)
"""Methods that fill a tensor with random numbers."""


def _outside(tensor: Tensor) -> Tensor:
    return replace(tensor, index=-1, shape=Shape(), grads=NO_GRADIENTS, batch=None, whole=False)


def _items_of(tensor: Tensor, name: str) -> Value:
    item = Tensor(
        -1, Shape(), tensor.depends, tensor.grads, tensor.loaders, tensor.batch, whole=True
    )
    return item if name == "values" else (Unknown("key"), item)


def size(shape: Shape, name: str, arguments: Arguments, samples: Argument | None = None) -> Value:
    """What ``size()``, ``dim()`` and the like give of a tensor; ``samples`` is its batch, if it is one."""
    if shape.sizes is not None:
        return _known_size(shape.sizes, name, arguments)
    if name in ("dim", "ndimension") and shape.rank is not None:
        return shape.rank
    if name == "size":
        dim = arguments.get(0, "dim")
        if dim is None:
            return sizes_of(shape, samples)
        if isinstance(dim, int) and shape.channels is not None and at_channels(shape, dim):
            return shape.channels
        if dim == 0:
            return FirstSize(samples)
    return Unknown(f"tensor {name}")


def _known_size(sizes: tuple[int, ...], name: str, arguments: Arguments) -> Value:
    match name, arguments.get(0, "dim"):
        case (("numel" | "nelement"), _):
            return prod(sizes)
        case (("dim" | "ndimension"), _):
            return len(sizes)
        case "size", None:
            return sizes
        case "size", int(dim) if -len(sizes) <= dim < len(sizes):
            return sizes[dim]
    return Unknown(f"tensor {name}")


def _undocumented(m: Machine, tensor: Tensor, name: str, arguments: Arguments, site: Site) -> Value:
    """A method that tensors do not have: what was taken for a tensor is something else."""
    inputs = [tensor, *tensors_in(arguments.values)]
    if name in ("astype", "copy") and not tensor.whole:
        array = m.tape.tensor(Kind.UNKNOWN, name, inputs, site, shape=tensor.shape)
        return replace(array, drawn=tensor.drawn)
    made = m.tape.tensor(Kind.UNKNOWN, name, inputs, site)
    return replace(made, whole=True, drawn=tensor.drawn and name in ("astype", "copy"))


def _operate(m: Machine, kind: Kind, name: str, arguments: Arguments, site: Site) -> Value:
    inputs = tensor_inputs(m, arguments.values, site)
    if isinstance(out := arguments.keywords.get("out"), Instance):
        note_weights_written(m, out, site)
    constants, layer = _constants(name, arguments), None
    if name in MEASURES and _gives_answers(name, constants):
        m.journal.measure(inputs)
    if not inputs:
        return Tensor() if kind is not Kind.OTHER else Unknown(f"{name}()")
    if kind in ARITHMETIC and not name.endswith("_"):
        vague = may_be_tensors([arguments.get(0, "input"), arguments.get(1, "other")])
        shape = Shape() if vague else broadcast([tensor.shape for tensor in inputs])
    elif kind in ARITHMETIC:
        shape = inputs[0].shape
    elif kind is Kind.CAT and not _all_tensors(arguments.get(0, "tensors")):
        shape = Shape(inputs[0].shape.rank) if name in JOINED else Shape()
    elif (layer := _layer_of(kind, arguments)) is not None:
        shape = after_layer(layer, kind, inputs)
    else:
        shape = after_function(kind, name.rstrip("_"), inputs, constants)
    if joins_rows := name in JOINED and constants.get("dim", 0) == 0:
        shape = _with_all_rows(shape, arguments.get(0, "tensors"))
    if name == "stack" and isinstance(arguments.get(0, "tensors"), Tensor):
        keeps = constants.get("dim", 0) == 0  # the samples of a batch, one by one
    else:
        keeps = kind in KEEPS_BATCH or keeps_first(name, inputs, constants)
    made = m.tape.tensor(
        kind, name, inputs, site, layer=layer, constants=constants, shape=shape, batch=keeps
    )
    if made.single and name == "unsqueeze":
        made = replace(made, single=False)
    if joins_rows:
        made = replace(made, mixed=made.mixed or _is_mixture(inputs))
    if name in GRADIENT_CUTS:
        made = cut(replace(made, grads=NO_GRADIENTS), inputs[0])
    if name.endswith("_"):
        made = changed_in_place(m, made, inputs[0], site)
    if kind is Kind.BATCH_NORM:
        note_functional(m, arguments, made, site)
    return _parts(m, kind, name, made, inputs, constants, site)


def _with_all_rows(shape: Shape, joined: Value) -> Shape:
    """The shape of tensors that are concatenated along dimension 0, where all of them are known."""
    if not isinstance(joined, list | tuple) or open_at(joined) is not None:
        return shape
    shapes = [tensor.shape for tensor in joined if isinstance(tensor, Tensor)]
    return replace(shape, batch=joined_rows(shapes)) if len(shapes) == len(joined) else shape


def _is_mixture(joined: Sequence[Tensor]) -> bool:
    """Whether some of several batches come from forwards, and others do not."""
    return len({bool(tensor.depends) for tensor in joined}) > 1


def _all_tensors(value: Value) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, Tensor) for item in value)


WEIGHT_POSITION: Mapping[Kind, int] = {Kind.CONV: 1, Kind.LINEAR: 1, Kind.BATCH_NORM: 3}
"""Where functional forms of layers take the weight; the bias follows it."""


def _layer_of(kind: Kind, arguments: Arguments) -> Instance | None:
    """The layer whose weight and bias a functional form takes: a layer with a forward of its own."""
    position = WEIGHT_POSITION.get(kind)
    if position is None:
        return None
    weight = arguments.get(position, "weight")
    owner = weight.attributes.get("owner") if isinstance(weight, Instance) else None
    bias = arguments.get(position + 1, "bias")
    if not isinstance(owner, Instance) or bias is not owner.attributes.get("bias"):
        return None
    return owner


def _gives_answers(name: str, constants: Mapping[str, Value]) -> bool:
    return name not in ("max", "min", "sort") or "dim" in constants


JOINED = frozenset({"cat", "concat", "concatenate"})
ANSWERS = frozenset({"max", "min", "median", "nanmedian"})
"""Functions that give values and indices where they are given a dimension."""
PAIRS = frozenset(
    """topk sort kthvalue mode cummax cummin aminmax var_mean std_mean frexp slogdet""".split()
)
"""Functions that always give two tensors."""


def _parts(
    m: Machine,
    kind: Kind,
    name: str,
    made: Tensor,
    inputs: list[Tensor],
    constants: Mapping[str, Value],
    site: Site,
) -> Value:
    if name in PAIRS or (name in ANSWERS and "dim" in constants):
        return made, made
    shapes = part_shapes(name, inputs[0].shape, constants)
    if shapes is not None:
        return tuple(_part(m, made, number, shape, site) for number, shape in enumerate(shapes))
    if kind is Kind.SPLIT and name in ("split", "unbind", "chunk", "tensor_split"):
        part = m.tape.tensor(Kind.SPLIT, "getitem", [made], site, constants={"key": None})
        return Many(part)
    return made


def _part(m: Machine, whole: Tensor, number: int, shape: Shape, site: Site) -> Tensor:
    constants: dict[str, Value] = {"key": number}
    return m.tape.tensor(Kind.SPLIT, "getitem", [whole], site, constants=constants, shape=shape)


def _constants(name: str, arguments: Arguments) -> dict[str, Value]:
    constants = {
        parameter_named(name, key): value
        for key, value in arguments.keywords.items()
        if not isinstance(value, Tensor)
    }
    plain = name.rstrip("_")
    if plain in VARIADIC:
        if arguments.opened:
            return constants
        given = arguments.positional[1:] or [constants.pop("shape", constants.pop("size", ()))]
        sizes = sizes_given(given)
        if sizes:
            constants["shape"] = tuple(
                SIZE_OF_FIRST if isinstance(n, FirstSize) else n for n in sizes
            )
        return constants
    for number, value in enumerate(arguments.positional):
        if isinstance(value, Tensor):
            continue
        if number == 0 and isinstance(value, list | tuple):
            if any(isinstance(part, Unknown | Many | Choice) for part in value[:MOST_LOOKED_AT]):
                constants["others"] = Unknown("tensors that are not known")
            continue
        constants[parameter(name, number)] = value
    return constants
