"""The pytest plug-in: ``--bnlint`` for files, and the fixture ``check_model`` for live models.

pytest imports this module wherever bnlint is installed, so what it needs is imported when it is asked for.
"""

from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bnlint.pytest_findings import Findings, LintSession
    from bnlint.style import Style

_OPTION = "--bnlint"
_SUFFIXES = (".py", ".ipynb")
_SESSION: "pytest.StashKey[LintSession]" = pytest.StashKey()
CheckModel = Callable[..., "Findings"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the option."""
    group = parser.getgroup("bnlint")
    group.addoption(_OPTION, action="store_true", help="Lint the Python files that are collected.")


def pytest_configure(config: pytest.Config) -> None:
    """Read the project's configuration, if files are to be linted."""
    if config.getoption(_OPTION):
        from bnlint.pytest_findings import LintSession

        config.stash[_SESSION] = LintSession.of(config.rootpath)


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
    """Collect what is to be linted; a script that is named for that is not imported, which runs it."""
    found = yield
    session = parent.config.stash.get(_SESSION, None)
    if session is None or file_path.suffix not in _SUFFIXES or not session.wants(file_path):
        return found
    if not any(file_path.match(name) for name in parent.config.getini("python_files")):
        found = [collector for collector in found if not isinstance(collector, pytest.Module)]
    above = parent.session  # a package would be imported before what is in it
    return [*found, LintedFile.from_parent(above, path=file_path)]


def pytest_assertrepr_compare(op: str, left: object, right: object) -> list[str] | None:
    """Show the findings of ``check_model(...) == []`` as the command line does."""
    report = getattr(left, "bnlint_report", None)
    if report is None or op != "==":
        return None
    return [f"{left!r} == {right!r}", *report.splitlines()]


def _look(config: pytest.Config) -> "Style":
    """Colours and width of the terminal, as far as pytest writes to one."""
    from bnlint.style import Detail, Style

    if not config.pluginmanager.has_plugin("terminalreporter"):  # a worker of pytest-xdist
        return Style(detail=Detail.QUIET)
    terminal = config.get_terminal_writer()
    return Style(terminal.hasmarkup, terminal.fullwidth, detail=Detail.QUIET)


class LintedFile(pytest.File):
    """A file that is linted, beside what other plug-ins make of it."""

    def collect(self) -> Iterable[pytest.Item]:
        """The one item."""
        yield LintItem.from_parent(self, name="bnlint")


class LintItem(pytest.Item):
    """Fails with what is found in its file. All files are linted together, with the first of them."""

    def runtest(self) -> None:
        """Lint, and keep the report."""
        session = self.config.stash[_SESSION]
        files = [item.path for item in self.session.items if isinstance(item, LintItem)]
        found = session.found_in(self.path, files, _look(self.config))
        if found.fails:
            raise LintError(found.report)
        if found.report:
            self.add_report_section("call", "bnlint", found.report)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The report by itself, without a traceback."""
        if isinstance(excinfo.value, LintError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """The file, and what is done with it."""
        return self.path, None, f"bnlint {self.path.name}"


class LintError(Exception):
    """Something was found; the text is the report."""


@pytest.fixture
def check_model(request: pytest.FixtureRequest) -> CheckModel:
    """Lint a live model by the project's rules: ``assert not check_model(net, input_size=(8, 3, 32, 32))``.

    What is found, as bad as ``fail_on`` (default: as the project is configured), is returned, and
    reported where the test fails. ``select`` and ``ignore`` are those of :func:`bnlint.check_model`.
    """

    def check(
        model: object,
        *example_inputs: object,
        input_size: Any = None,
        select: Iterable[str] | None = None,
        ignore: Sequence[str] = (),
        fail_on: str | None = None,
    ) -> "Findings":
        from bnlint import api
        from bnlint.config import closest
        from bnlint.pytest_findings import Findings

        config = closest(request.config.rootpath)
        plan = api.plan_by(select, ignore, config=config)
        result = api.lint_model(model, example_inputs, input_size, plan)
        found = Findings(result, fail_on or config.fail_on, _look(request.config))
        if found:
            request.node.add_report_section("call", "bnlint", found.bnlint_report)
        return found

    return check
