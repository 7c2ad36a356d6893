"""Entry points: how scripts are executed, with which options, and within which steps."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, islice

from bnlint.facts.types.invocation import Invocation
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Run
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.budget import BudgetExceeded
from bnlint.interpreter.core.frames import Activation
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import (
    Instance,
)
from bnlint.interpreter.core.script_options import Option
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.documented_calls import documented_calls
from bnlint.interpreter.library.training_frameworks.web_services import serve
from bnlint.interpreter.python.script_constants import constants_of
from bnlint.interpreter.results.cuts import Cut
from bnlint.interpreter.results.facts_maker import FactsMaker
from bnlint.interpreter.torch.given_models import (
    arguments_from_callers,
    name_of,
    unknown_inputs,
)
from bnlint.interpreter.torch.modules import descendants, is_switched, is_wrapper
from bnlint.interpreter.torch.saved_models import hand_over
from bnlint.interpreter.torch.script_forwards import record_forward
from bnlint.interpreter.tried_options import (
    builds_batchnorm,
    freezing,
    instead_of_own,
    tried_options,
)
from bnlint.source import SourceFile

MAIN_STEPS = 120_000
"""Steps for one script, and for what it imports."""
MAIN_LINE_STEPS = 400
"""Further steps for each of its lines."""
MOST_WHOLE_CALLS = 2
"""What all calls of one script that a configuration keeps take together, in scripts' whole steps."""
WHOLE_STEPS = 600_000
"""Steps for one model that was asked for by name."""
ENTRY_STEPS = 12_000
"""Steps for one function or class that nothing calls."""
LEAST_STEPS = 3_000
"""Of these, steps that each has, however many others there are before it in its file."""
MOST_DOCUMENTED = 4
"""Calls in a README that are tried out."""
ENOUGH_DOCUMENTED = 2
"""Of these, those that build a model with BatchNorm, after which no more are."""
MOST_JOINT = 1
"""Executions in which two options are given, of which one matters only with the other."""
MOST_FOLLOWED = 4
"""Models of one class whose forward is followed though nothing calls it."""
MOST_WHOLE_TRIES = 3
"""What one script takes, in its whole steps, with all that is tried without functions that take too long."""


