"""BN406: the mean of clients' parameters is used with statistics that no client gathered."""

from collections.abc import Iterator

from bnlint.facts.passes.population_statistics.federated_averages import (
    FederatedAverage,
    federated_averages,
)
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import Proof, Told, how_it_came_into, in_time
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN406",
    "federated-average-ignores-buffers",
    Severity.WARNING,
    reads=(federated_averages,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the statement that writes the mean of the parameters, for each network that gets it."""
    for average in federated_averages(run):
        name = _name_of(average)
        yield RULE.at(
            average.place,
            f"`{name}` gets the parameters of the networks that were trained, and not their running statistics: "
            "in eval mode its BatchNorm layers normalise by numbers that do not fit its weights; average the "
            "floating-point buffers as well, as all of `state_dict()` for example",
            evidence=_evidence(run, average),
        )


def _name_of(average: FederatedAverage) -> str:
    """What the network is called where it is written to as a whole, or else where it is used."""
    model = average.written.model
    return model.name if model.is_same(average.forward.model) else average.forward.model.name


def _evidence(run: Run, average: FederatedAverage) -> list[Proof]:
    forward, trained, written = average.forward, average.trained, average.written
    name = _name_of(average)
    told: list[Told] = [*how_it_came_into(run, forward.mode, forward.model)]
    told.append((trained.order, (trained.site, "networks of the same kind are trained here")))
    call = written.context.frames[-1].call
    if call is not None:
        function = written.context.frames[-1].function
        told.append((written.order, (call, f"`{function}` is called here")))
    told.append((forward.order, (forward.site, f"`{name}` is used here, in eval mode")))
    return in_time(told)
