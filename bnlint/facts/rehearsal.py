"""Everything that was learnt from the files of one lint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bnlint.facts.graph import ModelGraph
from bnlint.facts.recipe import Recipe
from bnlint.facts.run import Run


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The graphs of all models that were seen being built, and the runs of all entry points.

    A layer outside any model has a graph of its own, without calls. ``recipes`` say how to build a
    model again, where that was asked for; parts of other models and single layers have none.
    ``scripts`` are the files, absolute, whose run built a model; it looks for imports beside them.
    ``unreached`` are the graphs of what no run of a script built: functions that nothing calls were
    tried with unknown arguments, and classes with their defaults.
    """

    graphs: tuple[ModelGraph, ...]
    runs: tuple[Run, ...]
    recipes: Mapping[ModelGraph, Recipe] = field(default_factory=dict)
    scripts: Mapping[ModelGraph, str] = field(default_factory=dict)
    unreached: frozenset[ModelGraph] = frozenset()


def joined(parts: Sequence[Rehearsal]) -> Rehearsal:
    """Rehearsals of several programs as one."""
    return Rehearsal(
        tuple(graph for part in parts for graph in part.graphs),
        tuple(run for part in parts for run in part.runs),
        {graph: recipe for part in parts for graph, recipe in part.recipes.items()},
        {graph: script for part in parts for graph, script in part.scripts.items()},
        frozenset(graph for part in parts for graph in part.unreached),
    )
