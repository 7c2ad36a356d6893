"""One answer of a rule about a program where its runs may disagree."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bnlint.facts.types.run import Forward, Run
from bnlint.finding import Finding, Span
from bnlint.rule import Holds

Answers = Sequence[tuple[Run, Sequence[Finding]]]
"""What a rule says of each run."""


def merged_runs(answers: Answers, holds: Holds) -> Iterator[Finding]:
    """Yield what holds on one run or, if the rule wants that, on all that come to the same place.

    A call of a script that a user named is no guess: what holds there holds. What is found only
    where options were given says so.
    """
    without_options = {f.span for run, found in answers if not run.options for f in found}
    for run, found in answers:
        for finding in found:
            doubtful = holds is Holds.ON_ALL_RUNS and not run.asked
            if doubtful and not _is_unanimous(finding.span, answers):
                continue
            needs_options = run.options and finding.span not in without_options
            yield _with_options(finding, run.options) if needs_options else finding


def _is_unanimous(span: Span, answers: Answers) -> bool:
    return all(
        any(finding.span == span for finding in found)
        for run, found in answers
        if span in _places(run)
    )


def _places(run: Run) -> set[Span]:
    """Where a run comes to: its events, and what says how its batches are made."""
    sites = [event.site for event in run.events]
    for loader in {loader for event in run.of_type(Forward) for loader in event.loaders}:
        sites += [loader.site, *(a.site for a in loader.arguments.values() if a.site is not None)]
    return {site.span for site in sites}


def _with_options(finding: Finding, options: Sequence[str]) -> Finding:
    first, _, rest = finding.message.partition(" ")
    start = first.lower() if first[1:].islower() else first
    return replace(finding, message=f"With `{' '.join(options)}`, {start} {rest}")
