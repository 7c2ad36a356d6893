"""BN316: a policy with BatchNorm acts on one observation in train mode."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import is_live, switch_was_meant, training_forwards
from bnlint.facts.passes.mode_switches.own_rules import told_by_own_rules
from bnlint.facts.types.context import Frame
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.wording.code_text import (
    cuts_gradients_off,
    is_given_one,
    makes_batch_of_one,
    says_that_it_acts,
    steps_environment,
)
from bnlint.facts.wording.eval_fix import advice_on, cure_of
from bnlint.facts.wording.evidence import how_it_came, in_time
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN316",
    "acts-in-train-mode",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(training_forwards, told_by_own_rules),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place once where a network that is trained elsewhere acts."""
    told = told_by_own_rules(run)
    found = (f for f in run.of_type(Forward) if f.order not in told and _is_wrong(run, f))
    for forward in first_of_each(found, key=lambda forward: forward.site):
        yield _finding(run, forward)


def _is_wrong(run: Run, forward: Forward) -> bool:
    if not is_live(forward) or forward.model.optimized is not Known.YES:
        return False
    if not _acts_on_one(forward) or not _is_cut_off(forward):
        return False
    return not switch_was_meant(run, forward, "eval")


def _acts_on_one(forward: Forward) -> bool:
    """Whether the answer to one observation is used for nothing that is trained on."""
    if forward.inner or forward.loaders or forward.made_up is Known.YES:
        return False
    if forward.trained_on or forward.backpropagated is not Known.NO:
        return False
    if _steps_on_one(forward):
        return forward.grad is Known.NO or not forward.in_loss
    frames = forward.context.frames
    acts = any(says_that_it_acts(frame.function) and _makes_one(frame) for frame in frames)
    return acts and not forward.in_loss


def _steps_on_one(forward: Forward) -> bool:
    """Whether one observation is answered in a function that lets the environment take a step.

    Without gradients the answer may go into the loss of an update, as old values do.
    """
    own = forward.context.frames[-1].definition
    if own is None or not steps_environment(own.text):
        return False
    return is_given_one(forward.site.text, own.text)


def _makes_one(frame: Frame) -> bool:
    """Whether a function makes a batch of one observation."""
    return frame.definition is not None and makes_batch_of_one(frame.definition.text)


def _is_cut_off(forward: Forward) -> bool:
    """Whether no gradient can go through the answer."""
    cut = cuts_gradients_off(forward.site.statement.text)
    return forward.grad is Known.NO or cut


def _finding(run: Run, forward: Forward) -> Finding:
    name = forward.model.name
    cure = cure_of(run, forward)
    return RULE.at(
        forward.site,
        f"`{name}` acts on one observation in train mode: BatchNorm normalises it by its own "
        "statistics (BatchNorm1d raises an error), and each step of the episode moves the running "
        f"ones; {advice_on(forward, 'before it, and `train()` after it')}",
        evidence=in_time(how_it_came(run, forward)),
        fix=RULE.fixed_by(cure.title, *cure.edits),
    )
