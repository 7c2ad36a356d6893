"""BN317: adversarial examples are made for a model in train mode, which moves its running statistics."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import (
    is_live,
    is_step_of_training,
    switch_was_meant,
    training_forwards,
)
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.wording.eval_fix import advice_on, cure_of
from bnlint.facts.wording.evidence import how_it_came, in_time
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN317",
    "attack-in-train-mode",
    Severity.ADVICE,
    fix=Applicability.SAFE,
    default=False,
    in_tests=False,
    reads=(training_forwards,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each forward of an attack once."""
    found = (forward for forward in run.of_type(Forward) if _is_wrong(run, forward))
    for forward in first_of_each(found, key=lambda forward: forward.site):
        yield _finding(run, forward)


def _is_wrong(run: Run, forward: Forward) -> bool:
    """Whether only the input gets gradients, of a batch that is trained on, in train mode."""
    if forward.attacked_at is None or forward.backpropagated is not Known.NO:
        return False
    if not is_live(forward) or not is_step_of_training(run, forward):
        return False
    return not switch_was_meant(run, forward, "eval")


def _finding(run: Run, forward: Forward) -> Finding:
    assert forward.attacked_at is not None
    name, cure = forward.model.name, cure_of(run, forward)
    return RULE.at(
        forward.site,
        f"`{name}` is attacked in train mode: each step of the attack moves BatchNorm's running statistics by "
        "examples that nothing is trained on, and its gradients go through the batch's own statistics; "
        f"{advice_on(forward, 'before the attack, and `train()` after it')}",
        evidence=[
            *in_time(how_it_came(run, forward)),
            (forward.attacked_at, "the gradient with respect to its input is computed here"),
        ],
        fix=RULE.fixed_by(cure.title, *cure.edits),
    )
