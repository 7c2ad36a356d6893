"""BN405: weights are loaded loosely, nobody looks at what was missing, and the network is used."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import relies_on_running_statistics, training_forwards
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Destination, Forward, Run, Stored
from bnlint.facts.types.weight_events import WeightsLoaded
from bnlint.facts.wording.code_text import loads_loosely
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN405",
    "strict-false-hides-statistics",
    Severity.ADVICE,
    fix=Applicability.SAFE,
    default=False,
    in_tests=False,
    reads=(training_forwards,),
)

_COMPARING = ("missing", "= model.state_dict()", "= net.state_dict()", "= self.model.state_dict()")
"""Code that looks for keys itself, or fills in those that a file lacks."""
_NAMES = ("loaded", "incompatible", "left_out")
"""Names for what a load returns, of which a file must not have the one that it gets."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each such load, once."""
    found = (
        (event, use)
        for event in run.of_type(WeightsLoaded)
        if _is_unchecked(event) and (use := _use_after(run, event)) is not None
    )
    for event, use in first_of_each(found, lambda entry: entry[0].site):
        name = event.model.name
        yield RULE.at(
            event.site,
            f"`strict=False` passes over whatever the file lacks, running statistics of BatchNorm or all of it, and "
            f"`{name}` is used as it is after that; look at the `missing_keys` that the call returns",
            evidence=[(use.site, f"`{name}` is used here without being trained")],
            fix=_fix(event),
        )


def _is_unchecked(event: WeightsLoaded) -> bool:
    """Whether a call stands alone, in a file that does not look for what is missing itself."""
    if any(map(event.site.source.mentions, _COMPARING)):
        return False
    statement = event.site.source.statement(event.site.node)
    alone = event.site.source.text(statement).strip() == event.site.text
    return alone and loads_loosely(event.site.text) and event.model.has_batchnorm is Known.YES


def _use_after(run: Run, event: WeightsLoaded) -> Forward | Stored | None:
    """The first use in eval mode or export after a load, of a model that is never trained."""
    if not run.complete or any(f.model.is_same(event.model) for f in training_forwards(run)):
        return None
    uses: list[Forward | Stored] = [
        forward
        for forward in run.of_type(Forward)
        if forward.model.is_same(event.model) and relies_on_running_statistics(forward)
    ]
    uses += [
        stored
        for stored in run.of_type(Stored)
        if stored.destination is Destination.EXPORTED and _is_among(event, stored)
    ]
    after = (use for use in uses if use.order > event.order)
    return min(after, key=lambda use: use.order, default=None)


def _is_among(event: WeightsLoaded, stored: Stored) -> bool:
    return any(model.is_same(event.model) for model in stored.models)


def _fix(event: WeightsLoaded) -> Fix | None:
    """Keep what is returned, and stop where running statistics were missing."""
    site = event.site
    name = next((name for name in _NAMES if not site.source.mentions(name)), None)
    if name is None:
        return None
    line = f'assert not [key for key in {name}.missing_keys if "running_" in key], {name}'
    return RULE.fixed_by(
        "Stop where running statistics are missing",
        site.replace(f"{name} = {site.text}"),
        site.insert_after(line),
    )
