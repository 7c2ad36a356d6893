"""Findings in notebooks, by cell and line of the cell: what is shown of them."""

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from bnlint.facts.types.account import Account
from bnlint.finding import Edit, Evidence, Finding, Fix, Span
from bnlint.immutable import immutable
from bnlint.lint.engine import Result
from bnlint.source import TextFile
from bnlint.source.decoding import Decoded
from bnlint.source.notebook import NOTEBOOK, cells_of


@immutable
class _Cells:
    """Where the cells of one notebook begin, their numbers and texts."""

    path: str
    starts: tuple[int, ...]
    numbers: tuple[int, ...]
    sources: tuple[str, ...]
    lines: tuple[int, ...]
    """The line before each cell's first one."""

    @classmethod
    def of(cls, path: str, text: str) -> "_Cells":
        found = [*cells_of(text)]
        return cls(
            path,
            tuple(start for _, _, start in found),
            tuple(number for number, _, _ in found),
            tuple(source for _, source, _ in found),
            tuple(text.count("\n", 0, start) for _, _, start in found),
        )

    def at(self, offset: int) -> int:
        return max(bisect_right(self.starts, offset) - 1, 0)

    def retold(self, text: str) -> str:
        """A text whose lines of the notebook, ``in line 94`` or ``train.ipynb:94``, are those of cells."""
        text = re.sub(r"\bin line (\d+)\b", lambda found: f"in {self._told(int(found[1]))}", text)
        written = rf"{re.escape(self.path)}:(\d+)\b"
        return re.sub(written, lambda found: f"{self.path}, {self._told(int(found[1]))}", text)

    def _told(self, line: int) -> str:
        index = max(bisect_right(self.lines, line - 1) - 1, 0)
        return f"line {line - self.lines[index]} of cell {self.numbers[index]}"

    def name(self, index: int) -> str:
        return f"{self.path}:cell {self.numbers[index]}"


def by_cell(result: Result) -> Result:
    """The same result, whose places in notebooks are in cells: ``train.ipynb:cell 3``."""
    books = {
        path: cells
        for path, file in result.sources.items()
        if file.file.suffix == NOTEBOOK and (cells := _Cells.of(path, file.content)).starts
    }
    if not books:
        return result
    texts = {
        book.name(index): TextFile(book.name(index), result.sources[path].file, Decoded(source))
        for path, book in books.items()
        for index, source in enumerate(book.sources)
    }
    moved = partial(_finding, books)
    return replace(
        result,
        findings=tuple(map(moved, result.findings)),
        every=tuple(map(moved, result.every)),
        sources={**result.sources, **texts},
        texts={**result.texts, **{name: cell.content for name, cell in texts.items()}},
        account=_account(books, result.account) if result.account is not None else None,
    )


Books = Mapping[str, _Cells]


def _finding(books: Books, finding: Finding) -> Finding:
    evidence = tuple(
        Evidence(_span(books, item.span), _retold(books, item.span, item.message))
        for item in finding.evidence
    )
    fix = _fix(books, finding.fix) if finding.fix is not None else None
    message = _retold(books, finding.span, finding.message)
    span = _span(books, finding.span)
    return replace(finding, message=message, span=span, evidence=evidence, fix=fix)


def _retold(books: Books, span: Span, text: str) -> str:
    return books[span.path].retold(text) if span.path in books else text


def _span(books: Books, span: Span) -> Span:
    if span.path not in books:
        return span
    book = books[span.path]
    index = book.at(span.start)
    start, line = book.starts[index], book.lines[index]
    return replace(
        span,
        path=book.name(index),
        start=max(span.start - start, 0),
        end=max(span.end - start, 0),
        line=max(span.line - line, 1),
        end_line=max(span.end_line - line, 1),
    )


def _fix(books: Books, fix: Fix) -> Fix:
    return replace(fix, edits=tuple(_edit(books, edit) for edit in fix.edits))


def _edit(books: Books, edit: Edit) -> Edit:
    if edit.path not in books:
        return edit
    book = books[edit.path]
    index = book.at(edit.start)
    start = book.starts[index]
    return Edit(book.name(index), edit.start - start, edit.end - start, edit.text)


def _account(books: Books, account: Account) -> Account:
    span = partial(_span, books)
    return replace(
        account,
        models=tuple(
            replace(m, span=span(m.span) if m.span is not None else None) for m in account.models
        ),
        training_loops=tuple(map(span, account.training_loops)),
        evaluations=tuple(map(span, account.evaluations)),
        not_understood=tuple(
            replace(gap, span=span(gap.span), cause=span(gap.cause) if gap.cause else None)
            for gap in account.not_understood
        ),
    )
