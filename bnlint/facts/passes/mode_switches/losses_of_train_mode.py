"""Evaluations that are in train mode for the sake of what a forward returns in no other: its losses."""

from bnlint.facts.passes.mode_switches.live_evaluations import is_asked_for, live_evaluations
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.population_statistics.momentum import keeps_last_batch
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run, is_training


@Pass
def losses_of_train_mode(run: Run) -> tuple[Forward, ...]:
    """The forwards of models, put into train mode for it, that return something else in eval mode.

    Eval mode would not give what the code around them goes on with. One whose running statistics are
    of a single batch is left out, since its BatchNorm layers would be no better off in eval mode.
    """
    return tuple(
        forward
        for forward in live_evaluations(run)
        if forward.model.answers_by_mode
        and is_training(forward.mode) is Known.YES
        and is_asked_for(run, forward)
        and not keeps_last_batch(forward)
    )
