"""What of all findings is reported: each once, and nothing that the user wants to be left out."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path, PurePath

from bnlint import diagnostics, registry
from bnlint.facts.types.invocation import Invocation
from bnlint.finding import Applicability, Finding, Severity, Span
from bnlint.immutable import immutable
from bnlint.lint import causes, suppress
from bnlint.lint.baseline import Baseline
from bnlint.lint.files import absolute
from bnlint.lint.suppress import Ignores, Silenced
from bnlint.rule import Rule, Settings
from bnlint.selector import means, weight
from bnlint.source import TextFile


@immutable
class LintOptions:
    """What to look for, and what to leave out.

    ``is_excluded`` tells files that nothing is reported in, ``ignored_in`` the selectors that are
    ignored in a file. ``likely`` keeps findings that are not proven, ``unused_ignores`` reports
    comments that silence nothing. Fixes are only shown where they change a file that ``may_change``
    denies, and with ``named_only`` they are kept for later where they change one that was not named.
    ``is_test`` tells the test files, about which some rules say nothing. ``calls`` are the calls of
    scripts, by their files, whose arguments are known. What is in the ``baseline`` is not told.
    ``severity`` is how bad the findings of some selectors are, where that is not left to the rules.
    """

    rules: Sequence[Rule]
    settings: Settings = field(default_factory=Settings)
    likely: bool = False
    unused_ignores: bool = False
    is_excluded: Callable[[Path], bool] = lambda file: False
    ignored_in: Callable[[Path], Collection[str]] = lambda file: ()
    may_change: Callable[[Path], bool] = lambda file: True
    named_only: bool = False
    is_test: Callable[[Path], bool] = lambda file: False
    calls: Mapping[Path, Sequence[Invocation]] = field(default_factory=dict)
    baseline: Baseline | None = None
    severity: Mapping[str, Severity] = field(default_factory=dict)


TEST_FOLDERS = frozenset({"test", "tests"})


def is_test_file(path: PurePath) -> bool:
    """Whether a file, by its path within the project, only tests.

    There batches are small, loaders made up, and biases nobody's concern.
    """
    name = path.name
    named = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    return named or not TEST_FOLDERS.isdisjoint(path.parts[:-1])


def tests_below(root: Path) -> Callable[[Path], bool]:
    """Tells the test files of a project by their paths within it."""

    def is_test(file: Path) -> bool:
        inside = file.relative_to(root) if file.is_relative_to(root) else Path(file.name)
        return is_test_file(inside)

    return is_test


def as_bad_as(findings: Iterable[Finding], level: str) -> list[Finding]:
    """Those that are at least so bad: ``error``, ``warning``, ``advice``; with ``never`` none are."""
    if level == "never":
        return []
    return [finding for finding in findings if finding.severity >= Severity[level.upper()]]


@immutable
class Sifted:
    """``findings`` are to be reported, ``every`` is what they were before a baseline, and one by one."""

    findings: tuple[Finding, ...]
    every: tuple[Finding, ...]


def sift(
    found: Iterable[Finding],
    sources: Mapping[str, TextFile],
    given: Collection[str],
    plan: LintOptions,
) -> Sifted:
    """What is left of the findings, in order; ``given`` are the paths that were asked for."""
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
    left = [
        _levelled(finding, plan.severity)
        for finding in (*silenced.left, *unused)
        if _is_wanted(finding, sources, plan)
    ]
    left.sort(key=_place)
    new = left if plan.baseline is None else plan.baseline.new(left, sources)
    named = given if plan.named_only else None
    told = causes.joined(new, hidden=set(every).difference(new))
    restrained = (_restrained(finding, untouched, named) for finding in told)
    return Sifted(tuple(sorted(restrained, key=_place)), tuple(left))


def _place(finding: Finding) -> tuple[str, int, int, str, str]:
    span = finding.span
    return span.path, span.line, span.column, finding.rule, finding.message


def _is_wanted(finding: Finding, sources: Mapping[str, TextFile], plan: LintOptions) -> bool:
    path = finding.span.path
    file = sources[path].file if path in sources else absolute(path)
    if plan.is_excluded(file) or (finding.likely and not plan.likely):
        return False
    if _is_about_tests(finding, sources, plan):
        return False
    return not any(means(w, finding.rule, finding.name) for w in plan.ignored_in(file))


def _levelled(finding: Finding, severity: Mapping[str, Severity]) -> Finding:
    """A finding as bad as the most specific of the selectors that mean its rule says."""
    if finding.rule not in registry.rules():
        return finding
    weights = {word: weight(word, finding.rule, finding.name) for word in severity}
    meant = {word: found for word, found in weights.items() if found is not None}
    if not meant:
        return finding
    return replace(finding, severity=severity[max(meant, key=lambda word: meant[word])])


def _is_about_tests(finding: Finding, sources: Mapping[str, TextFile], plan: LintOptions) -> bool:
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


def _unused(
    ignores: Mapping[str, Ignores], silenced: Silenced, paths: Collection[str], plan: LintOptions
) -> Iterator[Finding]:
    if not plan.unused_ignores or not paths:
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
