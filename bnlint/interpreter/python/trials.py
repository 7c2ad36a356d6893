"""What some code would do: it is executed, and everything is as before."""

from collections.abc import Callable

from bnlint.interpreter.core.interruptions import ScriptActivity
from bnlint.interpreter.core.machine import Machine


def execute_and_undo(m: Machine, execute: Callable[[], object]) -> None:
    """Execute up to the first thing that only scripts do, and go back to the present state.

    Raises:
        BudgetExceeded: the entry point has used its steps.
    """
    before, place, reached, speculating = m.heap.snapshot(), m.place, m.reached, m.speculating
    notes, exits, abstract = len(m.journal.notes), len(m.frame.exits), m.frame.abstract
    m.reached, m.speculating = set(reached), True
    try:
        execute()
    except ScriptActivity:
        m.go_to(place)
        m.frame.abstract = abstract
    finally:
        m.reached, m.speculating = reached, speculating
        del m.journal.notes[notes:]
        m.abandon(exits)
        m.heap.restore(before)
