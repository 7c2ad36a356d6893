"""BN503: a network with BatchNorm is trained on batches in the order of the dataset."""

from collections.abc import Iterator

from bnlint.facts.forwards import norms_in_training, trains
from bnlint.facts.known import Known
from bnlint.facts.loader import Loader, Purpose
from bnlint.facts.run import Forward, LoaderHandedOver, LoaderIterated, Run
from bnlint.facts.site import Argument, Site
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings

RULE = Rule("BN503", "unshuffled-train-loader", Severity.WARNING, fix=Applicability.UNSAFE)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report loaders that hand the dataset's own order to a BatchNorm in training."""
    seen = set()
    for loader, name, user in _trained_with(run):
        if loader.purpose is Purpose.EVALUATION or not _keeps_order(loader):
            continue
        if loader.site not in seen:
            seen.add(loader.site)
            yield _finding(run, loader, name, user)


def _trained_with(run: Run) -> Iterator[tuple[Loader, str, Site]]:
    """Loaders that train a model with BatchNorm, with the model's name and the place."""
    for forward in run.of_type(Forward):
        if trains(forward) and norms_in_training(forward) and forward.context.loops:
            for loader in forward.loaders:
                yield loader, forward.model.name, forward.site
    for handed in run.of_type(LoaderHandedOver):
        if handed.model is not None and handed.model.has_batchnorm is Known.YES:
            yield handed.loader, handed.model.name, handed.site


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
    dataset = loader.dataset
    if dataset.mixed is Known.YES or dataset.iterable is Known.YES:
        return False
    return dataset.iterable is Known.NO or dataset.type != ""


def _finding(run: Run, loader: Loader, model: str, user: Site) -> Finding:
    shuffle = loader.arguments.get("shuffle")
    written = shuffle.site if shuffle is not None else None
    return RULE.at(
        written or loader.site,
        _message(loader, shuffle, model),
        evidence=[(user, f"`{model}` trains on it here")],
        fix=_fix(run, loader, shuffle),
    )


def _message(loader: Loader, shuffle: Argument | None, model: str) -> str:
    name = f"`{loader.names[0]}`" if loader.names else "This loader"
    default = ""
    if shuffle is not None and shuffle.option is not None:
        default = f" unless `{shuffle.option}` is given"
    if loader.dataset.ordered_by_class is Known.YES:
        return (
            f"{name} trains `{model}` in the order of `{_class_of(loader)}`{default}, which lists "
            "one class after the other: a batch of one class gives its label away through "
            "BatchNorm's statistics, and evaluation collapses; pass `shuffle=True`"
        )
    return (
        f"{name} trains `{model}` in the order of its dataset{default}, so neighbours always share "
        "BatchNorm's batch statistics, and where they are of one class these give the label away; "
        "pass `shuffle=True`"
    )


def _class_of(loader: Loader) -> str:
    return loader.dataset.type.rpartition(".")[2]


def _fix(run: Run, loader: Loader, shuffle: Argument | None) -> Fix | None:
    """Shuffle, unless the same call also builds loaders that nothing is trained on."""
    if any(other.site == loader.site and other not in _training(run) for other in _loaders(run)):
        return None
    if shuffle is None or (shuffle.site is None and shuffle.origin is None):
        return RULE.fixed_by("Pass `shuffle=True`", loader.site.add_argument("shuffle=True"))
    if shuffle.site is None or shuffle.site.text != "False":
        return None
    return RULE.fixed_by("Pass `shuffle=True`", shuffle.site.replace("True"))


def _training(run: Run) -> set[Loader]:
    return {loader for loader, _, _ in _trained_with(run)}


def _loaders(run: Run) -> Iterator[Loader]:
    yield from (event.loader for event in run.of_type(LoaderIterated))
    yield from (event.loader for event in run.of_type(LoaderHandedOver))
    for forward in run.of_type(Forward):
        yield from forward.loaders
