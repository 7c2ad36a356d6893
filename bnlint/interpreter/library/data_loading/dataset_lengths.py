"""How many samples datasets have, where code or their published form says it."""

from collections.abc import Mapping, Sequence
from math import floor

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import open_at
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.values import Arguments, Tensor, Value

LENGTH = "number of samples"
"""The attribute of loaders and parts of datasets that has it; no name of the program's."""
PUBLISHED: Mapping[str, tuple[int, int]] = {
    "MNIST": (60_000, 10_000),
    "FashionMNIST": (60_000, 10_000),
    "KMNIST": (60_000, 10_000),
    "CIFAR10": (50_000, 10_000),
    "CIFAR100": (50_000, 10_000),
    "USPS": (7_291, 2_007),
}
"""Samples for training and for evaluation of classes of ``torchvision.datasets``."""
FAKED = 1000
"""Samples of a ``FakeData`` that is given no size."""
_TRAIN = 1
"""The position of ``train`` among their arguments."""
DEEPEST = 4
"""Datasets within datasets that are looked into."""


def length_of(
    m: Machine, dataset: Value, site: Site, scope: Scope, depth: int = DEEPEST
) -> int | None:
    """``len(dataset)``."""
    match dataset:
        case list() | tuple() | range():
            return len(dataset) if open_at(dataset) is None else None
        case Instance(attributes={"number of samples": int(known)}):
            return known
        case Instance(cls=None) if depth:
            return _of_library(m, dataset, site, scope, depth - 1)
        case Instance(cls=cls) if cls is not None:
            function = cls.find("__len__")
            if isinstance(function, Function):
                return _whole(m.call(Method(function, dataset), Arguments(), site, scope))
    return None


def _of_library(m: Machine, dataset: Instance, site: Site, scope: Scope, depth: int) -> int | None:
    values = [bound.value for bound in dataset.arguments.values()]
    name = dataset.library.rpartition(".")[2]
    if not dataset.resolved:
        return None
    match dataset.library:
        case "torch.utils.data.TensorDataset" if values:
            first = values[0]
            return first.shape.batch if isinstance(first, Tensor) else None
        case "torch.utils.data.Subset" if len(values) == 2:
            return length_of(m, values[1], site, scope, depth)
        case "torch.utils.data.ConcatDataset" if values and isinstance(values[0], list | tuple):
            lengths = [length_of(m, part, site, scope, depth) for part in values[0]]
            known = [length for length in lengths if length is not None]
            closed = open_at(values[0]) is None and len(known) == len(lengths)
            return sum(known) if closed else None
        case "torchvision.datasets.FakeData":
            size = dataset.arguments.get("size", dataset.arguments.get("0"))
            return FAKED if size is None else _whole(size.value)
        case library if library.startswith("torchvision.datasets.") and name in PUBLISHED:
            given = dataset.arguments
            train = given["train"] if "train" in given else given.get(str(_TRAIN))
            value = True if train is None else train.value
            return PUBLISHED[name][not value] if isinstance(value, bool) else None
    return None


def _whole(value: Value) -> int | None:
    known = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    return int(value) if known else None  # type: ignore[call-overload]


def lengths_of_parts(total: int | None, sizes: Sequence[Value]) -> list[int | None]:
    """How many samples each part of ``random_split`` gets; fractions share out what they leave."""
    if all(isinstance(size, float) for size in sizes):
        if total is None:
            return [None] * len(sizes)
        counts = [floor(total * size) for size in sizes if isinstance(size, float)]
        rest = total - sum(counts)
        return [count + (number < rest) for number, count in enumerate(counts)]
    return [_whole(size) for size in sizes]
