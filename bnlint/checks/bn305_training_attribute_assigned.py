"""BN305: ``model.training`` is assigned, which leaves the layers of the model in their mode."""

from collections.abc import Iterator

from bnlint.facts.passes.mode_switches.assigned_modes import AssignedMode, assigned_modes
from bnlint.facts.types.run import ModeAssigned, ModeSwitched, Run
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.finding import Applicability, Edit, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN305",
    "training-attribute-assigned",
    Severity.ERROR,
    fix=Applicability.SAFE,
    reads=(assigned_modes,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each assignment once, with the first forward that it was meant for."""
    for found in first_of_each(assigned_modes(run), key=lambda found: found.event.site):
        yield _finding(run, found)


def _finding(run: Run, found: AssignedMode) -> Finding:
    event, forward = found.event, found.forward
    name = event.receiver or forward.model.name
    if event.training:
        state, call, does = "eval", f"{name}.train()", "trains"
    else:
        state, call, does = "train", f"{name}.eval()", "runs"
    return RULE.at(
        event.site,
        f"`{name}.training` is the flag of `{name}` alone: its BatchNorm layers stay in {state} mode; "
        f"call `{call}`, which reaches them, too",
        evidence=[
            (forward.site, f"`{forward.model.name}` {does} here, BatchNorm in {state} mode"),
        ],
        fix=_fix(run, event, call),
    )


def _fix(run: Run, event: ModeAssigned, call: str) -> Fix | None:
    """Calls in the place of the assignments, of all that set the flag of this model.

    One that stays would leave the layers in the mode of the last call.
    """
    others = {
        other.site: other
        for other in run.of_type(ModeAssigned)
        if other.model.is_same(event.model) and other.training != event.training
    }
    if others and any(switch.model.is_same(event.model) for switch in run.of_type(ModeSwitched)):
        return None
    edits = (_called(one) for one in (event, *others.values()))
    return RULE.fixed_by(f"Call `{call}`", *edits)


def _called(event: ModeAssigned) -> Edit | None:
    """The call in the place of an assignment, if the value is written there and is all that it sets."""
    statement = event.site.statement
    left, _, value = statement.text.partition("=")
    alone = left.strip() == event.site.text and value.strip() == str(event.training)
    if not alone or not is_dotted_name(event.receiver):
        return None
    return statement.replace(f"{event.receiver}.{'train' if event.training else 'eval'}()")
