"""BN212 batchnorm-built-in-forward: a new BatchNorm for each call, which learns nothing."""

from collections.abc import Iterator

from bnlint.facts.types.graph import BuiltInForward, Graphs
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import (
    asks_for,
    assigned_name,
    has_plain_arguments,
    stores_beyond_names,
)
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN212", "batchnorm-built-in-forward", Severity.ERROR, fix=Applicability.DISPLAY)


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report BatchNorm layers that a forward builds, calls and drops."""
    found = (built for graph in graphs for built in graph.built_in_forward if _is_mistake(built))
    for built in first_of_each(found, key=lambda built: built.whole or built.layer.site):
        yield _finding(built)


def _is_mistake(built: BuiltInForward) -> bool:
    """Whether the layer is meant to learn, and lives for one call alone.

    Without parameters it only whitens a batch; one that is given parameters or statistics has them
    from elsewhere, and one that is stored somewhere may be found there again.
    """
    layer = built.layer
    affine = layer.arguments.get("affine")
    learns = affine is not None and affine.value is True and not layer.own_forward
    given = bool(layer.assigned) or bool(layer.initial)
    return learns and not given and not _may_be_kept(built)


def _may_be_kept(built: BuiltInForward) -> bool:
    """Whether a later forward may find it: where it is stored, or built under a condition.

    What a forward calls by a name may also be stored, trained or loaded by that name.
    """
    layer, place = built.layer, built.whole or built.layer.site
    text = place.statement.text
    if not built.attribute:
        name = assigned_name(text)
        return stores_beyond_names(text) or (name is not None and _is_handled(place, name))
    nearest = (layer.site, *layer.chain[:1])
    tests = [c.test.text for site in nearest for c in site.conditions]
    conditional = any("__name__" not in test for test in tests)
    return conditional or not text.startswith(f"self.{built.attribute} = ")


def _is_handled(place: Site, name: str) -> bool:
    """Whether code asks if it is there before it is built, or works on its parameters."""
    if any(asks_for(condition.test.text, name) for condition in place.conditions):
        return True
    methods = ("parameters", "named_parameters", "load_state_dict")
    return any(place.source.mentions(f"{name}.{method}(") for method in methods)


def _finding(built: BuiltInForward) -> Finding:
    layer, evidence = built.layer, []
    name = layer.class_site.text if layer.class_site is not None else layer.class_name
    what = f"`{name}`"
    if built.whole is not None:
        what = f"`{built.whole_class}`"
        evidence.append((layer.site, f"it has a `{name}`"))
    return RULE.at(
        built.whole or layer.site,
        f"The forward of `{built.owner.class_name}` builds a new {what} each time that it runs: that"
        " is never trained, keeps no statistics, and stays in train mode at evaluation, where outputs"
        " then depend on the batch; build it in `__init__`",
        layer=None,
        evidence=evidence,
        fix=_fix(built),
    )


def _fix(built: BuiltInForward) -> Fix | None:
    """Build it in the constructor, where its arguments mean the same there."""
    layer, init, name = built.layer, built.constructor, f"self.{built.free}"
    if (
        built.attribute
        or built.whole is not None
        or init is None
        or built.call.loops
        or not has_plain_arguments(layer.site.text)
    ):
        return None
    line = init.insert_last(f"{name} = {layer.site.text}")
    return RULE.fixed_by(f"Build it in `__init__` as `{name}`", line, layer.site.replace(name))
