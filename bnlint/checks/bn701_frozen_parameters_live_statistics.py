"""BN701: parameters are frozen while their BatchNorm layers stay in train mode."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import dropwhile, takewhile, zip_longest

from bnlint.facts.passes.forwards import is_left_to_others, loops_of, norms_in_training, trains
from bnlint.facts.passes.mode_switches.undone_freezes import undone_freezes
from bnlint.facts.types.context import Context
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import (
    Forward,
    Frozen,
    Mode,
    Model,
    ModeSwitched,
    NormState,
    Run,
    Switch,
)
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsWritten
from bnlint.facts.wording.code_text import hands_over_false, is_dotted_name
from bnlint.facts.wording.evidence import Told, entry_of, how_it_came_into, in_order, in_time
from bnlint.facts.wording.fix_places import own_loops
from bnlint.finding import Applicability, Edit, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN701",
    "frozen-parameters-live-statistics",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(undone_freezes,),
)

MOST_PLACES = 4
"""How many further places of freezing a finding lists."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report models that train with frozen parameters under live statistics, once each."""
    found = (entry for entry in map(partial(_judged, run), run.of_type(Forward)) if entry)
    for forward, norms in first_of_each(found, key=lambda entry: entry[0].model.key):
        yield _finding(run, forward, norms) if norms else _inner_finding(run, forward)


def _judged(run: Run, forward: Forward) -> tuple[Forward, dict[NormState, Site]] | None:
    """A forward that is wrong, with its frozen layers; none for a frozen feature extractor."""
    if _is_frozen_feature_extractor(run, forward):
        return forward, {}
    norms = _live_frozen_norms(run, forward) if trains(forward) else {}
    return (forward, norms) if norms else None


def _live_frozen_norms(run: Run, forward: Forward) -> dict[NormState, Site]:
    """The BatchNorm layers that are frozen on some path, but not in mode, and where."""
    if _is_overwritten(run, forward.model):
        return {}
    found = {}
    undone = {norm.identity for entry in undone_freezes(run) for norm in entry.norms}
    for norm in norms_in_training(forward):
        if norm.identity in undone:
            continue  # BN702 says why
        if (place := _frozen_at(run, forward, norm)) is not None:
            found[norm] = place
    kept = {place for place in set(found.values()) if not _is_toggled(run, forward, place)}
    return {norm: place for norm, place in found.items() if place in kept}


def _frozen_at(run: Run, forward: Forward, norm: NormState) -> Site | None:
    """Where a layer's weight and bias were frozen, also if they may have been thawed since."""
    if norm.frozen is Known.NO:
        return None
    if norm.frozen_at is not None or norm.layer is None:
        return norm.frozen_at
    freezes = [
        event.site
        for event in run.of_type(Frozen)
        if event.requires_grad is False and event.order < forward.order
        if any(layer.site == norm.layer.site for layer in event.model.batch_norms)
    ]
    return freezes[-1] if freezes else None


def _is_toggled(run: Run, forward: Forward, frozen_at: Site) -> bool:
    """Whether parameters are frozen and thawed in turn, step by step, as GANs do."""
    freezes = [event for event in run.of_type(Frozen) if event.site == frozen_at]
    thaws = [event for event in run.of_type(Frozen) if event.requires_grad is not False]
    steps = loops_of(forward)
    return any(
        thaw.model.is_same(freeze.model) and _shares_loop(thaw, freeze, steps)
        for freeze in freezes
        for thaw in thaws
    )


def _shares_loop(thaw: Frozen, freeze: Frozen, steps: set[Site]) -> bool:
    around = loops_of(freeze) & steps
    return not steps or bool(around & loops_of(thaw))


def _is_overwritten(run: Run, model: Model) -> bool:
    written = run.of_type(WeightsWritten)
    return model.overwritten or any(event.model.is_same(model) for event in written)


