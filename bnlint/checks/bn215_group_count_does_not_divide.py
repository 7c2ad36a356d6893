"""BN215 group-count-does-not-divide: a GroupNorm that torch refuses to build for its channels."""

from collections.abc import Iterator
from math import gcd

from bnlint.facts.types.graph import Graphs, Layer
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN215", "group-count-does-not-divide", Severity.ERROR, fix=Applicability.UNSAFE)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report each constructor call once, with the first layer for which it fails."""
    layers = (layer for graph in graphs for layer in graph.of_kind(Kind.OTHER_NORM))
    failing = (layer for layer in layers if _fails(layer) and not _is_handled(layer))
    for layer in first_of_each(failing, key=lambda layer: layer.site):
        yield _finding(layer)


def _fails(layer: Layer) -> bool:
    groups, channels = _sizes(layer)
    return groups > 0 and channels % groups != 0


def _sizes(layer: Layer) -> tuple[int, int]:
    """The number of groups and of channels; 0 where it is not known."""
    if layer.type != "torch.nn.GroupNorm":
        return 0, 0
    given = (layer.arguments.get(name) for name in ("num_groups", "num_channels"))
    values = [argument.value if argument is not None else 0 for argument in given]
    groups, channels = (value if isinstance(value, int) else 0 for value in values)
    return (groups, channels) if channels > 0 else (0, 0)


def _is_handled(layer: Layer) -> bool:
    """Whether the program catches the error, and builds something else then."""
    return any(site.handlers for site in (layer.site, *layer.chain))


def _finding(layer: Layer) -> Finding:
    groups, channels = _sizes(layer)
    evidence = []
    for name in ("num_groups", "num_channels"):
        origin = layer.arguments[name].origin
        if origin is not None and origin != layer.site:
            evidence.append((origin, f"`{name}` is {layer.arguments[name].value} here"))
    return RULE.at(
        layer.site,
        f"GroupNorm cannot put the {channels} channels of {in_words(layer)} into {groups} groups of one"
        f" size, and torch raises when it is built; {_advice(groups, channels)}",
        layer=layer.name,
        evidence=evidence,
        fix=_fix(layer),
    )


def _advice(groups: int, channels: int) -> str:
    common = gcd(groups, channels)
    if common > 1:
        return f"use a number that divides both, such as {common}"
    return f"{channels} can be divided by {_largest(groups, channels)}, or use another width"


def _largest(groups: int, channels: int) -> int:
    """The largest number of groups, up to those that were wanted, that divides the channels."""
    return next(count for count in range(min(groups, channels), 0, -1) if channels % count == 0)


def _fix(layer: Layer) -> Fix | None:
    """Write the number for two that are written there, or code that finds one for each width."""
    groups, channels = layer.arguments["num_groups"], layer.arguments["num_channels"]
    if groups.site is None or channels.site is None or not _is_plain(groups, channels):
        return None
    if groups.site.is_number and channels.site.is_number:
        count = str(_largest(*_sizes(layer)))
        return RULE.fixed_by(f"Use {count} groups", groups.site.replace(count))
    code = _search(groups.site, channels.site)
    title = "Use the largest number of groups that divides the channels"
    return RULE.fixed_by(title, groups.site.replace(code))


def _is_plain(*arguments: Argument) -> bool:
    """Whether what is written can be written again without another effect."""
    sites = [argument.site for argument in arguments if argument.site is not None]
    return all(site.is_number or is_dotted_name(site.text) for site in sites)


def _search(groups: Site, channels: Site) -> str:
    name = next(n for n in ("n", "count", "divisor") if n not in (groups.text, channels.text))
    return (
        f"next({name} for {name} in range({groups.text}, 0, -1) if {channels.text} % {name} == 0)"
    )
