"""BN508: a synchronised layer is made of a BatchNorm, and the model keeps the old one."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, NormState, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import given_first
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN508", "syncbn-conversion-lost", Severity.WARNING, fix=Applicability.SAFE)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report conversions of single layers whose result is not what the model trains with."""
    found = (
        (norm, forward, norm.converted_at)
        for forward in run.of_type(Forward)
        if trains(forward)
        for norm in norms_in_training(forward)
        if norm.converted_at is not None and norm.synchronised is Known.NO
    )
    for norm, forward, place in first_of_each(found, key=lambda entry: entry[2]):
        assert place is not None
        yield _finding(norm, forward, place)


def _finding(norm: NormState, forward: Forward, place: Site) -> Finding:
    layer = in_words(norm.layer) if norm.layer is not None else f"`{norm.name}`"
    fix = _fix(place)
    remedy = "convert the whole model, or assign the result to the layer"
    return RULE.at(
        place,
        "`convert_sync_batchnorm` returns a new layer where it is given a BatchNorm itself, and that is"
        f" lost here: {layer} of `{forward.model.name}` still normalises by the batch of its own"
        f" device; {remedy}",
        evidence=[(forward.site, f"`{forward.model.name}` trains with the old layer here")],
        fix=fix,
    )


def _fix(place: Site) -> Fix | None:
    """Assign the result of a call that is a statement of its own to what was given."""
    call = place.text
    given = given_first(call)
    if given is None or given.isidentifier() or place.statement.text.strip() != call:
        return None
    return RULE.fixed_by(f"Assign the result to `{given}`", place.replace(f"{given} = {call}"))
