"""What makes a function a pass: it is computed once for each graph or run, and timed."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from bnlint.stopwatch import timed

if TYPE_CHECKING:
    from bnlint.facts.types.graph import Graphs, ModelGraph
    from bnlint.facts.types.run import Run

Subject = TypeVar("Subject", "ModelGraph", "Graphs", "Run")
Value = TypeVar("Value")

_KNOWN = "_passes"


class Pass(Generic[Subject, Value]):
    """A function of one graph, of all graphs of a program or of one run; use it as a decorator.

    Its value is kept with what it was asked about, and shared: it must be nothing that changes, no
    iterator for one. Rules name the passes that they read in ``Rule.reads``.
    """

    def __init__(self, derive: Callable[[Subject], Value]) -> None:
        self.derive: Callable[[Subject], Value] = derive
        self.name = derive.__name__
        self.__doc__ = derive.__doc__

    def __call__(self, subject: Subject) -> Value:
        """What follows from ``subject``."""
        known: dict[object, object] = vars(subject).setdefault(_KNOWN, {})
        if self not in known:
            with timed(self.name):
                known[self] = self.derive(subject)
        return cast(Value, known[self])


def forget(subject: "ModelGraph | Graphs | Run") -> None:
    """Let all passes be computed anew, as after a change of their code."""
    vars(subject).pop(_KNOWN, None)
