"""Apply fixes to texts in memory, round by round until nothing is left to fix."""

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from bnlint.finding import Applicability, Edit, Finding
from bnlint.immutable import immutable
from bnlint.source import TextFile, Unreadable
from bnlint.source.line_index import Lines

if TYPE_CHECKING:
    from bnlint.source import SourceFile

ROUNDS = 10


class Linted(Protocol):
    """What one lint found, and the files that it read by their display paths."""

    @property
    def findings(self) -> Sequence[Finding]:
        """The findings."""

    @property
    def sources(self) -> Mapping[str, TextFile]:
        """The files."""


L = TypeVar("L", bound=Linted)


@immutable
class Change:
    """One file's text before all fixes and after them."""

    before: TextFile
    after: str


@immutable
class Done:
    """A fix that was applied: where, of which rule, and what it did.

    ``line`` counts in the text that the fix was applied to; ``paths`` are the files that it changed.
    """

    path: str
    line: int
    rule: str
    title: str
    paths: frozenset[str]


@immutable
class Settled(Generic[L]):
    """The last lint, the files that differ from the first one's, and the fixes that made them so."""

    result: L
    changes: tuple[Change, ...]
    done: tuple[Done, ...]

    @property
    def fixed(self) -> int:
        """How many findings are gone."""
        return len(self.done)


def settle(
    lint: Callable[[Mapping[Path, "SourceFile"]], L], allowed: Collection[Applicability]
) -> Settled[L]:
    """Fix and lint again, until nothing changes or ten rounds are over.

    ``lint`` gets the texts that replace those on disk. A round whose fixes leave their findings
    standing is taken back, and these fixes are tried again only when others have been applied.
    """
    first = result = lint({})
    texts: dict[Path, SourceFile] = {}
    refused: set[tuple[str, str, str]] = set()
    done: list[Done] = []
    moved = False
    for _ in range(ROUNDS):
        wanted = [
            finding
            for finding in fixable(result.findings, allowed)
            if _mark(finding, result) not in refused and _says_something(finding, result)
        ]
        applied, new = _fixed(wanted, result.sources)
        if not applied and moved:
            refused, moved = set(), False
            continue
        if not applied:
            break
        after = lint(texts | new)
        stubborn = set(_stubborn(applied, result, after))
        if stubborn:
            refused |= stubborn
            continue
        done += [_done(finding, result) for finding in applied]
        texts |= new
        result = after
        moved = bool(refused)
    before = {source.file: source for source in first.sources.values()}
    changes = [Change(before[path], source.content) for path, source in sorted(texts.items())]
    real = tuple(c for c in changes if c.after != c.before.content)
    changed = {change.before.path for change in real}
    return Settled(result, real, tuple(item for item in done if item.paths & changed))


def fixable(findings: Iterable[Finding], allowed: Collection[Applicability]) -> Iterator[Finding]:
    """Yield the findings whose fix may be applied."""
    return (f for f in findings if f.fix and f.fix.applicability in allowed and not f.fix.beyond)


def edited(text: str, edits: Iterable[Edit]) -> str | None:
    """Apply the edits of one file; ``None`` when they overlap or lie outside the text."""
    pieces: list[str] = []
    done = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda edit: (edit.start, edit.end)):
        if not done <= edit.start <= edit.end <= len(text):
            return None
        pieces += [text[done : edit.start], edit.text]
        done = edit.end
    return "".join([*pieces, text[done:]])


def _fixed(
    wanted: Sequence[Finding], sources: Mapping[str, TextFile]
) -> tuple[list[Finding], dict[Path, "SourceFile"]]:
    """Apply as many of the fixes as go together; one that breaks a file is left out."""
    together = compatible(wanted)
    new = _parsed(together, sources)
    if new is not None:
        return together, new
    kept: list[Finding] = []
    for finding in together:
        if _parsed([*kept, finding], sources) is not None:
            kept.append(finding)
    return kept, _parsed(kept, sources) or {}


def compatible(wanted: Sequence[Finding]) -> list[Finding]:
    """Return the findings whose fixes touch no edit of an earlier one; equal edits are shared."""
    edits: list[Edit] = []
    together: list[Finding] = []
    for finding in wanted:
        own = [edit for edit in finding.fix.edits if edit not in edits] if finding.fix else []
        if not any(_touch(new, old) for new in own for old in edits):
            edits.extend(own)
            together.append(finding)
    return together


def _touch(one: Edit, other: Edit) -> bool:
    return one.path == other.path and one.start <= other.end and other.start <= one.end


def _parsed(
    findings: Iterable[Finding], sources: Mapping[str, TextFile]
) -> dict[Path, "SourceFile"] | None:
    """Return the files with all fixes applied; ``None`` when one of them is no Python any more."""
    from bnlint.source import parse_text

    edits = [edit for finding in findings if finding.fix for edit in finding.fix.edits]
    files: dict[Path, SourceFile] = {}
    for path in dict.fromkeys(edit.path for edit in edits):
        source = sources.get(path)
        if source is None:
            return None
        text = edited(source.content, (edit for edit in edits if edit.path == path))
        if text is None or (compiles(source.content) and not compiles(text)):
            return None
        try:
            files[source.file] = parse_text(text, source.path, source.file)
        except Unreadable:
            return None
    return files


def compiles(text: str) -> bool:
    """Whether Python takes a text."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<fixed>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return False
    return True


def _stubborn(
    applied: Iterable[Finding], before: Linted, after: Linted
) -> Iterator[tuple[str, str, str]]:
    """Yield the marks of fixed findings that are still there."""
    gone = Counter(_mark(finding, before) for finding in applied)
    present = Counter(_mark(finding, before) for finding in before.findings)
    left = Counter(_mark(finding, after) for finding in after.findings)
    return (mark for mark in gone if left[mark] > present[mark] - gone[mark])


def _says_something(finding: Finding, linted: Linted) -> bool:
    """Whether a fix changes the text at all."""
    edits = finding.fix.edits if finding.fix else ()
    return not all(
        edit.path in linted.sources
        and linted.sources[edit.path].content[edit.start : edit.end] == edit.text
        for edit in edits
    )


def _done(finding: Finding, linted: Linted) -> Done:
    """What a fix does, at the place of its first edit."""
    assert finding.fix is not None
    first = min(finding.fix.edits)
    line = Lines.of(linted.sources[first.path].content).place(first.start)[0]
    paths = frozenset(edit.path for edit in finding.fix.edits)
    return Done(first.path, line, finding.rule, finding.fix.title, paths)


def _mark(finding: Finding, linted: Linted) -> tuple[str, str, str]:
    """Tell a finding apart from others, also after lines have moved."""
    span = finding.span
    source = linted.sources.get(span.path)
    text = source.content[span.start : span.end] if source else ""
    return finding.rule, span.path, text
