"""Evaluations in train mode that have a rule of their own, which says more than that ``eval()`` is missing."""

from itertools import chain

from bnlint.facts.passes.mode_switches.assigned_modes import assigned_modes
from bnlint.facts.passes.mode_switches.dropout_samples import dropout_samples
from bnlint.facts.passes.mode_switches.partial_evaluations import partial_evaluations
from bnlint.facts.passes.model_graphs.train_overrides import hides_the_switch
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run


@Pass
def told_by_own_rules(run: Run) -> frozenset[int]:
    """The places in the run of such forwards: BN305's, BN306's, BN308's and BN310's."""
    assigned = (found.forward for found in assigned_modes(run))
    partial = (found.forward for found in partial_evaluations(run))
    samples = (found.forward for found in dropout_samples(run))
    evaluated = (f for f in run.of_type(Forward) if f.backpropagated is Known.NO)
    hidden = (f for f in evaluated if hides_the_switch(run.graph_of(f.model)))
    return frozenset(forward.order for forward in chain(assigned, partial, samples, hidden))
