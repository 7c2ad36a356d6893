"""BN319: an evaluation needs what forward returns in train mode, and has BatchNorm in train mode, too."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import training_forwards
from bnlint.facts.passes.mode_switches.losses_of_train_mode import losses_of_train_mode
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.wording.eval_fix import cure_of_layers, who_answers_by_mode
from bnlint.facts.wording.evidence import how_it_came, in_time, loader_name
from bnlint.facts.wording.fix_places import evaluation_around
from bnlint.finding import Applicability, Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN319",
    "loss-needs-train-mode",
    Severity.WARNING,
    default=False,
    fix=Applicability.DISPLAY,
    reads=(training_forwards, losses_of_train_mode),
    instead_of=("BN301",),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each evaluation of a model once."""
    for forward in first_of_each(
        losses_of_train_mode(run), key=lambda f: (evaluation_around(run, f), f.model.identity)
    ):
        yield _finding(run, forward)


def _finding(run: Run, forward: Forward) -> Finding:
    name, data = forward.model.name, loader_name(forward.loaders)
    cure = cure_of_layers(run, forward)
    return RULE.at(
        forward.site,
        f"`{name}` is put into train mode for what its forward returns in that mode alone, so BatchNorm"
        f" normalises each batch of {data} by its own statistics and updates the running ones with"
        " them; call `eval()` on its BatchNorm layers alone before the evaluation",
        evidence=[*in_time(how_it_came(run, forward)), *who_answers_by_mode(forward)],
        fix=RULE.fixed_by(cure.title, *cure.edits),
    )
