"""Parameters of layers: gradients on or off, constant values, use in arithmetic."""

from collections.abc import Iterator
from dataclasses import replace

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Instance
from bnlint.interpreter.core.values import Gradients, Many, Maybe, Tensor, Unknown, Value, present
from bnlint.interpreter.torch.module_classes import AVERAGE, is_packaged_model
from bnlint.interpreter.torch.modules import PARAMETER, descendants
from bnlint.interpreter.torch.parameter_sizes import shape_of_parameter
from bnlint.vocabulary.layers import bare_name, parameter_names

GRADIENT = "requires_grad"
SELECTED = "selected"
"""What a value has that stands for those parameters of some modules that a test let pass."""
MOST_NAMED = 800
"""Parameters that ``named_parameters()`` lists one by one."""


def is_parameter(value: Value) -> bool:
    """Whether a value is a parameter or stands for several."""
    return isinstance(value, Instance) and value.library == PARAMETER


def new_parameter(m: Machine, site: Site, fill: float | None = None) -> Instance:
    """A parameter that code makes by hand."""
    made = Instance(None, PARAMETER, {GRADIENT: True, "fill": fill}, site)
    made.order = m.journal.next_order()
    made.assumptions = m.assumptions()
    m.heap.new(made.attributes)
    return made


def names_of(layer: Instance) -> tuple[str, ...]:
    """The names of the parameters that a library layer owns itself."""
    if layer.own_parameters is None:
        layer.own_parameters = _own_names(layer)
    return layer.own_parameters


def _own_names(layer: Instance) -> tuple[str, ...]:
    bare = bare_name(layer.library)
    if bare is None:
        return ()
    return parameter_names(bare, {name: _plain(bound) for name, bound in layer.arguments.items()})


def _plain(bound: Bound) -> object:
    return bound.value if isinstance(bound.value, bool | int | float | str) else True


def parameter_of(m: Machine, layer: Instance, name: str) -> Value:
    """``layer.weight``: the parameter, ``None`` if the layer is built without it."""
    value = present(layer.attributes.get(name))
    if isinstance(value, Instance):
        return value
    bound = layer.arguments.get(name)
    if bound is not None and isinstance(bound.value, Unknown) and name == "bias":
        return Unknown("bias")
    if name not in names_of(layer):
        return None if name in ("weight", "bias") else Unknown(f"parameter {name}")
    made = Instance(None, PARAMETER, {GRADIENT: True, "fill": None}, layer.site)
    made.attributes["owner"] = layer
    m.heap.discover(layer.attributes, name, made, made.attributes)
    return made


def own_parameters(m: Machine, module: Instance) -> Iterator[tuple[str, Instance]]:
    """The parameters that a module holds itself: of its library layer, and set by hand."""
    for name in names_of(module):
        value = parameter_of(m, module, name)
        if isinstance(value, Instance):
            yield name, value
    for name, entry in list(module.attributes.items()):
        value = present(entry)
        if isinstance(value, Instance) and is_parameter(value) and name not in names_of(module):
            yield name, value


def named_parameters(m: Machine, module: Instance) -> list[tuple[str, Instance]] | None:
    """All parameters by dotted name, or ``None`` where the layers are not all known."""
    found: list[tuple[str, Instance]] = []
    for prefix, current in descendants(m, module):
        if is_opaque(current):
            return None
        for name, parameter in own_parameters(m, current):
            found.append((f"{prefix}.{name}" if prefix else name, parameter))
    return found if len(found) <= MOST_NAMED else None


def is_opaque(module: Instance) -> bool:
    """Whether a module is a third-party model whose layers are not listed."""
    if not module.is_module:
        return False
    if module.cls is not None:
        return is_packaged_model(module.library)
    return module.library != AVERAGE and not module.library.startswith("torch.nn.")


