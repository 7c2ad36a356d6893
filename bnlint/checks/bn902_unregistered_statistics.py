"""BN902: a hand-written BatchNorm keeps its running statistics as plain tensors."""

from collections.abc import Iterator

from bnlint.facts.passes.model_graphs.running_statistics import Together, by_place
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import HandWritten, RunningStatistic
from bnlint.facts.types.site import Site
from bnlint.facts.wording.statistic_words import named
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule("BN902", "unregistered-statistics", Severity.ERROR, fix=Applicability.UNSAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that sets running statistics up which are no buffers."""
    return map(_finding, by_place(graphs, _is_lost, _place))


def _is_lost(layer: HandWritten, statistic: RunningStatistic) -> bool:
    """Whether neither torch nor the class itself saves it."""
    return not statistic.registered and not layer.saves_itself


def _place(statistic: RunningStatistic) -> Site:
    """What the constructor last sets it to, or else where it gets new values."""
    places = sorted(statistic.set_up, key=lambda site: (site.path, site.span.start))
    return places[-1] if places else statistic.update


def _finding(lost: Together) -> Finding:
    single = len(lost.statistics) == 1
    are, them = ("is a plain tensor", "it") if single else ("are plain tensors", "them")
    loaded = "has none" if lost.site.text == "None" else "evaluates with the value that is set here"
    return RULE.at(
        lost.site,
        f"{named(lost.statistics, lost.layer)}, {are}: checkpoints lack {them}, so a model that is loaded {loaded}, and"
        f" `.to(device)` leaves {them} behind; register {them} with `register_buffer`",
        evidence=[(lost.statistics[0].update, f"the statistics of each batch move {them} here")],
        fix=_fix(lost.layer, lost.statistics[0]) if single else None,
    )


def _fix(layer: HandWritten, statistic: RunningStatistic) -> Fix | None:
    """Register it where the constructor always sets it, after torch's own constructor."""
    if len(statistic.set_up) != 1 or layer.constructor is None:
        return None
    site, name = statistic.set_up[0], statistic.name
    if site.conditions or site.text == "None":
        return None  # a buffer without a tensor has no key to be loaded by
    statement = site.statement
    before = _text_before(layer.constructor, statement)
    if statement.text != f"self.{name} = {site.text}" or ".__init__(" not in before:
        return None
    title = "Register it as a buffer: checkpoints get its key, which older ones lack"
    line = f'self.register_buffer("{name}", {site.text})'
    return RULE.fixed_by(title, statement.replace(line))


def _text_before(function: Site, statement: Site) -> str:
    """What stands in a function before one of its statements, ``""`` if it is none of them."""
    if function.source is not statement.source:
        return ""
    whole, inner = function.span, statement.span
    return function.text[: inner.start - whole.start] if inner.start < whole.end else ""
