"""Findings that have one cause, such as a constant that five layers use, are one problem."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace

from bnlint.finding import Applicability, Evidence, Finding, Fix

_AS_SAFE = tuple(Applicability)
"""From the safest on."""


def joined(found: Iterable[Finding], hidden: Collection[Finding] = ()) -> Iterator[Finding]:
    """Join the findings of one cause: the first stays, and the others' places become evidence.

    ``hidden`` are those that the user does not want to see. The place of such a one is meant to be
    as it is, so that what would change it is not changed for the sake of others of the same cause.
    """
    kept: dict[tuple[str, str | None], list[Finding]] = defaultdict(list)
    for finding in hidden:
        kept[finding.rule, finding.cause].append(finding)
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(found, key=lambda finding: (finding.likely, finding.span)):
        if finding.cause is None:
            yield finding
        else:
            groups[finding.rule, finding.cause].append(finding)
    for cause, findings in groups.items():
        yield _one(findings, kept[cause])


def _one(findings: Sequence[Finding], kept: Iterable[Finding]) -> Finding:
    first, *others = findings
    told = {first.span, *(item.span for item in first.evidence)}
    places = [other.span for other in others if other.span not in told]
    more = tuple(Evidence(span, "and here") for span in places)
    fix = _common_fix(findings)
    if fix is not None and any(_would_change(fix, finding) for finding in kept):
        fix = None
    return replace(first, evidence=(*first.evidence, *more), fix=fix)


def _common_fix(findings: Sequence[Finding]) -> Fix | None:
    """The fixes of all as one, as safe as the least safe; ``None`` if one of them has none."""
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    if len(fixes) < len(findings):
        return None
    edits = tuple(dict.fromkeys(edit for fix in fixes for edit in fix.edits))
    title = fixes[0].title
    if len(edits) > len(fixes[0].edits):
        title = f"{title} (in {len(findings)} places)"
    level = max((fix.applicability for fix in fixes), key=_AS_SAFE.index)
    return Fix(title, edits, level)


def _would_change(fix: Fix, finding: Finding) -> bool:
    """Whether a fix may change what a finding is about, which nobody wants to be changed."""
    return finding.fix is None or not set(fix.edits).isdisjoint(finding.fix.edits)
