"""Runs that a budget ended early, and what they leave open."""

from dataclasses import replace

import libcst as cst

from bnlint.facts.types.context import Context
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Event, Forward, Run
from bnlint.immutable import immutable


@immutable
class Cut:
    """That a run ended early, and where, if that is known; ``costly`` is a function that took it too long."""

    context: Context | None
    costly: cst.FunctionDef | None = None


def left_open(run: Run, event: Event) -> Event:
    """An event of a run that was cut: whether a forward is trained is open while its block is."""
    match event:
        case Forward(backpropagated=Known.NO) if run.is_cut_in(event.context):
            return replace(event, backpropagated=Known.UNKNOWN)
    return event
