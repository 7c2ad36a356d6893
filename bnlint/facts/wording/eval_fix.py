"""How an evaluation is put into eval mode, and the mode given back that it found."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.forwards import (
    calls_to,
    is_attack,
    loops_of,
    may_update,
    overlap,
    training_backwards,
    trains_nothing,
)
from bnlint.facts.passes.population_statistics.momentum import keeps_last_batch
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import (
    Backward,
    Event,
    Forward,
    ModeSwitched,
    OptimizerStep,
    Run,
    is_training,
)
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.evidence import Proof
from bnlint.facts.wording.fix_places import encloses, places_of
from bnlint.facts.wording.torch_names import name_of_layers
from bnlint.finding import Edit
from bnlint.immutable import immutable

TRAINS_ELSEWHERE = ("backward(", ".fit(")
"""Words of a script that trains in functions or under options that a run did not come to."""


@immutable
class Cure:
    """What to do, in words, and the edits that do it; none where they would not be right."""

    title: str
    edits: tuple[Edit | None, ...] = ()


def cure_of(run: Run, forward: Forward) -> Cure:
    """How to evaluate in eval mode and to leave the mode of everything else as it is.

    ``eval()`` stands alone only where nothing is trained afterwards; everywhere else the mode is
    given back on every way out. There are no edits where the model has no name, where its forward
    needs train mode or its running statistics are no average, or where giving the mode back would
    thaw a part of it.
    """
    name = forward.receiver or forward.model.name
    here = [other for other in run.of_type(Forward) if other.site == forward.site]
    if any(other.model.answers_by_mode for other in here):
        return Cure(f"Put the BatchNorm layers of `{name}` into eval mode before it")
    alone = f"Call `{name}.eval()` before it"
    if keeps_last_batch(forward):
        return Cure(alone)
    place = _place(run, forward, here)
    if place is None:
        return Cure(alone)
    if _is_final(run, here, place):
        return Cure(alone, (place.insert_before(f"{name}.eval()"),))
    return _given_back(run, here, place, name)


def cure_of_layers(run: Run, forward: Forward) -> Cure:
    """How the BatchNorm layers of a model evaluate in eval mode while the model stays in train mode.

    There are no edits where the layers are not torch's own, or ``train()`` would thaw one of them.
    """
    name, layers = forward.receiver or forward.model.name, name_of_layers(forward.site)
    here = [other for other in run.of_type(Forward) if other.site == forward.site]
    place, own = _place(run, forward, here), any(norm.own for norm in forward.norms)
    if place is None or layers is None or own or any(is_mixed(run, other) for other in here):
        return Cure(f"Put the BatchNorm layers of `{name}` into eval mode before it")
    before = (
        f"for module in {name}.modules():",
        f"    if isinstance(module, {layers}.modules.batchnorm._BatchNorm):",
        "        module.eval()",
    )
    caught = any(_is_caught(other, place) for other in here)
    title = f"Put the BatchNorm layers of `{name}` into eval mode for it"
    return Cure(title, place.around(before, f"{name}.train()", caught=caught))


def advice_on(forward: Forward, when: str) -> str:
    """What to do about an evaluation in train mode, in words; ``when`` is said of ``eval()``."""
    name = forward.model.name
    if forward.model.answers_by_mode:
        return (
            f"call `eval()` on its BatchNorm layers alone {when}, since the forward of"
            f" `{forward.model.type}` returns something else in eval mode"
        )
    if keeps_last_batch(forward):
        return (
            "eval mode would not help yet, since `momentum=1` keeps the statistics of the last"
            f" training batch alone: train with the default of 0.1, and call `{name}.eval()` {when}"
        )
    return f"call `{name}.eval()` {when}"


def who_answers_by_mode(forward: Forward) -> Iterator[Proof]:
    """Where the code of a model makes what it returns depend on the mode."""
    if forward.model.answer_decided_at is not None:
        what = f"what `{forward.model.type}` returns depends on the mode here"
        yield forward.model.answer_decided_at, what


def is_never_trained(run: Run, site: Site) -> bool:
    """Whether a script trains nothing, also in the code of a place's file that was not run."""
    if not run.main or run.options or not trains_nothing(run):
        return False
    return not any(map(site.source.mentions, TRAINS_ELSEWHERE))


def _place(run: Run, forward: Forward, here: Sequence[Forward]) -> Site | None:
    """The statement to evaluate in eval mode, ``None`` if no line before it can do so.

    A name that stands for several models within one call of the function is bound by the loop, unless
    it is one model or another from the start, and a call that trains in other passes cannot be prepared for evaluation alone.
    """
    name = forward.receiver
    if not is_dotted_name(name) or not forward.site.runs_at_once:
        return None
    for other in here:
        same_call = other.context.frames == forward.context.frames
        one = other.model.is_same(forward.model) or other.context.excludes(forward.context)
        if same_call and not one:
            return None
        if _updates(run, other) or other.receiver != name:
            return None
    free = (
        place
        for place in places_of(run, forward)
        if not (place.binds(name) or _leaves_attack(run, forward, place))
    )
    return next((place for place in free if not _trains_within(run, here, place)), None)


