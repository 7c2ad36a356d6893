"""BN902: a hand-written BatchNorm keeps its running statistics as plain tensors."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.hand_written import HandWritten, RunningStatistic
from bnlint.facts.types.site import Site
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN902", "unregistered-statistics", Severity.ERROR, fix=Applicability.UNSAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each running statistic that is no buffer, once."""
    found = (
        (layer, statistic)
        for graph in graphs
        for layer in graph.hand_written
        for statistic in layer.statistics
        if not statistic.registered and not layer.saves_itself
    )
    for layer, statistic in first_of_each(found, key=lambda pair: _place(pair[1])):
        yield _finding(layer, statistic)


def _place(statistic: RunningStatistic) -> Site:
    """What the constructor last sets it to, or else where it gets new values."""
    places = sorted(statistic.set_up, key=lambda site: (site.path, site.span.start))
    return places[-1] if places else statistic.update


def _finding(layer: HandWritten, statistic: RunningStatistic) -> Finding:
    place = _place(statistic)
    return RULE.at(
        place,
        f"`self.{statistic.name}`, a running statistic of `{layer.class_name}`, is a plain tensor: checkpoints lack"
        " it, so a model that is loaded evaluates with the value that is set here, and `.to(device)` leaves it"
        " behind; register it as a buffer",
        evidence=[(statistic.update, "it is moved towards the statistics of each batch here")],
        fix=_fix(layer, statistic),
    )


def _fix(layer: HandWritten, statistic: RunningStatistic) -> Fix | None:
    """Register it where the constructor always sets it, after torch's own constructor."""
    if len(statistic.set_up) != 1 or layer.constructor is None:
        return None
    site, name = statistic.set_up[0], statistic.name
    if site.conditions:
        return None
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
