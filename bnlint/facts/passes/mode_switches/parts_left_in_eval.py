"""Parts of a network that an evaluation of their own leaves in eval mode, while the whole trains on."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, NormState, Run, Switch, is_training
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class PartLeft:
    """``later`` trains a network of which ``part`` is in eval mode since ``switch``, for its evaluation.

    ``first`` is the same call before, with the part in train mode.
    """

    first: Forward
    later: Forward
    part: Forward
    switch: Switch


@Pass
def parts_left_in_eval(run: Run) -> tuple[PartLeft, ...]:
    """One for each call that goes on with such a part."""
    evaluated = [forward for forward in run.of_type(Forward) if _is_evaluated(forward)]
    return tuple(_left(run, evaluated)) if evaluated else ()


def _is_evaluated(forward: Forward) -> bool:
    """Whether the numbers of a forward in eval mode are looked at, and nothing is trained on them."""
    if forward.inner or forward.grad is not Known.NO or forward.measured is not Known.YES:
        return False
    return is_training(forward.mode) is Known.NO and forward.backpropagated is Known.NO


def _left(run: Run, evaluated: list[Forward]) -> Iterator[PartLeft]:
    begun: dict[Site, Forward] = {}
    for forward in run.of_type(Forward):
        if not trains(forward):
            continue
        first = begun.setdefault(forward.site, forward)
        if first is forward or not first.model.is_same(forward.model):
            continue
        part = next((p for p in evaluated if _is_part(p, first, forward)), None)
        if part is None:
            continue
        switch = next((s for s in part.mode if _is_left(s, part, first, forward)), None)
        if switch is not None:
            yield PartLeft(first, forward, part, switch)


def _is_part(part: Forward, first: Forward, later: Forward) -> bool:
    """Whether a network is used by itself between two steps that train the whole of which it is one."""
    return first.order < part.order < later.order and not part.model.is_same(later.model)


def _is_left(switch: Switch, part: Forward, first: Forward, later: Forward) -> bool:
    """Whether the layers of a part that learn are live at first, and later as a switch has left them."""
    if switch.site is None or switch.context is None or switch.raised or switch in later.mode:
        return False
    before, after = _layers(first), _layers(later)
    own = [norm.identity for norm in part.norms]
    return (
        first.order < switch.order < part.order
        and bool(own)
        and all(i in before and i in after for i in own)
        and all(is_training(before[i].mode) is Known.YES for i in own)
        and all(switch in after[i].mode and after[i].frozen is Known.NO for i in own)
    )


def _layers(forward: Forward) -> dict[int, NormState]:
    tracking = (norm for norm in forward.norms if norm.is_there and norm.tracks is Known.YES)
    return {norm.identity: norm for norm in tracking if norm.identity >= 0}
