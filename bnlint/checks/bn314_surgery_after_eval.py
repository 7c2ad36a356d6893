"""BN314 surgery-after-eval: layers that a model gets after its ``eval()`` are in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import training_forwards, trains_nothing
from bnlint.facts.passes.mode_switches.late_parts import LatePart, late_parts
from bnlint.facts.types.run import Run
from bnlint.facts.wording.eval_fix import cure_of
from bnlint.facts.wording.evidence import Proof
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN314",
    "surgery-after-eval",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(late_parts, training_forwards),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each part once, by the first prediction with it; BN301 sees those of scripts that train."""
    if not trains_nothing(run):
        return
    for found in first_of_each(late_parts(run), key=lambda found: found.built.site):
        yield _finding(run, found)


def _finding(run: Run, found: LatePart) -> Finding:
    name, layer = found.forward.model.name, found.layers[0]
    more = f" (and {len(found.layers) - 1} more)" if len(found.layers) > 1 else ""
    return RULE.at(
        found.built.site,
        f"This is built after `{name}.eval()`, which does not reach it: `{layer.name}`{more} stays in"
        f" train mode, so predictions of `{name}` depend on their batch and move its running"
        f" statistics, while `{name}.training` says False; call `{name}.eval()` when the model is complete",
        layer=layer.name,
        evidence=_evidence(found),
        fix=_fix(run, found),
    )


def _evidence(found: LatePart) -> list[Proof]:
    predicts = found.forward.site, "it predicts here, with the new layer in train mode"
    if found.switch.site is None:
        return [predicts]
    return [(found.switch.site, "what it consists of here is put into eval mode"), predicts]


def _fix(run: Run, found: LatePart) -> Fix | None:
    """Eval mode before the prediction."""
    cure = cure_of(run, found.forward)
    return RULE.fixed_by(cure.title, *cure.edits)
