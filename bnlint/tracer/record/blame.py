"""Which line of the user's code stands behind a call or an error."""

import os
import re
import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from types import CodeType, FrameType, TracebackType

from bnlint.tracer.record.records import TracePlace

STANDARD_LIBRARY = os.path.join(os.path.dirname(os.__file__), "")
PACKAGE_FOLDERS = {"site-packages", "dist-packages"}
OWN = __file__.removesuffix(os.path.join("tracer", "record", "blame.py"))
IMPORT_MACHINERY = "<frozen importlib._bootstrap>"
DUMPED = re.compile(r'^ +File "(.+)", line (\d+) in (.+)$', re.MULTILINE)

Step = tuple[CodeType, int]
"""Code and the index of its instruction."""


def installed(file: str) -> bool:
    """Whether a file belongs to Python or to an installed package."""
    path = os.path.normpath(file)
    return os.path.isabs(path) and (
        not PACKAGE_FOLDERS.isdisjoint(path.split(os.sep)) or path.startswith(STANDARD_LIBRARY)
    )


def of_frame(frame: FrameType | None) -> TracePlace | None:
    """The innermost line of the user's code among the callers.

    Lines of the project come before those of installed packages; those of the standard library, of
    torch and of bnlint do not count.
    """
    return _innermost((frame.f_code, frame.f_lasti) for frame in _outwards(frame))


def of_error(error: BaseException) -> TracePlace | None:
    """The innermost line of the user's code that an error passed; a syntax error's own line."""
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        last = error.end_lineno or error.lineno
        return TracePlace(os.path.abspath(error.filename), error.lineno, last)
    steps = [(step.tb_frame.f_code, step.tb_lasti) for step in _inwards(error.__traceback__)]
    return _innermost(reversed(steps))


def of_dump(text: str) -> TracePlace | None:
    """The innermost line of the user's code in what ``faulthandler`` wrote."""
    lines = [
        TracePlace(os.path.abspath(file), int(line), int(line), function=function)
        for file, line, function in DUMPED.findall(text)
        if _counts(file)
    ]
    return next((place for place in lines if not installed(place.file)), next(iter(lines), None))


def importing_package(frame: FrameType | None) -> bool:
    """Whether the code of an installed package runs because that is being imported."""
    for outer in _outwards(frame):
        file = outer.f_code.co_filename
        if file == IMPORT_MACHINERY:
            return True
        if _counts(file) and not installed(file):
            return False
    return False


def _innermost(steps: Iterable[Step]) -> TracePlace | None:
    package: Step | None = None
    for code, instruction in steps:
        if not _counts(code.co_filename):
            continue
        if not installed(code.co_filename):
            return place_of(code, instruction)
        package = package or (code, instruction)
    return None if package is None else place_of(*package)


def _counts(file: str) -> bool:
    if file.startswith(("<", OWN)):
        return False
    torch = getattr(sys.modules.get("torch"), "__file__", None)
    if torch is not None and file.startswith(os.path.join(os.path.dirname(torch), "")):
        return False
    inside = file.startswith(STANDARD_LIBRARY)
    return not inside or not PACKAGE_FOLDERS.isdisjoint(file.split(os.sep))


def place_of(code: CodeType, instruction: int) -> TracePlace:
    """The exact stretch of the expression that an instruction belongs to."""
    index = max(0, instruction) // 2
    found = next(islice(code.co_positions(), index, None), (None, None, None, None))
    line, end_line, column, end_column = found
    first = line or code.co_firstlineno
    file = os.path.abspath(code.co_filename)
    return TracePlace(file, first, end_line or first, column, end_column, code.co_name)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _inwards(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
