"""Functions and methods of tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

from bnlint.facts.shapes.elementwise import KEEPS_BATCH, SAME_SIZES
from bnlint.facts.shapes.reshaping import SIZE_OF_FIRST
from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import ARITHMETIC, Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.knowledge import in_random_order, open_at
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
from bnlint.interpreter.python.arithmetic import may_be_tensors
from bnlint.interpreter.torch.freezing import note_weights_written
from bnlint.interpreter.torch.function_shapes import after_function, part_shapes
from bnlint.interpreter.torch.layer_shapes import after_layer, at_channels, sizes_of
from bnlint.interpreter.torch.parameters import tensor_inputs
from bnlint.interpreter.torch.shape_axes import broadcast
from bnlint.interpreter.torch.states import changed_in_place, cut, note_functional
from bnlint.interpreter.torch.training import note_backward
from bnlint.vocabulary.function_parameters import VARIADIC, parameter
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
    keeps = kind in KEEPS_BATCH or _keeps_first(name, inputs[0], constants)
    made = m.tape.tensor(
        kind, name, inputs, site, layer=layer, constants=constants, shape=shape, batch=keeps
    )
    if made.single and name == "unsqueeze":
        made = replace(made, single=False)
    if name in JOINED and constants.get("dim", constants.get("axis", 0)) == 0:
        made = replace(made, mixed=made.mixed or _is_mixture(inputs))
    if name in GRADIENT_CUTS:
        made = cut(replace(made, grads=NO_GRADIENTS), inputs[0])
    if name.endswith("_"):
        made = changed_in_place(m, made, inputs[0], site)
    if kind is Kind.BATCH_NORM:
        note_functional(m, arguments, made, site)
    return _parts(m, kind, name, made, inputs, constants, site)


def _keeps_first(name: str, tensor: Tensor, constants: Mapping[str, Value]) -> bool:
    """Whether a change of dimensions leaves the first one alone."""
    plain = name.rstrip("_")
    if plain in SAME_SIZES:
        return True
    match plain:
        case "flatten":
            return constants.get("start_dim", 0) != 0
        case "stack" | "cat" | "concat" | "concatenate" | "select":
            dim = constants.get("dim", constants.get("axis", 0))
            return _is_further(dim, tensor.shape.rank)
        case "repeat" | "expand" | "tile":
            sizes = constants.get("shape")
            whole = (1,) if plain != "expand" else (-1, SIZE_OF_FIRST)
            return isinstance(sizes, tuple) and len(sizes) > 1 and sizes[0] in whole
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


def _is_mixture(joined: Sequence[Tensor]) -> bool:
    """Whether some of several batches come from forwards, and others do not."""
    return len({bool(tensor.depends) for tensor in joined}) > 1


def _is_further(dim: Value, rank: int | None) -> bool:
    """Whether a dimension is not the first one."""
    if not isinstance(dim, int):
        return False
    return dim > 0 or (rank is not None and -rank < dim < 0)


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
        key: value for key, value in arguments.keywords.items() if not isinstance(value, Tensor)
    }
    plain = name.rstrip("_")
    if plain in VARIADIC:
        if arguments.opened:
            return constants
        given = arguments.positional[1:] or [constants.pop("shape", constants.pop("size", ()))]
        sizes = _sizes(given)
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


def _sizes(given: list[Value]) -> list[Value] | None:
    """The sizes that ``view`` and the like are given, if it is known how many these are."""
    first = given[0]
    sizes = list(first) if len(given) == 1 and isinstance(first, list | tuple) else given
    if len(given) == 1 and sizes is given and not isinstance(first, int | FirstSize):
        return None
    single = (int, Unknown, Tensor)
    return sizes if all(isinstance(n, single) for n in sizes) and open_at(sizes) is None else None


def create(m: Machine, name: str, arguments: Arguments, site: Site) -> Value:
    """``torch.zeros(...)`` and the like: a tensor that comes from nowhere."""
    sources = tensors_in(arguments.values)
    copies = name.endswith(("tensor", "asarray")) or name.startswith("from")
    loaders = frozenset().union(*(t.loaders for t in sources)) if copies else None
    first = arguments.positional[0] if arguments.positional else None
    filled: float | None = None
    match name.removesuffix("_like"):
        case "zeros":
            filled = 0.0
        case "ones":
            filled = 1.0
        case "full":
            value = arguments.get(1, "fill_value")
            filled = float(value) if isinstance(value, int | float) else None
        case "tensor" | "as_tensor" | "scalar_tensor":
            if isinstance(first, list) and len(first) == 1:
                first = first[0]
            filled = float(first) if isinstance(first, int | float) else None
    index = m.tape.emit(Kind.OTHER, name, [], site, constants={"fill": filled})
    depends = frozenset[int]().union(*(t.depends for t in sources))
    return Tensor(
        index,
        _created(name, arguments),
        depends,
        NO_GRADIENTS,
        loaders or frozenset(),
        batch=_samples_of(name, first),
        fill=filled,
        made_up=not copies or (all(t.made_up for t in sources) and _is_written_out(arguments)),
        drawn=name in RANDOM or (copies and any(map(in_random_order, arguments.values))),
    )


def _samples_of(name: str, first: Value) -> Argument | None:
    """The batch of which something that is created has one entry for each sample."""
    if isinstance(first, FirstSize) and name == "randperm":
        return first.samples
    copies = name.endswith("_like") or name in COPIES
    return first.batch if isinstance(first, Tensor) and copies else None


SIZED = frozenset({"zeros", "ones", "empty", "rand", "randn"})
"""Functions whose positional arguments are the sizes of what they create."""
COPIES = frozenset({"tensor", "as_tensor", "asarray", "from_numpy"})
"""Functions that give what they are given as a tensor."""
AFTER_SIZES: Mapping[str, int] = {"full": 0, "randint": 2, "normal": 2}
"""Functions that take all sizes as one argument, at a place."""


def _created(name: str, arguments: Arguments) -> Shape:
    """The shape of a tensor that is created with sizes, or like another."""
    given: Value = arguments.keywords.get("size", arguments.keywords.get("shape"))
    first = arguments.positional[0] if arguments.positional else arguments.keywords.get("input")
    if name.endswith("_like"):
        return first.shape if isinstance(first, Tensor) else Shape()
    if name in COPIES:  # of an array only the rows, since its methods are not those of tensors
        return Shape(batch=first.shape.batch) if isinstance(first, Tensor) else Shape()
    if given is None and name in SIZED and arguments.positional and not arguments.opened:
        return shape_of_sizes(_sizes(arguments.positional))
    if given is None and name in AFTER_SIZES:
        place = AFTER_SIZES[name]
        if place < len(arguments.positional):
            given = arguments.positional[place]
        if name == "randint" and isinstance(arguments.get(1, "high"), list | tuple):
            given = arguments.positional[1]
    return shape_of_sizes(given) if isinstance(given, list | tuple) else Shape()


def shape_of_sizes(sizes: Sequence[Value] | None) -> Shape:
    """The shape of a tensor or an array that is made with ``sizes``, as far as these are known."""
    if sizes is None or open_at(sizes) is not None:
        return Shape()
    first, second = (_size_at(sizes, place) for place in (0, 1))
    return Shape(len(sizes), first if len(sizes) > 1 else None, second)


def _size_at(sizes: Sequence[Value], place: int) -> int | None:
    size = sizes[place] if place < len(sizes) else None
    return size if isinstance(size, int) and not isinstance(size, bool) and size > 0 else None


RANDOM = frozenset("rand rand_like randn randn_like randint randint_like randperm normal".split())
"""Functions that draw each number of a tensor by itself."""


def _is_written_out(arguments: Arguments) -> bool:
    """Whether data that become a tensor stand in the code, or are tensors."""
    pending, seen = list(arguments.values), set[int]()
    while pending:
        match pending.pop():
            case list() | tuple() as items if id(items) not in seen:
                seen.add(id(items))
                pending.extend(items)
            case Unknown() | Many() | Choice() | Instance():
                return False
    return True
