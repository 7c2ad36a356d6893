"""BN504: a DistributedSampler shuffles alike in every epoch."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import calls_to, is_live, trains
from bnlint.facts.types.context import Loop
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Sampler, SamplerCode
from bnlint.facts.types.loader_events import EpochSet, LoaderIterated
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import counter_of, first_name
from bnlint.facts.wording.fix_places import encloses
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN504", "missing-set-epoch", Severity.WARNING, fix=Applicability.SAFE, in_tests=False)


@immutable
class Repeated:
    """A sampler that is drawn from in several passes of loops: the innermost of them comes last."""

    sampler: Sampler
    drawn: LoaderIterated
    loops: tuple[Loop, ...]


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report samplers whose order is the same in all epochs of a training."""
    found = (repeated for repeated in _repeated(run) if not _is_told(run, repeated))
    for repeated in first_of_each(found, key=lambda r: r.sampler.site):
        yield _finding(run, repeated)


def _repeated(run: Run) -> Iterator[Repeated]:
    """The shuffling samplers from which BatchNorm is trained, epoch after epoch."""
    passes: dict[tuple[int, Site], int] = {}
    for drawn in run.of_type(LoaderIterated):
        sampler = drawn.loader.sampler
        if sampler is None or sampler.shuffles is not Known.YES or not drawn.whole:
            continue
        first = [
            passes.setdefault((sampler.identity, x.site), x.number) for x in drawn.context.loops
        ]
        again = zip(first, drawn.context.loops, strict=True)
        loops = tuple(loop for number, loop in again if number < loop.number and loop.passes != 1)
        if loops and _trains_batchnorm(run, drawn):
            yield Repeated(sampler, drawn, loops)


def _trains_batchnorm(run: Run, drawn: LoaderIterated) -> bool:
    return any(
        trains(forward) and drawn.loader in forward.loaders and is_live(forward)
        for forward in run.of_type(Forward)
    )


def _is_told(run: Run, repeated: Repeated) -> bool:
    """Whether a sampler may be told the epoch, also by code that the run did not come to."""
    events = list(run.of_type(EpochSet))
    if any(_tells(event, repeated) for event in events):
        return True
    followed = {event.site.path for event in events}
    return any(
        site.source.calls("set_epoch") for site in _around(repeated) if site.path not in followed
    )


def _tells(event: EpochSet, repeated: Repeated) -> bool:
    if event.sampler is not None and event.sampler.identity != repeated.sampler.identity:
        return False
    if event.epoch is None:
        return True
    epochs = {loop.site for loop in repeated.loops}
    return not event.epoch.is_number and any(x.site in epochs for x in event.context.loops)


def _is_told_something(run: Run, repeated: Repeated) -> bool:
    """Whether a ``set_epoch`` that does not help may also undo one that would."""
    return any(event.sampler == repeated.sampler for event in run.of_type(EpochSet))


def _around(repeated: Repeated) -> Iterator[Site]:
    """Places in the files that may speak of a sampler."""
    yield repeated.sampler.site
    yield repeated.drawn.site
    yield repeated.drawn.loader.site
    yield from calls_to(repeated.drawn)


def _finding(run: Run, repeated: Repeated) -> Finding:
    loop = repeated.loops[-1]
    code = repeated.drawn.sampler_at.get(loop.site)
    return RULE.at(
        repeated.sampler.site,
        _message(loop, code),
        evidence=[
            (loop.site, "each pass of this loop draws the same order again"),
            (repeated.drawn.site, "the batches are drawn here"),
        ],
        fix=None if _is_told_something(run, repeated) else _fix(repeated, loop, code),
    )


def _message(loop: Loop, code: SamplerCode | None) -> str:
    name = f"`{code.code}`" if code is not None else "This `DistributedSampler`"
    call = (
        f"`{code.code}.set_epoch({counter_of(loop.site.text) or 'epoch'})`"
        if code is not None
        else ""
    )
    return (
        f"{name} shuffles alike in every epoch, since nothing tells it which one it is: each process,"
        " and its BatchNorm, only ever sees the same share of the data, in the same batches;"
        f" call {call or 'its `set_epoch`'} at the start of each epoch"
    )


def _fix(repeated: Repeated, loop: Loop, code: SamplerCode | None) -> Fix | None:
    epoch = counter_of(loop.site.text)
    if code is None or epoch is None:
        return None
    name, guard = code.code, code.condition
    beside = _is_built_beside(repeated, loop)
    if not beside or (not guard and repeated.sampler.site.conditions):
        name = code.through
        guard = f'hasattr({name}, "set_epoch")'
    if not name or loop.site.binds(first_name(name)):
        return None
    call = f"{name}.set_epoch({epoch})"
    line = f"if {guard}:\n    {call}" if guard else call
    return RULE.fixed_by(f"Call `{call}` first in each epoch", loop.site.insert_first(line))


def _is_built_beside(repeated: Repeated, loop: Loop) -> bool:
    """Whether the function with the loop builds the sampler, so that it never gets another."""
    definitions = (frame.definition for frame in repeated.drawn.context.frames)
    around = [site for site in definitions if site is not None and encloses(site, loop.site)]
    sampler = repeated.sampler.site
    return encloses(around[-1], sampler) if around else sampler.path == loop.site.path
