"""What functions that nothing calls do with the models that their callers give: it depends on these."""

import re
from collections.abc import Iterator

from bnlint.facts.passes.forwards import loops_of, switch_was_meant, training_forwards
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Event, Forward, Run

_STATISTICS = re.compile(r"running_|momentum|batch_?norm|\.training\b", re.IGNORECASE)
_FOR = re.compile(r"(^|\s)for\s")
_COUNTED = re.compile(r"\bin\s+(\w+\()*(\w+\.)?\w*range\(")


def unproven_evaluations(run: Run) -> Iterator[Forward]:
    """The evaluations of given models that are in train mode unless a caller called ``eval()``."""
    return (forward for forward in run.of_type(Forward) if _may_be_wrong(run, forward))


def _may_be_wrong(run: Run, forward: Forward) -> bool:
    if not forward.model.given or forward.inner or forward.made_up is Known.YES:
        return False
    if forward.grad is not Known.NO or forward.backpropagated is not Known.NO:
        return False
    once = forward.measured is Known.YES and len(forward.context.loops) < 2
    if not (once or _goes_through_data(forward)) or _trains_in_same_loop(run, forward):
        return False
    if any(switch.site is not None and not switch.training for switch in forward.mode):
        return False
    return not (switch_was_meant(run, forward, "eval") or _minds_statistics(forward))


def _goes_through_data(event: Event) -> bool:
    """Whether the innermost loop around an event goes through something else than numbers."""
    heads = [loop.site.text.partition("\n")[0] for loop in event.context.loops[-1:]]
    return any(_FOR.search(head) and not _COUNTED.search(head) for head in heads)


def _trains_in_same_loop(run: Run, forward: Forward) -> bool:
    """Whether something is trained in the innermost loop around a forward, or at all if there is none."""
    innermost = {loop.site for loop in forward.context.loops[-1:]}
    return any(innermost <= loops_of(other) for other in training_forwards(run))


def _minds_statistics(forward: Forward) -> bool:
    """Whether a function around a forward says something of BatchNorm or of modes itself."""
    definitions = (frame.definition for frame in forward.context.frames)
    return any(_STATISTICS.search(place.text) for place in definitions if place is not None)
