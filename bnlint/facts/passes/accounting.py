"""What was understood of a program and what was not, as its runs say."""

from collections.abc import Container, Iterable, Iterator, Sequence

from bnlint.facts.types.account import Account, BuiltModel, Gap, ScriptRole, in_order
from bnlint.facts.types.known import Known
from bnlint.facts.types.not_understood import NotUnderstood
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.run import Backward, Event, Forward, ModelBuilt, OptimizerStep, Run
from bnlint.facts.types.site import Site


def account_of(rehearsal: Rehearsal) -> Account:
    """Count what the scripts do; code that nothing calls is left out."""
    scripts = [run for run in rehearsal.runs if run.main]
    training = list(dict.fromkeys(place for run in scripts for place in _training_loops(run)))
    evaluations = dict.fromkeys(place for run in scripts for place in _evaluations(run))
    return Account(
        rehearsal.entered,
        tuple(_models(scripts)),
        tuple(place.span for place in training),
        tuple(place.span for place in evaluations if place not in training),
        in_order(map(_gap, _not_understood(scripts))),
        tuple(
            dict.fromkeys(
                run.entry for run in sorted(rehearsal.runs, key=_by_weight) if not run.complete
            )
        ),
    )


def _by_weight(run: Run) -> bool:
    """Scripts come first."""
    return not run.main


def _gap(event: NotUnderstood) -> Gap:
    cause = event.reason.place
    return Gap(
        event.role,
        event.name,
        event.owner,
        event.site.span,
        event.reason.text,
        cause.span if cause is not None else None,
    )


def _models(runs: Iterable[Run]) -> Iterator[BuiltModel]:
    """The models with BatchNorm, once for each place that builds one."""
    seen: set[tuple[Site | None, str]] = set()
    for run in runs:
        for event in run.of_type(ModelBuilt):
            key = event.model.site, event.model.type
            if not event.part and event.model.has_batchnorm is Known.YES and key not in seen:
                seen.add(key)
                site = event.model.site
                yield BuiltModel(event.model.type, site.span if site is not None else None)


def _around(event: Event) -> Site:
    """The innermost loop around an event; outside of any, its own place."""
    return event.context.loops[-1].site if event.context.loops else event.site


def _training_loops(run: Run) -> Iterator[Site]:
    """The loops in which something is learnt, or the places where a framework's loop would do it."""
    steps = {loop.site for event in _steps(run) for loop in event.context.loops}
    for event in run.of_type(Backward):
        around = event.context.loops
        if event.models and around and not steps.isdisjoint(loop.site for loop in around):
            yield around[-1].site


def _steps(run: Run) -> Iterator[Event]:
    """The steps of optimizers, also of those that are not known."""
    yield from run.of_type(OptimizerStep)
    yield from (e for e in run.of_type(NotUnderstood) if e.role is ScriptRole.OPTIMIZER)


def _evaluations(run: Run) -> Iterator[Site]:
    for event in run.of_type(Forward):
        untrained = event.backpropagated is Known.NO and not event.trained_on
        if untrained and not event.inner and Known.YES in (event.measured, _without(event.grad)):
            yield _around(event)


def _without(grad: Known) -> Known:
    return {Known.YES: Known.NO, Known.NO: Known.YES}.get(grad, Known.UNKNOWN)


def _not_understood(runs: Sequence[Run]) -> list[NotUnderstood]:
    """What is not known and matters, models first, each once."""
    found: list[NotUnderstood] = []
    told: set[tuple[str, str, Site | None]] = set()
    for run in runs:
        loops = set(_training_loops(run))
        for event in run.of_type(NotUnderstood):
            why = event.reason
            same = {(event.name, why.words, place) for place in (why.place, event.site)}
            if told.isdisjoint(same) and _matters(event, run, loops):
                found.append(event)
                told |= same
    return found


def _matters(event: NotUnderstood, run: Run, loops: Container[Site]) -> bool:
    """Optimizers do where a loop trains with no other one, data does where one of ``loops`` trains."""
    match event.role:
        case ScriptRole.OPTIMIZER:
            return _trains(run) and not any(True for _ in run.of_type(OptimizerStep))
        case ScriptRole.DATA:
            return _around(event) in loops
    return True


def _trains(run: Run) -> bool:
    return any(event.models for event in run.of_type(Backward))
