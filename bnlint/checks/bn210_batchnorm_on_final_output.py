"""BN210 batchnorm-on-final-output: what a loss compares with labels is normalised over the batch."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import norms_in_training, training_forwards
from bnlint.facts.passes.model_graphs.built_layers import trained_norm
from bnlint.facts.types.graph import Call, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.immutable import immutable
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN210",
    "batchnorm-on-final-output",
    Severity.ADVICE,
    default=False,
    in_tests=False,
    reads=(training_forwards,),
)

_PREDICTING = frozenset("softmax logsoftmax sigmoid logsigmoid".split())
"""Activations that make predictions of logits, by their names without underscores."""


@immutable
class _Last:
    """The BatchNorm whose values a loss gets."""

    forward: Forward
    layer: Layer


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each BatchNorm that is the last layer of a model which is trained on labels."""
    for last in first_of_each(_last_norms(run), lambda one: one.layer.site):
        yield _finding(last)


def _last_norms(run: Run) -> Iterator[_Last]:
    for forward in training_forwards(run):
        graph = run.graph_of(forward.model)
        if graph is None or not forward.criterion or not forward.trained_on:
            continue
        layer = _last_layer(graph)
        if layer is not None and layer.name in {norm.name for norm in norms_in_training(forward)}:
            yield _Last(forward, layer)


def _last_layer(graph: ModelGraph) -> Layer | None:
    """The BatchNorm that makes all of a model's output, but for an activation of predictions."""
    if len(graph.outputs) != 1:
        return None
    call = graph.calls[graph.outputs[0]]
    while len(call.inputs) == 1 and _keeps_what_was_normalised(call):
        call = graph.calls[call.inputs[0]]
    return trained_norm(graph, call)


def _keeps_what_was_normalised(call: Call) -> bool:
    if call.kind is Kind.ACTIVATION:
        return call.op.lower().replace("_", "") in _PREDICTING
    return call.kind in (Kind.PASS, Kind.RESHAPE)


def _finding(last: _Last) -> Finding:
    layer, forward = last.layer, last.forward
    affine = layer.arguments.get("affine")
    fixed = affine is not None and affine.value is False
    spread = "of 1, which limits how sure it can become," if fixed else "that only `weight` decides"
    return RULE.at(
        layer.site,
        f"{in_words(layer)} is the last layer of `{forward.model.name}`: over each batch in training, every output"
        f" has a mean and a spread {spread} whatever the labels are, so a prediction depends on the other samples;"
        " put it before the last layer with weights, or leave it out",
        layer=layer.name,
        evidence=[
            (
                forward.site,
                f"the output goes to `{forward.criterion}`, which compares it with labels",
            )
        ],
    )
