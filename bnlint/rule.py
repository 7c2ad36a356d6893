"""What a rule is: who it is, how bad it is, and the check that looks for it."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, cast

from bnlint.finding import Applicability, Edit, Evidence, Finding, Fix, Severity
from bnlint.immutable import immutable
from bnlint.torch_version import installed, is_before

if TYPE_CHECKING:
    from bnlint.facts.passes.once import Pass
    from bnlint.facts.types.graph import Graphs
    from bnlint.facts.types.run import Run
    from bnlint.facts.types.site import Site


@immutable
class Settings:
    """What users may configure about rules; the keys of ``[tool.bnlint]``.

    ``torch_version`` is the one that is linted for, ``2.4``; ``None`` where none is named or installed.
    """

    min_normalization_batch: int = 16
    torch_version: str | None = field(default_factory=installed)

    def torch_is_before(self, version: str) -> bool:
        """Whether the torch that is linted for is known, and older than a version."""
        return self.torch_version is not None and is_before(self.torch_version, version)


class Holds(Enum):
    """On how many of the runs that come to a place a finding has to hold there."""

    ON_ANY_RUN = "any"
    ON_ALL_RUNS = "all"


ASPECTS = {
    "BN0": "Trouble with the run",
    "BN1": "Arguments of BatchNorm",
    "BN2": "How models are built",
    "BN3": "Train and eval mode",
    "BN4": "Statistics, averages and checkpoints",
    "BN5": "Batches, loaders and devices",
    "BN6": "What shares a batch",
    "BN7": "Freezing, fine-tuning and initialisation",
    "BN8": "Signal propagation",
    "BN9": "BatchNorm written by hand",
}
"""What the rules of each beginning are about."""

GraphCheck = Callable[["Graphs"], Iterator[Finding]]
RunCheck = Callable[["Run", Settings], Iterator[Finding]]


@dataclass(slots=True)
class Rule:
    """One pitfall; its prose and examples are in ``rules/<id>.md``.

    ``fix`` is the best applicability that its fixes have, ``None`` if it offers none. ``default``
    rules run without being selected. A graph check gets all graphs at once, since one constructor
    call may build layers of several models. ``in_tests`` is false for what does not matter in code
    that only tests: see ``bnlint.lint.selection``. ``holds`` says what it takes where runs disagree.
    ``reads`` are the passes that its check asks for. ``instead_of`` are the ids of rules that say less
    of the same place, and nothing there while this one runs.
    """

    id: str
    name: str
    severity: Severity
    fix: Applicability | None = None
    default: bool = True
    in_tests: bool = True
    holds: Holds = Holds.ON_ANY_RUN
    reads: "tuple[Pass[Any, Any], ...]" = ()
    instead_of: tuple[str, ...] = ()
    graph_check: GraphCheck | None = None
    run_check: RunCheck | None = None

    def __reduce__(self) -> tuple[Callable[[str], "Rule"], tuple[str]]:
        """A rule goes to another process as the name of the module that defines it."""
        check = self.graph_check or self.run_check
        return _rule_of, (check.__module__ if check is not None else "",)

    def on_graphs(self, check: GraphCheck) -> GraphCheck:
        """Register the check that reads model graphs."""
        self.graph_check = check
        return check

    def on_run(self, check: RunCheck) -> RunCheck:
        """Register the check that reads one run."""
        self.run_check = check
        return check

    def at(
        self,
        site: "Site",
        message: str,
        *,
        layer: str | None = None,
        evidence: "Sequence[tuple[Site, str]]" = (),
        fix: Fix | None = None,
        severity: Severity | None = None,
        likely: bool = False,
        cause: str | None = None,
    ) -> Finding:
        """Make a finding of this rule at ``site``."""
        proof = tuple(Evidence(place.span, what) for place, what in evidence)
        level = self.severity if severity is None else severity
        span = site.span
        return Finding(self.id, self.name, level, message, span, layer, proof, fix, likely, cause)

    def fixed_by(
        self, title: str, *edits: Edit | None, applicability: Applicability | None = None
    ) -> Fix | None:
        """Make a fix of edits; ``None`` when one of them is not possible."""
        level = applicability or self.fix
        made = tuple(edit for edit in edits if edit is not None)
        if level is None or not made or len(made) < len(edits):
            return None
        return Fix(title, made, level)


def _rule_of(module: str) -> Rule:
    return cast(Rule, import_module(module).RULE)


Item = TypeVar("Item")


def first_of_each(items: Iterable[Item], key: Callable[[Item], Hashable]) -> Iterator[Item]:
    """The items whose key none before them has: what is reported once for each cause."""
    seen = set()
    for item in items:
        if (mark := key(item)) not in seen:
            seen.add(mark)
            yield item
