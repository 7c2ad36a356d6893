"""Datasets and loaders."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Dataset, Loader, Purpose
from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.interpreter.core.bound_arguments import bind_loosely
from bnlint.interpreter.core.knowledge import in_random_order, open_at
from bnlint.interpreter.core.layer_arguments import make_argument, plain
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Builtin, Class, Instance, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import MISSING, Arguments, Choice, Many, Tensor, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.data_loading.class_order import CLASSES, loop_over_classes
from bnlint.interpreter.library.data_loading.collating import PLACES, joins_samples, padded_parts
from bnlint.interpreter.library.data_loading.dataset_lengths import (
    LENGTH,
    length_of,
    lengths_of_parts,
)
from bnlint.interpreter.library.data_loading.dataset_order import (
    draws_its_own_order,
    mixed_afterwards,
    shuffles_itself,
)
from bnlint.interpreter.library.data_loading.datasets import dataset_facts, purpose_of_name
from bnlint.interpreter.library.data_loading.samplers import sampler_fact
from bnlint.interpreter.library.data_loading.unpacked import may_bring_order
from bnlint.interpreter.python.construction import new_instance

LOADER = "torch.utils.data.DataLoader"
TENSORS = "torch.utils.data.TensorDataset"
PARAMETERS = (
    "dataset",
    "batch_size",
    "shuffle",
    "sampler",
    "batch_sampler",
    "num_workers",
    "collate_fn",
    "pin_memory",
    "drop_last",
)
DEFAULTS: dict[str, Value] = {"batch_size": 1, "shuffle": None, "drop_last": False}
_OF_GRAPHS = ("dataset", "batch_size", "shuffle")
COLLATING: Mapping[str, Sequence[str]] = {
    "torch_geometric.loader.DataLoader": _OF_GRAPHS,
    "torch_geometric.loader.dataloader.DataLoader": _OF_GRAPHS,
    "torch_geometric.data.DataLoader": _OF_GRAPHS,
    "torch_geometric.loader.DenseDataLoader": _OF_GRAPHS,
    "torch_geometric.data.DenseDataLoader": _OF_GRAPHS,
    "dgl.dataloading.GraphDataLoader": ("dataset", "collate_fn"),
    "monai.data.DataLoader": ("dataset", "num_workers"),
}
"""Loaders that join samples in a way of their own, of which one may be many: their first parameters."""


@library_function("torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader")
def _loader(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    given = {name: _given(name, PARAMETERS, arguments) for name in PARAMETERS}
    return _new_loader(m, given, arguments, site, scope)


@library_function(*COLLATING)
def _collating(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    given = {name: _given(name, COLLATING[path], arguments) for name in PARAMETERS}
    given["collate_fn"] = given["batch_size"] = Bound(Unknown("what a batch consists of"))
    return _new_loader(m, given, arguments, site, scope)


def _given(name: str, positions: Sequence[str], arguments: Arguments) -> Bound:
    """What a loader is given for a parameter; those at ``positions`` need no keyword."""
    number = positions.index(name) if name in positions else len(arguments.positional)
    if number < len(arguments.positional):
        return Bound(arguments.positional[number], arguments.nodes[number], positional=True)
    if name in arguments.keywords:
        return Bound(arguments.keywords[name], arguments.keyword_nodes.get(name))
    if arguments.opened:
        return Bound(Unknown(f"argument {name}"))
    return Bound(DEFAULTS.get(name))


def _new_loader(
    m: Machine, given: dict[str, Bound], arguments: Arguments, site: Site, scope: Scope
) -> Instance:
    made = new_instance(m, None, LOADER, site)
    made.arguments, made.resolved = given, not arguments.opened
    dataset = given["dataset"].value
    length = length_of(m, dataset, site, scope)
    if length is not None:
        made.attributes[LENGTH] = length
    if (places := padded_parts(made)) is not None:
        made.attributes[PLACES] = dict(places)
    if (loop := loop_over_classes(m, dataset, site)) is not None:
        made.attributes[CLASSES] = loop
    m.journal.loaders_built.append(made)
    return made


@library_function("torch.utils.data.random_split")
def _random_split(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    def part(length: int | None = None) -> Instance:
        made = new_instance(m, None, "torch.utils.data.Subset", site)
        made.attributes["mixed"] = True
        if length is not None:
            made.attributes[LENGTH] = length
        return made

    sizes = arguments.get(1, "lengths")
    if not isinstance(sizes, list | tuple) or open_at(sizes) is not None:
        return Many(part())
    m.step(len(sizes))
    total = length_of(m, arguments.get(0, "dataset"), site, scope)
    return [part(length) for length in lengths_of_parts(total, sizes)]


@library_function("torch.utils.data.Subset", "torch.utils.data.ConcatDataset")
def _wrapped(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    made = new_instance(m, None, path, site)
    made.arguments = bind_loosely(arguments)
    return made


def loader_batches(m: Machine, loader: Instance) -> Many:
    """What iterating a loader yields."""
    bound = loader.arguments.get("batch_size", Bound(Unknown("batch size")))
    sampler = loader.arguments.get("batch_sampler", Bound(None)).value
    batch: Argument | None = None
    if sampler is not None:
        bound = _batch_size_of(sampler) if isinstance(sampler, Instance) else Bound(None)
    if (sampler is None or bound.value is not None) and not joins_samples(loader):
        site = bound.site(loader.site.source)
        batch = make_argument("batch_size", bound, site)
    made = Tensor(loaders=frozenset({loader}), batch=batch, whole=True)
    return Many(_stacked(loader, made) or _padded(loader, made) or made, loader)


def _padded(loader: Instance, batch: Tensor) -> Value:
    """The tensors that a ``collate_fn`` gives, if it pads some of them."""
    places = loader.attributes.get(PLACES)
    if not isinstance(places, dict):
        return None
    parts = {key: replace(batch, padded=place) for key, place in places.items()}
    if any(isinstance(key, str) for key in parts):
        return parts
    return list(parts.values()) if len(parts) > 1 else parts[0]


def _stacked(loader: Instance, batch: Tensor) -> list[Value] | None:
    """A batch of a ``TensorDataset`` as it is collated, with the shapes of its tensors."""
    given = {name: bound.value for name, bound in loader.arguments.items()}
    dataset = given.get("dataset")
    if given.get("collate_fn") is not None or not isinstance(given.get("batch_size"), int):
        return None
    if not isinstance(dataset, Instance) or dataset.library != TENSORS or not loader.resolved:
        return None
    tensors = [bound.value for bound in dataset.arguments.values()]
    if dataset.cls is not None or not all(isinstance(t, Tensor) for t in tensors):
        return None
    shapes = [tensor.shape for tensor in tensors if isinstance(tensor, Tensor)]
    known = any(shape.rank is not None for shape in shapes)
    return [replace(batch, shape=shape, whole=False) for shape in shapes] if known else None


REBATCHED = "batches made anew"
"""The attribute of a loader that a framework makes other batches of; no name of the program's."""


