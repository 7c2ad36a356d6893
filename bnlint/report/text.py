"""Findings as people read them: the code, the reason, the evidence and the suggested change."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby, takewhile

from bnlint.finding import Applicability, Evidence, Finding, Fix
from bnlint.immutable import immutable
from bnlint.lint.engine import Result
from bnlint.lint.text_lines import Listing
from bnlint.report.cells import Cells
from bnlint.report.frame import Gutter, context, first_cell, frame
from bnlint.report.patch import DiffRow, hunks
from bnlint.report.summary import summary
from bnlint.style import Style, colour_of, place_of, said
from bnlint.visible import visible

_SIGNS = {"-": "red", "+": "green"}
_MOST = 5
"""So many places of one kind, and changes of one fix, are shown; of more one less, and a count."""


def render(result: Result, look: Style) -> str:
    """Return a block for each finding, and the summary."""
    listings = _listings(result)
    blocks = ["\n".join(_block(finding, listings, look)) for finding in result.findings]
    return "".join(f"{block}\n\n" for block in blocks) + summary(result, look)


@immutable
class _Page:
    """What the parts of one block share."""

    listings: Mapping[str, Listing]
    gutter: Gutter
    look: Style
    colour: str
    shown: frozenset[tuple[str, int]] = frozenset()


def _listings(result: Result) -> dict[str, Listing]:
    """Return the texts that something is shown of."""
    shown: set[str] = set()
    for finding in result.findings:
        edits = finding.fix.edits if finding.fix else ()
        shown |= {finding.span.path, *(item.span.path for item in finding.evidence)}
        shown |= {edit.path for edit in edits}
    return {path: Listing.of(result.texts.get(path, "")) for path in shown}


def _block(finding: Finding, listings: Mapping[str, Listing], look: Style) -> Iterator[str]:
    span = finding.span
    own = listings[span.path]
    around = context(own, span)
    diff = dict(_diff(finding.fix, listings)) if finding.fix else {}
    numbers = [*around, *(item.span.line for item in finding.evidence), *_numbers(diff)]
    gutter = Gutter(len(str(max(numbers, default=1))), look)
    shown = frozenset((span.path, number) for number in around)
    page = _Page(listings, gutter, look, colour_of(finding.severity), shown)
    yield from _header(finding, look)
    yield " " * gutter.digits + look.paint("-->", "blue", "bold") + f" {place_of(span)}"
    code = frame(own, span, around, gutter, page.colour)
    if code:
        yield from [gutter.line(None), *code, gutter.line(None)]
    for _, items in groupby(finding.evidence, key=lambda item: item.message):
        yield from _notes(list(items), page)
    if finding.fix:
        yield from _help(finding.fix, diff, page)
    reason = f"{finding.severity.label}, {finding.name}"
    yield from _labelled("explain", f"bnlint explain {finding.rule} ({reason})", page)


def _header(finding: Finding, look: Style) -> list[str]:
    mark = "[*] " if look.will_fix(finding) else ""
    first, *rest = look.wrapped(f"{finding.rule} {mark}{said(finding)}", indent=6)
    rule = look.paint(finding.rule, colour_of(finding.severity), "bold")
    body = first.removeprefix(f"{finding.rule} ").removeprefix(mark)
    return [
        f"{rule} {look.paint(mark, 'cyan')}{look.paint(body, 'bold')}",
        *(" " * 6 + look.paint(line.strip(), "bold") for line in rest),
    ]


def _notes(items: Sequence[Evidence], page: _Page) -> Iterator[str]:
    """Return the notes of one message, the first ones if they are many."""
    shown = _shown(len(items))
    for item in items[:shown]:
        yield from _note(item, page)
    if shown < len(items):
        yield from _labelled("note", f"and in {len(items) - shown} more places", page)


def _shown(number: int) -> int:
    """Return how many of so many things are shown."""
    return number if number <= _MOST else _MOST - 1


def _note(item: Evidence, page: _Page) -> Iterator[str]:
    yield from _labelled("note", f"{place_of(item.span)}: {visible(item.message)}", page)
    line = item.span.line
    if (item.span.path, line) not in page.shown:
        own = page.listings[item.span.path]
        yield from frame(own, item.span, range(line, line + 1), page.gutter, "blue")


def _help(fix: Fix, diff: Mapping[str, list[list[DiffRow]]], page: _Page) -> Iterator[str]:
    how = visible(_how(fix, page.look))
    first, *rest = page.look.wrapped(f"help: {visible(fix.title)}{how}", indent=6)
    yield page.look.paint("help", "cyan", "bold") + first.removeprefix("help")
    yield from rest
    number = sum(map(len, diff.values()))
    left = shown = _shown(number)
    for path, places in diff.items():
        if not left:
            break
        if {key[0] for key in page.shown} != {path}:
            yield (
                " " * page.gutter.digits
                + page.look.paint("-->", "blue", "bold")
                + f" {visible(path)}"
            )
        for rows in places[:left]:
            yield page.gutter.line(None)
            cell = _first_cell_of(rows, page.gutter.room)
            yield from (_row(row, cell, page) for row in rows)
        left -= min(left, len(places))
    if shown < number:
        text = f"and {number - shown} more changes, which --diff shows"
        yield from [page.gutter.line(None), page.gutter.line(None, text, ".")]
    yield page.gutter.line(None)


def _how(fix: Fix, look: Style) -> str:
    """How to have a fix applied that ``--fix`` with the same options leaves."""
    if fix.applicability is Applicability.DISPLAY:
        return " (a suggestion that --fix does not apply)"
    unsafe = "" if fix.applicability in look.allowed else " --unsafe-fixes"
    if fix.beyond:
        paths = ", ".join(f"`{path}`" for path in fix.beyond)
        return f" (applied with --fix{unsafe} --fix-imports, since {paths} was not named)"
    return f" (unsafe: applied with --fix{unsafe})" if unsafe else ""


def _first_cell_of(rows: Sequence[DiffRow], room: int) -> int:
    """Return the cell to begin the rows with, so that what differs in them is in sight."""
    old, new = ([_cells(row).cells for row in rows if row.sign == sign] for sign in "-+")
    starts, ends = [], []
    for before, after in zip(old, new, strict=False):
        start = _shared(before, after)
        starts.append(start)
        ends.append(len(after) - _shared(before[start:][::-1], after[start:][::-1]))
    return first_cell(min(starts), max(ends), room) if starts else 0


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many cells are alike at the beginning."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _cells(row: DiffRow) -> Cells:
    return Cells.of(row.text.rstrip("\r\n"))


def _row(row: DiffRow, first: int, page: _Page) -> str:
    text = _cells(row).window(first, page.gutter.room)
    line = page.gutter.line(row.number, text, row.sign)
    return page.look.paint(line, _SIGNS[row.sign]) if row.sign in _SIGNS else line


def _diff(fix: Fix, listings: Mapping[str, Listing]) -> Iterator[tuple[str, list[list[DiffRow]]]]:
    for path in dict.fromkeys(edit.path for edit in fix.edits):
        edits = [edit for edit in fix.edits if edit.path == path]
        if listings[path].text or not any(edit.end for edit in edits):
            yield path, hunks(listings[path], edits)


def _numbers(diff: Mapping[str, list[list[DiffRow]]]) -> Iterable[int]:
    return (row.number or 0 for places in diff.values() for rows in places for row in rows)


def _labelled(label: str, text: str, page: _Page) -> list[str]:
    margin = " " * (page.gutter.digits + 1)
    lead = f"{margin}= {label}: "
    first, *rest = page.look.wrapped(lead + text, indent=len(lead))
    equals = page.look.paint("=", "blue", "bold")
    name = page.look.paint(label, "bold")
    return [f"{margin}{equals} {name}: " + first.removeprefix(lead), *rest]
