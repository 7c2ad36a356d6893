"""BN603: clean and adversarial examples share the running statistics of BatchNorm layers."""

from collections.abc import Iterator

from bnlint.facts.passes.training_batches.adversarial_examples import MixedExamples, mixed_examples
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import Proof, Told, in_time
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN603",
    "clean-and-adversarial-mixed",
    Severity.ADVICE,
    default=False,
    in_tests=False,
    reads=(mixed_examples,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward of adversarial examples once."""
    for entry in first_of_each(mixed_examples(run), lambda entry: entry.forward.site):
        name = entry.forward.model.name
        how = "in one batch" if entry.clean is None else "in the same step"
        yield RULE.at(
            entry.forward.site,
            f"`{name}` is trained on clean and on adversarial examples {how}: they differ in what BatchNorm "
            "normalises by, and eval mode has one mixture for both; give the adversarial ones BatchNorm "
            "layers of their own, as AdvProp does, and use those of the kind that matters in evaluation",
            evidence=_evidence(entry),
        )


def _evidence(entry: MixedExamples) -> list[Proof]:
    attack, clean = entry.attack, entry.clean
    told: list[Told] = []
    if attack.attacked_at is not None:
        told.append(
            (
                attack.order,
                (attack.attacked_at, "the adversarial examples are made of this gradient"),
            )
        )
    if clean is not None:
        told.append((clean.order, (clean.site, "clean examples run here")))
    return in_time(told)
