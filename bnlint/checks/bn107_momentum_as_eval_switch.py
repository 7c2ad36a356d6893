"""BN107: a forward sets ``momentum`` in eval mode, where nothing is updated."""

from collections.abc import Iterator

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, is_training
from bnlint.facts.types.weight_events import MomentumAssigned
from bnlint.facts.wording.evidence import in_time
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN107", "momentum-as-eval-switch", Severity.WARNING, fix=Applicability.SAFE)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each assignment once that a forward in eval mode makes."""
    assigned = list(run.of_type(MomentumAssigned))
    found = ((event, _idle_in(run, event)) for event in assigned)
    idle = ((event, forward) for event, forward in found if forward is not None)
    for event, forward in first_of_each(idle, key=lambda pair: pair[0].site):
        trained = [e for e in assigned if _is_in_training(run, e, event)]
        restored = [] if any(e.site == event.site for e in trained) else trained
        if restored or _asks_for_mode(event):
            yield _finding(event, forward, restored)


def _idle_in(run: Run, event: MomentumAssigned) -> Forward | None:
    """The forward that sets the momentum of its own layers, all of them in eval mode."""
    forward = _forward_around(run, event)
    own = {layer.identity for layer in event.layers}
    modes = [n.mode for n in forward.norms if n.identity in own] if forward is not None else []
    return forward if modes and all(is_training(mode) is Known.NO for mode in modes) else None


def _forward_around(run: Run, event: MomentumAssigned) -> Forward | None:
    """The forward of a model, called by the script, in which something happens."""
    calls = {frame.call for frame in event.context.frames}
    before = (f for f in run.of_type(Forward) if f.order < event.order and f.site in calls)
    return max(before, key=lambda forward: forward.order, default=None)


def _is_in_training(run: Run, event: MomentumAssigned, other: MomentumAssigned) -> bool:
    """Whether a forward in train mode sets the momentum of the same layers, too."""
    own = {layer.identity for layer in other.layers}
    if own.isdisjoint(layer.identity for layer in event.layers):
        return False
    forward = _forward_around(run, event)
    norms = forward.norms if forward is not None else ()
    return any(n.identity in own and is_training(n.mode) is Known.YES for n in norms)


def _asks_for_mode(event: MomentumAssigned) -> bool:
    """Whether the code asks for the mode where it sets the momentum."""
    calls = (frame.call for frame in event.context.frames if frame.call is not None)
    tests = [c.test.text for site in (event.site, *calls) for c in site.conditions]
    return any(".training" in text for text in (*tests, event.site.statement.text))


def _finding(
    event: MomentumAssigned, forward: Forward, restored: list[MomentumAssigned]
) -> Finding:
    value = event.value.value
    told = [(forward.order, (forward.site, f"`{forward.model.name}` runs here, in eval mode"))]
    if restored:
        told.append((restored[0].order, (restored[0].site, "in train mode it is set here")))
    return RULE.at(
        event.site,
        f"In eval mode BatchNorm updates nothing, so that `{event.site.text} = {value}` does nothing "
        "there; leave `momentum` alone, and call `eval()` for an evaluation: that is the switch",
        evidence=in_time(told),
        fix=_fix(event, restored),
    )


def _fix(event: MomentumAssigned, restored: list[MomentumAssigned]) -> Fix | None:
    """Leave the statement out where it sets nothing else and train mode has its own value."""
    statement = event.site.statement
    alone = statement.text.partition("=")[0].strip() == event.site.text
    if not restored or not alone or statement.text.count("=") > 1:
        return None
    return RULE.fixed_by("Leave the momentum as it is", statement.replace("pass"))
