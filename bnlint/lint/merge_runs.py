"""One answer of a rule about a program where its runs may disagree."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.run_options import in_words, names_normalization
from bnlint.finding import Finding
from bnlint.rule import Holds

Answers = Sequence[tuple[Run, Sequence[Finding]]]
"""What a rule says of each run."""


def merged_runs(answers: Answers, holds: Holds) -> Iterator[Finding]:
    """Yield what holds on one run or, if the rule wants that, on all that come to the same place.

    A call of a script that a user named is no guess: what holds there holds. Nor is the one without
    arguments, whatever another one would change. What is found only where options were given says so.
    """
    without_options = {f.span for run, found in answers if not run.options for f in found}
    for run, found in answers:
        for finding in found:
            doubtful = holds is Holds.ON_ALL_RUNS and not run.asked
            if doubtful and not _is_unanimous(run, finding, answers):
                continue
            needs_options = run.options and finding.span not in without_options
            yield _with_options(finding, run.options) if needs_options else finding


def _is_unanimous(run: Run, finding: Finding, answers: Answers) -> bool:
    """Whether the runs that are as usual as this one say the same, those without BatchNorm apart.

    Those count, too, where an option says what normalises.
    """
    norm_given = names_normalization(run.options)
    return all(
        any(same.span == finding.span for same in found)
        or not (_comes_to(other, finding) and (norm_given or _has_batchnorm(other)))
        for other, found in answers
        if run.options or not other.options
    )


def _comes_to(run: Run, finding: Finding) -> bool:
    """Whether something happens on a run where a finding is."""
    sites = (site for site in _places(run) if site.path == finding.span.path)
    return any(site.span == finding.span for site in sites)


def _has_batchnorm(run: Run) -> bool:
    """Whether something with BatchNorm, or of which that is not known, is called on a run."""
    forwards = list(run.of_type(Forward))
    return not forwards or any(f.model.has_batchnorm is not Known.NO for f in forwards)


def _places(run: Run) -> Iterator[Site]:
    """Where a run comes to: its events, and what says how its batches are made."""
    yield from {event.site for event in run.events}
    for loader in {loader for event in run.of_type(Forward) for loader in event.loaders}:
        yield loader.site
        yield from (a.site for a in loader.arguments.values() if a.site is not None)


def _with_options(finding: Finding, options: Sequence[str]) -> Finding:
    first, _, rest = finding.message.partition(" ")
    start = first.lower() if first[1:].islower() else first
    return replace(finding, message=f"With {in_words(options)}, {start} {rest}")