def _leaves_attack(run: Run, forward: Forward, place: Site) -> bool:
    """Whether the examples that a model is evaluated on are made in train mode outside of a statement."""
    return any(
        is_attack(run, attack)
        and is_training(attack.mode) is not Known.NO
        and attack.model.is_same(forward.model)
        and loops_of(forward) <= loops_of(attack)
        and not any(encloses(place.statement, site) for site in (attack.site, *calls_to(attack)))
        for attack in run.of_type(Forward)
    )


def _trains_within(run: Run, here: Sequence[Forward], place: Site) -> bool:
    """Whether a statement also trains, by itself or in the functions that it calls."""
    statement = place.statement
    return any(
        encloses(statement, site)
        for event in run.events
        if _may_train(run, event, here)
        for site in (event.site, *calls_to(event))
    )


def _may_train(run: Run, event: Event, here: Sequence[Forward]) -> bool:
    match event:
        case Forward():
            return overlap(event, here[0]) and _updates(run, event)
        case Backward():
            return any(event.order == backward.order for backward in training_backwards(run))
        case OptimizerStep():
            return True
    return False


def _updates(run: Run, forward: Forward) -> bool:
    """Whether a forward may be there to train, or for its statistics: an attack is not."""
    return may_update(forward) and not is_attack(run, forward)


def _is_final(run: Run, here: Sequence[Forward], place: Site) -> bool:
    """Whether a script trains nothing after an evaluation, whatever its options are."""
    if not run.main or not run.complete or run.options or place.path != run.entry:
        return False
    if trains_nothing(run) and not is_never_trained(run, place):
        return False
    first = min(other.order for other in here)
    return not any(_loops_around(other, place) for other in here) and not any(
        event.order > first and _may_train(run, event, here) for event in run.events
    )


def _loops_around(forward: Forward, place: Site) -> set[Site]:
    """The loops, in whichever function, that repeat a statement."""
    statement = place.statement
    return {loop for loop in loops_of(forward) if not encloses(statement, loop)}


def _given_back(run: Run, here: Sequence[Forward], place: Site, name: str) -> Cure:
    if _always_trains(run, here, place, name):
        title = f"Call `{name}.eval()` before it and `{name}.train()` after it"
        before, after = [f"{name}.eval()"], f"{name}.train()"
    else:
        title = f"Call `{name}.eval()` before it, and give the mode back after it"
        kept = f"{name.replace('.', '_').removeprefix('self_')}_was_training"
        before = [f"{kept} = {name}.training", f"{name}.eval()"]
        after = f"{name}.train({kept})"
    if any(is_mixed(run, other) for other in here):
        return Cure(title)
    caught = any(_is_caught(other, place) for other in here)
    edits = place.around(before, after, caught=caught)
    return Cure(title, edits)


def _is_caught(forward: Forward, place: Site) -> bool:
    """Whether an exception in the evaluation may be handled so that a loop around it goes on."""
    around = _loops_around(forward, place)
    handlers = [handler for site in (place, *calls_to(forward)) for handler in site.handlers]
    return any(not encloses(handler, loop) for handler in handlers for loop in around)


def _always_trains(run: Run, here: Sequence[Forward], place: Site, name: str) -> bool:
    """Whether an evaluation can only be reached with its model in train mode."""
    if not run.main or run.options or place.source.mentions(f"{name}.eval"):
        return False
    for other in here:
        definition, built = other.context.frames[-1].definition, other.model.site
        if definition is not None and (built is None or not encloses(definition, built)):
            return False
        if is_training(other.mode) is not Known.YES:
            return False
    switched = [event for event in run.of_type(ModeSwitched) if event.training is not True]
    return not any(event.model.is_same(here[0].model) for event in switched)


def is_mixed(run: Run, forward: Forward) -> bool:
    """Whether a part of a model may be in another mode, which ``train()`` would undo."""
    answers = {is_training(mode) for mode in (forward.mode, *(n.mode for n in forward.norms))}
    if len(answers) > 1:
        return True
    if Known.UNKNOWN in answers and any(norm.mode != forward.mode for norm in forward.norms):
        return True
    since = min((switch.order for switch in forward.mode), default=-1)
    return any(
        since < event.order < forward.order
        and event.training is not True
        and _is_part(run, event, forward)
        for event in run.of_type(ModeSwitched)
    )


def _is_part(run: Run, event: ModeSwitched, forward: Forward) -> bool:
    """Whether a switch is about a part of a model, by the model's layers or by its names."""
    if event.model.is_same(forward.model) or event.model.site == forward.model.site:
        return False  # the model itself, or a copy of it
    graph = run.read.get(forward.model.identity)
    if graph is not None and any(layer.site == event.model.site for layer in graph.layers):
        return True
    same = (other for other in run.of_type(ModeSwitched) if other.model.is_same(forward.model))
    names = {forward.receiver, *(other.receiver for other in same)} - {""}
    return any(event.receiver.startswith(f"{name}.") for name in names)