def _batch_size_of(sampler: Instance) -> Bound:
    """The batch size that a batch sampler was given; ``None`` where it is not known."""
    kept = sampler.attributes.get("batch_size")
    if isinstance(kept, int) and _is_batch_sampler(sampler):
        return Bound(kept)
    known = sampler.arguments if sampler.library.endswith(".BatchSampler") else {}
    if sampler.cls is not None:
        known = {}
    found = known.get("batch_size", known.get("1", Bound(None)))
    return replace(found, source=found.source or sampler.site.source)


def _is_batch_sampler(sampler: Instance) -> bool:
    base = sampler.cls.library_base() if sampler.cls is not None else None
    return base is not None and base.path.startswith("torch.utils.data.")


# -- facts --------------------------------------------------------------------------------------


def loader_fact(loader: Instance) -> Loader:
    """A loader as rules see it."""
    source = loader.site.source
    arguments = {
        name: make_argument(name, bound, bound.site(source))
        for name, bound in loader.arguments.items()
    }
    dataset = loader.arguments.get("dataset", Bound(Unknown("dataset"))).value
    fact, purpose = dataset_fact(dataset)
    names = tuple(loader.names)
    if purpose is Purpose.UNKNOWN:
        purpose = purpose_of_names([*names, *_dataset_names(dataset)])
    settled = not may_bring_order(loader.site)
    sampler, length = sampler_fact(loader), loader.attributes.get(LENGTH)
    classes = loader.attributes.get(CLASSES)
    return Loader(
        loader.site,
        arguments,
        fact,
        names,
        purpose,
        loader.resolved,
        settled,
        sampler,
        length if isinstance(length, int) else None,
        loader.attributes.get(REBATCHED) is True,
        classes if isinstance(classes, Site) else None,
    )


