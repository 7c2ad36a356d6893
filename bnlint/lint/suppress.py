"""Comments that silence findings: ``# bnlint: ignore[BN301] reason`` and ``# noqa: BN301``.

A comment at the end of a line silences what is found on that line or, if that is nothing, in the
rest of its statement; a comment on a line of its own silences the statement below it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bnlint.diagnostics import UNUSED_IGNORE
from bnlint.finding import Applicability, Edit, Finding, Fix, Span
from bnlint.immutable import immutable
from bnlint.lint.comments import Comment, Comments, comments_of
from bnlint.selector import means

_DIRECTIVE = re.compile(
    r"#\s*bnlint:\s*(?P<verb>ignore|skip-file)\b[ \t]*(?:\[(?P<selectors>[^\]#]*)\])?[^#]*"
)
_NOQA = re.compile(
    r"#\s*noqa\b(?:\s*:\s*(?P<selectors>[A-Z]+[0-9]+(?:[,\s]+[A-Z]+[0-9]+)*))?", re.IGNORECASE
)
_WORD = re.compile(r"bnlint|noqa", re.IGNORECASE)


@immutable(eq=False)
class Ignore:
    """One such comment. ``start`` and ``end`` are its offsets in the text.

    ``selectors`` is empty when it silences everything. ``line`` is the line that it is about,
    ``lines`` are those of its statement. ``standard`` tells a ``noqa``, which other tools read too.
    """

    comment: Comment
    start: int
    end: int
    selectors: tuple[str, ...]
    line: int
    lines: range
    standard: bool

    def silences(self, finding: Finding) -> bool:
        """Whether it is about the finding's rule and place."""
        if finding.span.line not in self.lines:
            return False
        return not self.selectors or any(
            means(selector, finding.rule, finding.name) for selector in self.selectors
        )


@immutable
class Ignores:
    """All such comments of one file; ``whole_file`` is ``# bnlint: skip-file``."""

    whole_file: bool = False
    comments: tuple[Ignore, ...] = ()


@immutable
class Silenced:
    """What is left of some findings, and which selector of which comment silenced something."""

    left: tuple[Finding, ...]
    used: frozenset[tuple[Ignore, str]]


def read(text: str) -> Ignores:
    """Find the comments of a file; strings that look like one do not count."""
    if not _WORD.search(text):
        return Ignores()
    comments = comments_of(text)
    whole_file = any(
        match["verb"] == "skip-file"
        for comment in comments.comments
        for match in _DIRECTIVE.finditer(comment.text)
    )
    return Ignores(whole_file, tuple(_ignores(comments)))


def apply(findings: Iterable[Finding], ignores: Mapping[str, Ignores]) -> Silenced:
    """Take away the findings that the comments of their files silence."""
    left: list[Finding] = []
    used: set[tuple[Ignore, str]] = set()
    every = list(findings)
    lines_found = {(f.span.path, f.rule, f.span.line) for f in every}
    for finding in every:
        own = ignores.get(finding.span.path, Ignores())
        silencing = [ignore for ignore in own.comments if ignore.silences(finding)]
        silencing = [i for i in silencing if _is_nearest(i, finding, lines_found)]
        used.update((ignore, word) for ignore in silencing for word in _words(ignore, finding))
        if not silencing and not own.whole_file:
            left.append(finding)
    return Silenced(tuple(left), frozenset(used))


def unused(
    path: str,
    ignores: Ignores,
    used: frozenset[tuple[Ignore, str]],
    is_judged: Callable[[str], bool],
) -> Iterator[Finding]:
    """Yield a finding for each comment of a file of which something silences nothing.

    ``is_judged`` tells whether all rules that a selector means were run. A bare ``noqa`` and the
    codes of other tools are left alone.
    """
    for ignore in ignores.comments:
        words = ignore.selectors or ("",)
        idle = [word for word in words if (ignore, word) not in used and is_judged(word)]
        if ignore.standard:
            idle = [word for word in idle if word.upper().startswith("BN")]
        if idle:
            yield _unused(path, ignore, idle)


def _ignores(comments: Comments) -> Iterator[Ignore]:
    for comment in comments.comments:
        for match in _DIRECTIVE.finditer(comment.text):
            if match["verb"] == "ignore" and match["selectors"] != "":
                yield _ignore(comments, comment, match, standard=False)
        if not comment.alone:
            for match in _NOQA.finditer(comment.text):
                yield _ignore(comments, comment, match, standard=True)


def _ignore(comments: Comments, comment: Comment, match: re.Match[str], standard: bool) -> Ignore:
    selectors = tuple(dict.fromkeys(re.findall(r"[^,\s]+", match["selectors"] or "")))
    line, lines = comments.reach(comment)
    if standard and not selectors:
        lines = range(line, line + 1)
    start = comment.start + match.start()
    end = start + len(match[0].rstrip())
    return Ignore(comment, start, end, selectors, line, lines, standard)


def _is_nearest(ignore: Ignore, finding: Finding, lines_found: set[tuple[str, str, int]]) -> bool:
    """Whether nothing of the same rule is found on the comment's own line instead."""
    if finding.span.line == ignore.line:
        return True
    return (finding.span.path, finding.rule, ignore.line) not in lines_found


def _words(ignore: Ignore, finding: Finding) -> Sequence[str]:
    words = [word for word in ignore.selectors if means(word, finding.rule, finding.name)]
    return words or [""]


def _unused(path: str, ignore: Ignore, idle: Sequence[str]) -> Finding:
    what = ", ".join(f"`{word}`" for word in idle if word)
    message = f"This comment silences nothing for {what}" if what else "This comment is not needed"
    comment = ignore.comment
    column = comment.column + ignore.start - comment.start
    length = ignore.end - ignore.start
    span = Span(path, ignore.start, ignore.end, comment.line, column, comment.line, column + length)
    return UNUSED_IGNORE.at(span, f"{message}; remove it", _removal(path, ignore, idle))


def _removal(path: str, ignore: Ignore, idle: Sequence[str]) -> Fix | None:
    if ignore.standard:
        return None
    comment = ignore.comment
    gone = set(idle)
    kept = [word for word in ignore.selectors if word not in gone]
    if kept:
        offset = ignore.start - comment.start
        opening = comment.text.index("[", offset) + comment.start + 1
        closing = comment.text.index("]", offset) + comment.start
        edit = Edit(path, opening, closing, ", ".join(kept))
    elif (ignore.start, ignore.end) == (comment.start, comment.end):
        edit = Edit(path, comment.blank_start, comment.blank_end, "")
    else:
        edit = Edit(path, ignore.start, ignore.end, "")
    return Fix("Remove the unused ignore", (edit,), Applicability.SAFE)
