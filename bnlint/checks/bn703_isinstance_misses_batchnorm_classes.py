"""BN703: BatchNorm layers are to be frozen, and the test for their class passes over all of them."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, NormState, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.torch_names import name_of_layers
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN703", "isinstance-misses-batchnorm-classes", Severity.WARNING, fix=Applicability.SAFE
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report tests that no BatchNorm layer of a model passes which is then trained with live statistics."""
    found = (
        (forward, place)
        for forward in run.of_type(Forward)
        if trains(forward)
        if (place := _tested(forward)) is not None
    )
    for forward, place in first_of_each(found, key=lambda entry: entry[1]):
        yield _finding(forward, place)


def _tested(forward: Forward) -> Site | None:
    """The classes that are tested for, if none of a model's layers, which are all live, is of them."""
    live = norms_in_training(forward)
    places = {norm.passed_over for norm in live}
    return places.pop() if len(places) == 1 and len(live) == len(forward.norms) else None


def _finding(forward: Forward, place: Site) -> Finding:
    model, norm = forward.model.name, forward.norms[0]
    return RULE.at(
        place,
        f"The BatchNorm layers of `{model}` are {_class_of(norm)}, none of which passes this test for"
        f" `{place.text}`: they are not put into eval mode, and `{model}` trains with live"
        " statistics; test for their common base class `_BatchNorm`",
        evidence=[(forward.site, f"`{model}` trains here, its statistics live")],
        fix=_fix(place),
    )


def _class_of(norm: NormState) -> str:
    """The class of a layer, with what made it that where it was converted."""
    if norm.synchronised is Known.YES:
        return "SyncBatchNorm layers"
    return f"of class `{norm.layer.class_name}`" if norm.layer is not None else "of another class"


def _fix(place: Site) -> Fix | None:
    layers = name_of_layers(place)
    if layers is None:
        return None
    base = f"{layers}.modules.batchnorm._BatchNorm"
    return RULE.fixed_by(f"Test for `{base}`", place.replace(base))