def _dataset_names(dataset: Value) -> list[str]:
    return dataset.names if isinstance(dataset, Instance) else []


def purpose_of_names(names: list[str]) -> Purpose:
    """What variable names say: ``val_loader`` is for evaluation; silent where they disagree."""
    said = {purpose_of_name(name) for name in names} - {Purpose.UNKNOWN}
    return said.pop() if len(said) == 1 else Purpose.UNKNOWN


Fact = tuple[Dataset, Purpose]
NO_FACT: Fact = Dataset("", None, Known.UNKNOWN, Known.UNKNOWN), Purpose.UNKNOWN
MOST_NESTED = 40
"""Datasets within datasets that are looked into."""


def dataset_fact(dataset: Value) -> Fact:
    """A dataset as rules see it, and what its arguments say about its purpose."""
    return _fact(dataset, MOST_NESTED, {})


def _fact(dataset: Value, depth: int, seen: dict[int, Fact]) -> Fact:
    """The same; ``seen`` are those that were looked into, or are being so: one may hold itself."""
    if isinstance(dataset, Choice):
        return _one_of([_fact(value, depth, seen) for value in dataset.values])
    if isinstance(dataset, list | Many):
        return _listed(dataset)
    if not isinstance(dataset, Instance) or depth == 0:
        return NO_FACT
    if id(dataset) not in seen:
        seen[id(dataset)] = NO_FACT
        fact, purpose = _fact_of_instance(dataset, depth - 1, seen)
        seen[id(dataset)] = replace(fact, content=_content(dataset)), purpose
    return seen[id(dataset)]


def _content(dataset: Instance) -> tuple[object, ...]:
    """What tells the samples of one dataset from those of another."""
    source = dataset.site.source

    def told(bound: Bound) -> object:
        value, site = plain(bound.value), bound.site(source)
        return site.text if value is NOT_KNOWN and site is not None else value

    return (dataset.type_name, *((name, told(bound)) for name, bound in dataset.arguments.items()))


def _listed(samples: list[Value] | Many) -> Fact:
    """A list of samples, each of tensors that were neither drawn nor come from a loader."""
    first = samples.element if isinstance(samples, Many) else next(iter(samples), None)
    parts = tensors_in([first])
    if not parts or any(part.loaders or part.made_up for part in parts):
        return NO_FACT
    mixed = Known.YES if any(part.drawn for part in parts) else Known.NO
    return Dataset("list", None, Known.NO, mixed), Purpose.UNKNOWN


def _fact_of_instance(dataset: Instance, depth: int, seen: dict[int, Fact]) -> Fact:
    if dataset.library == "torch.utils.data.Subset" and "0" in dataset.arguments:
        return _subset(dataset, depth, seen)
    if dataset.attributes.get("mixed") is True:
        return Dataset("", dataset.site, Known.NO, Known.YES), Purpose.UNKNOWN
    if dataset.cls is not None:
        return _project_dataset(dataset, dataset.cls)
    values = {name: bound.value for name, bound in dataset.arguments.items()}
    if dataset.library == "torch.utils.data.ConcatDataset":
        return _chained(dataset, values.get("0", values.get("datasets")), depth, seen)
    known = dataset_facts(dataset.library, values)
    mixed = Known.NO if known.iterable is Known.NO else Known.UNKNOWN
    if known.drawn or any(map(in_random_order, values.values())):
        mixed = Known.YES
    ordered = known.ordered_by_class
    if (listed := mixed_afterwards(dataset)) is not Known.NO:
        mixed, ordered = listed, Known.UNKNOWN
    fact = Dataset(dataset.library, dataset.site, known.iterable, mixed, ordered)
    return fact, known.purpose


