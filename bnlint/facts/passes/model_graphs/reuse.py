"""Layers that one forward calls again: on what, and which part of the model is shared."""

from bnlint.facts.passes.model_graphs.parts import are_parts_of_one, stands_for_many
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import NOT_KNOWN, Site
from bnlint.immutable import immutable


@immutable
class Reuse:
    """Two calls of one layer in one forward.

    ``place`` is the call in the code that leads to the second one and did not lead to the first:
    the call of the outermost module that runs again; ``before`` is its counterpart for the first.
    Calls that differ only in the pass of a loop have the outermost one within the loop.
    """

    layer: Layer
    first: Call
    again: Call
    place: Site | None
    before: Site | None

    @property
    def loop(self) -> Site | None:
        """The outermost loop of which a later pass calls it again, if both calls are in one."""
        passes = (
            site for site, number in self.again.loops if (site, number) not in self.first.loops
        )
        return next(passes, None)

    @property
    def cause(self) -> str:
        """The layer, by where it is built: however often it is called, that is one problem."""
        span = self.layer.site.span
        return f"{span.path}:{span.start}"


@Pass
def reuses(graph: ModelGraph) -> tuple[Reuse, ...]:
    """Every call of a layer but its first, with the first; only first calls that certainly run.

    Calls for which the forward itself has put the layer into eval mode do not count.
    """
    found: list[Reuse] = []
    for layer, calls in graph.calls_by_layer.items():
        first, *others = [call for call in calls if not call.in_eval] or calls[:1]
        if first.certain:
            found.extend(Reuse(layer, first, again, *_places(first, again)) for again in others)
    return tuple(found)


def _places(first: Call, again: Call) -> tuple[Site | None, Site | None]:
    """Where the ways to two calls part, for the second and the first."""
    here, there = _frames(again), _frames(first)
    for ours, theirs in zip(reversed(here), reversed(there), strict=False):
        if ours != theirs:
            return ours, theirs
    loops = [site for site, number in again.loops if (site, number) not in first.loops]
    inside = [frame for loop in loops for frame in here if _contains(loop, frame)]
    return (inside[-1] if inside else again.site), None


def _frames(call: Call) -> tuple[Site, ...]:
    """The calls in the code that lead to a call, nearest first."""
    return call.callers if call.site is None else (call.site, *call.callers)


def _contains(loop: Site, call: Site) -> bool:
    if loop.path != call.path:
        return False
    outer, inner = loop.span, call.span
    return outer.start <= inner.start and inner.end <= outer.end


@immutable
class CallInputs:
    """What two calls of one layer work on, traced back through the operations that both share.

    ``same`` says that it is one and the same tensor, ``raw`` that it is data as the model gets it
    (no weighted layer before it), ``shares_weights`` that the shared part has a weighted layer,
    ``parts`` that they are samples or frames of one tensor, which are of one kind, and ``made_apart``
    that layers with weights of their own made them: two stems, the levels of a pyramid. ``differing``
    are the nearest operations that they do not share.
    """

    same: bool
    raw: bool
    shares_weights: bool
    parts: bool
    made_apart: bool
    differing: tuple[tuple[Call, Call], ...] = ()


def compare_inputs(graph: ModelGraph, reuse: Reuse) -> CallInputs:
    """Walk back from both calls as long as the same operations were applied."""
    differing: list[tuple[Call, Call]] = []
    shares_weights, exact = False, bool(reuse.first.inputs and reuse.again.inputs)
    many = False
    seen: set[tuple[int, int]] = set()
    pending = _pairs(graph, reuse.first, reuse.again)
    while pending:
        first, again = pending.pop()
        many |= first is again and stands_for_many(graph, first)
        if first is again or (first.index, again.index) in seen:
            continue
        seen.add((first.index, again.index))
        alike = _alike(graph, first, again)
        if alike is Known.NO:
            differing.append((first, again))
            continue
        exact &= alike is Known.YES
        shares_weights |= first.kind in WEIGHTED
        pending.extend(_pairs(graph, first, again))
    raw = all(_is_raw(graph, call) for pair in differing for call in pair)
    parts = all(are_parts_of_one(graph, *pair) for pair in differing) and bool(differing or many)
    same = exact and not differing and not many
    made_apart = any(_are_made_apart(graph, *pair) for pair in differing)
    return CallInputs(same, raw, shares_weights, parts, made_apart, tuple(differing))


def _pairs(graph: ModelGraph, first: Call, again: Call) -> list[tuple[Call, Call]]:
    return list(zip(graph.inputs_of(first), graph.inputs_of(again), strict=False))


def _are_made_apart(graph: ModelGraph, first: Call, again: Call) -> bool:
    """Whether two different calls are of layers with weights, or each comes from some of its own."""
    ours, theirs = _weighted_layers(graph, first), _weighted_layers(graph, again)
    if first.layer in ours and again.layer in theirs and first.layer is not again.layer:
        return True
    return bool(ours - theirs) and bool(theirs - ours)


def _weighted_layers(graph: ModelGraph, call: Call) -> set[Layer]:
    """The layers with weights that a call is one of or comes from."""
    before = (c for c in graph.calls[: call.index + 1] if c.kind in (*WEIGHTED, Kind.EMBEDDING))
    return {
        other.layer
        for other in before
        if other.layer is not None and (other is call or graph.comes_from(call, other))
    }


def _alike(graph: ModelGraph, first: Call, again: Call) -> Known:
    """Whether two calls are one operation, on whatever tensors."""
    known = bool(first.inputs) and len(first.inputs) == len(again.inputs)
    if first.layer is not None and first.layer is again.layer:
        return Known.YES if known else Known.UNKNOWN
    if not known or first.layer is not None or again.layer is not None:
        return Known.NO
    if first.op != again.op:
        return Known.NO
    if first.kind is Kind.SPLIT and (
        not _executed_again(first, again) or are_parts_of_one(graph, first, again)
    ):
        return Known.NO
    ours, theirs = _values(first), _values(again)
    unknown = first.kind in (Kind.UNKNOWN, Kind.PHI, Kind.SPLIT) or NOT_KNOWN in (*ours, *theirs)
    return Known.UNKNOWN if unknown else Known.of(ours == theirs)


def _executed_again(first: Call, again: Call) -> bool:
    """Whether two calls are one place in the code at two times."""
    if first.site is None or first.site != again.site:
        return False
    return (first.callers, first.loops) != (again.callers, again.loops)


def _values(call: Call) -> list[object]:
    return [argument.value for _, argument in sorted(call.arguments.items())]


def _is_raw(graph: ModelGraph, call: Call) -> bool:
    if call.kind in WEIGHTED:
        return False
    weighted = (other for other in graph.calls[: call.index] if other.kind in WEIGHTED)
    return not any(graph.comes_from(call, other) for other in weighted)
