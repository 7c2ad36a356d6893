"""One self-contained page for people: findings by aspect and file, with code, evidence and fixes, models, and what was rehearsed.

It needs no scripts, follows the reader's choice of light or dark, and is read by keyboard: what folds is ``<details>``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import groupby

from bnlint import __version__
from bnlint.facts.types.graph import ModelGraph
from bnlint.facts.types.known import Known
from bnlint.facts.wording import run_options
from bnlint.finding import Applicability, Evidence, Finding, Fix, Span
from bnlint.lint.engine import Result
from bnlint.lint.text_lines import Listing
from bnlint.report import timeline_text
from bnlint.report.frame import context
from bnlint.report.graph_figure import drawn, svg
from bnlint.report.html_style import STYLE
from bnlint.report.patch import DiffRow, hunks
from bnlint.report.summary import summary
from bnlint.rule import ASPECTS
from bnlint.style import Style, message_of
from bnlint.urls import page
from bnlint.visible import pictured, visible

_MODES = {Known.YES: "train", Known.NO: "eval", Known.UNKNOWN: "unknown"}
Listings = Mapping[str, Listing]


def render(result: Result, look: Style) -> str:
    """Return the page."""
    listings = {path: Listing.of(text) for path, text in result.texts.items()}
    counted = _lines(summary(result, Style(allowed=look.allowed, detail=look.detail)))
    figures = drawn(result.graphs, result.findings)
    parts = [
        f"<header><h1>BatchNorm in this code</h1><p>{counted}</p></header>",
        _contents(result, bool(figures)),
        "<main>",
        *_aspects(result.findings, listings, look),
        *_figures(figures),
        *_timelines(result, listings),
        "</main>",
        f"<footer><p>Written by bnlint {escape(__version__)}.</p></footer>",
    ]
    head = f"<title>BatchNorm in this code, by bnlint</title><style>{STYLE}</style>"
    return _DOCUMENT.format(head=head, body="\n".join(parts))


_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
{head}
</head>
<body>
{body}
</body>
</html>
"""


def _contents(result: Result, models: bool) -> str:
    links = [
        f'<li><a href="#{aspect}">{_name(aspect)}</a> <span class="count">{len(found)}</span></li>'
        for aspect, found in _by_aspect(result.findings)
    ]
    if models:
        links.append('<li><a href="#models">Models</a></li>')
    if timeline_text.runs_of(result):
        links.append('<li><a href="#rehearsed">What was rehearsed</a></li>')
    return f'<nav aria-label="Contents"><ul>{"".join(links)}</ul></nav>' if links else ""


def _by_aspect(findings: Sequence[Finding]) -> list[tuple[str, list[Finding]]]:
    ordered = sorted(findings, key=lambda finding: finding.rule[:3])
    return [(aspect, list(own)) for aspect, own in groupby(ordered, key=lambda f: f.rule[:3])]


def _name(aspect: str) -> str:
    return ASPECTS.get(aspect, aspect)


def _aspects(findings: Sequence[Finding], listings: Listings, look: Style) -> Iterator[str]:
    for aspect, found in _by_aspect(findings):
        yield f'<section aria-labelledby="{aspect}"><h2 id="{aspect}">{_name(aspect)}</h2>'
        found.sort(key=lambda finding: finding.span)
        for path, own in groupby(found, key=lambda finding: finding.span.path):
            yield f"<h3>{_text(path)}</h3>"
            yield from (_finding(finding, listings, look) for finding in own)
        yield "</section>"


def _finding(finding: Finding, listings: Listings, look: Style) -> str:
    level = finding.severity.label
    title = (
        f'<h4><span class="level {level}">{level}</span> '
        f'<a href="{escape(page(finding.rule))}">{finding.rule} {escape(finding.name)}</a> '
        f'<span class="place">line {finding.span.line}</span></h4>'
    )
    parts = [title, f"<p>{_prose(message_of(finding))}</p>"]
    parts.append(_frame(finding.span, listings))
    if finding.evidence:
        steps = "".join(f"<li>{_step(item, finding, listings)}</li>" for item in finding.evidence)
        parts.append(f"<details><summary>How it comes to this</summary><ol>{steps}</ol></details>")
    if finding.fix is not None:
        parts.append(_fix(finding.fix, finding.span.path, listings))
    return f'<article class="{level}">{"".join(parts)}</article>'


def _step(item: Evidence, finding: Finding, listings: Listings) -> str:
    here = item.span.path == finding.span.path
    place = f"line {item.span.line}" if here else f"{_text(item.span.path)}, line {item.span.line}"
    return f'{_prose(item.message)} <span class="place">{place}</span>{_line(item.span, listings)}'


def _frame(span: Span, listings: Listings) -> str:
    """The lines around a place, with the place marked."""
    listing = listings.get(span.path)
    lines = context(listing, span) if listing is not None else range(0)
    if listing is None or not lines:
        return ""
    rows = (_numbered(n, _marked(listing, n, span)) for n in lines)
    return _code("Code", rows)


