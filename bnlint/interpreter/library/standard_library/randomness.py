"""What is drawn at random, or brought into a random order, outside of torch's own functions."""

import libcst as cst

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import (
    SHUFFLED,
    Arguments,
    FirstSize,
    Library,
    Many,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.library.calls import call_foreign, library_function
from bnlint.interpreter.library.data_loading.dataset_order import list_anew
from bnlint.interpreter.library.torch_library.created_tensors import create, shape_of_sizes
from bnlint.interpreter.python.iteration import elements
from bnlint.interpreter.python.name_lookup import assign
from bnlint.interpreter.python.unnamed_models import MOST_TRIED

_TYPES = "Tensor FloatTensor DoubleTensor HalfTensor BFloat16Tensor LongTensor IntTensor".split()
_DRAWS = """normal randn rand uniform random random_sample ranf sample randint random_integers
standard_normal exponential gamma beta binomial poisson laplace permutation""".split()
_SIZE_AT = {
    **dict.fromkeys(("random", "random_sample", "ranf", "sample", "standard_normal"), 0),
    **dict.fromkeys(("normal", "uniform", "randint", "laplace"), 2),
}
"""The place of the argument with all sizes."""
_MADE = "classification blobs moons circles regression gaussian_quantiles friedman1".split()


@library_function(*(f"torch.{name}" for name in _TYPES), *(f"torch.cuda.{name}" for name in _TYPES))
def _typed_tensor(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``torch.FloatTensor(4, 100)`` holds anything, ``torch.FloatTensor(data)`` the data."""
    sizes = all(isinstance(value, int) for value in arguments.positional)
    return create(m, "empty" if sizes and not arguments.opened else "tensor", arguments, site)


@library_function("numpy.random.default_rng", "numpy.random.RandomState")
def _generator(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Its methods are those of ``numpy.random``."""
    return Library("numpy.random")


@library_function("random.Random", "random.SystemRandom")
def _source(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Its methods are the functions of ``random``."""
    return Library("random")


@library_function(
    *(f"numpy.random.{name}" for name in _DRAWS),
    *(f"scipy.stats.{name}.rvs" for name in ("norm", "truncnorm", "uniform")),
)
def _draw(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    data, name = arguments.get(0, "x"), path.rpartition(".")[2]
    copies = name == "permutation" and not isinstance(data, int | FirstSize)
    samples = data.samples if name == "permutation" and isinstance(data, FirstSize) else None
    rows = _rows_drawn(name, arguments)
    return Tensor(shape=Shape(batch=rows), batch=samples, made_up=not copies, drawn=True)


def _rows_drawn(name: str, arguments: Arguments) -> int | None:
    """How many rows an array of ``numpy.random`` has.

    No more is said of its shape, since methods of arrays are not those of tensors: ``transpose`` for one.
    """
    if arguments.opened:
        return None
    if name in ("rand", "randn"):
        return shape_of_sizes(arguments.positional).batch
    size = arguments.get(_SIZE_AT[name], "size") if name in _SIZE_AT else None
    sizes = [size] if isinstance(size, int) else size
    return shape_of_sizes(sizes).batch if isinstance(sizes, list | tuple) else None


@library_function(*(f"sklearn.datasets.make_{name}" for name in _MADE))
def _make(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    drawn = arguments.keywords.get("shuffle", True) is True
    return tuple(Tensor(made_up=True, drawn=drawn) for _ in ("samples", "labels"))


@library_function("random.shuffle", "numpy.random.shuffle")
def _shuffle(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """What is shuffled in place has no order from then on, by the name that it is given by."""
    node = arguments.nodes[0] if arguments.nodes else None
    list_anew(m, arguments.get(0, "x"), Many(SHUFFLED))
    if isinstance(node, cst.Name | cst.Attribute):
        assign(m, node, Many(SHUFFLED), scope)
    return None


@library_function("random.choice", "random.choices", "numpy.random.choice")
def _choice(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """One of several objects, such as the clients that take part in a round, or some of them."""
    one = _one_object(m, arguments.get(0, "population"))
    if one is None:
        return call_foreign(m, path, arguments, site, scope)
    some = path.endswith("choices") or arguments.get(1, "size") is not None
    return Many(one) if some else one


def _one_object(m: Machine, value: Value) -> Value:
    """One of the objects in a list that holds nothing else, ``None`` for other lists."""
    if isinstance(value, Many):
        return value.element if isinstance(value.element, Instance) else None
    items = elements(m, value)
    if not items or not all(isinstance(item, Instance) for item in items):
        return None
    others = [Unknown("item")] if len(items) > MOST_TRIED else []
    return m.join([*items[:MOST_TRIED], *others])


@library_function("random.sample", "sklearn.utils.shuffle", "sklearn.utils.resample")
def _sample(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    one = _one_object(m, arguments.get(0, "population")) if path == "random.sample" else None
    if one is not None:
        return Many(one)
    number = 1 if path.startswith("random.") else len(arguments.positional)
    return Many(SHUFFLED) if number == 1 else tuple(Many(SHUFFLED) for _ in range(number))


@library_function("sklearn.model_selection.train_test_split")
def _split(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if arguments.keywords.get("shuffle", True) is not True or arguments.opened:
        return Many(Unknown("part"))
    return tuple(Many(SHUFFLED) for _ in range(2 * len(arguments.positional)))
