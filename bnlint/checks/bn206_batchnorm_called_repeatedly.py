"""BN206 batchnorm-called-repeatedly: one BatchNorm that a forward applies to several tensors."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.mixed_statistics import MixedStatistics, mixed_statistics
from bnlint.facts.passes.model_graphs.reuse import Reuse
from bnlint.facts.types.graph import Graphs, Layer, ModelGraph
from bnlint.facts.wording.evidence import Proof
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule

RULE = Rule("BN206", "batchnorm-called-repeatedly", Severity.WARNING, reads=(mixed_statistics,))
_ON_OTHERS = (
    "in the same forward, so its running statistics are a mixture that fits none of the tensors it"
    " gets; give each call a BatchNorm of its own"
)
_ON_ITS_OWN = (
    "on what an earlier pass made of its output, so its running statistics are a mixture that fits"
    " none of the passes; give each pass a BatchNorm of its own or, if they are to share one network,"
    " use GroupNorm or LayerNorm in it"
)
_ON_THE_SAME = (
    "on the same tensor, so its running statistics take each batch twice, and the work is done"
    " twice; keep the result of the first call"
)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report the calls after the first of BatchNorm layers that keep running statistics."""
    for mixed in mixed_statistics(graphs):
        if not mixed.steps:
            yield _finding(mixed)


def _finding(mixed: MixedStatistics) -> Finding:
    graph, reuse = mixed.graph, mixed.typical
    others = f" (and {mixed.layers - 1} more)" if mixed.layers > 1 else ""
    also = f", which is also `{other}`," if (other := _other_name(graph, reuse)) else ""
    return RULE.at(
        mixed.place,
        f"{in_words(reuse.layer)}{others}{also} runs again {_harm(mixed)}",
        layer=reuse.layer.name,
        evidence=[*_evidence(graph, reuse)],
        likely=not reuse.again.certain,
        cause=reuse.cause,
    )


def _harm(mixed: MixedStatistics) -> str:
    graph, reuse = mixed.graph, mixed.typical
    if mixed.repeated:
        return _ON_THE_SAME
    recurs = reuse.loop is not None and graph.comes_from(reuse.again, reuse.first)
    makers = {graph.calls[i].layer for call in (reuse.first, reuse.again) for i in call.inputs[:1]}
    return _ON_ITS_OWN if recurs and len(makers) == 1 and None not in makers else _ON_OTHERS


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
