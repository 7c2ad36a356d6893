"""The flake8 plug-in: each file by itself, with what it imports, by the project's configuration."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from bnlint import __version__
from bnlint.finding import Finding, Span

if TYPE_CHECKING:
    from bnlint.lint.files import LintTarget

Problem = tuple[int, int, str, type]


class Plugin:
    """What flake8 makes for each file; it yields line, column from 0, text, and this class."""

    name: ClassVar[str] = "bnlint"
    version: ClassVar[str] = __version__

    def __init__(self, tree: object, filename: str, lines: Sequence[str]) -> None:
        self._filename = filename
        self._text = "".join(lines)

    def run(self) -> Iterator[Problem]:
        """Lint the file; a configuration that makes no sense is said at its start."""
        from bnlint.errors import UsageError
        from bnlint.lint.files import absolute
        from bnlint.style import said
        from bnlint.visible import display_path

        path = absolute(self._filename)
        try:
            for finding in _findings(path, self._text):
                place, elsewhere = _told_at(finding, display_path(path))
                if place is not None:
                    text = f"{finding.rule} {said(finding)}{elsewhere}"
                    yield place.line, place.column - 1, text, type(self)
        except UsageError as misuse:
            yield 1, 0, f"BN000 {misuse}", type(self)


def _findings(path: Path, text: str) -> Sequence[Finding]:
    from bnlint.config import closest
    from bnlint.lint import configured, engine
    from bnlint.lint.cache import Cache, cached
    from bnlint.lint.selection import as_bad_as
    from bnlint.lint.workers import in_this_process

    config = closest(path.parent)
    plan = configured.plan_of_project(config)
    if plan.is_excluded(path):
        return ()
    workers = cached(in_this_process, Cache(configured.cache_folder(config)))
    result = engine.lint([_target(path, text)], plan, workers=workers)
    return as_bad_as(result.findings, config.fail_on)


def _target(path: Path, text: str) -> "LintTarget":
    """The file on disk, if that is what flake8 was given, and not what an editor has."""
    from bnlint.lint.files import LintTarget
    from bnlint.lint.relevance import text_of
    from bnlint.source.regular import read_bytes

    try:
        saved = text_of(read_bytes(path), path)
    except OSError:
        saved = None
    if saved is not None and saved.replace("\r\n", "\n") == text:
        return LintTarget(path)
    return LintTarget(path, content=text.encode())


def _told_at(finding: Finding, path: str) -> tuple[Span | None, str]:
    """Where in the file a finding is told: what is in another is told where this one leads there."""
    if finding.span.path == path:
        return finding.span, ""
    places = [item.span for item in finding.evidence if item.span.path == path]
    return (places[-1] if places else None), f" ({finding.span.path}:{finding.span.line})"
