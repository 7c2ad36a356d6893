"""BN407: fractions are written in place into all of a state, whole numbers included."""

from collections.abc import Iterator

from bnlint.facts.types.run import Run
from bnlint.facts.types.weight_events import IntegersScaled
from bnlint.facts.wording.fix_places import encloses
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN407", "integer-buffer-average", Severity.ERROR)

_SELECTING = (
    "num_batches",
    "is_floating_point",
    "is_floating",
    "dtype",
    "LongTensor",
    "int64",
    "torch.long",
    "named_parameters()",
)
"""Words of functions, or of a script without them, that may tell whole numbers from others."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each operation once."""
    found = (event for event in run.of_type(IntegersScaled) if _reaches_all(event))
    for event in first_of_each(found, lambda event: event.context.loops[-1].site):
        name = event.model.name
        yield RULE.at(
            event.site,
            f"`{event.operation}` reaches `num_batches_tracked` of the BatchNorm layers of `{name}`, too, which are "
            "whole numbers: torch raises `result type Float can't be cast to the desired output type Long`; leave "
            "out what is not `is_floating_point()`",
        )


def _reaches_all(event: IntegersScaled) -> bool:
    """Whether nothing chooses, by type or name, what is changed."""
    if _may_select(event):
        return False
    loops = [loop.site for loop in event.context.loops]
    conditions = (assumption.condition.site for assumption in event.context.assumptions)
    return bool(loops) and not any(
        encloses(loop, condition) for condition in conditions for loop in loops
    )


def _may_select(event: IntegersScaled) -> bool:
    """Whether code around tells whole numbers from others, perhaps to choose some of them."""
    around = [frame.definition for frame in event.context.frames if frame.definition is not None]
    if not around:
        return any(map(event.site.source.mentions, _SELECTING))
    return any(word in definition.text for definition in around for word in _SELECTING)
