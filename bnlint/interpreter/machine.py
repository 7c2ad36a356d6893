"""The state of a rehearsal and its central moves: evaluate, execute, call, fork and join."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import libcst as cst

from bnlint.facts.known import Known
from bnlint.facts.run import Context
from bnlint.facts.run import Loop as LoopFact
from bnlint.facts.site import Site
from bnlint.interpreter.evaluation.allowance import Allowance
from bnlint.interpreter.frames import RAISE, ActiveLoop, Completion, End, Exit, Frame
from bnlint.interpreter.heap import Contents, Heap, Snapshot
from bnlint.interpreter.joins import join_contents, join_values
from bnlint.interpreter.objects import Instance, Scope
from bnlint.interpreter.values import Arguments, Unknown, Value

if TYPE_CHECKING:
    from bnlint.interpreter.namespaces import Namespace, Namespaces
    from bnlint.interpreter.recipes import Recipes
    from bnlint.interpreter.records import Journal
    from bnlint.interpreter.tape import Tape

MAX_DEPTH = 60
"""Calls within calls; deeper ones give an unknown value."""


class BudgetExceeded(Exception):
    """The rehearsal of an entry point took more steps than it may."""


class ScriptActivity(Exception):
    """A loop whose passes were to be executed one by one turns out to train or evaluate."""


Handler = Callable[..., Value]
T = TypeVar("T", bound=Handler)

EXPRESSIONS: dict[type, Handler] = {}
STATEMENTS: dict[type, Callable[..., Completion | None]] = {}
ATTRIBUTES: dict[type, Handler] = {}
CALLS: dict[type, Handler] = {}
SETTERS: dict[type, Callable[..., None]] = {}


def handles(table: dict[type, T], *types: type) -> Callable[[T], T]:
    """Enter a function into a dispatch table."""

    def enter(handler: T) -> T:
        for kind in types:
            table[kind] = handler
        return handler

    return enter


class Machine:
    """One rehearsal: the heap, the stacks and the records, shared by all entry points."""

    def __init__(self, namespaces: "Namespaces", tape: "Tape", journal: "Journal") -> None:
        self.namespaces = namespaces
        self.tape = tape
        self.journal = journal
        self.heap = Heap()
        self.frames: list[Frame] = []
        self.loops: list[ActiveLoop] = []
        self.modules: list[Instance] = []
        """The modules whose forward is being executed, outermost first."""
        self.building = 0
        """How many constructors of modules are being executed."""
        self.uncertain = 0
        """How many conditions around that are not known."""
        self.grad = Known.YES
        self.steps = 0
        self.limit = 0
        self.allowance = Allowance()
        """How much Python's own operations may still do."""
        self.reached: set[cst.CSTNode] = set()
        self.descendants: dict[Instance, tuple[int, list[tuple[str, Instance]]]] = {}
        """The modules below each, and the heap's structure when they were listed."""
        self.offered: set[str] = set()
        """Options that are off by default and freeze something when given."""
        self.given: str | None = None
        """The one of them that is given."""
        self.assigning: cst.CSTNode | None = None
        """The right-hand side of the assignment that is being executed."""
        self.speculating = False
        """Whether a pass is being executed that is given up at the first thing only scripts do."""
        self.script_loops: set[cst.CSTNode] = set()
        self.recipes: Recipes | None = None
        """How to build models again, if that is asked for."""

    # -- stepping ---------------------------------------------------------------------------

    def evaluate(self, node: cst.CSTNode, scope: Scope) -> Value:
        """The value of an expression."""
        self.steps += 1
        handler = EXPRESSIONS.get(type(node))
        return handler(self, node, scope) if handler is not None else Unknown("expression")

    def execute(self, body: Iterable[cst.CSTNode], scope: Scope) -> Completion | None:
        """Execute statements until one of them ends the path.

        Raises:
            BudgetExceeded: the entry point has used its steps.
        """
        for node in body:
            self.steps += 1
            if self.steps > self.limit:
                raise BudgetExceeded
            handler = STATEMENTS.get(type(node))
            done = handler(self, node, scope) if handler is not None else None
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
            raise BudgetExceeded

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
        self.step()
        handler = CALLS.get(type(callee))
        if handler is None or len(self.frames) > MAX_DEPTH:
            return self.call_unknown(callee, arguments, site)
        return handler(self, callee, arguments, site, scope)

    def call_unknown(self, callee: Value, arguments: Arguments, site: Site) -> Value:
        """Call something that cannot be resolved: tensors may come out, models may change mode."""
        return CALLS[Unknown](self, callee, arguments, site, None)

    def site(self, node: cst.CSTNode, scope: Scope) -> Site:
        """Where a node of the code that ``scope`` belongs to stands."""
        return Site(scope.namespace.source, node)

    @contextmanager
    def at_module_level(self, namespace: "Namespace") -> Iterator[None]:
        """Execute a module's own statements: as if before everything, outside all functions."""
        kept = self.modules, self.loops, self.building, self.uncertain, self.grad, self.heap
        self.modules, self.loops, self.building, self.uncertain = [], [], 0, 0
        self.grad, self.heap = Known.YES, Heap(self.heap.structure)
        self.frames.append(Frame(namespace.source.path, None, None))
        try:
            yield
        finally:
            self.frames.pop()
            kept[-1].structure = max(kept[-1].structure, self.heap.structure)
            self.modules, self.loops, self.building, self.uncertain, self.grad, self.heap = kept

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
    def frame(self) -> Frame:
        """The innermost function."""
        return self.frames[-1]

    def fork(
        self, first: Callable[[], Completion | None], second: Callable[[], Completion | None]
    ) -> Completion | None:
        """Execute two alternatives on copies of the state and join what they leave."""
        before = self.heap.snapshot()
        self.uncertain += 1
        try:
            one = first()
            after = self.heap.snapshot()
            self.heap.restore(before)
            other = second()
        finally:
            self.uncertain -= 1
        return self._combine(one, after, other)

    def _combine(
        self, one: Completion | None, after: Snapshot, other: Completion | None
    ) -> Completion | None:
        if one is RAISE:
            self.heap.drop(after)
            return other
        if other is RAISE:
            self.heap.restore(after)
            return one
        if one is None and other is None:
            self.heap.merge(after, self.join_contents)
            return None
        if one is not None:
            self.frame.exits.append(Exit(one, after))
            return other
        left = self.heap.snapshot()
        self.heap.restore(after)
        assert other is not None
        self.frame.exits.append(Exit(other, left))
        return None

    def rejoin(
        self, end: End, done: Completion | None, start: int
    ) -> tuple[Completion | None, list[Value]]:
        """Let the paths that ended with ``end`` since exit ``start`` go on here, with the present one.

        Returns what the present path then is, and the values that paths brought along.
        """
        exits = self.frame.exits
        matching = [e for e in exits[start:] if e.completion.end is end]
        exits[start:] = [e for e in exits[start:] if e.completion.end is not end]
        values = [e.completion.value for e in matching]
        if done is not None and done.end is not end:
            if not matching:
                return done, []
            if done is not RAISE:
                exits.append(Exit(done, self.heap.snapshot()))
            self.heap.restore(matching.pop(0).state)
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
            LoopFact(loop.site, loop.number, self.journal.loader_fact(loop.loader))
            for loop in self.loops
        )
        return Context(frames, loops, self.uncertain == 0)
