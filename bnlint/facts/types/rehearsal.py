"""Everything that was learnt from the files of one lint."""

from collections.abc import Mapping
from dataclasses import field

from bnlint.facts.types.graph import Graphs, ModelGraph
from bnlint.facts.types.invocation import Invocation, Refusal
from bnlint.facts.types.recipe import Recipe
from bnlint.facts.types.run import Run
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class RehearsalFailure:
    """An entry point, or a model, at which the rehearsal itself stopped with an exception.

    ``site`` is the file or the definition, ``reason`` the exception in one line.
    """

    entry: str
    site: Site
    reason: str


@immutable
class Rehearsal:
    """The graphs of all models that were seen being built, and the runs of all entry points.

    A layer outside any model has a graph of its own, without calls. ``recipes`` say how to build a
    model again, where that was asked for; parts of other models and single layers have none.
    ``scripts`` are the files, absolute, whose run built a model; it looks for imports beside them.
    ``unreached`` are the graphs of what no run of a script built: functions that nothing calls were
    tried with unknown arguments, and classes with their defaults. ``entered`` are the paths of all
    scripts.
    """

    graphs: Graphs
    runs: tuple[Run, ...]
    recipes: Mapping[ModelGraph, Recipe] = field(default_factory=dict)
    scripts: Mapping[ModelGraph, str] = field(default_factory=dict)
    unreached: frozenset[ModelGraph] = frozenset()
    failures: tuple[RehearsalFailure, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    """Calls of scripts that end at once, since the script does not take their arguments."""
    unread: tuple[Invocation, ...] = ()
    """Calls whose arguments nothing asks for."""
    entered: tuple[str, ...] = ()
