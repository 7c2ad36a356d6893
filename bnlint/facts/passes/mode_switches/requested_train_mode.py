"""Predictions for which ``train()`` was called."""

from bnlint.facts.passes.mode_switches.dropout_samples import has_dropout
from bnlint.facts.passes.mode_switches.live_evaluations import is_asked_for
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, is_training


def asks_in_vain(run: Run, forward: Forward) -> bool:
    """Whether ``train()`` was called for a prediction, and nothing in the run speaks for that.

    Dropout does, which may be wanted as noise, and predictions in eval mode that are made beside it.
    """
    return (
        is_training(forward.mode) is Known.YES
        and forward.grad is Known.NO
        and forward.measured is Known.YES
        and is_asked_for(run, forward)
        and run.graph_of(forward.model) is not None
        and not has_dropout(run, forward)
        and not _predicts_in_eval_mode(run, forward)
    )


def _predicts_in_eval_mode(run: Run, forward: Forward) -> bool:
    return any(
        other.model.is_same(forward.model) and is_training(other.mode) is Known.NO
        for other in run.of_type(Forward)
    )
