"""BN303: training goes on in eval mode after a validation."""

from collections.abc import Iterator, Sequence
from math import inf

from bnlint.facts.passes.forwards import (
    evaluated_between,
    helper_of,
    is_live,
    is_step_of_training,
    loops_of,
    overlap,
    switch_was_meant,
    trained_between,
    training_forwards,
    trains,
)
from bnlint.facts.passes.mode_switches.assigned_modes import assigned_modes
from bnlint.facts.passes.mode_switches.parts_left_in_eval import parts_left_in_eval
from bnlint.facts.types.context import Context
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import (
    Forward,
    Model,
    ModeSwitched,
    OptimizerStep,
    Run,
    Switch,
    is_training,
    where_nothing_raised,
)
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.eval_fix import is_mixed
from bnlint.facts.wording.evidence import Told, entry_of, how_it_came_into, in_time
from bnlint.facts.wording.fix_places import encloses, own_loops
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN303",
    "eval-not-restored",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards, assigned_modes, parts_left_in_eval),
    instead_of=("BN706",),
)


@immutable
class Relapse:
    """A training forward that was in train mode at first and later is in the mode of ``switch``.

    ``first`` is the same as ``later`` where ``train()`` was called for it before the switch.
    """

    first: Forward
    later: Forward
    switch: Switch
    switched_at: Site
    part: Forward | None = None
    """What is in eval mode, where that is a part of the network that trains."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the ``eval()`` calls that training forwards of later passes are still under."""
    found: dict[Site, list[Relapse]] = {}
    for relapse in _relapses(run):
        group = found.setdefault(relapse.switched_at, [])
        if all(relapse.later.site != other.later.site for other in group):
            group.append(relapse)
    for relapses in found.values():
        yield _finding(run, relapses)


def _relapses(run: Run) -> Iterator[Relapse]:
    for forward in run.of_type(Forward):
        helped = trains(forward) and _has_statistics(forward)
        relapse = _undone_before(run, forward) if helped else None
        if relapse is not None:
            yield relapse
    trained: dict[Site, list[Forward]] = {}
    for forward in run.of_type(Forward):
        if not trains(forward) and not _gives_targets(run, forward):
            continue
        earlier = trained.setdefault(forward.site, [])
        first = next((f for f in earlier if f.model.is_same(forward.model)), None)
        if first is not None:
            yield from _culprits(run, first, forward)
        elif is_training(where_nothing_raised(forward.mode)) is Known.YES and (
            is_live(forward) or forward.model.given
        ):
            earlier.append(forward)
    yield from _relapses_of_parts(run)


def _relapses_of_parts(run: Run) -> Iterator[Relapse]:
    for left in parts_left_in_eval(run):
        switch, later = left.switch, left.later
        assert switch.site is not None and switch.context is not None
        if _is_stepped(run, later) and _common_loop(switch.context, later) is not None:
            yield Relapse(left.first, later, switch, switch.site, left.part)


def _has_statistics(forward: Forward) -> bool:
    """Whether a model has running statistics, or comes from a caller that is not known."""
    tracking = (norm.is_there and norm.tracks is Known.YES for norm in forward.norms)
    return forward.model.given or any(tracking)


def _undone_before(run: Run, forward: Forward) -> Relapse | None:
    """What undoes a ``train()`` before a forward that trains, with no step in between."""
    switches = [switch for switch in forward.mode if switch.training is not True]
    if len(switches) != 1 or not forward.context.loops or not _is_stepped(run, forward):
        return None
    (switch,) = switches
    if switch.training is not False or switch.site is None or switch.context is None:
        return None
    meant = _meant_for_training(run, forward, switch)
    begun = None if meant is None else _evaluation_begun(run, forward, switch, meant)
    if meant is None or begun is None:
        return None
    if trained_between(run, forward.model, meant.order, switch.order):
        return None
    if not evaluated_between(run, forward.model, begun, forward.order):
        return None
    return Relapse(forward, forward, switch, switch.site)


def _evaluation_begun(
    run: Run, forward: Forward, switch: Switch, meant: ModeSwitched
) -> int | None:
    """When what undoes a ``train()`` begins: a function that evaluates, or the step's own ``eval()``.

    A condition may decide whether the function is called.
    """
    switched = [
        event
        for event in run.of_type(ModeSwitched)
        if meant.order < event.order < switch.order and event.model.is_same(forward.model)
    ]
    helper = helper_of(switch, forward)
    if helper and helper[:-1] == forward.context.frames == meant.context.frames:
        orders = (e.order for e in switched if e.context.frames[: len(helper)] == helper)
        return min(orders, default=switch.order)
    if switched or switch.context is None or not _is_never_trained_live(run, forward.model):
        return None
    inside = switch.context.frames == forward.context.frames
    return switch.order if inside and switch.context.loops == forward.context.loops else None


