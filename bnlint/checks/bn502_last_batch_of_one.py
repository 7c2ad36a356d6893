"""BN502: the last batch of an epoch may be a single sample, on which a BatchNorm cannot be trained."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.model_graphs.values_per_channel import (
    Population,
    populations,
    trained_populations,
)
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader, Purpose
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_about_sizes, skips_batches
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN502",
    "last-batch-of-one",
    Severity.WARNING,
    fix=Applicability.SAFE,
    in_tests=False,
    reads=(populations,),
)

RAISED = "Expected more than 1 value per channel when training"


@immutable
class LastBatch:
    """A loader whose last batch may be a single sample, and a layer that cannot train on it.

    ``size`` is that of the other batches, where it is known.
    """

    loader: Loader
    forward: Forward
    population: Population
    size: int | None

    @property
    def place(self) -> Site:
        """The argument that keeps the last batch, or the loader that leaves it out."""
        return self.loader.arguments["drop_last"].site or self.loader.site

    @property
    def is_certain(self) -> bool:
        """Whether the number of samples is known, so that it does end so."""
        return self.loader.samples is not None and self.size is not None


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report loaders that train vectors normalised over the batch, and may end with one of them."""
    found = (last for forward in run.of_type(Forward) for last in _last_batches(run, forward))
    for last in first_of_each(found, key=lambda last: last.place):
        yield _finding(run, last)


def _last_batches(run: Run, forward: Forward) -> Iterator[LastBatch]:
    if not trains(forward) or len(forward.loaders) != 1 or forward.batch is None:
        return
    (loader,) = forward.loaders
    number = forward.batch.number
    size = None if number is None else int(number)
    if size == 1 or not _keeps_the_rest(loader) or _leaves_no_single(loader, size):
        return
    if not _takes_every_batch(forward, loader):
        return
    single = (p for p in trained_populations(run, forward) if p.values == 1)
    yield from (LastBatch(loader, forward, population, size) for population in single)


def _keeps_the_rest(loader: Loader) -> bool:
    """Whether a loader stacks the samples of its dataset, down to the last one."""
    given = loader.arguments
    if not loader.resolved or loader.rebatched or loader.purpose is Purpose.EVALUATION:
        return False
    plain = ("sampler", "batch_sampler", "collate_fn")
    return (
        loader.dataset.iterable is Known.NO
        and all(name in given and given[name].value is None for name in plain)
        and given["drop_last"].value is False
    )


def _leaves_no_single(loader: Loader, size: int | None) -> bool:
    return loader.samples is not None and size is not None and loader.samples % size != 1


def _takes_every_batch(forward: Forward, loader: Loader) -> bool:
    """Whether a loop over the loader trains on each batch, however small."""
    over = [loop for loop in forward.context.loops if loop.loader is loader]
    tests = [assumption.condition.site.text for assumption in forward.context.assumptions]
    last = forward.context.frames[-1].definition if forward.context.frames else None
    texts = [loop.site.text for loop in over] + ([last.text] if last is not None else [])
    return bool(over) and not (any(map(is_about_sizes, tests)) or any(map(skips_batches, texts)))


def _finding(run: Run, last: LastBatch) -> Finding:
    population, forward = last.population, last.forward
    evidence = [
        (population.layer.site, "it is built here"),
        (forward.site, f"`{forward.model.name}` trains on each batch here"),
    ]
    if population.source is not None and population.source.site is not None:
        what = "of a sample, one value is left in each channel"
        evidence.append((population.source.site, what))
    return RULE.at(
        last.place,
        _message(last),
        evidence=evidence,
        fix=_fix(run, last),
        severity=Severity.ERROR if last.is_certain else None,
        likely=not last.is_certain,
    )


def _message(last: LastBatch) -> str:
    loader, layer = last.loader, in_words(last.population.layer)
    name = f"`{loader.names[0]}`" if loader.names else "this loader"
    raised = f'{layer} gets one value per channel: torch raises "{RAISED}"'
    if last.is_certain:
        assert loader.samples is not None and last.size is not None
        count = f"{loader.samples} = {loader.samples // last.size} x {last.size} + 1"
        told = f"{name} ends each epoch with a batch of one sample ({count}), of which"
        return f"{told[:1].upper()}{told[1:]} {raised}; pass `drop_last=True`"
    return (
        "If the number of samples is one more than a multiple of the batch size, the last batch of"
        f" {name} is a single sample, of which {raised}; pass `drop_last=True`"
    )


def _fix(run: Run, last: LastBatch) -> Fix | None:
    """Drop the rest, unless that is all there is, or the same call also serves evaluation."""
    loader, keeps = last.loader, last.loader.arguments["drop_last"]
    if not loader.settled or (last.is_certain and loader.samples == 1):
        return None
    trained = {x for forward in run.of_type(Forward) if trains(forward) for x in forward.loaders}
    if any(
        other.site == loader.site and other not in trained and other.purpose != Purpose.TRAINING
        for other in run.loaders
    ):
        return None
    title = "Pass `drop_last=True`"
    if keeps.site is None:
        return RULE.fixed_by(title, loader.site.add_argument("drop_last=True"))
    return RULE.fixed_by(title, keeps.site.replace("True")) if keeps.site.text == "False" else None
