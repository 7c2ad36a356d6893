"""How well the static graph agrees with the recorder's, which also sees what torch.fx cannot trace.

    python benchmarks/static_against_traced.py [FOLDER ...] [--only TEXT] [--json FILE]

Compared are what stands before each BatchNorm, the residual additions, the lines on which
BatchNorm layers are constructed, and what the rules that read graphs say, over the models of `zoo.py`. Models that cannot be built or recorded
completely are counted and left out. Each one runs in processes of its own. The files of timm and
torchvision are read as a project's own, as if it were their authors who lint them.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from unittest.mock import patch

from candidates import Candidate
from forked import in_child
from graph_truth import static_pairs
from zoo import grouped, kept, selected, spread, timed
from zoo_models import SOURCES, build, prepare

from bnlint import registry
from bnlint.facts.types.graph import Call, Graphs, ModelGraph
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.interpreter import graph_of
from bnlint.source import Project
from bnlint.tracer.graphs.model_graphs import model_graph
from bnlint.tracer.record.inputs import example_inputs
from bnlint.tracer.record.records import TraceRecord
from bnlint.tracer.record.trace_model import trace
from bnlint.vocabulary.packages import NEVER_OURS

MEMORY = 8 << 30
Pair = tuple[str, str]
Residual = tuple[str, tuple[str, ...], tuple[str, ...]]
"""The module around an addition and the weighted layers of its two operands since the fork."""
Line = tuple[str, str, int]
"""A BatchNorm, and the file and line of the call that builds it."""


@dataclass(frozen=True)
class Seen:
    """What one graph shows."""

    pairs: tuple[Pair, ...] = ()
    residuals: tuple[Residual, ...] = ()
    lines: tuple[Line, ...] = ()
    problems: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    """What the rules say, each as its id and the line: ``BN201 resnet.py:12``."""


@dataclass(frozen=True)
class Outcome:
    """One model by both ways; ``truth`` is ``None`` where it was not recorded."""

    source: str
    file: str
    expression: str
    truth: Seen | None
    found: Seen = field(default_factory=Seen)
    problem: str = ""
    seconds: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether both ways agree on what stands before each BatchNorm and on the additions."""
        return self.truth is not None and not any(
            Counter(getattr(self.truth, what)) != Counter(getattr(self.found, what))
            for what in ("pairs", "residuals")
        )


def seen(graph: ModelGraph) -> Seen:
    """What of a graph is compared."""
    norms = [layer for layer in graph.layers if layer.kind is Kind.BATCH_NORM]
    doubtful = [call for call in graph.calls if call.kind in (Kind.PHI, Kind.UNKNOWN)]
    return Seen(
        tuple(pair for pair, _ in static_pairs(graph)),
        tuple(_residual(found.add, (found.branch, found.skip)) for found in graph.residuals),
        tuple((norm.name, norm.site.path, norm.site.span.line) for norm in norms),
        graph.problems,
        tuple(f"{call.kind} {call.op} in `{_around(call)}` {_line(call)}" for call in doubtful),
        tuple(said(graph)),
    )


def said(graph: ModelGraph) -> Iterator[str]:
    """What the rules that read graphs say of one, each line of a rule once."""
    checks = [(rule.id, rule.graph_check) for rule in registry.rules().values() if rule.graph_check]
    for name, check in checks:
        spans = {(Path(found.span.path).name, found.span.line) for found in check(Graphs((graph,)))}
        yield from (f"{name} {file}:{line}" for file, line in sorted(spans))


def _residual(add: Call, operands: tuple[tuple[Call, ...], tuple[Call, ...]]) -> Residual:
    one, other = sorted(
        tuple(_name(call) for call in calls if call.kind in WEIGHTED) for calls in operands
    )
    return _around(add), one, other


def _name(call: Call) -> str:
    return call.layer.name if call.layer is not None else call.op


def _around(call: Call) -> str:
    return call.modules[-1] if call.modules else ""


def _line(call: Call) -> str:
    return f"{Path(call.site.path).name}:{call.site.span.line}" if call.site is not None else ""


def recorded(candidate: Candidate) -> TraceRecord:
    """Build a model and trace it; raises what that raises."""
    model = build(candidate)
    return trace(model, example_inputs(model)).record


