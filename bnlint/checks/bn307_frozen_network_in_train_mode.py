"""BN307: a network that helps to train another, and is not trained itself, is in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import (
    is_live,
    loops_of,
    switch_was_meant,
    trained_between,
    training_forwards,
    trains,
)
from bnlint.facts.passes.population_statistics.momentum import keeps_last_batch
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeSwitched, Run
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsLoaded, WeightsWritten
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.eval_fix import advice_on, who_answers_by_mode
from bnlint.facts.wording.evidence import how_it_came, in_time
from bnlint.facts.wording.fix_places import encloses, own_loops
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN307",
    "frozen-network-in-train-mode",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each network once, where it first helps to train another."""
    found = ((forward, _trained_by(run, forward)) for forward in run.of_type(Forward))
    wrong = ((f, other) for f, other in found if other is not None and _is_wrong(run, f))
    for forward, other in first_of_each(wrong, key=lambda pair: pair[0].model.key):
        yield _finding(run, forward, other)


def _trained_by(run: Run, forward: Forward) -> Forward | None:
    """The forward of another network that is trained in the same pass, which a live one helps to do."""
    if not is_live(forward) or not (forward.inner or forward.in_loss):
        return None
    around = [loop for loop in forward.context.loops if loop.loader is not None]
    around = around or list(forward.context.loops)
    for other in training_forwards(run) if around else ():
        trained = other.model.optimized is not Known.NO and around[-1].site in loops_of(other)
        if trained and (_surrounds(other, forward) or not _share_layers(forward, other)):
            return other
    return None


def _is_wrong(run: Run, forward: Forward) -> bool:
    if _learns(run, forward) or _is_overwritten(run, forward):
        return False
    if not _has_learnt(run, forward) or switch_was_meant(run, forward, "eval"):
        return False
    return not _was_asked_for(run, forward)


def _learns(run: Run, forward: Forward) -> bool:
    """Whether a network may be trained, then or later, or BN701 says that it is frozen."""
    frozen = any(norm.frozen is not Known.NO for norm in forward.norms)
    if forward.inner:
        return forward.model.pretrained or frozen or _gets_gradients(run, forward)
    if forward.model.optimized is Known.NO:
        return trains(forward) and frozen
    return any(
        _share_layers(forward, other)
        and (other.order >= forward.order or loops_of(other) & loops_of(forward))
        for other in training_forwards(run)
    )


def _is_overwritten(run: Run, forward: Forward) -> bool:
    """Whether the program sets weights of the network, or of a part of it, by hand.

    A copy that code which is not known gets may follow what it is a copy of.
    """
    if forward.model.handed_over and forward.model.copied_from >= 0:
        return True
    own = {norm.identity for norm in forward.norms}
    return forward.model.overwritten or any(
        not own.isdisjoint(layer.identity for layer in event.model.batch_norms)
        for event in run.of_type(WeightsWritten)
    )


def _gets_gradients(run: Run, forward: Forward) -> bool:
    """Whether a part that is called without gradients in the forward of another also is with them."""
    if forward.model.optimized is Known.NO:
        return False
    inner = [f for f in run.of_type(Forward) if f.inner and f.model.is_same(forward.model)]
    places = {f.site for f in inner}
    graphs = {
        other.model.key: run.read.get(other.model.identity)
        for other in run.of_type(Forward)
        if any(_surrounds(other, f) for f in inner)
    }
    norms = {norm.identity for norm in forward.norms}
    return any(
        graph is None
        or any(
            sum(call.layer is not None and call.layer.identity == norm for call in graph.calls)
            != len(places)
            for norm in norms
        )
        for graph in graphs.values()
    )


def _share_layers(one: Forward, other: Forward) -> bool:
    return not {norm.identity for norm in one.norms}.isdisjoint(n.identity for n in other.norms)


def _surrounds(outer: Forward, inner: Forward) -> bool:
    """Whether a forward of another network calls one within it."""
    return inner.inner and any(frame.call == outer.site for frame in inner.context.frames)


def _has_learnt(run: Run, forward: Forward) -> bool:
    """Whether a network has statistics to keep: it was loaded, trained before, or copied from such a one."""
    model = forward.model
    if model.pretrained or _load_of(run, forward) is not None:
        return True
    if any(
        event.model.identity == model.copied_from >= 0
        and event.order < model.copied_at
        and _is_of_trained(run, event)
        for event in run.of_type(WeightsLoaded)
    ):
        return True
    itself = model.optimized is not Known.NO
    return any(
        (other.model.identity == model.copied_from >= 0 and other.order < model.copied_at)
        or (itself and other.order < forward.order and _share_layers(forward, other))
        for other in training_forwards(run)
    )


