"""BN208 dropout-before-batchnorm: a running variance that the dropout before it has raised."""

from collections.abc import Iterator
from operator import attrgetter

from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.wording.code_text import call_of_one, follows_mode
from bnlint.facts.wording.evidence import where_it_comes_from
from bnlint.facts.wording.layer_words import in_words, with_line
from bnlint.finding import Applicability, Edit, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, first_of_each

RULE = Rule(
    "BN208",
    "dropout-before-batchnorm",
    Severity.ADVICE,
    fix=Applicability.DISPLAY,
    in_tests=False,
)

_KEEPS_VALUES = (Kind.PASS, Kind.RESHAPE, Kind.PERMUTE)
_PASSES_NOISE = (*_KEEPS_VALUES, Kind.MAX_POOL, Kind.UPSAMPLE)
_RECTIFIERS = frozenset("relu leakyrelu prelu rrelu elu celu gelu silu mish hardswish".split())
"""Activations that pass large values on, by their names without underscores.

Behind ``tanh`` values that dropout has scaled up vary less.
"""


@immutable
class _Noise:
    """A dropout whose values reach a BatchNorm through ``between``, in order."""

    graph: ModelGraph
    dropout: Call
    place: Site
    between: tuple[Call, ...]
    norm: Call
    batch_norm: Layer
    probability: Argument

    @property
    def weighted(self) -> Call | None:
        """The layer that mixes the values first, if one does."""
        return next((call for call in self.between if call.kind in WEIGHTED), None)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report dropouts whose noise gets into the running variance of a BatchNorm."""
    found = [noise for graph in graphs for noise in _found(graph)]
    found.sort(key=lambda noise: noise.weighted is not None)
    for noise in first_of_each(found, key=attrgetter("place")):
        yield _finding(noise)


def _found(graph: ModelGraph) -> Iterator[_Noise]:
    for norm in graph.calls:
        batch_norm = norm.layer
        if norm.kind is not Kind.BATCH_NORM or batch_norm is None:
            continue
        if not _learns_statistics(batch_norm) or batch_norm.name in graph.frozen_norms:
            continue
        dropout, between = _dropout_before(graph, norm)
        if dropout is None or not _is_off_at_evaluation(dropout):
            continue
        probability = _probability(dropout)
        place = dropout.site if dropout.layer is None else dropout.layer.site
        if probability is not None and place is not None:
            yield _Noise(graph, dropout, place, between, norm, batch_norm, probability)


def _learns_statistics(batch_norm: Layer) -> bool:
    """Whether evaluation divides by a variance that was learned in training."""
    tracks = batch_norm.arguments.get("track_running_stats")
    return not batch_norm.own_forward and tracks is not None and tracks.value is True


def _dropout_before(graph: ModelGraph, norm: Call) -> tuple[Call | None, tuple[Call, ...]]:
    """The dropout whose values a BatchNorm gets, and what is done to them in between.

    One weighted layer may stand between them. A sum or a concatenation has values without noise.
    """
    between: list[Call] = []
    current = norm
    while len(current.inputs) == 1:
        current = graph.calls[current.inputs[0]]
        if current.kind is Kind.DROPOUT:
            return current, tuple(reversed(between))
        mixed = any(call.kind in WEIGHTED for call in between)
        if not _passes_noise(current) and (mixed or current.kind not in WEIGHTED):
            break
        between.append(current)
    return None, ()


def _passes_noise(call: Call) -> bool:
    """Whether values that vary more at the input vary more at the output, one by one."""
    if call.kind is Kind.ACTIVATION:
        return call.op.lower().replace("_", "") in _RECTIFIERS
    scaled = call.kind in (Kind.MUL, Kind.DIV) and "other" in call.arguments
    return scaled or call.kind in _PASSES_NOISE


def _is_off_at_evaluation(dropout: Call) -> bool:
    """Whether it is an ordinary dropout that drops in train mode alone.

    Alpha dropout keeps mean and variance. A function drops at evaluation, too, unless it is told
    the mode.
    """
    layer = dropout.layer
    if layer is not None:
        return not layer.own_forward and "Alpha" not in layer.type
    told = dropout.site is not None and follows_mode(dropout.site.text)
    return told and "alpha" not in dropout.op


def _probability(dropout: Call) -> Argument | None:
    """The probability to be dropped, if some values are and others are not."""
    given = dropout.arguments if dropout.layer is None else dropout.layer.arguments
    argument = given.get("p")
    if argument is None or argument.number is None or not 0 < argument.number < 1:
        return None
    return None if dropout.layer is not None and "p" in dropout.layer.assigned else argument


def _finding(noise: _Noise) -> Finding:
    layer, norm = noise.dropout.layer, noise.norm
    name = f"`{noise.dropout.op}`" if layer is None else in_words(layer)
    evidence = [*where_it_comes_from(noise.probability)]
    if norm.site is not None:
        evidence.append((norm.site, "its values are normalised here"))
    return RULE.at(
        noise.place,
        f"{name} runs before {with_line(noise.batch_norm, noise.place)}, {_effect(noise)};"
        " put the dropout behind the BatchNorm",
        layer=None if layer is None else layer.name,
        evidence=evidence,
        fix=_fix(noise),
        likely=noise.weighted is not None,
    )


def _effect(noise: _Noise) -> str:
    probability = noise.probability.number or 0.0
    if all(call.kind in _KEEPS_VALUES for call in noise.between):
        times = f"{1 / (1 - probability):.2f}"
        return (
            f"whose running variance becomes at least {times} times (p={probability:g}) what it"
            " finds at evaluation, where nothing is dropped"
        )
    mixed = noise.weighted
    through = "" if mixed is None or mixed.layer is None else f" through {in_words(mixed.layer)}"
    return (
        f"whose running variance contains its noise{through} (p={probability:g}), which is missing"
        " at evaluation"
    )


def _fix(noise: _Noise) -> Fix | None:
    """Let the BatchNorm come first, where both are written side by side."""
    graph, dropout, norm = noise.graph, noise.dropout, noise.norm
    shared = len(graph.users_of(dropout)) > 1 or dropout.index in graph.outputs
    if noise.weighted is not None or shared or dropout.layer is None:
        return None
    title = "Put the dropout behind the BatchNorm"
    moved = _reordered_members(noise, dropout.layer)
    if moved:
        return RULE.fixed_by(f"{title} (keys that count the layers change)", *moved)
    if noise.between or dropout.site is None or norm.site is None:
        return None
    if dropout.site == dropout.layer.site:
        return None  # called by a Sequential
    return RULE.fixed_by(title, *_reordered_calls(dropout.site, norm.site))


def _reordered_members(noise: _Noise, dropout: Layer) -> list[Edit | None]:
    """Write the members of one Sequential in another order, the dropout last."""
    layers = [dropout, *(call.layer for call in noise.between), noise.batch_norm]
    members = [layer for layer in layers if layer is not None and _is_numbered(layer)]
    sites = [layer.site for layer in members]
    if len(members) < len(layers) or len(set(sites)) < len(sites):
        return []
    together = all(site.statement == sites[0].statement for site in sites)
    appended = all(".append(" in site.statement.text for site in sites)
    agreed = all(site.conditions == sites[0].conditions for site in sites)
    if not agreed or not (together or appended):
        return []
    return [site.replace(text) for site, text in zip(sites, _last(sites), strict=True)]


def _is_numbered(layer: Layer) -> bool:
    """Whether a layer has a number in a container and no name besides."""
    return layer.name.rpartition(".")[2].isdecimal() and not layer.aliases


def _last(sites: list[Site]) -> list[str]:
    """The codes of the sites, the first one behind the others."""
    return [site.text for site in (*sites[1:], sites[0])]


def _reordered_calls(dropout: Site, norm: Site) -> list[Edit | None]:
    """Exchange the callees of two calls, of which the second works on the result of the first."""
    first, second = call_of_one(dropout.text), call_of_one(norm.text)
    if first is None or second is None or dropout.path != norm.path:
        return []
    (drop, tensor), (normalise, given) = first, second
    if given == dropout.text:
        return [norm.replace(f"{drop}({normalise}({tensor}))")]
    if dropout.conditions != norm.conditions or dropout.statement == norm.statement:
        return []
    return [dropout.replace(f"{normalise}({tensor})"), norm.replace(f"{drop}({given})")]
