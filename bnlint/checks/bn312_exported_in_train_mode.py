"""BN312: a model is exported while its BatchNorm layers are in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.mode_switches.exports import exports_in_training
from bnlint.facts.types.run import Run
from bnlint.facts.wording.export_fix import cure_of_export, how_it_is_in_training
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN312",
    "exported-in-train-mode",
    Severity.ERROR,
    fix=Applicability.SAFE,
    reads=(exports_in_training,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the first of each model."""
    for event in exports_in_training(run):
        if event.function != "torch.export.export":
            continue
        cure = cure_of_export(run, event)
        yield RULE.at(
            event.site,
            f"`{cure.name}` is exported in train mode: the program normalises each batch by its own "
            "statistics, moves the running ones and has no `eval()`; call it on the model before",
            evidence=how_it_is_in_training(run, event),
            fix=RULE.fixed_by(cure.title, *cure.edits),
        )
