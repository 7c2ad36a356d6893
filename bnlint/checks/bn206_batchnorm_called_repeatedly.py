"""BN206 batchnorm-called-repeatedly: one BatchNorm that a forward applies to several tensors."""

from collections import defaultdict
from collections.abc import Iterator
from operator import itemgetter

from bnlint.facts.passes.reuse import Reuse, compare_inputs, reuses
from bnlint.facts.types.graph import Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.evidence import Proof
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN206", "batchnorm-called-repeatedly", Severity.WARNING, reads=(reuses,))
_ON_OTHERS = (
    "in the same forward, so its running statistics are a mixture that fits none of the tensors it"
    " gets; give each call a BatchNorm of its own"
)
_ON_THE_SAME = (
    "on the same tensor, so its running statistics take each batch twice, and the work is done"
    " twice; keep the result of the first call"
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report the calls after the first of BatchNorm layers that keep running statistics."""
    found = (entry for graph in graphs for entry in _repeated(graph))
    for graph, place, calls in first_of_each(found, key=itemgetter(1)):
        repeated = all(compare_inputs(graph, reuse).same for reuse in calls)
        yield _finding(graph, place, calls, repeated=repeated)


def _repeated(graph: ModelGraph) -> Iterator[tuple[ModelGraph, Site, list[Reuse]]]:
    """The places in the code that call BatchNorm layers again, with these calls."""
    places: dict[Site, list[Reuse]] = defaultdict(list)
    for reuse in reuses(graph):
        if reuse.layer.kind is not Kind.BATCH_NORM or reuse.place is None:
            continue
        if _keeps_statistics(reuse) and _mixes(graph, reuse):
            places[reuse.place].append(reuse)
    for place, calls in places.items():
        yield graph, place, calls


def _keeps_statistics(reuse: Reuse) -> bool:
    """Without an affine part a BatchNorm decorrelates views, as in Barlow Twins, on purpose."""
    arguments = reuse.layer.arguments
    values = [arguments[n].value for n in ("affine", "track_running_stats") if n in arguments]
    return not reuse.layer.own_forward and False not in values


def _mixes(graph: ModelGraph, reuse: Reuse) -> bool:
    """Whether the calls feed different stages or branches of a computation into the statistics.

    Two inputs of the model (a siamese encoder), parts of one batch and frames of one clip are of
    one kind; what two stems make, or two levels of a feature pyramid, are not.
    """
    if graph.comes_from(reuse.again, reuse.first):
        return True
    inputs = compare_inputs(graph, reuse)
    if inputs.same or inputs.made_apart:
        return True
    return not (inputs.parts or inputs.raw or inputs.shares_weights)


def _finding(graph: ModelGraph, place: Site, found: list[Reuse], *, repeated: bool) -> Finding:
    certain = [reuse for reuse in found if reuse.again.certain]
    reuse = (certain or found)[0]
    layers = len({reuse.layer for reuse in found})
    others = f" (and {layers - 1} more)" if layers > 1 else ""
    also = f", which is also `{other}`," if (other := _other_name(graph, reuse)) else ""
    return RULE.at(
        place,
        f"{in_words(reuse.layer)}{others}{also} runs again {_ON_THE_SAME if repeated else _ON_OTHERS}",
        layer=reuse.layer.name,
        evidence=[*_evidence(graph, reuse)],
        likely=not certain,
        cause=_built_at(reuse),
    )


def _evidence(graph: ModelGraph, reuse: Reuse) -> Iterator[Proof]:
    """Where it is built, if it is in several places of the model, and the first call."""
    shared, before = _in_several_places(graph, reuse.layer), reuse.before
    if shared is not None and shared.site != reuse.place:
        yield shared.site, f"what is built here once is also `{shared.aliases[0]}`"
    loop = reuse.loop
    if before is not None:
        yield before, "the first call is here"
    elif loop is not None and reuse.place is not None:
        call = (reuse.place.path, reuse.place.span.line)
        if (loop.path, loop.span.line) != call:
            yield loop, "each pass of this loop calls it"


def _other_name(graph: ModelGraph, reuse: Reuse) -> str | None:
    """The second name of a layer that is built where it is reported."""
    shared = _in_several_places(graph, reuse.layer)
    return shared.aliases[0] if shared is not None and shared.site == reuse.place else None


def _in_several_places(graph: ModelGraph, layer: Layer) -> Layer | None:
    """The layer, or the nearest module around it, that the model holds under several names."""
    named = {other.name: other for other in graph.layers}
    parts = layer.name.split(".")
    around = (named.get(".".join(parts[:count])) for count in range(len(parts), 0, -1))
    return next((module for module in around if module is not None and module.aliases), None)


def _built_at(reuse: Reuse) -> str:
    """The layer, by where it is built: however often it is called, that is one problem."""
    span = reuse.layer.site.span
    return f"{span.path}:{span.start}"
