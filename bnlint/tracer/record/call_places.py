"""Where in the user's code something happens: frames of the running program as places."""

import os
from functools import cache
from types import CodeType, FrameType

import torch

from bnlint.tracer.record.blame import OWN, PACKAGE_FOLDERS, STANDARD_LIBRARY, place_of
from bnlint.tracer.record.records import TracePlace

MOST_CALLERS = 6
TORCH = os.path.join(os.path.dirname(os.path.abspath(torch.__file__)), "")
_OUTERMOST = frozenset(
    os.path.join(OWN, "tracer", room, name)
    for room, name in (("record", "trace_model.py"), ("building", "build_model.py"))
)
"""What calls these is the program that uses bnlint, not the model."""


def calls_in_user_code(
    frame: FrameType | None, most: int = MOST_CALLERS, but_not: object = None
) -> tuple[TracePlace, ...]:
    """The calls that are being executed in code that is neither torch's nor ours, nearest first.

    The constructors of ``but_not`` itself are left out: what counts is who built it.
    """
    found: list[TracePlace] = []
    while frame is not None and len(found) < most:
        file = frame.f_code.co_filename
        if file in _OUTERMOST:
            break
        if is_user_code(file) and not _constructs(frame, but_not):
            found.append(_place(file, frame.f_code, frame.f_lasti))
        frame = frame.f_back
    return tuple(found)


@cache
def _place(file: str, code: CodeType, instruction: int) -> TracePlace:
    """Where an instruction stands; code that is the same in two files is equal, and not the same."""
    return place_of(code, instruction)


@cache
def is_user_code(file: str) -> bool:
    """Whether a file is neither torch's nor bnlint's nor Python's; other installed packages count."""
    if file.startswith(("<", OWN, TORCH)):
        return False
    in_package = not PACKAGE_FOLDERS.isdisjoint(file.split(os.sep))
    return in_package or not file.startswith(STANDARD_LIBRARY)


def _constructs(frame: FrameType, module: object) -> bool:
    """Whether a frame is a constructor of a module, its own or one that it inherits."""
    if module is None or frame.f_code.co_name != "__init__":
        return False
    return frame.f_locals.get(next(iter(frame.f_code.co_varnames), "")) is module
