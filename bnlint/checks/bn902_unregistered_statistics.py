"""BN902: a hand-written BatchNorm keeps its running statistics as plain tensors."""

from collections.abc import Iterator, Sequence

from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import HandWritten, RunningStatistic
from bnlint.facts.types.site import Site
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule

RULE = Rule("BN902", "unregistered-statistics", Severity.ERROR, fix=Applicability.UNSAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each place that sets running statistics up which are no buffers."""
    found: dict[Site, tuple[HandWritten, dict[str, RunningStatistic]]] = {}
    for layer in (layer for graph in graphs for layer in graph.hand_written):
        for statistic in layer.statistics:
            if not statistic.registered and not layer.saves_itself:
                _, named = found.setdefault(_place(statistic), (layer, {}))
                named.setdefault(statistic.name, statistic)
    for place, (layer, named) in found.items():
        yield _finding(place, layer, list(named.values()))


def _place(statistic: RunningStatistic) -> Site:
    """What the constructor last sets it to, or else where it gets new values."""
    places = sorted(statistic.set_up, key=lambda site: (site.path, site.span.start))
    return places[-1] if places else statistic.update


def _finding(place: Site, layer: HandWritten, statistics: Sequence[RunningStatistic]) -> Finding:
    names = " and ".join(f"`self.{statistic.name}`" for statistic in statistics)
    single = len(statistics) == 1
    what = "a running statistic" if single else "running statistics"
    are, them = ("is a plain tensor", "it") if single else ("are plain tensors", "them")
    lost = "has none" if place.text == "None" else "evaluates with the value that is set here"
    return RULE.at(
        place,
        f"{names}, {what} of `{layer.class_name}`, {are}: checkpoints lack {them}, so a model that is loaded {lost}, and"
        f" `.to(device)` leaves {them} behind; register {them} with `register_buffer`",
        evidence=[(statistics[0].update, f"the statistics of each batch move {them} here")],
        fix=_fix(layer, statistics[0]) if single else None,
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
