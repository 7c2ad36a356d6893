"""BN704 weight-decay-on-batchnorm: the scales and shifts of BatchNorm are decayed like weights."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Layer
from bnlint.facts.types.run import Run
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsDecayed
from bnlint.facts.wording.code_text import receiver_of_simple_call
from bnlint.facts.wording.evidence import where_it_comes_from
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN704",
    "weight-decay-on-batchnorm",
    Severity.ADVICE,
    fix=Applicability.DISPLAY,
    default=False,
    in_tests=False,
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each optimizer once."""
    decaying = (event for event in run.of_type(WeightsDecayed) if _decays(event))
    for event in first_of_each(decaying, key=lambda event: event.site):
        yield _finding(event)


def _decays(event: WeightsDecayed) -> bool:
    """Whether the decay is known to be there, and to meet a BatchNorm with parameters that learn."""
    number = event.weight_decay.number
    known = number is not None and number > 0 and not _may_be_reset(event.site)
    return known and bool(_learning(event))


def _may_be_reset(site: Site) -> bool:
    """Whether the file reaches for the decay of single groups: ``group["weight_decay"] = 0``."""
    return any(site.source.mentions(f"[{quote}weight_decay{quote}]") for quote in "\"'")


def _learning(event: WeightsDecayed) -> list[Layer]:
    """The BatchNorm layers that are certain to have a scale and a shift whose gradients are on."""
    return [
        layer
        for layer in event.model.batch_norms
        if layer.certain and "weight" not in layer.frozen and _has_scale(layer)
    ]


def _has_scale(layer: Layer) -> bool:
    affine = layer.arguments.get("affine")
    return affine is not None and affine.value is True


def _finding(event: WeightsDecayed) -> Finding:
    layers, name = _learning(event), event.model.name
    subject = f"{len(layers)} BatchNorm layers" if len(layers) > 1 else f"`{layers[0].name}`"
    return RULE.at(
        event.site,
        f"{event.optimizer} decays the scales and shifts of {subject} of `{name}` like weights"
        f" (weight_decay={event.weight_decay.number:g}), which pulls the scales to 0 and with them what"
        " the layers pass on; recipes for large batches give what has one dimension a group of its"
        " own with `weight_decay=0`",
        layer=layers[0].name,
        evidence=[*where_it_comes_from(event.weight_decay)],
        fix=_fix(event.parameters),
    )


def _fix(parameters: Site | None) -> Fix | None:
    """Two groups in the place of the one, where that is listed in the call itself."""
    listed = None if parameters is None else receiver_of_simple_call(parameters.text)
    if parameters is None or listed is None:
        return None
    every = parameters.text
    groups = (
        f'[{{"params": [p for p in {every} if p.ndim > 1]}},'
        f' {{"params": [p for p in {every} if p.ndim < 2], "weight_decay": 0.0}}]'
    )
    title = "Do not decay what has one dimension (the optimizer's saved state gets two groups)"
    return RULE.fixed_by(title, parameters.replace(groups))
