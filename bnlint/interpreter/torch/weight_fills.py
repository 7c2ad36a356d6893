"""What code fills parameters with: random numbers, one number, or something that is not known."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from bnlint.facts.types.initialisation import DEFAULT, Draw, draw_by
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import is_training
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.layer_arguments import plain
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance
from bnlint.interpreter.core.values import MISSING, Arguments, Unknown, Value, present
from bnlint.interpreter.torch.modules import PARAMETER, descendants, mode_of
from bnlint.interpreter.torch.parameters import (
    SELECTED,
    is_opaque,
    is_parameter,
    names_of,
    parameter_of,
)

DRAWN = "drawn"
FILLED_AT = "filled at"
_NOT_KNOWN = Unknown("values of a parameter")


def draw_of(name: str, arguments: Arguments, first: int = 1) -> Draw | None:
    """The numbers that a function of ``torch.nn.init``, or a method of that name, draws.

    ``first`` is the position of the first argument behind the tensor.
    """
    if arguments.opened:
        return None
    keywords = {key: plain(value) for key, value in arguments.keywords.items()}
    return draw_by(name, [plain(value) for value in arguments.positional[first:]], keywords)


def draw(m: Machine, parameter: Value, drawn: Draw | None, site: Site | None = None) -> None:
    """Record that code fills a parameter, or each of a group, with random numbers, at ``site``."""
    some = _are_selected(parameter)
    for holder, one in _each(m, parameter):
        m.heap.put(one.attributes, "fill", None)
        m.heap.put(one.attributes, FILLED_AT, site)
        known = drawn is not None and not some and not _is_put_to_a_test(m, holder)
        m.heap.put(one.attributes, DRAWN, drawn if known else _NOT_KNOWN)


def _are_selected(parameter: Value) -> bool:
    """Whether a value stands for parameters that a test let pass: others keep their numbers."""
    return isinstance(parameter, Instance) and SELECTED in parameter.attributes


def _is_put_to_a_test(m: Machine, layer: Instance) -> bool:
    """Whether a built layer is in eval mode: who fills it then makes up what training would have made."""
    return not m.building and is_training(mode_of(m, layer)) is Known.NO


def fill(m: Machine, parameter: Value, value: float | None, site: Site) -> None:
    """Record that code fills a parameter at ``site`` with one number, or with something else."""
    if not isinstance(parameter, Instance) or not is_parameter(parameter):
        return
    if "members" in parameter.attributes:
        draw(m, parameter, None)
        return
    known = value is not None and not _is_conditional(m, _holder(parameter))
    m.heap.put(parameter.attributes, "fill", value)
    m.heap.put(parameter.attributes, FILLED_AT, site)
    m.heap.put(parameter.attributes, DRAWN, DEFAULT if known else _NOT_KNOWN)


def scale(m: Machine, parameter: Instance, factor: Value) -> None:
    """Record that code multiplies a parameter, or each of a group, by a number."""
    for holder, one in _each(m, parameter):
        before, filled = one.attributes.get(DRAWN, DEFAULT), one.attributes.get("fill")
        some = _are_selected(parameter) or _is_conditional(m, holder)
        number = None if some else factor
        if isinstance(number, int | float) and isinstance(before, Draw):
            m.heap.put(one.attributes, DRAWN, before.times(number))
        else:
            m.heap.put(one.attributes, DRAWN, _NOT_KNOWN)
        if isinstance(filled, float) and filled != 0:
            product = filled * number if isinstance(number, int | float) else None
            m.heap.put(one.attributes, "fill", product)


def forget_weights(m: Machine, modules: Iterable[Instance]) -> None:
    """Record that something may have filled all parameters of some modules."""
    for module in modules:
        for _, one in descendants(m, module):
            if "weight" in names_of(one):
                draw(m, parameter_of(m, one, "weight"), None)


def drawn_weight(layer: Instance) -> Draw | None:
    """The random numbers that a layer's weight begins with, ``None`` if they are not known."""
    if layer.cls is not None and isinstance(layer.cls.find("reset_parameters"), Function):
        return None
    parameter = layer.attributes.get("weight", MISSING)
    found = parameter.attributes.get(DRAWN, DEFAULT) if isinstance(parameter, Instance) else DEFAULT
    return found if isinstance(found, Draw) else None


@immutable
class Fills:
    """What code fills the weight and the bias of a layer with.

    ``constant`` are those that get one number, ``at`` where they are filled last, and ``unknown`` those
    that get numbers that are not known or not the same.
    """

    constant: Mapping[str, float] = field(default_factory=dict)
    at: Mapping[str, Site] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()


_NOTHING = Fills()


def fills_of(module: Instance) -> Fills:
    """What code fills a layer's parameters with."""
    held = list(_affine(module))
    if not held:
        return _NOTHING
    filled = {name: one.attributes.get("fill") for name, one in held}
    places = {name: one.attributes.get(FILLED_AT) for name, one in held}
    drawn = [name for name, one in held if one.attributes.get(DRAWN, DEFAULT) is not DEFAULT]
    return Fills(
        {name: value for name, value in filled.items() if isinstance(value, float)},
        {name: place for name, place in places.items() if isinstance(place, Site)},
        frozenset(name for name in drawn if not isinstance(filled[name], float)),
    )


def _affine(module: Instance) -> Iterator[tuple[str, Instance]]:
    for name in ("weight", "bias"):
        parameter = present(module.attributes.get(name, MISSING))
        if isinstance(parameter, Instance):
            yield name, parameter


def _holder(parameter: Instance) -> Instance:
    """The layer of a parameter, or the parameter itself if no layer of torch.nn has it."""
    owner = parameter.attributes.get("owner")
    return owner if isinstance(owner, Instance) else parameter


def _each(m: Machine, parameter: Value) -> Iterator[tuple[Instance, Instance]]:
    """The parameters that a value stands for, each behind what holds it."""
    if not isinstance(parameter, Instance) or not is_parameter(parameter):
        return
    members = parameter.attributes.get("members")
    if not isinstance(members, tuple):
        yield _holder(parameter), parameter
        return
    for root in members:
        for _, layer in descendants(m, root):
            weight = parameter_of(m, layer, "weight") if not is_opaque(layer) else None
            if isinstance(weight, Instance) and weight.library == PARAMETER:
                yield layer, weight


def _is_conditional(m: Machine, holder: Instance) -> bool:
    """Whether conditions that are not known decide on what is executed, but not on the layer."""
    return not set(m.assumptions()) <= set(holder.assumptions)
