"""BN109 batch-statistics-at-test: predictions of a classifier depend on the batch they are made in."""

from collections.abc import Iterator

from bnlint.facts.passes.forwards import trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Model, NormState, Run, is_training
from bnlint.facts.wording.evidence import how_it_came_into, in_time
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN109", "batch-statistics-at-test", Severity.ADVICE, default=False, in_tests=False)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report layers without running statistics in models that learn labels and predict in eval mode."""
    found = (
        (norm, forward)
        for forward in run.of_type(Forward)
        if _predicts(forward) and _learns_labels(run, forward.model)
        for norm in forward.norms
        if _uses_the_batch(norm)
    )
    for norm, forward in first_of_each(found, lambda entry: entry[0].layer and entry[0].layer.site):
        if norm.layer is not None:
            yield _finding(run, norm, forward)


def _predicts(forward: Forward) -> bool:
    """Whether it certainly is for predictions: in eval mode, and without a backward."""
    evaluates = is_training(forward.mode) is Known.NO
    return evaluates and not forward.inner and forward.backpropagated is Known.NO


def _learns_labels(run: Run, model: Model) -> bool:
    """Whether the script trains it on labels alone: no generator, style transfer or adaptation."""
    training = [f for f in run.of_type(Forward) if f.model.is_same(model) and trains(f)]
    return bool(training) and all(forward.criterion for forward in training)


def _uses_the_batch(norm: NormState) -> bool:
    """Whether it has no running statistics, and certainly runs."""
    plain = norm.layer is not None and not norm.layer.own_forward
    return plain and norm.tracks is Known.NO and norm.is_there


def _finding(run: Run, norm: NormState, forward: Forward) -> Finding:
    layer = norm.layer
    assert layer is not None
    tracks = layer.arguments.get("track_running_stats")
    place = layer.site if tracks is None or tracks.site is None else tracks.site
    return RULE.at(
        place,
        f"{in_words(layer)} keeps no running statistics, so `{forward.model.name}` normalises by its batch in eval mode,"
        " too: a prediction depends on the samples that it is made with, and a single vector of features raises; keep"
        " running statistics",
        layer=layer.name,
        evidence=in_time(
            [
                *how_it_came_into(run, forward.mode, forward.model),
                (forward.order, (forward.site, "it predicts here")),
            ]
        ),
    )