def _is_never_trained_live(run: Run, model: Model) -> bool:
    """Whether an optimizer has a model, and each forward of it that trains is in eval mode.

    A discriminator trains the generator in eval mode, and itself in train mode.
    """
    return model.optimized is Known.YES and all(
        is_training(forward.mode) is Known.NO
        for forward in training_forwards(run)
        if forward.model.is_same(model)
    )


def _meant_for_training(run: Run, forward: Forward, switch: Switch) -> ModeSwitched | None:
    """The last ``train()`` before a switch in the functions and loops that a forward stands in."""
    frames, loops = forward.context.frames, forward.context.loops
    meant = [
        event
        for event in run.of_type(ModeSwitched)
        if event.training
        and event.order < switch.order
        and event.model.is_same(forward.model)
        and event.context.frames == frames[: len(event.context.frames)]
        and event.context.loops == loops[: len(event.context.loops)]
    ]
    return meant[-1] if meant else None


def _culprits(run: Run, first: Forward, later: Forward) -> Iterator[Relapse]:
    told = {found.event.site for found in assigned_modes(run)}
    for switch in later.mode:
        if switch.site in told:
            continue  # BN305 says that the layers are not in eval mode
        if switch.training is not False or switch.site is None or switch.context is None:
            continue
        if switch.raised:
            continue
        if switch.order < first.order or switch_was_meant(run, later, "train"):
            continue
        if not _was_evaluated(run, later, switch) or not _is_stepped(run, later):
            continue
        if _common_loop(switch.context, later) is not None:
            yield Relapse(first, later, switch, switch.site)


def _gives_targets(run: Run, forward: Forward) -> bool:
    """Whether an average of the trained weights predicts a batch that is trained on.

    Its statistics are its own, those of the batches that it gets in train mode.
    """
    return (
        forward.grad is Known.NO
        and not forward.inner
        and forward.model.overwritten
        and is_step_of_training(run, forward)
    )


def _was_evaluated(run: Run, later: Forward, switch: Switch) -> bool:
    """Whether a switch was made for an evaluation, whose numbers are looked at."""
    if trains(later):
        return evaluated_between(run, later.model, switch.order, later.order)
    return any(
        switch.order < forward.order < later.order
        and forward.measured is Known.YES
        and forward.model.is_same(later.model)
        and not is_step_of_training(run, forward)
        for forward in run.of_type(Forward)
    )


def _is_stepped(run: Run, later: Forward) -> bool:
    """Whether an optimizer uses the gradients of a forward before its model is trained anew.

    An attack on the model takes gradients, too, and leaves the weights alone.
    """
    steps = [*run.of_type(OptimizerStep)]
    anew = (
        switch.order
        for switch in run.of_type(ModeSwitched)
        if switch.training and switch.order > later.order and switch.model.is_same(later.model)
    )
    end = min(anew, default=inf)
    return not steps or any(later.order < step.order < end for step in steps)


def _common_loop(context: Context, forward: Forward) -> Site | None:
    """The innermost loop around both a switch and a forward."""
    around = loops_of(forward)
    shared = [loop.site for loop in context.loops if loop.site in around]
    return shared[-1] if shared else None


def _finding(run: Run, relapses: list[Relapse]) -> Finding:
    relapse = relapses[0]
    forward = relapse.later
    name = forward.model.name
    told: list[Told] = [*_calls_since(run, relapse), *map(_what_goes_on, relapses)]
    if relapse.first is not forward:
        told += how_it_came_into(run, relapse.first.mode, relapse.first.model)
    evidence = in_time(told)
    if forward.model.given:
        message = _of_given(run, name)
        return RULE.at(relapse.switched_at, message, evidence=evidence, likely=True)
    if not trains(forward):
        return RULE.at(relapse.switched_at, _of_targets(name), evidence=evidence)
    whole, left = name, "its training"
    if relapse.part is not None:
        name, left = relapse.part.model.name, f"the training of `{name}`"
    return RULE.at(
        relapse.switched_at,
        f"`{name}` is still in eval mode when {left} goes on, so BatchNorm's running "
        f"statistics stop following the weights; call `{whole}.train()` before training goes on",
        evidence=evidence,
        fix=_fix(run, relapse) if len(relapses) == 1 and relapse.part is None else None,
    )


def _of_given(run: Run, name: str) -> str:
    return (
        f"`{name}` is still in eval mode when its training goes on: if it has BatchNorm, the running"
        f" statistics stop following the weights; call `{name}.train()` before training goes on"
        f" (nothing that calls `{run.entry.rpartition('.')[2]}` was found)"
    )


