"""Real samples and those that another model makes, which a discriminator gets in separate forwards."""

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.domains import serve_one_step
from bnlint.facts.passes.training_batches.steps import updating_forwards
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.immutable import immutable


@immutable
class RealAndGenerated:
    """Two forwards of a model that serve one step of its training: of a loader's samples, and of made ones.

    ``maker`` is the last forward of another model that those come from.
    """

    real: Forward
    generated: Forward
    maker: Forward


@Pass
def real_and_generated(run: Run) -> tuple[RealAndGenerated, ...]:
    """Those that update statistics of a model which is trained, and whose outputs no other that is trained gets."""
    forwards = {forward.number: forward for forward in run.of_type(Forward)}
    optimized = (f for f in forwards.values() if f.model.optimized is Known.YES)
    sources = {number for forward in optimized for number in forward.sources}
    generators = {forwards[number].model.key for number in sources if number in forwards}
    trained = [f for f in updating_forwards(run) if _judges(f) and f.model.key not in generators]
    found = []
    for generated in trained:
        makers = [forwards[number] for number in generated.sources if number in forwards]
        others = [maker for maker in makers if not maker.model.is_same(generated.model)]
        if not others or generated.mixed:
            continue
        real = (forward for forward in trained if _is_real_beside(run, forward, generated))
        found += [RealAndGenerated(forward, generated, others[-1]) for forward in real]
    return tuple(found)


def _judges(forward: Forward) -> bool:
    """Whether a model learns from a batch itself, not from a gradient at points between samples."""
    learns = trains(forward) and forward.slopes_at is None
    return learns and forward.model.optimized is Known.YES


def _is_real_beside(run: Run, other: Forward, generated: Forward) -> bool:
    """Whether a forward runs samples of a loader through the same model for the same step."""
    if other.sources or not other.loaders or not other.model.is_same(generated.model):
        return False
    return other.constants == generated.constants and serve_one_step(run, other, generated)
