"""BN906: a model is trained whose running statistics have 16 bits."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, training_forwards
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, NormState, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.torch_names import name_of_layers
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN906",
    "half-precision-statistics",
    Severity.WARNING,
    fix=Applicability.SAFE,
    in_tests=False,
    reads=(training_forwards,),
)


@immutable
class _Lowered:
    """BatchNorm layers of one forward that one call gave 16 bits."""

    forward: Forward
    site: Site
    norms: tuple[NormState, ...]


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each call that makes a model's statistics ones of 16 bits, if it is trained then."""
    for lowered in first_of_each(_lowered(run), lambda one: (one.site, one.forward.model.key)):
        name = lowered.forward.receiver or lowered.forward.model.name
        yield RULE.at(
            lowered.site,
            f"`{name}` is trained after this, and its BatchNorm layers keep their running statistics in 16 bits, "
            "too: small steps are rounded away and large variances overflow; keep these layers in float32, or use "
            "`torch.autocast`",
            evidence=[(lowered.forward.site, "it is trained here")],
            fix=_fix(lowered),
        )


def _lowered(run: Run) -> Iterator[_Lowered]:
    for forward in training_forwards(run):
        norms = [n for n in norms_in_training(forward) if n.lowered_at is not None]
        if norms and forward.grad is Known.YES and forward.trained_on:
            site = norms[0].lowered_at
            assert site is not None
            yield _Lowered(forward, site, tuple(n for n in norms if n.lowered_at == site))


def _fix(lowered: _Lowered) -> Fix | None:
    """Give the layers 32 bits again, after a statement that only converts a model with a name."""
    site = lowered.site
    name = site.text.partition("(")[0].rpartition(".")[0]
    layers = name_of_layers(site)
    types = {norm.layer.type for norm in lowered.norms if norm.layer is not None}
    if any(norm.synchronised is not Known.NO for norm in lowered.norms):
        return None  # it may have been made of a layer of another class after this
    if (
        layers is None
        or not is_dotted_name(name)
        or any(norm.layer is None for norm in lowered.norms)
    ):
        return None
    if site.statement.text not in (site.text, f"{name} = {site.text}"):
        return None
    kinds = ", ".join(f"{layers}.{kind.rpartition('.')[2]}" for kind in sorted(types))
    wanted = kinds if len(types) == 1 else f"({kinds})"
    line = f"{name}.apply(lambda m: m.float() if isinstance(m, {wanted}) else m)"
    return RULE.fixed_by("Keep its BatchNorm layers in float32", site.insert_after(line))
