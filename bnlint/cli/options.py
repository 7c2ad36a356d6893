"""What the command line passes to its commands."""

from pathlib import Path

from bnlint.immutable import immutable
from bnlint.style import Detail


@immutable(kw_only=True, slots=False)
class ReportOptions:
    """How to report, and with which exit status; what was not given is ``None``."""

    form: str = "text"
    output: Path | None = None
    fail_on: str | None = None
    exit_zero: bool = False
    unsafe_fixes: bool = False
    verbose: bool = False
    quiet: bool = False

    @property
    def detail(self) -> Detail:
        """How much to say."""
        if self.quiet:
            return Detail.QUIET
        return Detail.VERBOSE if self.verbose else Detail.USUAL


@immutable(kw_only=True, slots=False)
class ChildOptions:
    """How to run the process that traces: which Python, and what one model may use."""

    python: str | None = None
    timeout: int = 60
    memory: int = 4096
    pass_env: tuple[str, ...] = ()


@immutable(kw_only=True, slots=False)
class CheckOptions(ReportOptions, ChildOptions):
    """The options of ``bnlint check``; ``arguments`` are those of the script, behind ``--``."""

    paths: tuple[str, ...]
    arguments: tuple[str, ...] | None = None
    fix: bool
    diff: bool
    select: tuple[str, ...] | None
    ignore: tuple[str, ...] | None
    pedantic: bool
    lint_tests: bool = False
    stdin_filename: str | None
    report_unused_ignores: bool
    fix_imports: bool = False
    show_fixes: bool = False
    trace: bool | None = None
    trusted: bool = False
    total_timeout: int = 600
    timings: bool = False
    exclude: tuple[str, ...] = ()
    config: Path | None = None
    isolated: bool = False
    statistics: bool = False
    summary: Path | None = None
    jobs: int | None = None
    no_cache: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None
    add_ignores: bool = False
    show_files: bool = False
    show_settings: bool = False
    cache_dir: Path | None = None
    watch: bool = False
    torch_version: str | None = None


@immutable(kw_only=True, slots=False)
class TimelineOptions(CheckOptions):
    """The options of ``bnlint timeline``."""

    fix: bool = False
    diff: bool = False
    stdin_filename: str | None = None
    report_unused_ignores: bool = False
    plot: Path | None = None


@immutable(kw_only=True, slots=False)
class ModelOptions(ChildOptions):
    """Which model to trace, and what to feed it with."""

    target: str
    inputs: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    dtype: str | None = None


@immutable(kw_only=True, slots=False)
class TraceOptions(ReportOptions, ModelOptions):
    """The options of ``bnlint trace``."""

    layers: bool = False
    graph: Path | None = None
    depth: int | None = None
    select: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    pedantic: bool = False
    lint_tests: bool = False


@immutable(kw_only=True, slots=False)
class SignalOptions(ModelOptions):
    """The options of ``bnlint signal``."""

    form: str = "text"
    plot: Path | None = None
    every: bool = False
