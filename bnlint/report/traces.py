"""What came of tracing: a line for each model, and what it added to reading the code."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from bnlint.diagnostics import NOT_TRACED
from bnlint.finding import Finding
from bnlint.lint.engine import Result
from bnlint.style import Style
from bnlint.visible import visible

if TYPE_CHECKING:
    from bnlint.lint.trace_program import Attempt

MOST_NAMES = 4
_HOW = {
    "meta": "",
    "cpu": ", on real tensors",
    "symbolic": ", by torch.fx.symbolic_trace, without shapes",
    "partial": ", not complete",
}


def traces(result: Result, look: Style) -> str:
    """Return the lines, each with its end; nothing where nothing was to be traced."""
    if not result.attempts:
        return ""
    return "".join(f"{line}\n" for line in _lines(result, look))


def _lines(result: Result, look: Style) -> Iterator[str]:
    done = [attempt for attempt in result.attempts if attempt.record is not None]
    total = len(result.attempts)
    models = "model" if total == 1 else "models"
    whole = sum(attempt.complete for attempt in done)
    partly = f", {len(done) - whole} in part" if whole < len(done) else ""
    yield look.paint(f"Traced {whole} of {total} {models}", "bold") + f" with torch.fx{partly}."
    for alike in _alike(done):
        yield f"  {visible(alike[0].name)} ({_places(alike)}): {_about(alike[0])}"
        yield from (f"    {visible(note)}" for note in _notes(alike[0]))
    for lack in dict.fromkeys(lack for attempt in result.attempts for lack in attempt.lacks):
        yield f"  {look.paint('not guarded', 'yellow')}: {visible(lack)}"
    if result.added is not None and done:
        rules = [f for f in result.findings if f.rule != NOT_TRACED.id]
        yield _added(len(rules) - len(result.added), result.added)


def _alike(attempts: Sequence["Attempt"]) -> list[list["Attempt"]]:
    """Models of which there is the same to say, together."""
    found: dict[tuple[str, ...], list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        found[attempt.name, _about(attempt), *_notes(attempt)].append(attempt)
    return list(found.values())


def _places(attempts: Sequence["Attempt"]) -> str:
    lines = (f"{visible(attempt.span.path)}:{attempt.span.line}" for attempt in attempts)
    places = list(dict.fromkeys(lines))
    more = len(places) - MOST_NAMES
    return ", ".join(places[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _about(attempt: "Attempt") -> str:
    record = attempt.record
    assert record is not None
    guessed = " (guessed)" if record.guessed else ""
    inputs = visible(" and ".join(record.inputs)) or "none"
    norms = sum(call.kind == "batch norm" for call in record.calls)
    calls = f"{len(record.calls)} calls, {norms} of BatchNorm"
    return f"input {inputs}{guessed}, {calls}{_HOW.get(record.how, '')}"


def _notes(attempt: "Attempt") -> Iterator[str]:
    assert attempt.record is not None
    yield from attempt.record.notes
    for what, place in attempt.refused:
        yield f"{what}" + (f" ({place.path}:{place.span.line})" if place is not None else "")
    if attempt.record.never_called:
        yield f"never called in train or eval mode: {_few(attempt.record.never_called)}"


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return f"{shown} and {more} more" if more > 0 else shown


def _added(read: int, added: Sequence[Finding]) -> str:
    if not added:
        return "Tracing found nothing that reading the code had not found."
    rules = ", ".join(sorted({finding.rule for finding in added}))
    problems = "problem" if len(added) == 1 else "problems"
    return f"Tracing added {len(added)} {problems} ({rules}) to the {read} that reading found."