def _of_targets(name: str) -> str:
    return (
        f"`{name}` gives targets in train mode up to its first evaluation and in eval mode after"
        " it, with running statistics that no batch of training updates any more; call"
        f" `{name}.train()` before training goes on"
    )


def _what_goes_on(relapse: Relapse) -> Told:
    later = relapse.later
    does = "trains" if trains(later) else "gives targets"
    mode = "in eval mode" if relapse.part is None else f"`{relapse.part.model.name}` in eval mode"
    return later.order, (later.site, f"`{later.model.name}` {does} here, {mode} from then on")


def _calls_since(run: Run, relapse: Relapse) -> Iterator[Told]:
    """The calls that lead from the training loop to the switch."""
    assert relapse.switch.context is not None
    known = relapse.later.context.frames
    for frame in relapse.switch.context.frames:
        if frame.call is not None and frame not in known:
            what = f"`{frame.function}` is called here and leaves it in eval mode"
            yield entry_of(run, frame), (frame.call, what)


def _fix(run: Run, relapse: Relapse) -> Fix | None:
    """Put ``train()`` first into the common loop, or before the training itself."""
    forward = relapse.later
    name = forward.receiver
    if not is_dotted_name(name) or not forward.site.runs_at_once or not _may_train(run, relapse):
        return None
    line = f"{name}.train()"
    level = Applicability.DISPLAY if run.options else Applicability.SAFE
    common = _start_of_pass(run, relapse)
    if common is not None:
        title, edit = f"Call `{line}` at the start of each pass", common.insert_first(line)
    else:
        place = _before_training(relapse)
        title, edit = f"Call `{line}` before training", place.insert_before(line)
    return RULE.fixed_by(title, edit, applicability=level)


def _start_of_pass(run: Run, relapse: Relapse) -> Site | None:
    """The loop around switch and training, if nothing in it is evaluated before the training."""
    forward = relapse.later
    assert relapse.switch.context is not None
    common = _common_loop(relapse.switch.context, forward)
    if common is None or all(loop.site != common for loop in own_loops(forward)):
        return None
    built = forward.model.site
    if common.binds(forward.receiver) or (built is not None and encloses(common, built)):
        return None
    number = _pass_of(forward.context, common)
    return (
        None
        if any(_relies_on_eval(f, relapse, common, number) for f in _before(run, forward))
        else common
    )


def _before(run: Run, forward: Forward) -> Iterator[Forward]:
    """The forwards of the same model, or of parts of it, that come before one."""
    return (f for f in run.of_type(Forward) if f.order < forward.order and overlap(f, forward))


def _relies_on_eval(forward: Forward, relapse: Relapse, common: Site, number: int) -> bool:
    """Whether an evaluation runs in the eval mode that an earlier pass of a loop left behind."""
    if forward.backpropagated is Known.YES or _pass_of(forward.context, common) != number:
        return False
    return any(
        switch.training is not True
        and (switch.context is None or _pass_of(switch.context, common) != number)
        for switch in forward.mode
    )


def _pass_of(context: Context, loop: Site) -> int:
    return next((around.number for around in context.loops if around.site == loop), 0)


def _before_training(relapse: Relapse) -> Site:
    """The outermost loop that trains and does not also switch, or the training's own statement."""
    forward = relapse.later
    assert relapse.switch.context is not None
    switched = {loop.site for loop in relapse.switch.context.loops}
    free = (
        loop.site
        for loop in own_loops(forward)
        if loop.site not in switched and not loop.site.binds(forward.receiver)
    )
    return next(free, forward.site)


def _may_train(run: Run, relapse: Relapse) -> bool:
    """Whether ``train()`` before a forward would neither thaw a layer nor spoil an evaluation."""
    first = relapse.first
    if any(is_training(norm.mode) is not Known.YES for norm in first.norms):
        return False
    here = [forward for forward in run.of_type(Forward) if forward.site == first.site]
    beginnings = {other.model.identity: other for other in reversed(here)}
    return (
        not is_mixed(run, first)
        and not any(_relies_on_relapse(f, relapse, here) for f in run.of_type(Forward))
        and all(other.backpropagated is not Known.NO for other in here)
        and all(other.receiver == first.receiver for other in here)
        and all(is_training(f.mode) is Known.YES for f in beginnings.values())
    )


def _relies_on_relapse(forward: Forward, relapse: Relapse, trained: Sequence[Forward]) -> bool:
    """Whether an evaluation is in eval mode only since nothing ended it before training."""
    if forward.backpropagated is Known.YES or not overlap(forward, relapse.first):
        return False
    return any(
        switch.site == relapse.switched_at and switch.order < other.order < forward.order
        for switch in forward.mode
        for other in trained
    )
