"""Batches whose samples all have one answer: a model learns from their role in the code which one."""

from itertools import combinations

from bnlint.facts.passes.forwards import trains
from bnlint.facts.passes.once import Pass
from bnlint.facts.passes.training_batches.domains import separate_domains, serve_one_step
from bnlint.facts.passes.training_batches.steps import updating_forwards
from bnlint.facts.types.run import Forward, Run
from bnlint.immutable import immutable


@immutable
class FixedRoles:
    """Two forwards of a model for one step of its training, each of samples that have one answer alone."""

    first: Forward
    second: Forward


@Pass
def fixed_roles(run: Run) -> tuple[FixedRoles, ...]:
    """Those of batches that loaders give, and whose answers differ; not those of domains, which say more."""
    told = {(pair.first.number, pair.second.number) for pair in separate_domains(run)}
    found = [forward for forward in updating_forwards(run) if _has_one_answer(forward)]
    return tuple(
        FixedRoles(first, second)
        for first, second in combinations(found, 2)
        if first.model.is_same(second.model)
        and first.answer != second.answer
        and (first.number, second.number) not in told
        and first.constants == second.constants
        and serve_one_step(run, first, second)
    )


def _has_one_answer(forward: Forward) -> bool:
    """Whether the samples are a loader's, and not what another model makes."""
    given = bool(forward.loaders) and not forward.computed
    return trains(forward) and given and forward.answer is not None