def _subset(dataset: Instance, depth: int, seen: dict[int, Fact]) -> Fact:
    """A part of another dataset, in the order of its indices."""
    inner, purpose = _fact(dataset.arguments["0"].value, depth, seen)
    indices = dataset.arguments.get("1", dataset.arguments.get("indices", Bound(None))).value
    if isinstance(indices, list | range):
        return Dataset(inner.type, dataset.site, inner.iterable, inner.mixed), purpose
    made_up = isinstance(indices, Tensor) and indices.made_up
    mixed = Known.YES if made_up else Known.UNKNOWN
    return Dataset("", dataset.site, Known.UNKNOWN, mixed), purpose


def _chained(dataset: Instance, parts: Value, depth: int, seen: dict[int, Fact]) -> Fact:
    """One dataset after the other, each in its own order."""
    if not isinstance(parts, list | tuple) or not parts:
        return Dataset(dataset.library, dataset.site, Known.NO, Known.UNKNOWN), Purpose.UNKNOWN
    first, purpose = _one_of([_fact(part, depth, seen) for part in parts])
    iterable = Known.NO if first.iterable is Known.NO else Known.UNKNOWN
    return Dataset(dataset.library, dataset.site, iterable, first.mixed), purpose


def _one_of(facts: list[Fact]) -> Fact:
    """What holds for all of several datasets; the first stands for them."""
    datasets, purposes = [fact for fact, _ in facts], {purpose for _, purpose in facts}

    def common(answers: set[Known]) -> Known:
        return answers.pop() if len(answers) == 1 else Known.UNKNOWN

    made = Dataset(
        datasets[0].type,
        datasets[0].site,
        common({d.iterable for d in datasets}),
        common({d.mixed for d in datasets}),
        common({d.ordered_by_class for d in datasets}),
    )
    return made, purposes.pop() if len(purposes) == 1 else Purpose.UNKNOWN


def _project_dataset(dataset: Instance, cls: Class) -> Fact:
    base = cls.library_base()
    iterable = Known.UNKNOWN if cls.open else Known.NO
    if base is not None and "Iterable" in base.name:
        iterable = Known.YES
    elif base is not None and not base.path.startswith(("torch.utils.data", "torchvision.")):
        iterable = Known.UNKNOWN
    if cls.find("__iter__") is not MISSING and cls.find("__getitem__") is MISSING:
        iterable = Known.YES
    held = [bound.value for bound in dataset.arguments.values()]
    mixed = Known.NO if iterable is Known.NO else Known.UNKNOWN
    if shuffles_itself(cls) or draws_its_own_order(dataset):
        mixed = Known.YES
    if _is_drawn([*held, *dataset.attributes.values()]):
        mixed = Known.YES
    return Dataset(cls.name, dataset.site, iterable, mixed), _said_by_attributes(dataset)


def _is_drawn(parts: list[Value]) -> bool:
    """Whether a dataset consists of samples in a random order; noise beside others does not count."""
    held = [part.receiver if isinstance(part, Builtin) else part for part in parts]
    ordered = any(isinstance(p, Tensor) and not p.drawn and p.fill is None for p in held)
    return not ordered and any(map(in_random_order, held))


def _said_by_attributes(dataset: Instance) -> Purpose:
    said = {**{n: b.value for n, b in dataset.arguments.items()}, **dataset.attributes}
    for name in ("train", "is_train", "training"):
        if isinstance(value := said.get(name), bool):
            return Purpose.TRAINING if value else Purpose.EVALUATION
    for name in ("split", "mode", "phase", "subset", "set_name", "image_set"):
        if isinstance(value := said.get(name), str):
            return purpose_of_names([value])
    return Purpose.UNKNOWN
