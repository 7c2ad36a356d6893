"""BN313: BatchNorm layers are folded into convolutions while they are in train mode, which torch refuses."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.run import Fused, NormState, Run
from bnlint.facts.wording.export_fix import cure_of_export, how_it_is_in_training
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, Settings

RULE = Rule("BN313", "fused-in-train-mode", Severity.ERROR, fix=Applicability.SAFE)

_FOLDED_INTO = (Kind.CONV, Kind.LINEAR)
_OF_MODELS = ("fuse", "fuse_fx", "prepare_fx")
"""Functions that look for the layers themselves."""
_BY_NAMES = "fuse_modules"
_FOR_TRAINING = "qat"
"""A word of code that trains the fused model, with simulated quantization."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the first call that raises, as all do since torch 1.11; nothing after it is run."""
    if settings.torch_is_before("1.11"):
        return
    refused = (event for event in run.of_type(Fused) if _is_refused(run, event))
    event = next(refused, None)
    if event is not None:
        yield _finding(run, event)


def _is_refused(run: Run, event: Fused) -> bool:
    """Whether torch raises, and nothing catches that."""
    if event.site.handlers:
        return False
    norms = norms_in_training(event)
    if _name(event) in _OF_MODELS:
        return any(_follows_a_layer(run, event, norm) for norm in norms)
    return bool(norms)


def _follows_a_layer(run: Run, event: Fused, norm: NormState) -> bool:
    """Whether a layer certainly gets what a convolution gives, so that it is found."""
    graph = run.graph_of(event.model)
    calls = [] if graph is None or norm.layer is None else graph.calls_by_layer.get(norm.layer, ())
    return graph is not None and any(
        call.certain and graph.calls[call.inputs[0]].kind in _FOLDED_INTO for call in calls
    )


def _name(event: Fused) -> str:
    return event.function.rpartition(".")[2]


def _finding(run: Run, event: Fused) -> Finding:
    name, function = cure_of_export(run, event).name, _name(event)
    remedy, since = "call `eval()` before", ""
    if function == _BY_NAMES:
        since = "since torch 1.11 "
        remedy += ", or use `fuse_modules_qat` if the fused model is to be trained"
    return RULE.at(
        event.site,
        f"`{name}` is in train mode: `{function}` folds BatchNorm's running statistics into the layer before, and "
        f"{since}raises an AssertionError; {remedy}",
        evidence=how_it_is_in_training(run, event),
        fix=_fix(run, event),
    )


def _fix(run: Run, event: Fused) -> Fix | None:
    """Eval mode for the whole model; none where another function may be meant."""
    if _name(event) not in (*_OF_MODELS, _BY_NAMES):
        return None
    if event.site.source.mentions(_FOR_TRAINING):
        return None
    cure = cure_of_export(run, event)
    return RULE.fixed_by(cure.title, *cure.edits)
