"""BN207 multiplied-module-list: ``[Block()] * 3``, which is one block in three places."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import repeated_call
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN207", "multiplied-module-list", Severity.WARNING, fix=Applicability.UNSAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report multiplications of lists that put a BatchNorm several times into one container."""
    found = (
        (layer, layer.repeated)
        for graph in graphs
        for layer in graph.layers
        if layer.aliases and _is_in_one_container(layer) and _has_batch_norm(graph, layer)
    )
    for layer, place in first_of_each(found, key=lambda entry: entry[1]):
        if place is not None:
            yield _finding(layer, place)


def _is_in_one_container(layer: Layer) -> bool:
    """Whether the places of one list are all that it has; another name says that it is shared."""
    names = [name.rpartition(".") for name in (layer.name, *layer.aliases)]
    return len({holder for holder, _, _ in names}) == 1 and all(n.isdecimal() for _, _, n in names)


def _has_batch_norm(graph: ModelGraph, layer: Layer) -> bool:
    within = f"{layer.name}."
    norms = graph.of_kind(Kind.BATCH_NORM)
    return any(norm is layer or norm.name.startswith(within) for norm in norms)


def _finding(layer: Layer, place: Site) -> Finding:
    times = len(layer.aliases) + 1
    what = "BatchNorm" if layer.kind is Kind.BATCH_NORM else f"`{layer.class_name}`"
    fix = _fix(place)
    return RULE.at(
        place,
        f"Multiplying a list repeats the module in it, so {times} places have one {what},"
        f" {in_words(layer)}, with one set of weights and of running statistics; build one for each"
        " in a comprehension",
        layer=layer.name,
        evidence=[(layer.site, "it is built once, here")] if fix is None else [],
        fix=fix,
    )


def _fix(place: Site) -> Fix | None:
    """Write a comprehension, where one constructor call is all that the list has."""
    parts = repeated_call(place.text)
    if parts is None:
        return None
    built, count = parts
    title = "Build one for each place: the model gets more parameters"
    return RULE.fixed_by(title, place.replace(f"[{built} for _ in range({count})]"))
