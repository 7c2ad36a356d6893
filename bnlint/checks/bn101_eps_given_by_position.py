"""BN101 eps-given-by-position: a momentum or a size that lands in the parameter eps."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.built_layers import built_layers, layers_by_site
from bnlint.facts.types.graph import Graphs, Layer
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.facts.wording.code_text import is_whole_number
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule(
    "BN101",
    "eps-given-by-position",
    Severity.ERROR,
    fix=Applicability.UNSAFE,
    reads=(built_layers,),
)

LARGEST_EPS = 1e-2
"""From here on a number is no plausible eps; 1e-3 is TensorFlow's and that of EfficientNet."""

KERAS_MOMENTUM = 0.5
"""From here to 1 a number is a momentum as Keras counts it, below as PyTorch does."""

_LATER = ("momentum", "affine", "track_running_stats")


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report second positional arguments of BatchNorm that cannot be meant as eps."""
    for site, built in layers_by_site(graphs, Kind.BATCH_NORM).items():
        layers = [layer for _, layer in built]
        written = layers[0].arguments.get("eps")
        if written is None or written.site is None or not written.positional:
            continue
        if all(_is_no_eps(layer) for layer in layers):
            yield _finding(site, layers[0], written, written.site)


def _is_no_eps(layer: Layer) -> bool:
    eps = layer.arguments.get("eps")
    if eps is None or eps.site is None or "eps" in eps.site.text.lower():
        return False
    if eps.number is not None:
        return eps.number >= LARGEST_EPS
    return eps.value is NOT_KNOWN and _is_size(layer, eps.site)


def _is_size(layer: Layer, eps: Site) -> bool:
    """Whether an unknown value is the number of features once more, or visibly a whole number."""
    features = layer.arguments.get("num_features")
    if features is not None and features.site is not None and features.site.text == eps.text:
        return True
    return is_whole_number(eps.text)


def _finding(site: Site, layer: Layer, eps: Argument, written: Site) -> Finding:
    class_name = layer.type.rpartition(".")[2]
    text = (
        written.text
        if eps.number is None or written.is_number
        else (f"{written.text} = {eps.number:g}")
    )
    momentum = _meant_momentum(layer, eps)
    remedy = f"write `momentum={momentum}` if a momentum is meant" if momentum else "remove it"
    return RULE.at(
        written,
        f"The second argument of `{class_name}` is `eps`, so `{text}` is added to the variance"
        f" of each channel{_effect(eps)}; {remedy}",
        layer=layer.name,
        fix=_fix(site, layer, written, momentum),
        cause=eps.cause,
    )


def _effect(eps: Argument) -> str:
    if eps.number is None:
        return " and hardly any normalisation is left"
    return f" and a channel of variance 1 leaves with a standard deviation of {_shrunk(eps.number)}"


def _shrunk(eps: float) -> str:
    """The standard deviation of a normalised channel that had variance 1."""
    return f"{(1 + eps) ** -0.5:.2g}"


def _meant_momentum(layer: Layer, eps: Argument) -> str | None:
    """The momentum that the number stands for, if it is one and none is given besides."""
    momentum = layer.arguments.get("momentum")
    if eps.number is None or eps.number >= 1 or (momentum is not None and momentum.given):
        return None
    return f"{1 - eps.number if eps.number >= KERAS_MOMENTUM else eps.number:.4g}"


def _fix(site: Site, layer: Layer, eps: Site, momentum: str | None) -> Fix | None:
    if any(a.value is NOT_KNOWN and a.site is None for a in layer.arguments.values()):
        return None
    if momentum is not None and eps.is_number:
        return RULE.fixed_by(f"Write `momentum={momentum}`", eps.replace(f"momentum={momentum}"))
    if eps.is_parameter and not _is_size(layer, eps):
        return None  # other callers may pass what is right
    if any(layer.arguments[n].positional for n in _LATER if n in layer.arguments):
        return RULE.fixed_by("Use the default `eps`", eps.replace("1e-5"))
    return RULE.fixed_by(f"Remove `{eps.text}`", site.remove_argument(eps))
