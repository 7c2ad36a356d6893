"""``bnlint mcp``: the tools that a coding agent gets, over the model context protocol. Answers are short.

What is read and changed is inside the folder that the server was started in; no code is run.
"""

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from bnlint import __version__, diagnostics, pages, registry
from bnlint.config import Config, closest
from bnlint.errors import UsageError
from bnlint.finding import Applicability, Finding
from bnlint.immutable import immutable
from bnlint.lint import atomic_writing, engine, files
from bnlint.lint.cache import Cache, cached
from bnlint.lint.cell_places import by_cell
from bnlint.lint.configured import cache_folder, plan_of_project
from bnlint.lint.engine import Result
from bnlint.lint.files import LintTarget, Patterns
from bnlint.lint.reach import Reach
from bnlint.lint.selection import LintOptions
from bnlint.lint.workers import STACK, Workers, in_this_process
from bnlint.lint.writable import Writable
from bnlint.report import timeline_text
from bnlint.style import Style, place_of, said
from bnlint.visible import visible

MOST_FINDINGS = 8
MOST_LINES = 60
"""Of a timeline."""
_ABOUT = (
    "bnlint finds BatchNorm pitfalls in PyTorch code without running it. Lint a training script, or a"
    " text before it is written; ask why a rule matters; let safe fixes be applied."
)


def serve(root: Path) -> None:
    """Serve one agent over standard input and output."""
    threading.stack_size(STACK)
    made(root).run("stdio")


def made(root: Path) -> MCPServer:
    """A server whose tools see the files of one folder."""
    server = MCPServer("bnlint", instructions=_ABOUT, version=__version__)
    tools = Tools(root)
    for tool in (tools.lint, tools.lint_text, tools.explain, tools.timeline, tools.fix):
        server.tool(structured_output=False)(tool)
    return server


@immutable
class Tools:
    """What an agent may ask; the docstrings are what it is told of each tool."""

    root: Path

    def lint(self, path: str = ".") -> str:
        """Lint a Python file, a notebook or a folder; one line for each problem, with its fix."""
        targets, config, plan = self._asked(path)
        workers = cached(in_this_process, Cache(cache_folder(config)))
        return _told(_linted(targets, plan, workers))

    def lint_text(self, text: str, filename: str = "unsaved.py") -> str:
        """Lint a text as if it were in the file of that name; nothing is written."""
        file = self._inside(filename)
        config = _configured(file.parent)
        target = LintTarget(file, named=True, content=text.encode(), display=filename)
        return _told(_linted([target], _plan(config), in_this_process))

    def explain(self, rule: str) -> str:
        """Say why a rule matters, by its id or name (BN301, missing-eval)."""
        try:
            item = registry.find(rule)
        except UsageError as misuse:
            raise ToolError(str(misuse)) from None
        why = item.meaning if isinstance(item, diagnostics.Diagnostic) else pages.why(item.id)
        return f"{item.id} {item.name} ({item.severity.label})\n{why}"

    def timeline(self, path: str) -> str:
        """Show what a script does with its models: modes, forwards, loaders, steps, in order."""
        targets, _, plan = self._asked(path)
        result = _linted(targets, plan, in_this_process)
        lines = timeline_text.text(result, Style(width=120)).splitlines()
        left = len(lines) - MOST_LINES
        return "\n".join(
            [*lines[:MOST_LINES], *([f"... and {left} more lines"] if left > 0 else ())]
        )

    def fix(self, path: str) -> str:
        """Apply the safe fixes to a file or folder, and say what was changed and what is left."""
        targets, _, plan = self._asked(path)
        reach, root = Reach.of(targets), os.path.realpath(self.root)
        writable = Writable(
            lambda file: (
                Path(os.path.realpath(file)).is_relative_to(root) and reach.may_change(file)
            )
        )
        plan = replace(plan, may_change=writable, named_only=True)
        settled = engine.fix(targets, plan, (Applicability.SAFE,))
        notes = atomic_writing.write(settled.changes)
        done = [f"fixed {item.path}:{item.line}: {item.rule} {item.title}" for item in settled.done]
        return "\n".join([*map(visible, (*done, *notes)), _told(by_cell(settled.result))])

    def _asked(self, path: str) -> tuple[list[LintTarget], Config, LintOptions]:
        """The files that a path means, and what the project says of them."""
        file = self._inside(path)
        config = _configured(file if file.is_dir() else file.parent)
        try:
            found = files.find([str(file)], Patterns.of(config.root, config.exclude))
        except UsageError as misuse:
            raise ToolError(str(misuse)) from None
        return found.targets, config, _plan(config)

    def _inside(self, path: str) -> Path:
        file = files.absolute(self.root / path)
        if not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(self.root)):
            raise ToolError(f"`{path}` is outside {self.root}, where bnlint was started")
        return file


def _configured(folder: Path) -> Config:
    try:
        return closest(folder)
    except UsageError as misuse:
        raise ToolError(str(misuse)) from None


def _plan(config: Config) -> LintOptions:
    try:
        return plan_of_project(config)
    except UsageError as misuse:
        raise ToolError(str(misuse)) from None


def _linted(targets: Sequence[LintTarget], plan: LintOptions, workers: Workers) -> Result:
    try:
        return by_cell(engine.lint(targets, plan, workers=workers))
    except UsageError as misuse:
        raise ToolError(str(misuse)) from None


def _told(result: Result) -> str:
    """The first findings, one line each, and how many more there are."""
    if not result.findings:
        return f"Nothing found in {result.checked} files."
    worst = sorted(result.findings, key=lambda finding: -finding.severity)
    lines = [_line(finding) for finding in worst[:MOST_FINDINGS]]
    left = len(worst) - MOST_FINDINGS
    return "\n".join([*lines, *([f"... and {left} more"] if left > 0 else ())])


def _line(finding: Finding) -> str:
    fix = finding.fix
    how = f" Fix ({fix.applicability}): {visible(fix.title)}." if fix is not None else ""
    place = place_of(finding.span)
    return f"{place}: {finding.severity.label} {finding.rule} {finding.name}: {said(finding)}.{how}"