class Rehearser:
    """Executes entry points one after the other and collects their runs."""

    def __init__(self, machine: Machine, facts: FactsMaker) -> None:
        self.m = machine
        self.facts = facts
        self._entered: list[tuple[str, Site, Callable[[], Run]]] = []
        self._mains: dict[SourceFile, Namespace] = {}
        self.called: set[str] = set()
        """Names that some file calls, whatever they belong to."""
        self.unread: list[Invocation] = []
        """Calls whose arguments the script never asked for."""

    @property
    def scripts(self) -> tuple[str, ...]:
        """The paths of the scripts that were executed."""
        return tuple(source.path for source in self._mains)

    def runs(self) -> Iterator[Run]:
        """The runs of all entry points, with what later ones said about their forwards."""
        for name, site, run in self._entered:
            with self.m.journal.surviving(name, site):
                yield run()

    # -- scripts ----------------------------------------------------------------------------

    def run_script(self, source: SourceFile, calls: Sequence[Invocation] = ()) -> None:
        """Execute a file as ``python file.py`` would, or with the arguments of calls.

        Options that decide about BatchNorm, or about code that nothing has executed, get an
        execution of their own, in which they do not have their defaults. So do calls that a
        configuration keeps, or, where the defaults do not say what is done, its own text or a README;
        another one is the only one.
        """
        understood = False
        if all(call.origin for call in calls):
            understood = self._run_with_defaults(source)
        documented: Iterator[Invocation] = iter(())
        if not (calls or understood):
            documented = documented_calls(self.m.namespaces.project, source.file, source.content)
        self._run_calls(source, chain(calls, islice(documented, MOST_DOCUMENTED)))
        self.m.command_line.begin(None, source.path)

    def _run_calls(self, source: SourceFile, calls: Iterable[Invocation]) -> None:
        """Execute a file with the arguments of each call; of those of documents not all.

        If none of these builds what has BatchNorm, one is changed so that it does.
        """
        left, telling = MOST_WHOLE_CALLS * _main_steps(source), 0
        changed: Invocation | None = None
        for call in calls:
            if not call.origin:
                self._mains[source], _ = self._run_main(source, (), call)
                continue
            before, first = self.m.steps, len(self.m.journal.built)
            self._run_afresh(source, call, most=left)
            left -= self.m.steps - before
            if not call.documented:
                continue
            if builds_batchnorm(self.m, first):
                telling += 1
                if telling == 1:
                    self._run_frozen(source, call, most=max(left, LEAST_STEPS))
            elif changed is None and (words := instead_of_own(self.m, call.arguments)):
                changed = replace(call, arguments=words)
            if telling == ENOUGH_DOCUMENTED:
                break
        if changed is not None and not telling:
            self._run_afresh(source, changed, most=left)

    def _run_afresh(self, source: SourceFile, call: Invocation, *, most: int) -> None:
        with self.m.namespaces.afresh():
            self._run_main(source, (str(call),), call, most=max(most, LEAST_STEPS))

    def _run_frozen(self, source: SourceFile, call: Invocation, *, most: int) -> None:
        """Execute a documented call once more with an option that freezes something."""
        line = self.m.command_line
        own = {word.partition("=")[0] for word in call.arguments}
        offered = freezing(o for o in line.offered if not o.is_constant)
        option = next((o for o in offered if o.flag not in own), None)
        if option is None:
            return
        line.given = (option,)
        try:
            with self.m.namespaces.afresh():
                self._run_main(source, (str(call), str(option)), call, most=most)
        finally:
            line.given = ()

    def _run_with_defaults(self, source: SourceFile) -> bool:
        """Execute a file without arguments, and with options; whether the first says what it does."""
        line = self.m.command_line
        line.forget()
        line.constants = constants_of(source)
        journal = self.m.journal
        unknown, first = journal.unknown_models, len(journal.built)
        activity, forwards = journal.activity, len(journal.forwards)
        namespace, complete = self._run_main(source, ())
        unknown = journal.unknown_models - unknown
        self._mains[source] = namespace
        if not complete:
            return journal.activity > activity
        knows = not line.lacks_arguments or builds_batchnorm(self.m, first)
        understood = knows and not line.lacks_file
        trains = any(r.backpropagated is not Known.NO for r in journal.forwards[forwards:])
        tried = tried_options(self.m, namespace, first, unknown_models=unknown, trains=trains)
        joint: list[tuple[Option, ...]] = []
        for option in tried:
            joint += self._run_with_options(source, (option,))
        for options in sorted(joint, key=_has_constants)[:MOST_JOINT]:
            self._run_with_options(source, options)
        line.forget()
        return understood and not unknown

    def _run_with_options(
        self, source: SourceFile, options: tuple[Option, ...]
    ) -> list[tuple[Option, ...]]:
        """Execute a file with options; these with one each of those that only they make matter."""
        line, journal = self.m.command_line, self.m.journal
        before, unknown, first = line.seen(), journal.unknown_models, len(journal.built)
        line.given = options
        try:
            namespace, complete = self._run_main(source, tuple(map(str, options)))
        finally:
            line.given = ()
        if not complete:
            return []
        unknown = journal.unknown_models - unknown
        with line.only_since(before):
            others = tried_options(self.m, namespace, first, unknown_models=unknown, trains=True)
        given = {option.flag for option in options}
        return [(*options, other) for other in others if other.flag not in given]

    def _run_main(
        self,
        source: SourceFile,
        options: tuple[str, ...],
        call: Invocation | None = None,
        *,
        most: int | None = None,
    ) -> tuple[Namespace, bool]:
        """Execute a file, in at most so many steps; its names, and whether that came to its end.

        It is executed again without functions that took too long for nothing.
        """
        steps = _main_steps(source) if most is None else min(_main_steps(source), most)
        last = self.m.steps + MOST_WHOLE_TRIES * steps
        namespace, cut = self._execute_main(source, options, call, steps)
        while cut is not None and cut.costly is not None and last > self.m.steps:
            self.m.memory.given_up.add(cut.costly)
            self._entered.pop()
            left = min(steps, last - self.m.steps)
            namespace, cut = self._execute_main(source, options, call, left)
        if call is not None and not (call.documented or self.m.command_line.was_read):
            self.unread.append(call)
        return namespace, cut is None

    def _execute_main(
        self, source: SourceFile, options: tuple[str, ...], call: Invocation | None, steps: int
    ) -> tuple[Namespace, Cut | None]:
        self.m.command_line.begin(call, source.path, source.file)
        namespace = self.m.namespaces.new(source, "__main__")
        namespace.eager = True
        cut = self.enter(
            source.path,
            True,
            steps,
            partial(self._execute_body, source, namespace),
            Site(source, source.tree),
            options,
            asked=call is not None and not call.documented,
        )
        return namespace, cut

    def _execute_body(self, source: SourceFile, namespace: Namespace) -> None:
        """Execute a script, and then what a web service in it calls for each request."""
        self.m.journal.served.clear()
        self.m.execute(source.tree.body, namespace.scope)
        hand_over(self.m)
        serve(self.m, source, self.call)

    def namespace_of(self, source: SourceFile) -> Namespace:
        """The module whose functions stand for a file's: as run, else as imported."""
        return self._mains.get(source) or self.m.namespaces.imported(source)

    def enter(
        self,
        name: str,
        main: bool,
        steps: int,
        execute: Callable[[], object],
        site: Site,
        options: tuple[str, ...] = (),
        *,
        asked: bool = False,
    ) -> Cut | None:
        """Execute something; where that was cut, if it did not come to its end."""
        m = self.m
        m.journal.run_start = m.journal.next_order()
        m.journal.in_script = main
        first, built = len(m.journal.notes), len(m.journal.built)
        m.limit = m.steps + steps
        m.allowance.renew()
        m.toil.clear()
        m.start_afresh([Activation(name, None, None)], m.heap.structure + 1)
        m.exchanged.begin(m.heap)
        cut: Cut | None = Cut(None)
        with self.m.journal.surviving(name, site):
            cut = _cut_of(execute)
        m.start_afresh([], m.heap.structure + 1)
        notes = m.journal.notes[first:]
        if cut is not None:
            switched = (module for module in m.journal.built[built:] if is_switched(module))
            m.journal.interrupted.update(switched)
        if notes or cut is not None:
            run = partial(self.facts.run, name, main, notes, cut, options, asked=asked)
            self._entered.append((name, site, run))
        return cut

    def enter_whole(self, name: str, execute: Callable[[], object], site: Site) -> None:
        """Execute what builds or calls one model that was asked for by name."""
        self.enter(name, False, WHOLE_STEPS, execute, site)

    def call(self, function: Value, site: Site) -> None:
        """Call something with arguments that are not known."""
        uncalled = name_of(function) not in self.called
        arguments = arguments_from_callers(self.m, function, site) if uncalled else Arguments()
        arguments.further = True
        self.m.call(function, arguments, site, self.m.namespaces.anywhere)

    # -- forwards that nothing called -------------------------------------------------------

    def follow_forwards(self, first: int) -> None:
        """Execute the forward of models built since and never called, with unknown inputs.

        Of a class that many factories build only the first few are followed.
        """
        followed: Counter[object] = Counter()
        for module in self.m.journal.built[first:]:
            if module.has_parent or module in self.m.journal.graphs or is_wrapper(module):
                continue
            if module in self.m.journal.unfinished:
                continue
            if module.cls is not None:
                followed[module.cls.node] += 1
                if followed[module.cls.node] > MOST_FOLLOWED:
                    continue
            follow = partial(self.follow, module)
            self.enter(module.type_name, False, ENTRY_STEPS, follow, module.site)

    def follow(self, module: Instance) -> None:
        """Execute one model's forward with unknown inputs, and again where the first has begun something."""
        record_forward(self.m, module, unknown_inputs(module), module.site)
        if any(self.m.journal.states.has_begun(part) for _, part in descendants(self.m, module)):
            record_forward(self.m, module, unknown_inputs(module), module.site)


def _has_constants(options: tuple[Option, ...]) -> bool:
    return any(option.is_constant for option in options)


def _cut_of(execute: Callable[[], object]) -> Cut | None:
    """Where something is cut that does not come to its end within its steps and Python's own depth."""
    try:
        execute()
    except BudgetExceeded as exceeded:
        return Cut(exceeded.context, exceeded.costly)
    except RecursionError:
        return Cut(None)
    except ProgramEnds:
        pass
    return None


def _main_steps(source: SourceFile) -> int:
    return MAIN_STEPS + MAIN_LINE_STEPS * source.content.count("\n")
