"""BatchNorm layers that a forward calls and that are no part of its model."""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace

from bnlint.facts.types.graph import BuiltInForward, Call, Layer, Unregistered
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Class, Function, Instance
from bnlint.interpreter.core.tape import Op
from bnlint.interpreter.core.values import Value, present
from bnlint.interpreter.torch.modules import MODE, modules_in, named_parts
from bnlint.interpreter.torch.norms import is_batch_norm

_BY_HAND = (
    "train eval parameters named_parameters state_dict load_state_dict _apply to cuda modules "
    "named_modules children named_children"
).split()
"""Methods in which a class may look after modules that torch does not know."""


@immutable
class Loose:
    """A layer that is no part of the model, with its first call."""

    module: Instance
    layer: Layer
    call: Call
    around: tuple[Instance, ...]
    """The modules whose forwards are being executed."""


def loose_norms(
    calls: Sequence[Call], layers: Mapping[Instance, Layer], ops: Sequence[Op]
) -> tuple[Loose, ...]:
    """The BatchNorm layers that a forward calls beside those of its model, each once."""
    found: dict[Instance, Loose] = {}
    for call, op in zip(calls, ops, strict=False):
        module = op.layer
        if module is None or module in layers or module in found or call.layer is None:
            continue
        if is_batch_norm(module) and not module.stands_for_many:
            found[module] = Loose(module, call.layer, call, op.modules)
    return tuple(found.values())


def unregistered(
    loose: Sequence[Loose],
    layers: Mapping[Instance, Layer],
    written: Mapping[tuple[Class, str], set[Site]],
) -> Iterator[Unregistered]:
    """Those that modules of the model have in plain containers."""
    left = {entry.module: entry for entry in loose}
    for owner in layers if left else ():
        for name, entry in owner.attributes.items():
            for module in _kept_in(present(entry), layers):
                if module in left:
                    kept = left.pop(module)
                    yield _unregistered(kept, owner, name, present(entry), layers, written)


def _kept_in(value: Value, layers: Mapping[Instance, Layer]) -> Iterator[Instance]:
    """The modules in a plain container, and those below them, but for those of the model."""
    if isinstance(value, list | tuple | dict):
        for module in modules_in(value):
            if module not in layers:
                yield from (part.module for part in named_parts(module))


def _unregistered(
    kept: Loose,
    owner: Instance,
    name: str,
    value: Value,
    layers: Mapping[Instance, Layer],
    written: Mapping[tuple[Class, str], set[Site]],
) -> Unregistered:
    assert isinstance(value, list | tuple | dict)
    items = list(value.values()) if isinstance(value, dict) else list(value)
    named = not isinstance(value, dict) or all(isinstance(key, str) for key in value)
    places = written.get((owner.cls, name), set()) if owner.cls is not None else set()
    return Unregistered(
        kept.layer,
        layers[owner],
        name,
        type(value).__name__,
        len(items),
        named and all(isinstance(item, Instance) and item.is_module for item in items),
        next(iter(places)) if len(places) == 1 else None,
        owner.site in kept.module.chain,
        _is_switched(kept.module)
        or any(isinstance(_own(owner, method), Function) for method in _BY_HAND),
    )


def _is_switched(module: Instance) -> bool:
    """Whether code sets the mode of a module that ``train()`` and ``eval()`` of no model reach."""
    mode = module.attributes.get(MODE)
    return isinstance(mode, frozenset) and any(switch.site is not None for switch in mode)


def _own(owner: Instance, name: str) -> Value:
    return owner.cls.find(name) if owner.cls is not None else None


def built_in_forward(
    loose: Sequence[Loose], layers: Mapping[Instance, Layer], loaded: Container[Instance]
) -> Iterator[BuiltInForward]:
    """Those that the forward builds, that no module of the model keeps and no weights are for."""
    fresh = [entry for entry in loose if entry.module.in_forward]
    kept = {
        module
        for owner in (layers if fresh else ())
        for value in owner.attributes.values()
        for module in _kept_in(present(value), layers)
    }
    names: dict[Instance, set[str]] = {}
    for entry in fresh:
        owners = [module for module in entry.around if module in layers]
        if entry.module not in kept and owners:
            owner = owners[-1]
            free = _free_name(names.setdefault(owner, set(owner.attributes)))
            init = _constructor(owner, entry.module.site)
            made = BuiltInForward(entry.layer, entry.call, layers[owner], free, init)
            whole = _whole(entry, owner)
            if whole is not None:
                made = replace(made, whole=whole.site, whole_class=whole.type_name)
            if whole not in loaded:
                yield made


def _whole(entry: Loose, owner: Instance) -> Instance | None:
    """The module of a class of the user's that the forward builds, and the layer in it."""
    within = entry.around[entry.around.index(owner) + 1 :]
    return next((module for module in within if module.cls is not None), None)


def replaced_in_forward(
    calls: Sequence[Call], layers: Mapping[Instance, Layer]
) -> Iterator[BuiltInForward]:
    """Those that the forward builds and that are an attribute of a module until the next forward."""
    made = {layer: module for module, layer in layers.items() if module.in_forward}
    called = {call.layer: call for call in reversed(calls) if call.layer in made}
    for owner in layers if called else ():
        for name, value in owner.attributes.items():
            module = present(value)
            layer = layers.get(module) if isinstance(module, Instance) else None
            if layer in called and is_batch_norm(made[layer]):
                init = _constructor(owner, made[layer].site)
                yield BuiltInForward(layer, called[layer], layers[owner], name, init, name)


def _free_name(taken: set[str]) -> str:
    """A name that is taken from now on."""
    names = (f"norm{number or ''}" for number in range(len(taken) + 1))
    free = next(name for name in names if name not in taken)
    taken.add(free)
    return free


def _constructor(owner: Instance, built: Site) -> Site | None:
    """The ``__init__`` of the class whose code builds a layer, if that is the owner's class."""
    cls = owner.cls
    init = cls.names.get("__init__") if cls is not None else None
    if cls is None or not isinstance(init, Function):
        return None
    source = cls.namespace.source
    whole = source.span(cls.node)
    inside = built.source is source and whole.start <= built.span.start < whole.end
    return Site(source, init.node) if inside else None
