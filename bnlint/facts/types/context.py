"""Where in a rehearsal something happens: in which functions and loops, and under which conditions."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from bnlint.facts.types.loader import Loader
from bnlint.facts.types.site import Site


@dataclass(slots=True, unsafe_hash=True)
class Frame:
    """A function that was being rehearsed: its name, the call that entered it, its ``def``.

    ``call`` is ``None`` for an entry point that nothing in the project calls.
    """

    function: str
    call: Site | None
    definition: Site | None = None
    loops: int = field(default=0, compare=False)
    """How many of the loops around an event in it are around its call."""


@dataclass(slots=True, unsafe_hash=True)
class Loop:
    """A loop of the script around an event: its statement and the number of the pass, from 1.

    ``loader`` is the loader that it iterates, if any. A loop over more than a few items is
    rehearsed in two passes that stand for all of them; ``passes`` is their number, where known.
    """

    site: Site
    number: int
    loader: Loader | None = None
    passes: int | None = field(default=None, compare=False)


@dataclass(slots=True, eq=False)
class Condition:
    """One evaluation of a test whose answer is not known: the same object on both of its paths.

    ``choice`` says that the test is which one of several objects the code at ``site`` means. A test
    of what a division leaves (``(step + 1) % 8 == 0``) holds once in ``every`` so many.
    ``splits_ranks`` says that of the processes of one training some get another answer than others.
    """

    site: Site
    choice: bool = False
    every: int | None = None
    splits_ranks: bool = False


@dataclass(slots=True, unsafe_hash=True)
class Assumption:
    """That a condition holds, or not, on the path at hand.

    ``left`` says that the path with the other answer ended before (``continue``, ``return``), so
    that the condition stands before a place, not around it.
    """

    condition: Condition
    holds: bool
    left: bool = field(default=False, compare=False)

    @property
    def opposite(self) -> "Assumption":
        """What holds on the other paths."""
        return Assumption(self.condition, not self.holds, self.left)


def cover_all_paths(paths: Sequence[frozenset[Assumption]]) -> bool:
    """Whether one of several sets of assumptions holds whatever the conditions turn out to be."""
    if not paths or frozenset() in paths:
        return bool(paths)
    condition = next(iter(paths[0])).condition
    sides = []
    for answer in (Assumption(condition, True), Assumption(condition, False)):
        sides.append([path - {answer} for path in paths if answer.opposite not in path])
    return all(cover_all_paths(side) for side in sides)


@dataclass(slots=True, unsafe_hash=True)
class Context:
    """Where in the rehearsal an event happened: functions and loops from the outside in.

    ``assumptions`` are what decides whether it happens: the conditions around it, outermost first,
    then those by which other paths left before.
    """

    frames: tuple[Frame, ...]
    loops: tuple[Loop, ...]
    assumptions: tuple[Assumption, ...] = ()

    @property
    def certain(self) -> bool:
        """Whether no condition that is not known decides whether it happens."""
        return not self.assumptions

    def shared_frames(self, other: "Context") -> tuple[Frame, ...]:
        """The functions, from the outside in, that two events stand in."""
        pairs = zip(self.frames, other.frames, strict=False)
        return tuple(mine for mine, _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def is_within(self, other: "Context") -> bool:
        """Whether it stands in the same call and the same pass of a loop as another, or deeper."""
        frames, loops = len(other.frames), len(other.loops)
        return self.frames[:frames] == other.frames and self.loops[:loops] == other.loops

    def excludes(self, other: "Context") -> bool:
        """Whether a condition decides that only one of two events happens, if any."""
        here = set(self.assumptions)
        return any(assumption.opposite in here for assumption in other.assumptions)
