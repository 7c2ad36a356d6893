"""BN616: gradients of single samples are wanted of a model whose BatchNorm mixes them."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.forwards import norms_in_training
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import NormState, Run
from bnlint.facts.types.weight_events import SampleGradients
from bnlint.facts.wording.code_text import assigned_name
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN616",
    "per-sample-gradient-through-batchnorm",
    Severity.ERROR,
    fix=Applicability.DISPLAY,
)
_REFUSED = (
    "is refused by Opacus: its BatchNorm layers mix the samples, so that there is no gradient of one sample by itself; "
    "pass `ModuleValidator.fix({name})`, which has GroupNorm in their place, to the optimizer and to `make_private`"
)
_RAISES = (
    "runs in train mode on one sample after the other, under `vmap`: its BatchNorm layers want to update running "
    "statistics that all samples share, which raises; take the running statistics out with "
    "`torch.func.replace_all_batch_norm_modules_({name})`, use GroupNorm, or call `{name}.eval()`"
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place that asks for such gradients."""
    for event in first_of_each(run.of_type(SampleGradients), lambda event: event.site):
        by_opacus = event.function.startswith("opacus.")
        norms = norms_in_training(event)
        layers = [norm for norm in norms if _is_refused(norm)] if by_opacus else norms
        if not layers:
            continue
        name, told = event.model.name, _REFUSED if by_opacus else _RAISES
        yield RULE.at(
            event.site,
            f"`{name}` {told.format(name=name)}",
            evidence=[(n.layer.site, "a BatchNorm layer of it") for n in layers[:1] if n.layer],
            fix=None if by_opacus else _fix(event, layers),
        )


def _is_refused(norm: NormState) -> bool:
    """Opacus looks at layers that have parameters to learn."""
    affine = norm.layer.arguments.get("affine") if norm.layer is not None else None
    return norm.frozen is Known.NO and (affine is None or affine.value is not False)


def _fix(event: SampleGradients, layers: Sequence[NormState]) -> Fix | None:
    """Without running statistics, where each sample has many values of a channel."""
    built = event.model.site
    if built is None or not built.source.mentions("import torch\n"):
        return None
    name = assigned_name(built.statement.text)
    images = all(n.layer is not None and n.layer.dimensions in (2, 3) for n in layers)
    if name is None or not images:
        return None
    line = f"torch.func.replace_all_batch_norm_modules_({name})"
    return RULE.fixed_by("Take out the running statistics", built.insert_after(line))
