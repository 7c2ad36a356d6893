"""The state of a rehearsal and its central moves: evaluate, execute, call, fork and join."""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import libcst as cst

from bnlint.facts.types.context import Assumption, Condition, Context
from bnlint.facts.types.context import Loop as LoopFact
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.budget import MAX_DEPTH, BudgetExceeded, Toil, costly_function
from bnlint.interpreter.core.command_line import CommandLine
from bnlint.interpreter.core.dispatch import ATTRIBUTES, CALLS, EXPRESSIONS, STATEMENTS
from bnlint.interpreter.core.exchanged_names import ExchangedNames
from bnlint.interpreter.core.extent import extent
from bnlint.interpreter.core.frames import (
    RAISE,
    Activation,
    ActiveLoop,
    Completion,
    End,
    Exit,
    Place,
)
from bnlint.interpreter.core.heap import Contents, Heap, Snapshot
from bnlint.interpreter.core.interruptions import ScriptActivity
from bnlint.interpreter.core.joins import join_contents, join_values
from bnlint.interpreter.core.memory import Memory
from bnlint.interpreter.core.modes_read import ModesRead
from bnlint.interpreter.core.objects import Builtin, Instance, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.evaluation.allowance import FREE, Allowance

if TYPE_CHECKING:
    from bnlint.interpreter.core.journal import Journal
    from bnlint.interpreter.core.namespaces import Namespace, Namespaces
    from bnlint.interpreter.core.reads import Owner, Reads
    from bnlint.interpreter.core.tape import Tape
    from bnlint.interpreter.recipes.model_recipes import Recipes

C = TypeVar("C", bound="list[Any] | dict[Any, Any] | set[Any]")
Path = Callable[[], Completion | None]
"""One of several ways on from a place."""


