"""Tensors that functions create from sizes, from numbers in the code or from other data."""

from collections.abc import Mapping, Sequence

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument, Site
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
        return shape_of_sizes(sizes_given(arguments.positional))
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


def sizes_given(given: list[Value]) -> list[Value] | None:
    """The sizes that ``view`` and the like are given, if it is known how many these are."""
    first = given[0]
    sizes = list(first) if len(given) == 1 and isinstance(first, list | tuple) else given
    if len(given) == 1 and sizes is given and not isinstance(first, int | FirstSize):
        return None
    single = (int, Unknown, Tensor)
    return sizes if all(isinstance(n, single) for n in sizes) and open_at(sizes) is None else None
