"""How well the static graph sees what stands before each BatchNorm, against torch.fx.

    python benchmarks/graph_truth.py [FOLDER ...] [--json FILE]

The models are those of pytorchcv (one constructor per file, the smallest) and, for each FOLDER, the
factories and classes that need no argument, of files that only define things. Models that cannot be
built or traced are counted and left out. Each one runs in a process of its own.
"""

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path

from candidates import Candidate, Folder, models_of, smallest_of_each_file
from forked import in_child
from traced import TRANSPARENT, Pair, pairs_of, warm_up

from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.interpreter import graph_of


@dataclass
class Outcome:
    """What came of one model: pairs by both ways, or why there are none."""

    source: str
    file: str
    expression: str
    truth: list[Pair] | None = None
    found: list[Pair] = field(default_factory=list)
    certain: list[Pair] = field(default_factory=list)
    problem: str = ""
    seconds: float = 0.0

    @property
    def hits(self) -> int:
        """Pairs of the truth that were found."""
        return (Counter(self.truth) & Counter(self.found)).total()

    @property
    def certain_hits(self) -> int:
        """Pairs of the truth among those that the static graph calls certain."""
        return (Counter(self.truth) & Counter(self.certain)).total()

    @property
    def exact(self) -> bool:
        """Whether both ways agree."""
        return self.truth is not None and Counter(self.truth) == Counter(self.found)


def compare(candidate: Candidate, folder: Folder) -> Outcome:
    """Trace one model, and follow it statically if that went well."""
    file, expression = candidate.file, candidate.expression
    outcome = Outcome(candidate.source, str(file.relative_to(candidate.root)), expression)
    truth, problem, _ = in_child(lambda: pairs_of(file, expression, folder.roots_of(file)))
    if truth is None:
        outcome.problem = f"not traced: {problem}"
        return outcome
    outcome.truth = truth
    followed, problem, outcome.seconds = in_child(lambda: static_pairs(graph_of(file, expression)))
    if followed is None:
        outcome.problem = f"not followed: {problem}"
        return outcome
    outcome.found = [pair for pair, _ in followed]
    outcome.certain = [pair for pair, certain in followed if certain]
    return outcome


def static_pairs(graph: ModelGraph) -> list[tuple[Pair, bool]]:
    """The pairs of the static graph, each with whether both calls run in any case."""
    pairs = []
    for norm in graph.calls:
        if norm.kind is not Kind.BATCH_NORM:
            continue
        source = _producer(graph, norm)
        before = Kind.UNKNOWN if source is None else _name(source) or source.kind
        certain = norm.certain and source is not None and source.certain
        pairs.append(((before, _name(norm)), certain))
    return pairs


def _producer(graph: ModelGraph, norm: Call) -> Call | None:
    sources = graph.inputs_of(norm)
    while sources and sources[0].kind in TRANSPARENT:
        sources = graph.inputs_of(sources[0])
    return sources[0] if sources else None


def _name(call: Call) -> str:
    return call.layer.name if call.layer else ""


def table(outcomes: Iterable[Outcome]) -> str:
    """Recall and precision by source and over all, and the precision of what is called certain."""
    by_source: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_source.setdefault(outcome.source, []).append(outcome)
        by_source.setdefault("all", []).append(outcome)
    lines = [f"{'source':32} models traced  exact   pairs  recall precision certain  ms/model"]
    for source, group in sorted(by_source.items(), key=lambda item: (item[0] == "all", item[0])):
        traced = [outcome for outcome in group if outcome.truth is not None]
        numbers = summary(traced)
        lines.append(
            f"{source[:32]:32} {len(group):6} {len(traced):6} {numbers['exact']:6} "
            f"{numbers['pairs']:7} {numbers['recall']:7.1%} {numbers['precision']:9.1%} "
            f"{numbers['certain']:7.1%} {numbers['milliseconds']:9.0f}"
        )
    return "\n".join(lines)


def summary(traced: list[Outcome]) -> dict[str, float]:
    """The numbers of one line of the table; of nothing, recall and precision are 1."""
    truth = sum(len(outcome.truth or ()) for outcome in traced)
    found = sum(len(outcome.found) for outcome in traced)
    hits = sum(outcome.hits for outcome in traced)
    certain = sum(len(outcome.certain) for outcome in traced)
    certain_hits = sum(outcome.certain_hits for outcome in traced)
    seconds = sorted(outcome.seconds for outcome in traced)
    return {
        "exact": sum(outcome.exact for outcome in traced),
        "pairs": truth,
        "recall": hits / truth if truth else 1.0,
        "precision": hits / found if found else 1.0,
        "certain": certain_hits / certain if certain else 1.0,
        "milliseconds": 1e3 * seconds[len(seconds) // 2] if seconds else 0.0,
    }


def failures(outcomes: Iterable[Outcome], limit: int) -> Iterable[str]:
    """A line for each model that was traced and is not exact, with examples of what differs."""
    for outcome in outcomes:
        if outcome.truth is None or outcome.exact:
            continue
        missing = Counter(outcome.truth) - Counter(outcome.found)
        extra = Counter(outcome.found) - Counter(outcome.truth)
        yield (
            f"{outcome.source}/{outcome.file} {outcome.expression} "
            f"{outcome.hits}/{len(outcome.truth)} {outcome.problem}"
        )
        for sign, pairs in (("-", missing), ("+", extra)):
            for layer, norm in list(pairs)[:limit]:
                yield f"    {sign} {layer} -> {norm}"


def main() -> None:
    """Compare, and print the table and what differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER")
    parser.add_argument("--no-pytorchcv", action="store_true")
    parser.add_argument("--json", type=Path, help="write all outcomes to this file")
    parser.add_argument("--examples", type=int, default=3, help="differences shown of each model")
    options = parser.parse_args()
    for folder in options.folders:
        if not folder.is_dir():
            parser.error(f"no such folder: {folder}")
    warm_up()
    tempfile.gettempdir()  # it probes folders by writing to them, which children may not
    outcomes: list[Outcome] = []
    if not options.no_pytorchcv:
        spec = find_spec("pytorchcv")
        if spec is None or spec.origin is None:
            sys.exit("pytorchcv is not installed: pip install --no-deps pytorchcv")
        package = Path(spec.origin).parent
        folder = Folder(package.parent)
        outcomes += [compare(model, folder) for model in smallest_of_each_file(package)]
    for root in options.folders:
        folder = Folder(root.resolve())
        outcomes += [compare(model, folder) for model in models_of(folder)]
    print(*failures(outcomes, options.examples), sep="\n")
    reasons = Counter(o.problem.split(":")[1].strip() for o in outcomes if o.truth is None)
    print("\nnot traced:", dict(reasons.most_common()), "\n")
    print(table(outcomes))
    if options.json:
        options.json.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1))


if __name__ == "__main__":
    main()
