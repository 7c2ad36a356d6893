"""Everything that was learnt from the files of one lint."""

from dataclasses import dataclass

from bnlint.facts.graph import ModelGraph
from bnlint.facts.run import Run


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """The graphs of all models that were seen being built, and the runs of all entry points.

    A layer outside any model has a graph of its own, without calls.
    """

    graphs: tuple[ModelGraph, ...]
    runs: tuple[Run, ...]