class Machine:
    """One rehearsal: the heap, the stacks and the records, shared by all entry points."""

    def __init__(self, namespaces: "Namespaces", tape: "Tape", journal: "Journal") -> None:
        self.namespaces = namespaces
        self.tape = tape
        self.journal = journal
        self.heap = Heap()
        self.frames: list[Activation] = []
        self.loops: list[ActiveLoop] = []
        self.modules: list[Instance] = []
        """The modules whose forward is being executed, outermost first."""
        self.building = 0
        """How many constructors of modules are being executed."""
        self.path: tuple[Assumption, ...] = ()
        """What is assumed about the conditions around."""
        self.outermost = 0
        """The first frame of the present path: those below are of another."""
        self.registers: dict[str, Value] = {"grad": Known.YES}
        """What paths change besides objects; part of the heap, so that it is copied and joined."""
        self.steps, self.limit = 0, 0
        self.allowance = Allowance()
        """How much Python's own operations may still do."""
        self.reached: set[cst.CSTNode] = set()
        self.toil: dict[object, Toil] = {}
        """What calls of functions, by their definitions, have taken in which nothing happened."""
        self.memory = Memory()
        self.exchanged = ExchangedNames()
        self.command_line = CommandLine()
        self.readings: list[Reads] = []
        """Those who want to know what is read from outside of them."""
        self.written: set[str] = set()
        """The paths of files that the program writes."""
        self.assigning: cst.CSTNode | None = None
        """The right-hand side of the assignment that is being executed."""
        self.modes = ModesRead()
        self.speculating = False
        """Whether a pass is being executed that is given up at the first thing only scripts do."""
        self.mapped = False
        """Whether a function is being executed that torch.func maps over samples, for all of one model."""
        self.script_loops: set[cst.CSTNode] = set()
        self.recipes: Recipes | None = None
        """How to build models again, if that is asked for."""

    @property
    def grad(self) -> Known:
        """Whether gradients are recorded."""
        return cast(Known, self.registers["grad"])

    @grad.setter
    def grad(self, value: Known) -> None:
        self.heap.put(self.registers, "grad", value)

    def gradients_given_back(self) -> AbstractContextManager[None]:
        """Whether gradients are recorded meanwhile ends with it, whatever is raised."""
        return self.heap.given_back(self.registers, "grad")

    def new(self, container: C) -> C:
        """A container that has just been made."""
        self.heap.new(container)
        return container

    # -- stepping ---------------------------------------------------------------------------

    def evaluate(self, node: cst.CSTNode, scope: Scope) -> Value:
        """The value of an expression."""
        self.steps += 1
        handler = EXPRESSIONS.get(type(node)) or EXPRESSIONS[cst.CSTNode]
        return handler(self, node, scope)

    def execute(self, body: Iterable[cst.CSTNode], scope: Scope) -> Completion | None:
        """Execute statements until one of them ends the path.

        Raises:
            BudgetExceeded: the entry point has used its steps.
        """
        for node in body:
            self.step()
            handler = STATEMENTS.get(type(node)) or STATEMENTS[cst.CSTNode]
            done = handler(self, node, scope)
            if done is not None:
                return done
        return None

    def step(self, count: int = 1) -> None:
        """Count work that is no expression or statement.

        Raises:
            BudgetExceeded: the entry point has used its steps.
        """
        self.steps += count
        if self.steps > self.limit:
            costly = costly_function(self.frames, self.steps, self.happened)
            raise BudgetExceeded(self.context(), costly)

    @property
    def happened(self) -> int:
        """Counts what was done with models so far."""
        return self.journal.happened + len(self.tape.ops)

    def attribute(self, value: Value, name: str, node: cst.CSTNode, scope: Scope) -> Value:
        """``value.name``."""
        handler = ATTRIBUTES.get(type(value))
        if handler is None:
            return Unknown(f"attribute {name}")
        return handler(self, value, name, node, scope)

    def call(self, callee: Value, arguments: Arguments, site: Site, scope: Scope) -> Value:
        """``callee(*arguments)``.

        Raises:
            BudgetExceeded: the entry point has used its steps.
        """
        self.step(1 + self.looking_through(arguments.values))
        if self.heap.is_watched and not (isinstance(callee, Builtin) and callee.switches_mode):
            self.heap.look()
        handler = CALLS.get(type(callee))
        if handler is None or len(self.frames) > MAX_DEPTH:
            return self.call_unknown(callee, arguments, site)
        return handler(self, callee, arguments, site, scope)

    def looking_through(self, values: Sequence[Value]) -> int:
        """The steps that it takes to look through values for modules and tensors."""
        return max(0, extent(values) - FREE) >> 7

    def call_unknown(self, callee: Value, arguments: Arguments, site: Site) -> Value:
        """Call something that cannot be resolved: tensors may come out, models may change mode."""
        return CALLS[Unknown](self, callee, arguments, site, None)

    def site(self, node: cst.CSTNode, scope: Scope) -> Site:
        """Where a node of the code that ``scope`` belongs to stands."""
        return Site(scope.namespace.source, node)

    @contextmanager
    def at_module_level(self, namespace: "Namespace") -> Iterator[None]:
        """Execute a module's own statements: as if before everything, outside all functions."""
        place, readings = self.place, self.readings
        self.readings = []
        frame = Activation(namespace.source.path, None, None)
        self.start_afresh([*self.frames, frame], self.heap.structure)
        try:
            yield
        finally:
            structure = self.heap.structure
            self.readings = readings
            self.go_to(place)
            self.heap.structure = max(self.heap.structure, structure)

    @property
    def place(self) -> Place:
        """Where the rehearsal stands."""
        return Place(
            self.heap,
            self.registers,
            list(self.frames),
            list(self.loops),
            list(self.modules),
            self.building,
            self.path,
            self.outermost,
        )

    def go_to(self, place: Place) -> None:
        """Go back to where the rehearsal stood."""
        self.heap, self.registers = place.heap, place.registers
        self.frames, self.loops = list(place.frames), list(place.loops)
        self.modules, self.building = list(place.modules), place.building
        self.path, self.outermost = place.path, place.outermost

    def start_afresh(self, frames: list[Activation], structure: int) -> None:
        """Stand at the beginning of something that no path of the program leads to."""
        outermost = max(len(frames) - 1, 0)
        self.go_to(Place(Heap(structure), {"grad": Known.YES}, frames, [], [], 0, (), outermost))

    def note_read(self, owner: "Owner", name: str, value: Value) -> None:
        """Tell those who want to know that a name is looked up."""
        for reads in self.readings:
            reads.note(owner, name, value)

    def note_activity(self) -> None:
        """Announce something that only scripts do: forwards, backwards, steps, loaders.

        Raises:
            ScriptActivity: the pass of a loop that is being executed is to be given up.
        """
        self.journal.activity += 1
        if self.speculating:
            raise ScriptActivity

    # -- paths ------------------------------------------------------------------------------

    @property
    def frame(self) -> Activation:
        """The innermost function."""
        return self.frames[-1]

    def fork(
        self,
        first: Path,
        second: Path,
        test: Site,
        every: int | None = None,
        *,
        splits_ranks: bool = False,
    ) -> Completion | None:
        """Execute two alternatives on copies of the state and join what they leave.

        ``test`` is where it is decided between them: ``first`` is executed where it holds, which is
        once in ``every`` times if that is known, and in some processes alone if it ``splits_ranks``.
        """
        condition = Condition(test, every=every, splits_ranks=splits_ranks)
        return self.part(condition, first, second)

    def part(
        self, condition: Condition, first: Path, second: Path, apart: Set[int] = frozenset()
    ) -> Completion | None:
        """:meth:`fork` by a condition that may decide elsewhere, too.

        The containers that ``apart`` identifies when both paths have ended are not joined.
        """
        before, around = self.heap.snapshot(), self.path
        try:
            self.path = (*around, Assumption(condition, True))
            one = first()
            after = self.heap.snapshot()
            self.heap.restore(before)
            self.path = (*around, Assumption(condition, False))
            other = second()
        finally:
            self.path = around
        return self._combine(one, after, other, condition, apart)

    def choose(self, paths: Sequence[Path], test: Site) -> Completion | None:
        """Execute one of several alternatives, it is not known which."""
        first, *others = paths
        if not others:
            return first()
        return self.fork(first, lambda: self.choose(others, test), test)

    def assumptions(self) -> tuple[Assumption, ...]:
        """What decides whether the present path is taken: around it, and before it."""
        left = [exit.stayed for frame in self.frames[self.outermost :] for exit in frame.exits]
        return (*self.path, *dict.fromkeys(left)) if left else self.path

    def _combine(
        self,
        one: Completion | None,
        after: Snapshot,
        other: Completion | None,
        condition: Condition,
        apart: Set[int],
    ) -> Completion | None:
        if one is RAISE:
            self.heap.drop(after)
            return other
        if other is RAISE:
            self.heap.restore(after)
            return one
        if one is None and other is None:
            self.heap.merge(after, self.join_contents, apart)
            return None
        if one is not None:
            self.frame.exits.append(Exit(one, after, Assumption(condition, False, left=True)))
            return other
        left = self.heap.snapshot()
        self.heap.restore(after)
        assert other is not None
        self.frame.exits.append(Exit(other, left, Assumption(condition, True, left=True)))
        return None

    def on_leaving(self, start: int, action: Callable[[], None]) -> None:
        """Execute ``action`` on the present path and on those that left since exit ``start``."""
        self.on_exits(start, action)
        action()

    def on_exits(self, start: int, action: Callable[[], None]) -> None:
        """Execute ``action`` on the paths that left since exit ``start``."""
        for number in range(start, len(self.frame.exits)):
            left = self.frame.exits[number]
            present = self.heap.snapshot()
            self.heap.restore(left.state)
            action()
            self.frame.exits[number] = replace(left, state=self.heap.snapshot())
            self.heap.restore(present)

    def rejoin(
        self, end: End, done: Completion | None, start: int
    ) -> tuple[Completion | None, list[Value]]:
        """Let the paths that ended with ``end`` since exit ``start`` go on here, with the present one.

        Returns what the present path then is, and the values that paths brought along.
        """
        exits = self.frame.exits
        if len(exits) == start:
            ends_here = done is not None and done.end is end
            return (None, [done.value]) if done is not None and ends_here else (done, [])
        matching = [e for e in exits[start:] if e.completion.end is end]
        exits[start:] = [e for e in exits[start:] if e.completion.end is not end]
        values = [e.completion.value for e in matching]
        if done is not None and done.end is not end:
            if not matching:
                return done, []
            taken = matching.pop(0)
            if done is not RAISE:
                exits.append(Exit(done, self.heap.snapshot(), taken.stayed.opposite))
            self.heap.restore(taken.state)
        elif done is not None:
            values.append(done.value)
        for other in matching:
            self.heap.merge(other.state, self.join_contents)
        return None, values

    def abandon(self, start: int) -> None:
        """Forget the exits since ``start``."""
        for left in self.frame.exits[start:]:
            self.heap.drop(left.state)
        del self.frame.exits[start:]

    # -- joins ------------------------------------------------------------------------------

    def join(self, values: Sequence[Value]) -> Value:
        """The value that stands for all of ``values``."""
        if not self.allowance.takes(len(values)):
            return Unknown("one of very many")
        joined = values[0]
        for value in values[1:]:
            if value is not joined:
                joined = join_values(self.tape, joined, value)
        return joined

    def join_contents(self, saved: Contents, present: Contents) -> Contents:
        """Join the contents of one container on two paths; of a long one that takes time."""
        self.steps += len(saved) >> 9
        return join_contents(self.tape, saved, present)

    # -- facts ------------------------------------------------------------------------------

    def context(self) -> Context:
        """Where the rehearsal is."""
        frames = tuple(frame.as_fact() for frame in self.frames)
        loops = tuple(
            LoopFact(loop.site, loop.number, self.journal.loader_fact(loop.loader), loop.passes)
            for loop in self.loops
        )
        return Context(frames, loops, self.assumptions())
