"""``%load_ext bnlint``: after each cell of an IPython session, what is new in the cells run so far.

Cells are read in the order in which they ran, as a notebook is, and never run again. Whatever goes wrong
here, the session goes on.
"""

import ast
import json
import traceback
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bnlint.config import closest
from bnlint.errors import UsageError
from bnlint.finding import Finding, Span
from bnlint.lint import engine
from bnlint.lint.cell_places import by_cell
from bnlint.lint.configured import plan_of_project
from bnlint.lint.engine import Result
from bnlint.lint.files import LintTarget
from bnlint.lint.workers import one_thread
from bnlint.report.cell_names import file_and_cell
from bnlint.source import notebook
from bnlint.style import place_of, said
from bnlint.urls import ISSUES
from bnlint.visible import visible

SECONDS = 5.0
"""How long a session may wait; cells that take longer to lint end it."""
MOST_FINDINGS = 5
"""Told after one cell."""
_EVENT = "post_run_cell"
_NAME = "session.ipynb"


def load_ipython_extension(shell: Any) -> None:
    """Begin to tell what is found; what ran before counts, too."""
    if shell not in _SESSIONS:
        session = ShellSession(shell)
        wait([session.reader.submit(_linted, ())])  # imports what the first lint needs
        shell.events.register(_EVENT, session.after)
        _SESSIONS[shell] = session


def unload_ipython_extension(shell: Any) -> None:
    """Tell nothing more."""
    session = _SESSIONS.pop(shell, None)
    if session is not None:
        shell.events.unregister(_EVENT, session.after)
        session.reader.shutdown(wait=False)


@dataclass(slots=True, eq=False)
class ShellSession:
    """What was told to one shell, and which part ran of the cells that failed, by their numbers."""

    shell: Any
    reader: ThreadPoolExecutor = field(default_factory=one_thread)
    failed: dict[int, str] = field(default_factory=dict)
    told: set[object] = field(default_factory=set)

    def after(self, result: Any) -> None:
        """Tell what a cell adds. ``result`` is IPython's ``ExecutionResult``."""
        try:
            if result is not None and result.execution_count is not None:
                self._note(result)
                cells = self._cells(result.execution_count)
                self._tell(self.reader.submit(_linted, cells).result(SECONDS))
        except KeyboardInterrupt:
            return
        except UsageError as misuse:
            self._say_once(str(misuse))
        except TimeoutError:
            self._end(f"these cells take more than {SECONDS:.0f} s to lint")
        except Exception as error:
            self._end(f"this should not happen, please report it at {ISSUES}: {error!r}")

    def _note(self, result: Any) -> None:
        if result.error_in_exec is not None:
            source, names = str(result.info.raw_cell), self.shell.user_ns
            self.failed[result.execution_count] = _ran(source, result.error_in_exec, names)

    def _cells(self, last: int) -> list[str]:
        """What ran, up to a number; ``%reset in`` forgets the first. Two runs on end stand for all."""
        every = self.shell.history_manager.input_hist_raw[1:]
        before = last - len(every)
        ran = [self.failed.get(before + i, source) for i, source in enumerate(every, 1)]
        known = ["" if ran[max(i - 2, 0) : i] == [one] * 2 else one for i, one in enumerate(ran)]
        return [*[""] * before, *known]

    def _tell(self, result: Result) -> None:
        new = [*self._new(result)]
        lines = [_line(finding) for finding in sorted(new, key=lambda one: -one.severity)]
        left = len(lines) - MOST_FINDINGS
        for line in [*lines[:MOST_FINDINGS], *([f"... and {left} more"] if left > 0 else ())]:
            print(f"bnlint: {line}")

    def _new(self, result: Result) -> Iterator[Finding]:
        """What was not told of the same text: a cell that runs again has another number."""
        for finding in result.findings:
            span = finding.span
            text = result.texts.get(span.path, span.path)
            key = finding.rule, finding.layer, text, span.line, span.column
            if key not in self.told:
                self.told.add(key)
                yield finding

    def _say_once(self, text: str) -> None:
        if text not in self.told:
            self.told.add(text)
            print(f"bnlint: {visible(text)}")

    def _end(self, why: str) -> None:
        print(
            f"bnlint: {visible(why)}. It is silent from here on; `%reload_ext bnlint` begins anew."
        )
        unload_ipython_extension(self.shell)


_SESSIONS: dict[Any, ShellSession] = {}


def _linted(cells: Sequence[str]) -> Result:
    """Lint cells as a notebook in the working directory, by the configuration that holds there."""
    folder = Path.cwd()
    book = {"cells": [{"cell_type": "code", "source": source} for source in cells]}
    target = LintTarget(folder / _NAME, content=json.dumps(book).encode(), display=_NAME)
    return by_cell(engine.lint([target], plan_of_project(closest(folder))))


def _ran(source: str, error: BaseException, names: object) -> str:
    """A cell to the statement that failed, as if that came to its end; nothing if it is not known."""
    frames = traceback.walk_tb(error.__traceback__)
    failed = next((line for frame, line in frames if frame.f_globals is names), None)
    if failed is None:
        return ""
    failed += source.lstrip().startswith("%%")  # what is below the magic is compiled by itself
    code = notebook.python(f"# %%[cell 1]\n{source}\n").partition("\n")[2]
    ran = ""
    for statement in ast.parse(code).body:
        end = statement.end_lineno or 0
        if end >= failed and isinstance(statement, ast.Raise | ast.Assert):
            return ran  # it did nothing, and what follows it would count as never reached
        ran = "\n".join(source.split("\n")[:end])
        if end >= failed:
            break
    return ran


def _line(finding: Finding) -> str:
    severity, rule = finding.severity.label, f"{finding.rule} [{finding.name}]"
    return f"{_place(finding.span)}: {severity} {rule} {said(finding)}"


def _place(span: Span) -> str:
    _, cell = file_and_cell(span.path)
    return place_of(span) if cell is None else f"cell {cell}, line {span.line}"
