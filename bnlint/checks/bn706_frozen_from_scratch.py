"""BN706: a network that never learnt statistics is trained with frozen BatchNorm layers."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import (
    calls_to,
    evaluated_between,
    loops_of,
    moved_layers,
    relies_on_running_statistics,
    trains,
)
from bnlint.facts.types.run import Forward, ModeSwitched, OptimizerStep, Run
from bnlint.facts.types.weight_events import StatisticsEstimated, WeightsLoaded, WeightsWritten
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN706", "frozen-from-scratch", Severity.ERROR, reads=(moved_layers,), in_tests=False)

Changed = WeightsLoaded | WeightsWritten | StatisticsEstimated


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report where the layers are frozen that still are as they were built when they are trained."""
    found = (
        (forward, freeze)
        for forward in run.of_type(Forward)
        if trains(forward) and relies_on_running_statistics(forward)
        if _is_stepped(run, forward)
        if _is_as_built(run, forward)
        if (freeze := _freeze(run, forward)) is not None and not _may_load(forward, freeze)
    )
    for forward, freeze in first_of_each(found, key=lambda entry: entry[1].site):
        yield _finding(forward, freeze)


def _is_stepped(run: Run, forward: Forward) -> bool:
    """Whether an optimizer uses the gradients; a test of where they come from takes some, too."""
    return any(step.order > forward.order for step in run.of_type(OptimizerStep))


def _is_as_built(run: Run, forward: Forward) -> bool:
    """Whether nothing gives a network of the script's own other statistics than zeros and ones."""
    model, graph = forward.model, run.graph_of(forward.model)
    if model.given or model.pretrained or model.handed_over or model.overwritten:
        return False
    if graph is None or graph.loaded or graph.pretrained or model.buffers_used:
        return False
    if model.copied_from >= 0 or any(norm.layer is None for norm in forward.norms):
        return False
    moved = any(norm.identity in moved_layers(run) for norm in forward.norms)
    return not moved and not _is_changed(run, forward)


def _is_changed(run: Run, forward: Forward) -> bool:
    """Whether weights or statistics come from elsewhere, into the network or what it is a part of."""
    layers = {norm.identity for norm in forward.norms}
    return any(
        not layers.isdisjoint(layer.identity for layer in event.model.batch_norms)
        for event in run.events
        if isinstance(event, Changed)
    )


def _freeze(run: Run, forward: Forward) -> ModeSwitched | None:
    """Where the first layer was put into eval mode, if all of them were.

    Nothing else was with them, or the whole network for an evaluation.
    """
    places = {switch.site for norm in forward.norms for switch in norm.mode}
    layers = {norm.identity for norm in forward.norms}
    switches = [event for event in run.of_type(ModeSwitched) if event.site in places]
    if not switches or places != {event.site for event in switches}:
        return None
    alone = all(event.model.identity in layers for event in switches)
    return switches[0] if alone or _is_left_by_an_evaluation(run, forward, switches) else None


def _is_left_by_an_evaluation(run: Run, forward: Forward, switches: list[ModeSwitched]) -> bool:
    """Whether a network is evaluated and trained in turns, and nothing ever ends its eval mode."""
    around = loops_of(forward)
    return all(
        event.model.is_same(forward.model)
        and event.training is False
        and any(loop.site in around for loop in event.context.loops)
        for event in switches
    ) and evaluated_between(run, forward.model, switches[0].order, forward.order)


def _may_load(forward: Forward, freeze: ModeSwitched) -> bool:
    """Whether code that this run did not come to may load weights."""
    sites = (forward.site, freeze.site, forward.model.site, *calls_to(forward), *calls_to(freeze))
    return any(site is not None and site.source.calls("load_state_dict") for site in sites)


def _finding(forward: Forward, freeze: ModeSwitched) -> Finding:
    model = forward.model.name
    if freeze.model.is_same(forward.model):
        return RULE.at(
            freeze.site,
            f"`{model}` is put into eval mode for an evaluation before it has seen any data, no weights are"
            " loaded, and its training never leaves that mode: with a mean of 0 and a variance of 1 its"
            f" BatchNorm layers do not normalise at all; call `{model}.train()` before training",
            evidence=[(forward.site, f"`{model}` trains here, in eval mode")],
        )
    return RULE.at(
        freeze.site,
        f"The BatchNorm layers of `{model}` are put into eval mode before they have seen any data, and"
        " no weights are loaded: with a mean of 0 and a variance of 1 they do not normalise at all,"
        " and never will; train from scratch with live layers, or load pretrained weights",
        evidence=[(forward.site, f"`{model}` trains here, with statistics as they were built")],
    )
