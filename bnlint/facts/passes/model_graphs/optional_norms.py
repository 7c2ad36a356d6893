"""Whether a norm that follows a layer is there whenever the layer is, and what decides if not."""

from itertools import takewhile

from bnlint.facts.types.graph import Call, Layer
from bnlint.facts.types.site import CodeCondition, Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.immutable import immutable


@immutable
class Dependence:
    """What decides whether a layer is normalised.

    ``place`` is where it is decided, ``otherwise`` an expression for the layer's constructor call
    that is true where it is not normalised; ``None`` where that cannot be said there.
    """

    place: Site
    otherwise: str | None = None


def dependence(layer: Layer, call: Call, norm: Call) -> Dependence | None:
    """What decides whether ``norm`` follows ``call``; ``None`` if the code leaves no choice.

    A choice is a condition that the norm's constructor or call has and the layer's has not, or a
    class that comes from a parameter, an attribute or a local variable.
    """
    if norm.layer is None:
        return None
    chosen = _class_chosen_at(norm.layer)
    if chosen is not None:
        return Dependence(chosen)
    built = _beyond(_construction(norm.layer), _construction(layer))
    called = _beyond(_execution(norm), _execution(call))
    texts = {condition.test.text for condition in built}
    left = [c for c in called if not _is_implied(c, norm.layer, texts)]
    if left:
        return Dependence(left[0].test)
    if not built:
        return None
    only = built[0].opposite_at(layer.site) if len(built) == 1 else None
    return Dependence(built[0].test, only)


def _class_chosen_at(norm: Layer) -> Site | None:
    """Where a name stands for the norm's class that may stand for others."""
    written = norm.class_site
    if written is None:
        return None
    owner, _, name = written.text.rpartition(".")
    if name == norm.class_name and not written.is_parameter:
        return None
    named = is_dotted_name(written.text) and owner.split(".")[0] not in ("self", "cls")
    alias = named and name[:1].isupper() and not written.is_parameter
    return None if alias else written


def _construction(layer: Layer) -> tuple[Site, ...]:
    return (layer.site, *layer.chain)


def _execution(call: Call) -> tuple[Site, ...]:
    return call.callers if call.site is None else (call.site, *call.callers)


def _beyond(own: tuple[Site, ...], others: tuple[Site, ...]) -> list[CodeCondition]:
    """What decides on the one way through the code and not on the other.

    From the nearest call that both share on, they share all; the ways need not be known as far.
    """
    apart = takewhile(lambda site: site not in others, own)
    shared = {condition for site in others for condition in site.conditions}
    found = dict.fromkeys(condition for site in apart for condition in site.conditions)
    return [condition for condition in found if condition not in shared]


def _is_implied(condition: CodeCondition, norm: Layer, built: set[str]) -> bool:
    """Whether a test in the forward asks only for what the constructor has decided."""
    text = condition.test.text
    if text.removeprefix("self.") in {known.removeprefix("self.") for known in built}:
        return True
    name = norm.name.rpartition(".")[2]
    forms = (f"self.{name}", f"self.{name} is not None", f'hasattr(self, "{name}")')
    if condition.holds:
        return text.replace("'", '"') in forms
    return text in (f"not self.{name}", f"self.{name} is None")
