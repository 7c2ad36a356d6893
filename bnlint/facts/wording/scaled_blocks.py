"""Where a normalizer-free block scales its input, and where the number is written."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.normalizer_free import ScaledBlock
from bnlint.facts.passes.initial_signal.signal_paths import Step
from bnlint.facts.types.graph import Call
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site


def place_of(block: ScaledBlock) -> Site | None:
    """Where it multiplies its input, else where its first layer is used."""
    step = _scaling(block)
    if step is not None and step.call.site is not None:
        return step.call.site
    return use_of(block.stretches[0].weight.call) or block.residual.add.site


def use_of(call: Call) -> Site | None:
    """Where a forward calls a layer that has a forward of its own."""
    return call.callers[0] if call.callers else call.site


def where_scaled(block: ScaledBlock) -> Iterator[tuple[Site, str]]:
    """Where the number comes from that multiplies the input, if it stands elsewhere in the code."""
    step = _scaling(block)
    other = None if step is None else step.call.arguments.get("other")
    if other is not None and other.origin is not None:
        yield other.origin, f"{other.value} comes from here"


def _scaling(block: ScaledBlock) -> Step | None:
    scaling = (Kind.MUL, Kind.DIV)
    steps = [step for step in block.entry if step.call.kind in scaling and step.factor is not None]
    return steps[-1] if steps else None