def _is_frozen_feature_extractor(run: Run, forward: Forward) -> bool:
    """Whether a pretrained module runs without gradients within a model that is being trained."""
    return (
        forward.inner
        and forward.grad is Known.NO
        and forward.model.pretrained
        and bool(norms_in_training(forward))
        and not _is_overwritten(run, forward.model)
        and any(trains(other) and _surrounds(other, forward) for other in run.of_type(Forward))
    )


def _surrounds(outer: Forward, inner: Forward) -> bool:
    return any(frame.call == outer.site for frame in inner.context.frames)


def _finding(run: Run, forward: Forward, frozen: Mapping[NormState, Site]) -> Finding:
    norms = list(frozen)
    places = list(dict.fromkeys(frozen.values()))
    mode: Mode = frozenset().union(*(norm.mode for norm in norms))
    path = _frozen_part(forward.norms, norms)
    told = [*_calls_that_freeze(run, places[0]), *how_it_came_into(run, mode, forward.model)]
    runs_here = f"`{forward.model.name}` runs here, its statistics live"
    told.append((forward.order, (forward.site, runs_here)))
    more = [(site, "parameters are frozen here, too") for site in places[1 : MOST_PLACES + 1]]
    message = _message(run, forward, places[0], path, _when(mode))
    return RULE.at(
        places[0],
        message,
        evidence=[*in_time(told), *more],
        fix=_fix(run, forward, frozen, path),
        likely=_may_be_thawed_elsewhere(run, forward, places),
    )


def _may_be_thawed_elsewhere(run: Run, forward: Forward, places: Sequence[Site]) -> bool:
    """Whether a function that nothing calls freezes what it was given, as each step of a GAN does."""
    return is_left_to_others(run, forward.model) and any(
        event.site in places for event in run.of_type(Frozen)
    )


def _calls_that_freeze(run: Run, place: Site) -> Iterator[Told]:
    """The call of a function that freezes what it is given, nearest to the place."""
    for event in run.of_type(Frozen):
        frame = event.context.frames[-1]
        if event.site == place and frame.call is not None:
            what = f"`{frame.function}` is called here and freezes them"
            yield entry_of(run, frame), (frame.call, what)
            return


def _when(mode: Mode) -> str:
    """When the frozen part has to be switched: once will do where nothing switches it back."""
    switched = any(switch.site is not None for switch in mode if switch.training)
    return " after every `train()`" if switched else ""


def _message(run: Run, forward: Forward, place: Site, path: str | None, when: str) -> str:
    part = _joined(forward.model.name, path) if path else forward.model.name
    harm = (
        "they normalise by batch statistics and keep moving their running ones, so the features "
        "change all the same"
    )
    frozen = [event.model.type for event in run.of_type(Frozen) if event.site == place]
    if frozen and all("BatchNorm" in kind for kind in frozen):
        return (
            f"Weight and bias of BatchNorm layers in `{part}` are frozen, but the layers stay in "
            f"train mode: {harm}; call `eval()` on them{when}"
        )
    return (
        f"Parameters of `{part}` are frozen, but its BatchNorm layers stay in train mode: {harm}; "
        f"call {_advice(run, forward, part, path)}{when}"
    )


def _advice(run: Run, forward: Forward, part: str, path: str | None) -> str:
    """What to switch: of a model that is trained in part, no other layers, such as dropout or a GRU.

    cuDNN refuses the backward of a recurrent layer in eval mode.
    """
    if path == "" and _is_trained_in_part(run, forward.model):
        return "`eval()` on these layers"
    whole = path is None or forward.devices is not Known.NO
    return "`eval()` on the frozen part" if whole else f"`{part}.eval()`"


def _is_trained_in_part(run: Run, model: Model) -> bool:
    """Whether an optimizer gets parameters of a model, or others, which may be a part of it, are thawed."""
    return model.optimized is Known.YES or any(
        event.requires_grad and not event.model.is_same(model) for event in run.of_type(Frozen)
    )