def parameter_group(m: Machine, modules: list[Instance], site: Site) -> Instance:
    """One value that stands for each parameter of some modules."""
    made = Instance(None, PARAMETER, {GRADIENT: Unknown("any"), "fill": None}, site)
    made.attributes["members"] = tuple(modules)
    return made


def selected(group: Instance) -> Instance:
    """What stands for those of a group of parameters that a test let pass, it is not known which."""
    return Instance(None, group.library, {**group.attributes, SELECTED: True}, group.site)


def one_for_all(m: Machine, named: list[Value] | tuple[Value, ...], site: Site) -> Value | None:
    """What stands for each of the pairs that ``named_parameters()`` gives; ``None`` for others."""
    parameters = [pair[1] for pair in named if isinstance(pair, tuple) and len(pair) == 2]
    owners = [p.attributes.get("owner") for p in parameters if isinstance(p, Instance)]
    known = [owner for owner in owners if isinstance(owner, Instance)]
    if not known or len(known) < len(named):
        return None
    return Unknown("parameter name"), parameter_group(m, list(dict.fromkeys(known)), site)


def set_gradient(m: Machine, parameter: Instance, value: bool | None, site: Site) -> list[Instance]:
    """``parameter.requires_grad = value``; returns the modules all of whose parameters it sets."""
    members = parameter.attributes.get("members")
    if not isinstance(members, tuple):
        _set_one(m, parameter, value, site)
        return []
    for root in members:
        for _, module in descendants(m, root):
            for _, own in own_parameters(m, module):
                _set_one(m, own, value, site)
    return list(members)


def _set_one(m: Machine, parameter: Instance, value: bool | None, site: Site) -> None:
    m.heap.put(parameter.attributes, GRADIENT, _answer(value))
    m.heap.put(parameter.attributes, "frozen_at", site)


def _answer(value: bool | None) -> Value:
    return Unknown("requires_grad") if value is None else value


def frozen_state(m: Machine, layer: Instance) -> tuple[Known, Site | None]:
    """Whether all of a layer's own parameters have gradients off, and where that was set."""
    names = names_of(layer)
    if layer.attributes.keys().isdisjoint(names):
        return Known.NO, None  # nobody has looked at them
    held = [present(layer.attributes.get(name)) for name in names]
    flags = [p.attributes[GRADIENT] if isinstance(p, Instance) else True for p in held]
    sites = [p.attributes.get("frozen_at") for p in held if isinstance(p, Instance)]
    where = next((s for s in sites if isinstance(s, Site)), None)
    if not flags or True in flags:
        return Known.NO, where
    return (Known.YES if all(f is False for f in flags) else Known.UNKNOWN), where


def operand(m: Machine, value: Value, site: Site) -> Tensor | None:
    """A tensor or parameter as an operation's input."""
    if isinstance(value, Tensor):
        return value
    if not isinstance(value, Instance) or not is_parameter(value):
        return None
    constants: dict[str, Value] = {"fill": value.attributes.get("fill"), "name": value}
    shape = shape_of_parameter(value)
    return m.tape.tensor(Kind.PARAMETER, "parameter", [], site, constants=constants, shape=shape)


def _perhaps(tensor: Tensor) -> Tensor:
    """A tensor that takes part on some paths only, so that a backward may reach what it comes from."""
    reached = tensor.grads.sure | tensor.grads.maybe
    return replace(tensor, grads=Gradients(maybe=reached)) if tensor.grads.sure else tensor


def tensor_inputs(m: Machine, values: list[Value], site: Site) -> list[Tensor]:
    """The tensors and parameters among an operation's arguments, one level deep.

    Those that a list has on some paths only are among them.
    """
    found: list[Tensor] = []
    for value in values:
        items = value if isinstance(value, list | tuple) else [value]
        items = [value.element] if isinstance(value, Many) else items
        for item in items:
            tensor = operand(m, present(item), site)
            if tensor is not None:
                found.append(_perhaps(tensor) if isinstance(item, Maybe) else tensor)
    m.step(len(found) >> 3)
    return found
