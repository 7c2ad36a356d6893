"""The classes that replace ``train`` and have BatchNorm layers below, whose mode it has to switch."""

from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.site import Site
from bnlint.facts.types.train_method import TrainMethod

MODE_NAMES = frozenset("mode train training is_train is_training flag".split())
"""What a parameter is called that stands for the mode."""


@Pass
def train_methods(graphs: Graphs) -> tuple[TrainMethod, ...]:
    """Each such method once; none of classes that replace ``eval``, too."""
    found: dict[Site, TrainMethod] = {}
    for graph in graphs:
        for layer in graph.layers:
            method = layer.train_method
            if method is not None and _is_for_batch_norms(method):
                found.setdefault(method.site, method)
    return tuple(found.values())


def hides_the_switch(graph: ModelGraph | None) -> bool:
    """Whether a model's training loop is called ``train``, so that ``eval()`` calls that: BN310's."""
    method = graph.layers[0].train_method if graph is not None and graph.layers else None
    return method is not None and _is_for_batch_norms(method) and is_training_loop(method)


def is_training_loop(method: TrainMethod) -> bool:
    """Whether it trains, or asks for more than a mode: what ``eval()`` must not call."""
    if method.parameters[:1] and method.parameters[0] in MODE_NAMES and method.required < 2:
        return False
    first = method.parameters[:1]
    return method.trains or method.required > 1 or not method.loops_over.isdisjoint(first)


def _is_for_batch_norms(method: TrainMethod) -> bool:
    """Whether it has BatchNorm to switch, and nothing else of the class does that."""
    return method.switches_norms and method.has_forward and not method.own_eval
