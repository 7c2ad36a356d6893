"""What the pytest plug-in does once it is asked: lint files and live models by the project's table."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bnlint.config import Config, closest
from bnlint.errors import UsageError
from bnlint.finding import Finding
from bnlint.immutable import immutable
from bnlint.lint import engine, relevance
from bnlint.lint.cache import Cache, cached
from bnlint.lint.cell_places import by_cell
from bnlint.lint.configured import cache_folder, plan_of_project
from bnlint.lint.engine import Result
from bnlint.lint.files import LintTarget
from bnlint.lint.selection import LintOptions, as_bad_as
from bnlint.lint.workers import in_this_process
from bnlint.report.cell_names import file_and_cell
from bnlint.report.text import render
from bnlint.style import Style


class Findings(list[Finding]):
    """The findings of a live model that are as bad as a level, and the report on them."""

    def __init__(self, result: Result, level: str, look: Style) -> None:
        super().__init__(as_bad_as(result.findings, level))
        shown = replace(result, findings=tuple(self))
        self.bnlint_report = render(shown, look).rstrip()

    def __repr__(self) -> str:
        named = ", ".join(f"{f.rule} {f.name} at {f.span.path}:{f.span.line}" for f in self)
        return f"[{named}]"


@immutable
class FileReport:
    """The report on one file, and whether it fails."""

    report: str
    fails: bool


@dataclass(slots=True)
class LintSession:
    """The linting of one run of pytest, done once, when it is first asked for."""

    config: Config
    plan: LintOptions
    result: Result | None = None

    @classmethod
    def of(cls, root: Path) -> "LintSession":
        """Read the configuration; a mistake in it stops pytest."""
        try:
            config = closest(root)
            return cls(config, plan_of_project(config))
        except UsageError as misuse:
            raise pytest.UsageError(f"bnlint: {misuse}") from None

    def wants(self, file: Path) -> bool:
        """Whether a file is to be linted: it is not excluded, and can matter."""
        return not self.plan.is_excluded(file) and bool(relevance.relevant([LintTarget(file)]))

    def found_in(self, file: Path, files: Sequence[Path], look: Style) -> FileReport:
        """What is found in one of the files when all are linted together."""
        if self.result is None:
            self.result = self._lint(files)
        own = [f for f in self.result.findings if self._shown_with(f, files) == file]
        shown = replace(self.result, findings=tuple(own))
        return FileReport(render(shown, look).rstrip(), bool(as_bad_as(own, self.config.fail_on)))

    def _lint(self, files: Sequence[Path]) -> Result:
        targets = [LintTarget(file) for file in files]
        workers = cached(in_this_process, Cache(cache_folder(self.config)))
        return by_cell(engine.lint(targets, self.plan, workers=workers))

    def _shown_with(self, finding: Finding, files: Sequence[Path]) -> Path:
        """The collected file that a finding is told with: its own, else the first that proves it."""
        assert self.result is not None
        spans = (finding.span, *(item.span for item in finding.evidence))
        paths = [file_and_cell(span.path)[0] for span in spans]
        places = [self.result.sources[p].file for p in paths if p in self.result.sources]
        return next((place for place in places if place in files), files[0])
