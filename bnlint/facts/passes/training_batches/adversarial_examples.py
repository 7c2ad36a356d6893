"""Adversarial examples that are trained on beside the clean ones that they were made of."""

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.domains import serve_one_step
from bnlint.facts.passes.training_batches.steps import updating_forwards
from bnlint.facts.types.run import Forward, Run
from bnlint.immutable import immutable


@immutable
class MixedExamples:
    """A forward of adversarial examples, and the one of clean ones that serves the same step.

    ``attack`` is the one whose input gets gradients, to be changed by them; ``clean`` is ``None``
    where one batch has both. Each is trained by the labels of its batch:
    where adversarial outputs are compared with clean ones, as in TRADES, both are parts of one loss.
    """

    forward: Forward
    attack: Forward
    clean: Forward | None = None


@Pass
def mixed_examples(run: Run) -> tuple[MixedExamples, ...]:
    """Those that update the statistics of the same BatchNorm layers, which all are torch's own."""
    attacked = {f.number: f for f in run.of_type(Forward) if f.attacked_at is not None}
    if not attacked:
        return ()
    trained = [forward for forward in updating_forwards(run) if _learns_labels(forward)]
    found: list[MixedExamples] = []
    for forward in trained:
        attacks = [attacked[number] for number in forward.sources if number in attacked]
        own = [attack for attack in attacks if attack.model.is_same(forward.model)]
        if own and forward.mixed:
            found.append(MixedExamples(forward, own[-1]))
        elif own:
            clean = (other for other in trained if _is_clean_beside(run, other, forward))
            found += (MixedExamples(forward, own[-1], other) for other in clean)
    return tuple(found)


def _learns_labels(forward: Forward) -> bool:
    return trains(forward) and forward.supervised and not _may_split_batch(forward)


def _may_split_batch(forward: Forward) -> bool:
    """Whether a BatchNorm layer has a forward of the project's, which may tell the samples apart."""
    return any(norm.layer is not None and norm.layer.own_forward for norm in forward.norms)


def _is_clean_beside(run: Run, other: Forward, forward: Forward) -> bool:
    """Whether a forward runs clean samples of the same loaders through the same layers for the same step."""
    if other.sources or not other.model.is_same(forward.model):
        return False
    if set(other.loaders).isdisjoint(forward.loaders) or other.constants != forward.constants:
        return False
    return serve_one_step(run, other, forward)
