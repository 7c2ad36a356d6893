"""BN503: a network with BatchNorm is trained on batches in the order of the dataset."""

from collections.abc import Iterator
from enum import Enum

from bnlint.facts.passes.forwards import is_live, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader, Purpose
from bnlint.facts.types.loader_events import LoaderHandedOver
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.wording.code_text import drops_labels, is_dotted_name, slices_batches
from bnlint.facts.wording.layer_words import model_in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN503", "unshuffled-train-loader", Severity.WARNING, fix=Applicability.UNSAFE, in_tests=False
)


class Order(Enum):
    """How a dataset lists its samples."""

    CLASSES = "one class after the other"
    UNREAD = "one class after the other, of which there may be one, as nothing reads them"
    MIXED = "mixed"
    UNKNOWN = "not known"


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report loaders that hand the dataset's own order to a BatchNorm in training."""
    found = (entry for entry in _trained_with(run) if _is_wrong(entry[0]))
    for loader, name, user in first_of_each(found, key=lambda entry: entry[0].site):
        yield _finding(run, loader, name, user)


def _is_wrong(loader: Loader) -> bool:
    return loader.purpose is not Purpose.EVALUATION and _keeps_order(loader) and _mixes(loader)


def _mixes(loader: Loader) -> bool:
    """Whether samples share a batch: of single ones, BN501 says what there is to say."""
    size = loader.arguments.get("batch_size")
    return size is None or size.value != 1


def _trained_with(run: Run) -> Iterator[tuple[Loader, str, Site]]:
    """Loaders that train a model with BatchNorm, with what it is called and the place."""
    for forward in run.of_type(Forward):
        if trains(forward) and is_live(forward) and forward.context.loops:
            for loader in forward.loaders:
                yield loader, model_in_words(forward.model), forward.site
    for handed in run.of_type(LoaderHandedOver):
        if handed.model is not None and handed.model.has_batchnorm is Known.YES:
            yield handed.loader, model_in_words(handed.model), handed.site


def _keeps_order(loader: Loader) -> bool:
    """Whether nothing shuffles: neither loader, sampler nor, as far as it is known, the dataset."""
    if not loader.resolved:
        return False
    for name in ("sampler", "batch_sampler"):
        if (argument := loader.arguments.get(name)) is not None and argument.value is not None:
            return False
    shuffle = loader.arguments.get("shuffle")
    if shuffle is not None and shuffle.value not in (None, False):
        return False
    return loader.dataset.mixed is Known.NO and loader.dataset.iterable is Known.NO


def _order(run: Run, loader: Loader) -> Order:
    if loader.dataset.ordered_by_class is not Known.YES:
        mixed = loader.dataset.ordered_by_class is Known.NO
        return Order.MIXED if mixed else Order.UNKNOWN
    loops = {
        loop.site.text
        for forward in run.of_type(Forward)
        for loop in forward.context.loops
        if loop.loader is loader
    }
    return Order.UNREAD if loops and all(map(drops_labels, loops)) else Order.CLASSES


def _finding(run: Run, loader: Loader, model: str, user: Site) -> Finding:
    shuffle = loader.arguments.get("shuffle")
    written = shuffle.site if shuffle is not None else None
    order = _order(run, loader)
    return RULE.at(
        written or loader.site,
        _message(run, loader, order, model),
        evidence=[(user, f"{model} trains on it here")],
        fix=_fix(run, loader, shuffle),
        severity=Severity.ADVICE if order in (Order.MIXED, Order.UNREAD) else None,
    )


def _message(run: Run, loader: Loader, order: Order, model: str) -> str:
    name = f"`{loader.names[0]}`" if loader.names else "this loader"
    told = f"{_condition(loader.arguments.get('shuffle'))}{name} trains {model} in the order of"
    told = f"{told[:1].upper()}{told[1:]}"
    remedy = f"pass `shuffle={_shuffle(loader) or 'True'}`"
    if _is_in_step(run, loader):
        remedy = "shuffle it together with what its loop reads batch by batch beside it"
    if order is Order.UNREAD:
        return (
            f"{told} `{_class_of(loader)}`, whose classes the loop leaves unread: if its folder has several,"
            " each batch is of one, and in any case each sample meets the same others in every epoch; "
            f"{remedy}"
        )
    if order is Order.CLASSES:
        return (
            f"{told} `{_class_of(loader)}`, which lists one class after the other: a batch of one "
            "class gives its label away through BatchNorm's statistics, and evaluation collapses; "
            f"{remedy}"
        )
    if order is Order.MIXED:
        return (
            f"{told} `{_class_of(loader)}`, which is mixed, so that BatchNorm's statistics are sound, but"
            f" each sample meets the same others in every epoch; {remedy}"
        )
    return (
        f"{told} its dataset: if that is sorted, by class or by patient, each batch is of one kind,"
        " whose statistics give the label away, and evaluation, which lacks them, fails; "
        f"{remedy}"
    )


def _condition(shuffle: Argument | None) -> str:
    """What decides about the order, where that is not written at the loader itself."""
    if shuffle is not None and shuffle.option is not None:
        return f"unless `{shuffle.option}` is given, "
    written = shuffle.site.text if shuffle is not None and shuffle.site is not None else ""
    return f"while `{written}` is False, " if is_dotted_name(written) and written != "False" else ""


def _class_of(loader: Loader) -> str:
    return loader.dataset.type.rpartition(".")[2]


def _shuffle(loader: Loader) -> str | None:
    """What to pass as ``shuffle``, which torch refuses beside a sampler; ``None`` if unclear.

    A name that holds no sampler in this run may hold one in another, as under DDP.
    """
    samplers = [loader.arguments.get(name) for name in ("sampler", "batch_sampler")]
    names = [a.site.text for a in samplers if a is not None and a.site is not None]
    named = [name for name in names if name != "None"]
    if not all(map(is_dotted_name, named)):
        return None
    return " and ".join(f"{name} is None" for name in named) or "True"


def _is_in_step(run: Run, loader: Loader) -> bool:
    """Whether a loop over it also takes slices of something else, which has the same order."""
    return any(
        loop.loader is loader and slices_batches(loop.site.text)
        for forward in run.of_type(Forward)
        for loop in forward.context.loops
    )


def _fix(run: Run, loader: Loader, shuffle: Argument | None) -> Fix | None:
    """Shuffle, unless the same call also builds loaders that nothing is trained on."""
    meant = _shuffle(loader)
    if (
        meant is None
        or _is_in_step(run, loader)
        or not loader.settled
        or loader.dataset.iterable is not Known.NO
    ):
        return None
    training = {trained for trained, _, _ in _trained_with(run)}
    if any(
        other.site == loader.site and other not in training and other.purpose != Purpose.TRAINING
        for other in run.loaders
    ):
        return None
    title = f"Pass `shuffle={meant}`"
    if shuffle is None or (shuffle.site is None and shuffle.value is None):
        return RULE.fixed_by(title, loader.site.add_argument(f"shuffle={meant}"))
    if shuffle.site is None or shuffle.site.text not in ("False", "None"):
        return None
    return RULE.fixed_by(title, shuffle.site.replace(meant))