def _load_of(run: Run, forward: Forward) -> WeightsLoaded | None:
    """Where weights were last loaded into a network, or into one that it is a part of."""
    own = {norm.identity for norm in forward.norms}
    loads = [
        event
        for event in run.of_type(WeightsLoaded)
        if event.order < forward.order
        and not own.isdisjoint(layer.identity for layer in event.model.batch_norms)
        and _is_of_trained(run, event)
    ]
    return loads[-1] if loads else None


def _is_of_trained(run: Run, load: WeightsLoaded) -> bool:
    """Whether what is loaded comes from a file, or from a network that was trained before."""
    return load.source is None or trained_between(run, load.source, -1, load.order)


def _was_asked_for(run: Run, forward: Forward) -> bool:
    """Whether ``train()`` was called on the network itself, and not to train it.

    One line that calls it on several networks, and trains others of them, is not about this one.
    """
    sites = {switch.site for switch in forward.mode}
    return any(
        event.site in sites
        and event.model.is_same(forward.model)
        and not trained_between(run, event.model, event.order, forward.order)
        and not _switches_what_is_trained(run, event)
        for event in run.of_type(ModeSwitched)
    )


def _switches_what_is_trained(run: Run, event: ModeSwitched) -> bool:
    """Whether the same line, called by the same ones, switches another network that is trained."""
    others = [
        other.model
        for other in run.of_type(ModeSwitched)
        if other.site == event.site and other.context.frames == event.context.frames
        if not other.model.is_same(event.model)
    ]
    return any(step.model.is_same(other) for other in others for step in training_forwards(run))


def _when_to_switch(run: Run, forward: Forward) -> str:
    """When ``eval()`` has to be called: once, or again whenever something around it is switched."""
    sites = {switch.site for switch in forward.mode}
    norms = {norm.identity for norm in forward.norms}
    around = any(
        event.site in sites
        and not event.model.is_same(forward.model)
        and norms.issubset(layer.identity for layer in event.model.batch_norms)
        for event in run.of_type(ModeSwitched)
    )
    return "after each `train()` of what it is a part of" if around else "before the training"


def _finding(run: Run, forward: Forward, other: Forward) -> Finding:
    name = forward.model.name
    told = [*how_it_came(run, forward)]
    told.append((other.order, (other.site, f"`{other.model.name}` is trained here")))
    return RULE.at(
        forward.site,
        f"`{name}` is not trained itself, but runs in train mode: its BatchNorm normalises each batch "
        "by its own statistics, so what it says of a sample depends on the others, and overwrites "
        f"the statistics that it came with; {advice_on(forward, _when_to_switch(run, forward))}",
        evidence=[*in_time(told), *who_answers_by_mode(forward)],
        fix=_fix(run, forward),
    )


def _fix(run: Run, forward: Forward) -> Fix | None:
    """Switch it after its weights are loaded if nothing else switches it, else before it is used."""
    name = forward.receiver
    others = (event for event in run.of_type(Forward) if event.site == forward.site)
    if any(not other.model.is_same(forward.model) for other in others):
        return None
    if forward.model.answers_by_mode or keeps_last_batch(forward) or not is_dotted_name(name):
        return None
    load = _load_of(run, forward)
    line = f"{name}.eval()"
    if load is not None and _stays_as_loaded(run, forward, load):
        own = f"{load.model.name}.eval()"
        return RULE.fixed_by(f"Call `{own}` after loading", load.site.insert_after(own))
    place = _place(forward)
    edit = None if place is None else place.insert_before(line)
    return RULE.fixed_by(f"Call `{line}` before it", edit)


def _stays_as_loaded(run: Run, forward: Forward, load: WeightsLoaded) -> bool:
    """Whether the network that weights are loaded into keeps its mode up to its use."""
    if any(switch.site is not None for switch in forward.mode) or not load.context.certain:
        return False
    depth = len(load.context.frames)
    if forward.context.frames[:depth] != load.context.frames:
        return False
    here = (event for event in run.of_type(WeightsLoaded) if event.site == load.site)
    return is_dotted_name(load.model.name) and all(e.model.is_same(forward.model) for e in here)


def _place(forward: Forward) -> Site | None:
    """The outermost loop of its function that leaves the mode alone, or the statement itself."""
    if not forward.site.runs_at_once or forward.site.binds(forward.receiver):
        return None
    switched = {
        loop.site for switch in forward.mode if switch.context for loop in switch.context.loops
    }
    built = forward.model.site
    free = (
        loop.site
        for loop in own_loops(forward)
        if loop.site not in switched
        and not loop.site.binds(forward.receiver)
        and not (built is not None and encloses(loop.site, built))
    )
    return next(free, forward.site)
