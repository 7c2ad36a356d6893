"""Findings that have one cause, such as a constant that five layers use, are one problem."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from bnlint.finding import Evidence, Finding, Fix


def joined(found: Iterable[Finding], hidden: Collection[Finding] = ()) -> Iterator[Finding]:
    """Join the findings of one cause: the first stays, and the others' places become evidence.

    ``hidden`` are those that the user does not want to see. Where one of them has the same cause its
    place is meant to be as it is, so that nothing is fixed there for the others' sake.
    """
    kept = {(finding.rule, finding.cause) for finding in hidden}
    groups: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(found, key=lambda finding: finding.span):
        if finding.cause is None:
            yield finding
        else:
            groups[finding.rule, finding.cause].append(finding)
    for cause, findings in groups.items():
        yield _one(findings, fixable=cause not in kept)


def _one(findings: list[Finding], *, fixable: bool) -> Finding:
    first, *others = findings
    told = {first.span, *(item.span for item in first.evidence)}
    places = [other.span for other in others if other.span not in told]
    more = tuple(Evidence(span, "and here") for span in places)
    fix = _common_fix(findings) if fixable else None
    return replace(first, evidence=(*first.evidence, *more), fix=fix)


def _common_fix(findings: list[Finding]) -> Fix | None:
    """The fixes of all, as one; ``None`` if one of them has none."""
    fixes = [finding.fix for finding in findings if finding.fix is not None]
    if len(fixes) < len(findings):
        return None
    edits = tuple(dict.fromkeys(edit for fix in fixes for edit in fix.edits))
    return replace(fixes[0], edits=edits)