def _inner_finding(run: Run, forward: Forward) -> Finding:
    name = forward.model.name
    line = f"{name}.eval()"
    place = forward.site.insert_before(line) if is_dotted_name(name) else None
    return RULE.at(
        forward.site,
        f"`{name}` is pretrained and runs without gradients, but in train mode: its BatchNorm "
        "layers normalise by batch statistics and overwrite the pretrained ones; "
        "keep it in eval mode",
        evidence=in_time(how_it_came_into(run, forward.mode, forward.model)),
        fix=RULE.fixed_by(f"Call `{line}` before it", place),
    )


def _fix(
    run: Run, forward: Forward, frozen: Mapping[NormState, Site], path: str | None
) -> Fix | None:
    """Switch the frozen part back after each switch of the whole, as long as it is frozen."""
    if not path or _only_norms(run, forward, frozen, path) or _is_thawed(run, frozen):
        return None
    edits: dict[Site, Edit | None] = {}
    levels = {Applicability.UNSAFE if _has_dropout(run, forward, path) else Applicability.SAFE}
    for switch in _switches(run, forward, {norm.name for norm in frozen}):
        place, receiver = _switched_back(run, forward, switch)
        levels.add(_safety_at(run, place, set(frozen.values())))
        line = f"{_joined(receiver, path)}.eval()"
        context = switch.context or forward.context
        condition = _condition(run, set(frozen.values()), place, context)
        if condition is None:
            levels.add(Applicability.DISPLAY)
        elif condition:
            line = f"if {condition}:\n    {line}"
        put = place.insert_before if switch.site is None else place.insert_after
        edits.setdefault(place, put(line) if receiver else None)
    worst = min(levels, key=(Applicability.DISPLAY, Applicability.UNSAFE, Applicability.SAFE).index)
    return RULE.fixed_by("Keep the frozen part in eval mode", *edits.values(), applicability=worst)


def _switches(run: Run, forward: Forward, names: set[str]) -> list[Switch]:
    """The ways in which layers of a model come into train mode when it is trained."""
    found = {
        switch
        for other in run.of_type(Forward)
        if other.model.is_same(forward.model) and trains(other)
        for norm in other.norms
        if norm.name in names
        for switch in norm.mode
        if switch.training
    }
    return in_order(frozenset(found))


def _has_dropout(run: Run, forward: Forward, path: str) -> bool:
    """Whether eval mode would also switch off dropout in a part."""
    graph = run.read.get(forward.model.identity)
    return graph is not None and any(
        layer.kind is Kind.DROPOUT and f"{layer.name}.".startswith(f"{path}.")
        for layer in graph.layers
    )


def _switched_back(run: Run, forward: Forward, switch: Switch) -> tuple[Site, str]:
    """Where a line goes that undoes a switch for a part, and the model's name there, if any."""
    if switch.site is None:
        loops = own_loops(forward)
        return loops[0].site if loops else forward.site, forward.receiver
    events = [event for event in run.of_type(ModeSwitched) if event.site == switch.site]
    receivers = {event.receiver for event in events if event.model.is_same(forward.model)}
    shared = any(not event.model.is_same(forward.model) for event in events)
    name = receivers.pop() if len(receivers) == 1 and not shared else ""
    return switch.site, name if is_dotted_name(name) else ""


def _safety_at(run: Run, place: Site, frozen_at: set[Site]) -> Applicability:
    """Safe in a file that freezes, too: one that does not may be there for whatever is trained."""
    events = [event for event in run.of_type(Frozen) if event.site in frozen_at]
    calls = [frame.call for event in events for frame in event.context.frames]
    sites = [*(event.site for event in events), *filter(None, calls)]
    here = any(site.path == place.path for site in sites)
    return Applicability.SAFE if here else Applicability.UNSAFE


