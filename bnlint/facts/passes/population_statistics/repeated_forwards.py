"""Steps of training in which one model updates its running statistics several times."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.steps import between, updating_forwards
from bnlint.facts.types.context import Loop
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Backward, Forward, OptimizerStep, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.loop_text import goes_through_samples
from bnlint.immutable import immutable


@immutable
class RepeatedForward:
    """A forward that updates statistics which a step updates elsewhere, too.

    ``other`` is the other one of the same batch; ``step`` calls the closure that it stands in again
    and again; ``loop`` goes through the samples of a batch. One of them is there.
    """

    forward: Forward
    other: Forward | None = None
    step: OptimizerStep | None = None
    loop: Site | None = None


@Pass
def repeated_forwards(run: Run) -> tuple[RepeatedForward, ...]:
    """Those of a run, each place once or several times."""
    updating = updating_forwards(run)
    return (*_in_closures(run, updating), *_of_one_batch(run, updating), *_by_sample(run, updating))


def _in_closures(run: Run, forwards: Sequence[Forward]) -> Iterator[RepeatedForward]:
    """Forwards in closures that optimizers call many times for one step."""
    calls = {step.site: step for step in run.of_type(OptimizerStep) if step.evaluations > 1}
    for forward in forwards:
        steps = [calls[f.call] for f in forward.context.frames if f.call in calls]
        if steps and trains(forward):
            yield RepeatedForward(forward, step=steps[-1])


def _of_one_batch(run: Run, forwards: Sequence[Forward]) -> Iterator[RepeatedForward]:
    """Forwards of the same tensors through the same model in one pass of a loop, for one step."""
    alike: dict[tuple[int, int, tuple[Loop, ...]], list[Forward]] = defaultdict(list)
    for forward in forwards:
        if forward.data >= 0 and forward.loaders and forward.context.loops:
            alike[forward.data, forward.model.key, forward.context.loops].append(forward)
    for group in alike.values():
        for first, second in pairwise(group):
            if _serve_one_step(run, first, second):
                yield _pair(first, second)


def _serve_one_step(run: Run, first: Forward, second: Forward) -> bool:
    if first.site == second.site and first.context.frames == second.context.frames:
        return False
    events = between(run, first, second)
    stepped = any(isinstance(event, OptimizerStep) for event in events)
    if stepped or first.context.excludes(second.context):
        return False
    if trains(first) and trains(second):
        return any(isinstance(event, Backward) for event in events)
    others = [forward for forward in (first, second) if not trains(forward)]
    return len(others) == 1 and others[0].grad is Known.NO


def _pair(first: Forward, second: Forward) -> RepeatedForward:
    """The forward that is not trained, or the later one, beside the other."""
    return RepeatedForward(first, second) if not trains(first) else RepeatedForward(second, first)


def _by_sample(run: Run, forwards: Sequence[Forward]) -> Iterator[RepeatedForward]:
    """Forwards of single samples of a batch, one after the other, before the step."""
    busy = {loop.site for step in run.of_type(OptimizerStep) for loop in step.context.loops}
    for forward in forwards:
        loops = forward.context.loops
        over_loader = [n for n, loop in enumerate(loops) if loop.loader in forward.loaders]
        if not trains(forward) or not over_loader or loops[over_loader[-1]].site not in busy:
            continue
        batch = loops[over_loader[-1]].site
        for loop in loops[over_loader[-1] + 1 :]:
            by_sample = goes_through_samples(batch.text, loop.site.text)
            if loop.site not in busy and loop.loader is None and by_sample:
                yield RepeatedForward(forward, loop=loop.site)
