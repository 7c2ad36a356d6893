"""Networks that get the mean of several clients' parameters, and none of their statistics."""

from collections import defaultdict

from bnlint.facts.passes.forwards import relies_on_running_statistics
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.population_statistics.stale_statistics import (
    keeps_its_statistics,
    serves_a_step,
    trained_twins,
    writes_to,
)
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsWritten
from bnlint.immutable import immutable

_FEDERATED = ("client", "Client", "federat", "Federat", "fedavg", "FedAvg", "fed_avg")
"""Words of a file about training at several places."""
_SUPPOSEDLY = ("aggregat", "worker", "Worker", "participant", "local_model", "average")
"""Words of such a file, where one line trains several networks, too."""
_LOAD = "load_state_dict"
_AT_ONCE = ("vector_to_parameters", "_foreach_", _LOAD)
"""Functions that write all parameters, without a loop of the program."""


@immutable
class FederatedAverage:
    """A forward in eval mode of a network whose parameters ``written`` takes from clients.

    ``trained`` is a step of one of these, ``place`` the statement that writes.
    """

    forward: Forward
    written: WeightsWritten
    trained: Forward

    @property
    def place(self) -> Site:
        """The loop over parameters that writes them, or the call."""
        context, written = self.written.context, self.written.site
        if any(function in written.text for function in _AT_ONCE):
            return written
        own = context.loops[context.frames[-1].loops :]
        return own[-1].site if own else written


@Pass
def federated_averages(run: Run) -> tuple[FederatedAverage, ...]:
    """The first such forward of each network."""
    if not run.complete or not any(run.of_type(WeightsWritten)):
        return ()
    found: dict[int, FederatedAverage] = {}
    for forward in run.of_type(Forward):
        if forward.model.key in found or not relies_on_running_statistics(forward):
            continue
        average = _average_behind(run, forward)
        if average is not None and keeps_its_statistics(run, forward, average.place):
            found[forward.model.key] = average
    return tuple(found.values())


def _average_behind(run: Run, forward: Forward) -> FederatedAverage | None:
    """The last write to a network before a forward, if it comes after the training of clients."""
    trained = next(trained_twins(run, forward), None)
    writes = [event for event in writes_to(run, forward) if event.order < forward.order]
    if trained is None or not writes or writes[-1].order < trained.order:
        return None
    average = FederatedAverage(forward, writes[-1], trained)
    if "state_dict" in average.place.text.replace(_LOAD, "") or serves_a_step(run, forward):
        return None
    return average if is_federated(run, forward, average.place) else None


def is_federated(run: Run, forward: Forward, place: Site) -> bool:
    """Whether a network is the mean of clients, by the words of the file."""
    source = place.source
    if any(map(source.mentions, _FEDERATED)):
        return True
    return any(map(source.mentions, _SUPPOSEDLY)) and _are_several(run, forward)


def _are_several(run: Run, forward: Forward) -> bool:
    """Whether one line trains several networks like the one that is used."""
    trained: dict[Site, set[int]] = defaultdict(set)
    for twin in trained_twins(run, forward):
        trained[twin.site].add(twin.model.key)
    return any(len(networks) > 1 for networks in trained.values())