def _line(span: Span, listings: Listings) -> str:
    listing = listings.get(span.path)
    if listing is None or span.line > len(listing):
        return ""
    return _code("Code", [_numbered(span.line, _marked(listing, span.line, span))])


def _code(name: str, rows: Iterable[str]) -> str:
    return f'<pre tabindex="0" role="group" aria-label="{name}"><code>{"".join(rows)}</code></pre>'


def _numbered(number: int | None, code: str, kind: str = "") -> str:
    sign = {"add": "+", "del": "-"}.get(kind, " ")
    row = f'<span class="number">{number or "":>4} {sign}</span> {code}'
    return f'<span class="row {kind}">{row}</span>\n' if kind else f"{row}\n"


def _marked(listing: Listing, number: int, span: Span) -> str:
    """A line of code; of a span's first line that part is marked that it covers."""
    line = pictured(listing.line(number).rstrip("\r\n"))[:LONGEST]
    if number != span.line:
        return escape(line)
    start = span.column - 1
    end = span.end_column - 1 if span.end_line == span.line else len(line)
    inside = escape(line[start:end])
    return f"{escape(line[:start])}<mark>{inside}</mark>{escape(line[end:])}"


LONGEST = 400
"""Characters of a line that are shown."""
_SIGNS = {"+": "add", "-": "del", "|": ""}


def _fix(fix: Fix, here: str, listings: Listings) -> str:
    how = {
        Applicability.SAFE: "safe",
        Applicability.UNSAFE: "unsafe",
        Applicability.DISPLAY: "a suggestion",
    }[fix.applicability]
    shown = []
    for path in dict.fromkeys(edit.path for edit in fix.edits):
        edits = [edit for edit in fix.edits if edit.path == path]
        if path != here:
            shown.append(f'<p class="place">{_text(path)}</p>')
        shown += [_code("Change", map(_changed, rows)) for rows in hunks(listings[path], edits)]
    title = f"Fix ({how}): {_prose(fix.title)}"
    return f"<details open><summary>{title}</summary>{''.join(shown)}</details>"


def _changed(row: DiffRow) -> str:
    text = escape(pictured(row.text.rstrip("\r\n"))[:LONGEST])
    return _numbered(row.number, text, _SIGNS[row.sign])


def _figures(figures: Sequence[tuple[ModelGraph, Mapping[str, list[str]]]]) -> Iterator[str]:
    if not figures:
        return
    yield '<section aria-labelledby="models"><h2 id="models">Models</h2>'
    yield "<p>Normalisation layers are blue; layers that findings are about are red, with the rules.</p>"
    for graph, rules in figures:
        place = f"{_text(graph.site.path)}, line {graph.site.span.line}"
        known = "" if graph.complete else ", not understood as a whole"
        title = f'{_text(graph.name)} <span class="place">{place}{known}</span>'
        unfolded = " open" if rules else ""
        yield (
            f"<details{unfolded}><summary>{title}</summary>"
            f"<div class='figure' tabindex='0' role='group' aria-label='Model'>{svg(graph, rules)}</div></details>"
        )
    yield "</section>"


def _timelines(result: Result, listings: Listings) -> Iterator[str]:
    runs = timeline_text.runs_of(result)
    if not runs:
        return
    yield '<section aria-labelledby="rehearsed"><h2 id="rehearsed">What was rehearsed</h2>'
    for run in runs:
        title = _text(run_options.title(run.entry, run.options))
        rows = "".join(_row(row, listings) for row in timeline_text.rows(run))
        yield (
            f"<details><summary>{title}</summary><div tabindex='0' role='group' aria-label='Timeline'><table>"
            "<thead><tr><th scope='col'>Line</th><th scope='col'>Code</th>"
            "<th scope='col'>Mode</th><th scope='col'>What happens</th></tr></thead>"
            f"<tbody>{rows}</tbody></table></div></details>"
        )
    yield "</section>"


def _row(row: timeline_text.TimelineRow, listings: Listings) -> str:
    listing = listings.get(row.path)
    known = listing is not None and 0 < row.line <= len(listing)
    code = pictured(listing.line(row.line).strip())[:LONGEST] if listing and known else ""
    mode = _MODES.get(row.mode, "") if row.mode is not None else ""
    shown = f'<span class="mode {mode}">{mode}</span>' if mode else ""
    indent = f' style="padding-left: {row.depth + 1}em"'
    return (
        f"<tr><td>{row.line or ''}</td><td{indent}><code>{escape(code)}</code></td>"
        f"<td>{shown}</td><td>{escape(row.note)}</td></tr>"
    )


def _text(text: str) -> str:
    return escape(visible(text))


def _prose(text: str) -> str:
    """A message, with what stands in backticks as code."""
    parts = _text(text).split("`")
    if len(parts) % 2 == 0:
        return _text(text)
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts))


def _lines(text: str) -> str:
    return "<br>".join(escape(line.replace("[*] ", "")) for line in text.splitlines())
