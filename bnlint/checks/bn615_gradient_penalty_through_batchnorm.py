"""BN615: the gradient of each output is penalised where BatchNorm mixes the samples."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import is_live, norms_in_training
from bnlint.facts.types.graph import Layer
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.evidence import Proof, how_it_came_into, in_time
from bnlint.finding import Applicability, Edit, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN615", "gradient-penalty-through-batchnorm", Severity.WARNING, fix=Applicability.DISPLAY
)
REPLACED = {"BatchNorm2d": "InstanceNorm2d", "BatchNorm3d": "InstanceNorm3d"}
"""What normalises each sample by itself; BatchNorm1d may get vectors, which have nothing to average."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place that computes such gradients of a model, once."""
    trained = (f for f in run.of_type(Forward) if f.trained_on and is_live(f))
    penalised = (f for f in trained if f.slopes_at is not None)
    for forward in first_of_each(penalised, lambda f: (f.slopes_at, f.model.key)):
        assert forward.slopes_at is not None
        name = forward.receiver or forward.model.name
        yield RULE.at(
            forward.slopes_at,
            f"The gradient of each output of `{name}` with respect to its own input is trained on, but its "
            "BatchNorm layers, in train mode, make each output depend on all samples of the batch; use "
            "InstanceNorm, GroupNorm or LayerNorm in it",
            evidence=_evidence(run, forward),
            fix=_fix(forward),
        )


def _evidence(run: Run, forward: Forward) -> list[Proof]:
    norms = norms_in_training(forward)
    told = list(how_it_came_into(run, norms[0].mode if norms else forward.mode, forward.model))
    layers = [norm.layer.site for norm in norms if norm.layer is not None]
    proof = in_time([*told, (forward.order, (forward.site, "the outputs are computed here"))])
    return [*proof, *((site, "a BatchNorm layer of it") for site in layers[:1])]


def _fix(forward: Forward) -> Fix | None:
    """Another class for all of its BatchNorm layers, where each names its class itself."""
    layers = [norm.layer for norm in forward.norms]
    if not layers or any(layer is None for layer in layers):
        return None
    by_site = {layer.site: layer for layer in layers if layer is not None}
    edits = [edit for layer in by_site.values() for edit in _edits(layer)]
    return RULE.fixed_by("Use InstanceNorm", *edits)


def _edits(layer: Layer) -> list[Edit | None]:
    written = layer.class_site
    if written is None or not is_dotted_name(written.text):
        return [None]
    owner, dot, name = written.text.rpartition(".")
    if not owner or name not in REPLACED:
        return [None]
    return [written.replace(f"{owner}{dot}{REPLACED[name]}"), *_affine(layer, layer.site)]


def _affine(layer: Layer, built: Site) -> list[Edit | None]:
    """InstanceNorm has weight and bias only where it is asked to."""
    given = layer.arguments.get("affine")
    return (
        [] if given is not None and given.site is not None else [built.add_argument("affine=True")]
    )
