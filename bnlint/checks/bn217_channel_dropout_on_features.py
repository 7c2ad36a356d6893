"""BN217 channel-dropout-on-features: a dropout of whole channels gets features that have none."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bnlint.facts.passes.model_graphs.built_layers import built_layers, is_built_by_name
from bnlint.facts.passes.model_graphs.layout import axes_of
from bnlint.facts.shapes.axes import Axes, Role
from bnlint.facts.types.graph import Call, Graphs, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule

RULE = Rule(
    "BN217",
    "channel-dropout-on-features",
    Severity.ADVICE,
    fix=Applicability.SAFE,
    reads=(axes_of, built_layers),
)

CHANNELWISE = {f"{name}{digit}d": digit for name in ("Dropout", "dropout") for digit in (1, 2, 3)}
"""The layers and functions that drop whole channels, with the dimensions of one channel."""


@immutable
class _DropoutUse:
    """A call of such a dropout, and whether it gets one vector of features for each sample."""

    call: Call
    dimensions: int
    on_features: bool
    normalised: bool
    """Whether a BatchNorm comes before or behind it."""


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each dropout of channels in a network with BatchNorm that gets vectors."""
    uses: dict[Site, list[_DropoutUse]] = defaultdict(list)
    for graph in graphs:
        for place, use in _uses(graph):
            uses[place].append(use)
    for place, found in uses.items():
        wrong = [use for use in found if use.on_features and use.normalised]
        if wrong:
            unanimous = all(use.on_features for use in found)
            yield _finding(place, wrong[0], _fix(graphs, place, wrong[0]) if unanimous else None)


def _uses(graph: ModelGraph) -> Iterator[tuple[Site, _DropoutUse]]:
    axes: Sequence[Axes] = ()
    for call in graph.calls:
        dimensions = _dimensions(call)
        place = call.site if call.layer is None else call.layer.site
        if dimensions is None or place is None or not call.inputs:
            continue
        axes = axes or axes_of(graph)
        given = axes[call.inputs[0]]
        yield (
            place,
            _DropoutUse(call, dimensions, _are_features(given), _is_normalised(graph, call)),
        )


def _dimensions(call: Call) -> int | None:
    """How many dimensions one channel of a dropout has that drops some channels, not all."""
    layer = call.layer
    if call.kind is not Kind.DROPOUT or (layer is not None and layer.own_forward):
        return None
    probability = (call if layer is None else layer).arguments.get("p")
    if probability is not None and probability.value == 0:
        return None
    return CHANNELWISE.get(call.op if layer is None else layer.type.rpartition(".")[2])


def _are_features(given: Axes) -> bool:
    """Whether a tensor is N x C, and not one sample of C x L."""
    if given.rank != 2:
        return False
    return given.first.role is Role.SAMPLES or given.known[1].role is Role.FEATURES


def _is_normalised(graph: ModelGraph, dropout: Call) -> bool:
    norms = (call for call in graph.calls if call.kind is Kind.BATCH_NORM)
    return any(graph.comes_from(dropout, n) or graph.comes_from(n, dropout) for n in norms)


def _finding(place: Site, use: _DropoutUse, fix: Fix | None) -> Finding:
    layer, dimensions = use.call.layer, use.dimensions
    subject = (
        f"`{use.call.op}`" if layer is None else f"{in_words(layer)}, a `Dropout{dimensions}d`,"
    )
    if dimensions == 2:
        what = (
            "which have no channels: torch drops single values, warns, and will raise in a future"
            " version"
        )
    else:
        what = (
            "and takes the batch for a single sample whose channels are the samples: it drops whole"
            " samples, and BatchNorm counts their zeros"
        )
    right = "dropout" if layer is None else "Dropout"
    return RULE.at(
        place,
        f"{subject} gets N x C features, {what}; use `{right}`",
        layer=None if layer is None else layer.name,
        evidence=[(use.call.site, "it is called here")]
        if use.call.site not in (None, place)
        else (),
        fix=fix,
    )


def _fix(graphs: Graphs, place: Site, use: _DropoutUse) -> Fix | None:
    """Drop single values, which is what torch does with vectors where it takes them for such."""
    layer = use.call.layer
    written = place if layer is None else layer.class_site
    if written is None:
        return None
    callee, opening, rest = written.text.partition("(")
    owner, dot, name = callee.rpartition(".")
    if name not in CHANNELWISE or not is_dotted_name(callee):
        return None
    right = name[:-2]
    if not owner and not (layer is not None and is_built_by_name(graphs, written, right)):
        return None
    return RULE.fixed_by(
        f"Use `{right}`",
        written.replace(f"{owner}{dot}{right}{opening}{rest}"),
        applicability=Applicability.SAFE if use.dimensions == 2 else Applicability.UNSAFE,
    )
