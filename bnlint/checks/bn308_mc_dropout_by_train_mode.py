"""BN308: ``train()`` is called to sample with dropout, and puts BatchNorm into train mode, too."""

from collections.abc import Iterator

from bnlint.facts.passes.mode_switches.dropout_samples import DropoutSample, dropout_samples
from bnlint.facts.types.run import ModeSwitched, Run
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN308",
    "mc-dropout-by-train-mode",
    Severity.WARNING,
    fix=Applicability.DISPLAY,
    reads=(dropout_samples,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each call of ``train()`` once, with the first samples that are drawn under it."""
    for sample in first_of_each(dropout_samples(run), key=lambda sample: sample.switched.site):
        yield _finding(sample)


def _finding(sample: DropoutSample) -> Finding:
    event, forward = sample.switched, sample.forward
    name = event.receiver or forward.model.name
    return RULE.at(
        event.site,
        f"`{name}.train()` is called to sample with dropout, but it switches BatchNorm, too: each "
        "sample is normalised by the batch at hand and moves the running statistics; put the "
        "BatchNorm layers back into eval mode, or only those of dropout into train mode",
        evidence=[(forward.site, f"`{forward.model.name}` draws samples here")],
        fix=_fix(event, name),
    )


def _fix(event: ModeSwitched, name: str) -> Fix | None:
    if not is_dotted_name(name):
        return None
    lines = (
        f"for module in {name}.modules():\n"
        '    if "BatchNorm" in type(module).__name__:\n'
        "        module.eval()"
    )
    return RULE.fixed_by("Put the BatchNorm layers back", event.site.insert_after(lines))
