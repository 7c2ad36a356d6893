"""BN514: a network with BatchNorm is trained on a stream of one class after the other."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import is_live, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN514", "class-ordered-iterable", Severity.WARNING, in_tests=False)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report iterable datasets whose labels are those of a loop around that over the samples."""
    found = (
        (loader, forward, loader.loop_over_classes)
        for forward in run.of_type(Forward)
        if trains(forward) and is_live(forward) and forward.supervised
        for loader in forward.loaders
        if loader.dataset.mixed is not Known.YES and _mixes(loader)
    )
    for loader, forward, loop in first_of_each(found, key=lambda entry: entry[2]):
        if loop is not None:
            yield _finding(loader, forward, loop)


def _mixes(loader: Loader) -> bool:
    """Whether it makes batches of several samples, in their order."""
    size, sampler = loader.arguments.get("batch_size"), loader.arguments.get("batch_sampler")
    return (
        loader.resolved
        and not loader.rebatched
        and size is not None
        and size.value not in (None, 1)
        and (sampler is None or sampler.value is None)
    )


def _finding(loader: Loader, forward: Forward, loop: Site) -> Finding:
    model = forward.model.name
    return RULE.at(
        loader.site,
        f"`{loader.dataset.type}` yields all samples of a class before those of the next: with the"
        f" mean of such a batch BatchNorm subtracts what tells its class from others, so that `{model}`"
        " fails in evaluation; mix the classes before they are batched, for instance in a buffer that"
        " samples are drawn from at random",
        evidence=[
            (loop, "each pass of this loop yields the samples of one class"),
            (forward.site, f"`{model}` trains on them here"),
        ],
    )