def compare(candidate: Candidate) -> Outcome:
    """Trace one model, and follow it statically if that went well."""
    file = str(candidate.file.relative_to(candidate.root))
    name = (candidate.source, file, candidate.expression)
    record, problem, _ = in_child(lambda: recorded(candidate), memory=MEMORY)
    if record is None or record.problems:
        said = problem if record is None else record.problems[0]
        return Outcome(*name, None, problem=f"not recorded: {said}")
    both, problem, _ = in_child(lambda: _both(candidate, record), memory=MEMORY)
    if both is not None:
        return Outcome(*name, both[0], both[1], seconds=both[2])
    truth, unread, _ = in_child(lambda: seen(model_graph(record, Project())), memory=MEMORY)
    said = f"not followed: {problem}" if truth is not None else f"not read: {unread}"
    return Outcome(*name, truth, problem=said)


def _both(candidate: Candidate, record: TraceRecord) -> tuple[Seen, Seen, float]:
    """The recorder's graph, the static one, and how many seconds that took."""
    project = Project()
    with patch("bnlint.source.imports.NEVER_OURS", NEVER_OURS - {candidate.source}):
        found, seconds = timed(lambda: graph_of(candidate.file, candidate.expression, project))
    return seen(model_graph(record, project)), seen(found), seconds


def table(outcomes: Iterable[Outcome]) -> str:
    """Recall and precision by source and over all."""
    lines = [
        f"{'source':32} models recorded  exact   pairs  recall precision"
        "    adds  recall precision   lines   equal  ms/model"
    ]
    for source, group in grouped(outcomes):
        known = [outcome for outcome in group if outcome.truth is not None]
        exact = sum(outcome.exact for outcome in known)
        columns = (_shares(known, what) for what in ("pairs", "residuals"))
        seconds = sorted(outcome.seconds for outcome in known) or [0.0]
        lines.append(
            f"{source[:32]:32} {len(group):6} {len(known):8} {exact:6}{''.join(columns)}"
            f"{_equal_lines(known)}{1e3 * seconds[len(seconds) // 2]:10.0f}"
        )
    return "\n".join(lines)


def _shares(known: list[Outcome], what: str) -> str:
    truth = found = hits = 0
    for outcome in known:
        expected = Counter(getattr(outcome.truth, what))
        got = Counter(getattr(outcome.found, what))
        truth, found = truth + expected.total(), found + got.total()
        hits += (expected & got).total()
    recall, precision = hits / truth if truth else 1.0, hits / found if found else 1.0
    return f"{truth:8} {recall:7.1%} {precision:9.1%}"


def rule_table(outcomes: Iterable[Outcome]) -> str:
    """How many lines each rule speaks of in both graphs of a model, in the read, and in the traced one."""
    counts: dict[str, list[int]] = {}
    for outcome in outcomes:
        if outcome.truth is None or outcome.problem:
            continue
        read, traced = set(outcome.found.findings), set(outcome.truth.findings)
        for column, group in enumerate((read & traced, read - traced, traced - read)):
            for finding in group:
                counts.setdefault(finding.partition(" ")[0], [0, 0, 0])[column] += 1
    rows = [
        f"{rule:8}{both:8}{read:8}{traced:8}"
        for rule, (both, read, traced) in sorted(counts.items())
    ]
    return "\n".join(["rule        both    read  traced", *rows])


def _equal_lines(known: list[Outcome]) -> str:
    """Of the BatchNorm layers that both graphs have, how many are built on the same line."""
    common = equal = 0
    for outcome in known:
        found = {name: (path, line) for name, path, line in outcome.found.lines}
        truth = outcome.truth.lines if outcome.truth is not None else ()
        both = [(found[name], (path, line)) for name, path, line in truth if name in found]
        common += len(both)
        equal += sum(_same(*entry) for entry in both)
    return f"{common:8} {equal / common if common else 1.0:7.1%}"


def _same(left: tuple[str, int], right: tuple[str, int]) -> bool:
    return left[1] == right[1] and Path(left[0]).resolve() == Path(right[0]).resolve()


def classes(outcome: Outcome) -> Iterator[str]:
    """In what ways the static graph of a model differs, as words without names of layers."""
    if outcome.truth is None:
        return
    if outcome.problem:
        yield outcome.problem
        return
    expected = {name for name, _, _ in outcome.truth.lines}
    got = {name for name, _, _ in outcome.found.lines}
    if expected - got:
        yield "BatchNorm layers missing"
    if got - expected:
        yield "BatchNorm layers that are not there"
    yield from sorted({_how_pair_differs(*pair) for pair in _wrong_pairs(outcome, expected & got)})
    missing = Counter(outcome.truth.residuals) - Counter(outcome.found.residuals)
    extra = Counter(outcome.found.residuals) - Counter(outcome.truth.residuals)
    owners = ({residual[0] for residual in residuals} for residuals in (missing, extra))
    lost, wrong = owners
    if lost & wrong:
        yield "residual addition with other layers in its operands"
    if lost - wrong:
        yield "residual addition missing"
    if wrong - lost:
        yield "residual addition that is not there"


