"""BN315: Lightning's fit trains what was left in eval mode, since it calls no ``train()``."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import training_forwards
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, NormState, Run, Switch
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import first_argument
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN315",
    "framework-keeps-eval",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards,),
)

_STEP = "training_step"


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each call of ``fit`` once, with the first step that trains layers in eval mode."""
    found = ((forward, _kept(run, forward)) for forward in training_forwards(run))
    kept = ((f, *pair) for f, pair in found if pair is not None)
    for forward, fit, switch in first_of_each(kept, key=lambda entry: entry[1]):
        yield _finding(forward, fit, switch)


def _kept(run: Run, forward: Forward) -> tuple[Site, Switch] | None:
    """The call that trains, and the switch whose eval mode newer versions leave there.

    A step that no call leads to may train another module than the one that a script evaluates.
    """
    step = next((f for f in forward.context.frames if f.function == _STEP), None)
    if step is None or step.call is None or not forward.trained_on:
        return None
    if run.entry.endswith(f".{_STEP}"):
        return None
    for norm in forward.norms:
        switch = _left_in_eval(norm, step.call)
        if switch is not None:
            return step.call, switch
    return None


def _left_in_eval(norm: NormState, fit: Site) -> Switch | None:
    """The way into eval mode of a layer that the framework's older versions switch back at ``fit``."""
    if norm.frozen is not Known.NO or norm.tracks is not Known.YES or not norm.is_there:
        return None
    if not any(switch.training and switch.site == fit for switch in norm.mode):
        return None
    left = [s for s in norm.mode if s.training is False and s.site != fit]
    return left[0] if len(left) == 1 and not _was_meant(left[0]) else None


def _was_meant(switch: Switch) -> bool:
    """Whether a constructor or a hook of the module puts a part of it into eval mode, to stay there."""
    frames = () if switch.context is None else switch.context.frames
    return any(frame.function == "__init__" or frame.function.startswith("on_") for frame in frames)


def _finding(forward: Forward, fit: Site, switch: Switch) -> Finding:
    name, model = first_argument(fit.text), forward.model.name
    evidence = [(forward.site, f"`{model}` trains here, in eval mode")]
    if switch.site is not None:
        evidence.insert(0, (switch.site, "the mode is set to eval here"))
    elif forward.model.site is not None:
        evidence.insert(0, (forward.model.site, "it comes in eval mode"))
    whole = name or "the module"
    return RULE.at(
        fit,
        f"Since Lightning 2.2, `fit` leaves modules in the mode in which they are: `{model}` trains in "
        "eval mode, where BatchNorm's running statistics stop following the weights, and dropout is "
        f"off; call `{whole}.train()` before it",
        evidence=evidence,
        fix=RULE.fixed_by(f"Call `{name}.train()` before it", fit.insert_before(f"{name}.train()"))
        if name is not None
        else None,
    )
