"""BN202 wrong-batchnorm-dimension: BatchNorm1d on images, BatchNorm2d on vectors."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.built_layers import (
    built_layers,
    is_built_by_name,
    layers_by_site,
)
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.layer_words import has_name, in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN202",
    "wrong-batchnorm-dimension",
    Severity.ERROR,
    fix=Applicability.SAFE,
    reads=(built_layers,),
    in_tests=False,
)

RANKS = {1: (2, 3), 2: (4,), 3: (5,)}
"""The numbers of dimensions that BatchNorm1d, 2d and 3d take; SyncBatchNorm takes any from 2."""

NAMES = {f"{kind}{number}d": kind for kind in ("BatchNorm", "LazyBatchNorm") for number in RANKS}


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report BatchNorm layers that get a tensor of a rank that they refuse."""
    sites = layers_by_site(graphs, Kind.BATCH_NORM)
    for site, built in sites.items():
        found = [
            (layer, call, rank)
            for graph, layer in built
            if layer.dimensions in RANKS and not layer.own_forward
            for call in graph.calls_by_layer.get(layer, ())
            if (rank := _rank(graph, call)) is not None and call.certain
        ]
        wrong = [entry for entry in found if entry[2] not in RANKS[entry[0].dimensions or 0]]
        if wrong:
            calls = [call for g, layer in built for call in g.calls_by_layer.get(layer, ())]
            judged = len(wrong) == len(found) == len(calls)
            unanimous = judged and len({rank for *_, rank in found}) == 1
            yield _finding(site, *wrong[0], _fix(graphs, *wrong[0]) if unanimous else None)


def _rank(graph: ModelGraph, call: Call) -> int | None:
    """The rank of the tensor that a BatchNorm call gets.

    Behind a convolution it is the convolution's own, with samples: one that got a single image
    would be an inference too many.
    """
    if not call.inputs:
        return None
    source = graph.calls[call.inputs[0]]
    if source.kind is Kind.CONV and source.layer is not None and source.layer.dimensions:
        return source.layer.dimensions + 2
    return source.shape.rank


def _finding(site: Site, layer: Layer, call: Call, rank: int, fix: Fix | None) -> Finding:
    class_name = layer.type.rpartition(".")[2]
    subject = f"{in_words(layer)}, a `{class_name}`," if has_name(layer) else in_words(layer)
    dimensions = layer.dimensions or 0
    taken = " or ".join(f"{rank}D" for rank in RANKS[dimensions])
    right = _dimensions_for(rank)
    remedy = f"; use `BatchNorm{right}d`" if right else ""
    return RULE.at(
        site,
        f"{subject} gets a tensor of {rank} dimensions, and torch raises"
        f' "expected {taken} input (got {rank}D input)"{remedy}',
        layer=layer.name,
        evidence=[(call.site, "it is called here")] if call.site not in (None, site) else (),
        fix=fix,
    )


def _dimensions_for(rank: int) -> int | None:
    return next((d for d, ranks in RANKS.items() if rank in ranks), None)


def _fix(graphs: Graphs, layer: Layer, call: Call, rank: int) -> Fix | None:
    right, written = _dimensions_for(rank), layer.class_site
    if right is None or written is None or not is_dotted_name(written.text):
        return None
    owner, dot, class_name = written.text.rpartition(".")
    if class_name not in NAMES:
        return None
    name = f"{NAMES[class_name]}{right}d"
    if not owner and not is_built_by_name(graphs, written, name):
        return None
    return RULE.fixed_by(f"Use `{name}`", written.replace(owner + dot + name))