def _wrong_pairs(outcome: Outcome, norms: set[str]) -> Iterator[tuple[str | None, str | None]]:
    """For each BatchNorm that both graphs have, what precedes it in either where that differs."""
    truth, found = outcome.truth.pairs if outcome.truth else (), outcome.found.pairs
    missing, extra = Counter(truth) - Counter(found), Counter(found) - Counter(truth)
    for norm in sorted(norms):
        before = sorted(source for source, at in missing.elements() if at == norm)
        instead = sorted(source for source, at in extra.elements() if at == norm)
        for number in range(max(len(before), len(instead))):
            yield (
                before[number] if number < len(before) else None,
                instead[number] if number < len(instead) else None,
            )


def _how_pair_differs(before: str | None, instead: str | None) -> str:
    if instead is None:
        return "BatchNorm call missing"
    if before is None:
        return "BatchNorm call that is not there"
    return f"before BatchNorm: {_plain(instead)} instead of {_plain(before)}"


def _plain(source: str) -> str:
    return f"`{source}`" if source in KINDS else "a layer"


KINDS = frozenset(kind.value for kind in Kind)


def differences(outcome: Outcome, limit: int) -> Iterator[str]:
    """The first few things that only one of the graphs has, and what the static graph doubts."""
    if outcome.truth is None:
        return
    yield f"{outcome.source} {outcome.file} {outcome.expression} {outcome.problem}"
    for what in ("pairs", "residuals", "findings"):
        truth, found = Counter(getattr(outcome.truth, what)), Counter(getattr(outcome.found, what))
        for sign, only in (("-", truth - found), ("+", found - truth)):
            yield from (f"    {sign} {_shown(entry)}" for entry in list(only)[:limit])
    yield from (f"    ! {problem}" for problem in outcome.found.problems[:limit])
    yield from (f"    ? {doubt}" for doubt in outcome.found.unknown[:limit])


def _shown(entry: Pair | Residual | str) -> str:
    if isinstance(entry, str):
        return entry
    if len(entry) == 2:
        return " -> ".join(entry)
    around, one, other = entry
    return f"add in `{around}`: {_listed(one)} + {_listed(other)}"


def _listed(names: tuple[str, ...]) -> str:
    short = names if len(names) < 5 else (*names[:2], f"... {len(names) - 4} ...", *names[-2:])
    return f"[{', '.join(short)}]"


def report(outcomes: list[Outcome], limit: int) -> str:
    """What differs, model by model, and which models each class of failure has."""
    lines: list[str] = []
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.exact:
            lines += differences(outcome, limit)
        for name in classes(outcome):
            found.setdefault(name, []).append(outcome)
    lines.append("")
    for name, group in sorted(found.items(), key=lambda item: -len(item[1])):
        examples = ", ".join(f"{o.source}:{Path(o.file).stem} {o.expression}" for o in group[:4])
        lines.append(f"{len(group):4}  {name}: {examples}")
    unrecorded = [outcome for outcome in outcomes if outcome.truth is None]
    lines += [f"      {o.source} {o.file} {o.expression}: {o.problem}" for o in unrecorded]
    return "\n".join(lines)


def main() -> None:
    """Compare, and print what differs and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--sources", default=",".join(SOURCES), help="packages, with commas")
    parser.add_argument("--only", default="", help="models whose file or expression has this")
    parser.add_argument("--json", type=Path, help="write outcomes to this file, one a line")
    parser.add_argument("--examples", type=int, default=3, help="differences shown of each model")
    options = parser.parse_args()
    prepare()
    tempfile.gettempdir()  # it probes folders by writing to them, which children may not
    candidates = list(selected(options.sources, options.folders, options.only))
    show = partial(show_comparisons, limit=options.examples)
    kept(map(compare, spread(candidates)), options.json, show)


def show_comparisons(outcomes: list[Outcome], limit: int) -> None:
    """Print what differs, and the table."""
    print(report(outcomes, limit))
    print()
    print(table(outcomes))
    print()
    print(rule_table(outcomes))


if __name__ == "__main__":
    main()
