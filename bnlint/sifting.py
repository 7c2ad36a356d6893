"""What of all findings is reported: each once, and nothing that the user wants to be left out."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bnlint import diagnostics, registry, suppress
from bnlint.files import absolute
from bnlint.finding import Applicability, Evidence, Finding, Span
from bnlint.rule import Rule, Settings
from bnlint.selector import means
from bnlint.source import SourceFile
from bnlint.suppress import Ignores, Silenced


@dataclass(frozen=True, slots=True)
class Plan:
    """What to look for, and what to leave out.

    ``is_excluded`` tells files that nothing is reported in, ``ignored_in`` the selectors that are
    ignored in a file. ``likely`` keeps findings that are not proven, ``unused_ignores`` reports
    comments that silence nothing. Fixes are only shown where they change a file that ``may_change``
    denies, and with ``named_only`` they are kept for later where they change one that was not named.
    ``is_test`` tells the test files, about which some rules say nothing.
    """

    rules: tuple[Rule, ...]
    settings: Settings = field(default_factory=Settings)
    likely: bool = False
    unused_ignores: bool = False
    is_excluded: Callable[[Path], bool] = lambda file: False
    ignored_in: Callable[[Path], Collection[str]] = lambda file: ()
    may_change: Callable[[Path], bool] = lambda file: True
    named_only: bool = False
    is_test: Callable[[Path], bool] = lambda file: False


def sift(
    found: Iterable[Finding], sources: Mapping[str, SourceFile], given: Collection[str], plan: Plan
) -> Iterator[Finding]:
    """Yield what is left of the findings; ``given`` are the paths that were asked for."""
    every = _unique(found)
    asked = {finding.span.path for finding in every}.union(*(_edits(f) for f in every))
    asked |= set(given) if plan.unused_ignores else set()
    ignores = {path: suppress.read(sources[path].content) for path in asked & sources.keys()}
    closed = {path for path, file in sources.items() if plan.is_excluded(file.file)}
    untouched = closed | {path for path, own in ignores.items() if own.whole_file}
    fixed = frozenset().union(*(_edits(finding) for finding in every)) & sources.keys()
    untouched |= {path for path in fixed if not plan.may_change(sources[path].file)}
    silenced = suppress.apply(every, ignores)
    unused = _unused(ignores, silenced, set(given) - untouched, plan)
    for finding in (*_by_cause(silenced.left), *unused):
        path = finding.span.path
        if path in closed or (finding.likely and not plan.likely):
            continue
        if _is_about_tests(finding, sources, plan):
            continue
        words = plan.ignored_in(sources[path].file if path in sources else absolute(path))
        if not any(means(word, finding.rule, finding.name) for word in words):
            yield _restrained(finding, untouched, given if plan.named_only else None)


def _is_about_tests(finding: Finding, sources: Mapping[str, SourceFile], plan: Plan) -> bool:
    """Whether it is in a test, or a test is what proves it, and its rule has nothing to say there."""
    rule = registry.rules().get(finding.rule)
    if rule is None or rule.in_tests:
        return False
    paths = {finding.span.path, *(item.span.path for item in finding.evidence)}
    return any(plan.is_test(sources[path].file) for path in paths & sources.keys())


def _unique(found: Iterable[Finding]) -> list[Finding]:
    """Keep one finding of each rule, place and cause, a proven one if there is one."""
    kept: dict[tuple[str, Span, str], Finding] = {}
    trouble = {item.id for item in diagnostics.ALL}
    for finding in found:
        told_apart = finding.message if finding.rule in trouble else finding.cause or ""
        key = (finding.rule, finding.span, told_apart)
        if key not in kept or (kept[key].likely and not finding.likely):
            kept[key] = finding
    return list(kept.values())


def _by_cause(found: Iterable[Finding]) -> Iterator[Finding]:
    """Join the findings of one cause: the first stays, and the others' places become evidence."""
    joined: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for finding in sorted(found, key=lambda finding: finding.span):
        if finding.cause is None:
            yield finding
        else:
            joined[finding.rule, finding.cause].append(finding)
    yield from (_joined(*findings) for findings in joined.values())


def _joined(first: Finding, *others: Finding) -> Finding:
    """One finding for several; its fix is that of all of them, or none."""
    told = {first.span, *(item.span for item in first.evidence)}
    places = [other.span for other in others if other.span not in told]
    more = tuple(Evidence(span, "and here") for span in places)
    fixes = [finding.fix for finding in (first, *others)]
    every = [fix for fix in fixes if fix is not None]
    fix = first.fix
    if fix is not None:
        edits = tuple(dict.fromkeys(edit for one in every for edit in one.edits))
        fix = replace(fix, edits=edits) if len(every) == len(fixes) else None
    return replace(first, evidence=(*first.evidence, *more), fix=fix)


def _unused(
    ignores: Mapping[str, Ignores], silenced: Silenced, paths: Collection[str], plan: Plan
) -> Iterator[Finding]:
    if not plan.unused_ignores:
        return
    run = {rule.id for rule in plan.rules}
    for path in sorted(paths):
        yield from suppress.unused(
            path, ignores[path], silenced.used, lambda word: _is_judged(word, run)
        )


def _is_judged(word: str, run: Collection[str]) -> bool:
    """Whether all rules that a selector means were run; one that means none is always wrong."""
    if not registry.is_known(word) and word:
        return True
    every = registry.rules().values()
    meant = [rule for rule in every if (means(word, rule.id, rule.name) if word else rule.default)]
    return bool(meant) and all(rule.id in run for rule in meant)


def _edits(finding: Finding) -> set[str]:
    return {edit.path for edit in finding.fix.edits} if finding.fix else set()


def _restrained(
    finding: Finding, untouched: Collection[str], named: Collection[str] | None
) -> Finding:
    """Keep a fix from being applied where it edits a file that is to be left alone."""
    edits = _edits(finding)
    if finding.fix is None or not edits:
        return finding
    if not edits.isdisjoint(untouched):
        return replace(finding, fix=replace(finding.fix, applicability=Applicability.DISPLAY))
    beyond = () if named is None else tuple(sorted(edits.difference(named)))
    return replace(finding, fix=replace(finding.fix, beyond=beyond)) if beyond else finding