def _condition(run: Run, frozen_at: set[Site], place: Site, context: Context) -> str | None:
    """When parameters are frozen, as code for a place; ``None`` where that cannot be said."""
    found = {
        _joint([site.condition_at(place) for site in (*_calls_beyond(event, context), event.site)])
        for event in run.of_type(Frozen)
        if event.site in frozen_at and _is_said_so(event)
    }
    condition = found.pop() if len(found) == 1 else None
    return condition if condition or not run.options else None


def _calls_beyond(event: Frozen, context: Context) -> Iterator[Site]:
    """The calls that lead to freezing from the function that also leads to another place."""
    pairs = zip_longest(event.context.frames, context.frames)
    beyond = dropwhile(lambda pair: pair[0] == pair[1], pairs)
    return (frame.call for frame, _ in beyond if frame is not None and frame.call is not None)


def _is_said_so(event: Frozen) -> bool:
    """Whether ``False`` is written where parameters are frozen, or handed to the function there."""
    if hands_over_false(event.site.statement.text):
        return True
    last = event.context.frames[-1].call
    return last is not None and hands_over_false(last.text)


def _joint(conditions: Sequence[str | None]) -> str | None:
    known = [condition for condition in conditions if condition is not None]
    if len(known) < len(conditions):
        return None
    return " and ".join(dict.fromkeys(condition for condition in known if condition))


def _only_norms(run: Run, forward: Forward, frozen: Mapping[NormState, Site], path: str) -> bool:
    """Whether nothing but BatchNorm layers is frozen, in a part that has other layers, too."""
    if all(norm.name == path for norm in frozen):
        return False
    places = set(frozen.values())
    kinds = [event.model.type for event in run.of_type(Frozen) if event.site in places]
    return bool(kinds) and all("BatchNorm" in kind for kind in kinds)


def _is_thawed(run: Run, frozen: Mapping[NormState, Site]) -> bool:
    """Whether frozen layers, which library models do not list, may be trained later on."""
    listed = all(norm.layer is not None for norm in frozen)
    layers = {norm.layer.site for norm in frozen if norm.layer is not None}
    places = set(frozen.values())
    first = min((e.order for e in run.of_type(Frozen) if e.site in places), default=0)
    return any(
        event.order > first
        and event.requires_grad is not False
        and (
            any(layer.site in layers for layer in event.model.batch_norms)
            or not (listed or event.model.has_batchnorm is Known.NO)
        )
        for event in run.of_type(Frozen)
    )


def _frozen_part(norms: Sequence[NormState], frozen: Sequence[NormState]) -> str | None:
    """The dotted name of the largest child that holds all frozen layers and no live one.

    ``""`` is the whole model where no child will do; ``None`` if it holds live layers, too, or parts of
    a library's model, which items of a container begin with, are in several children.
    """
    names = {norm.name for norm in frozen}
    shared = _common_start([_holder(norm) for norm in frozen])
    if shared and shared[-1].isdigit():
        others = [path.split(".") for norm in frozen for path in norm.also]
        shared = _common_start([shared, *others])
        if not shared:
            return None
    for depth in range(1, len(shared) + 1):
        inside = {norm.name for norm in norms if _holder(norm)[:depth] == shared[:depth]}
        if inside == names:
            return ".".join(shared[:depth])
    return "" if len(names) == len(norms) else None


def _common_start(paths: Sequence[list[str]]) -> list[str]:
    steps = zip(*paths, strict=False)
    return [step[0] for step in takewhile(lambda step: len(set(step)) == 1, steps)]


def _holder(norm: NormState) -> list[str]:
    """The path of the module around a layer; a library model stands for its layers."""
    steps = norm.name.split(".") if norm.name else []
    return steps if norm.layer is None else steps[:-1]


def _joined(expression: str, path: str) -> str:
    """The code of a part: numbers in its dotted name are indices."""
    for step in path.split("."):
        expression += f"[{step}]" if step.isdigit() else f".{step}"
    return expression
