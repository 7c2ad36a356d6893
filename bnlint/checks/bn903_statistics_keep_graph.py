"""BN903: the running statistics of a hand-written BatchNorm keep the graph of every batch."""

from collections.abc import Iterator, Sequence

from bnlint.facts.passes.model_graphs.running_statistics import Together, by_place
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import HandWritten, RunningStatistic
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import as_owner
from bnlint.facts.wording.statistic_words import named
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule("BN903", "statistics-keep-graph", Severity.ERROR, fix=Applicability.SAFE)
_TITLE = "Store it without the graph of its gradient"


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that stores running statistics which depend on all batches before."""
    return map(_finding, by_place(graphs, _is_growing, lambda statistic: statistic.update))


def _is_growing(layer: HandWritten, statistic: RunningStatistic) -> bool:
    """Whether it keeps its graph, which no other code of the file cuts off, after each step, say."""
    name = statistic.name
    ways = (f"{name}.detach_(", f"{name} = self.{name}.detach(", f"{name} = self.{name}.data")
    return statistic.keeps_graph and not any(map(statistic.update.source.mentions, ways))


def _finding(growing: Together) -> Finding:
    keep, them = ("keeps", "it") if len(growing.statistics) == 1 else ("keep", "them")
    return RULE.at(
        growing.site,
        f"{named(growing.statistics, growing.layer)}, {keep} the graph of this batch and of all batches before: memory"
        " grows with each training step, a backward through it fails, and the model can no longer be copied;"
        f" update {them} without gradients",
        fix=_fix(growing.site, growing.statistics),
    )


def _fix(site: Site, statistics: Sequence[RunningStatistic]) -> Fix | None:
    """Detach what is stored, unless the forward still needs the gradient of it."""
    if any(statistic.used_on for statistic in statistics):
        return None
    kept = [f"self.{statistic.name}" for statistic in statistics]
    statement = site.statement.text
    if statement == f"{kept[0]} = {site.text}":
        return RULE.fixed_by(_TITLE, site.replace(f"{as_owner(site.text)}.detach()"))
    assigned = not any(statistic.in_place for statistic in statistics)
    if assigned and all(name in statement for name in kept):
        return RULE.fixed_by(
            _TITLE, *(site.insert_after(f"{name} = {name}.detach()") for name in kept)
        )
    if statement == site.text and statement.startswith(f"{kept[0]}."):
        changed = site.text.removeprefix(kept[0])
        return RULE.fixed_by(_TITLE, site.replace(f"{kept[0]}.detach(){changed}"))
    return None
