"""From a module of a rehearsal to a layer of a graph."""

from collections.abc import Container, Iterator, Mapping
from typing import Any

from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.interpreter.core.bias_reads import BiasReads
from bnlint.interpreter.core.layer_arguments import make_argument, origin_of, plain
from bnlint.interpreter.core.objects import Bound, Class, Function, Instance
from bnlint.interpreter.core.values import Maybe, Value, present
from bnlint.interpreter.torch.parameters import GRADIENT


class LayerArguments(Mapping[str, Argument]):
    """The constructor arguments of a layer, converted when they are asked for."""

    def __init__(
        self, layer: Instance, shared: Container[Site], made: dict[object, tuple[Bound, Argument]]
    ) -> None:
        self._layer = layer
        self._shared = shared
        self._made = made
        """Those of all layers: copies of a layer share what they were given."""

    def __getitem__(self, name: str) -> Argument:
        bound = self._layer.arguments[name]
        source = self._layer.site.source
        key = name, id(bound), id(source)
        if key not in self._made:
            self._made[key] = bound, make_argument(name, bound, bound.site(source), self._shared)
        return self._made[key][1]

    def get(self, name: str, default: Any = None) -> Any:
        """One of them; without the exception that a mapping raises and catches where there is none."""
        return self[name] if name in self._layer.arguments else default

    def __contains__(self, name: object) -> bool:
        return name in self._layer.arguments

    def __iter__(self) -> Iterator[str]:
        return iter(self._layer.arguments)

    def __len__(self) -> int:
        return len(self._layer.arguments)


class ConstantArguments(Mapping[str, Argument]):
    """The constant arguments of an operation, converted when they are asked for."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Argument:
        value = self._values[name]
        origin, option = origin_of(value)
        return Argument(name, plain(value), origin=origin, option=option)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def assigned_arguments(module: Instance) -> dict[str, Argument]:
    """The arguments that were set again after construction, not known where only some paths did."""
    found = {}
    for name, entry in module.assigned.items():
        value = present(entry)
        if isinstance(value, Argument) and not isinstance(entry, Maybe):
            found[name] = value
        else:
            site = value.site if isinstance(value, Argument) else None
            found[name] = Argument(name, NOT_KNOWN, site)
    return found


class BiasPlaces(Mapping[str, Site]):
    """The places that read a layer's bias, or count on its ``order`` among the parameters.

    They are looked for when they are asked for.
    """

    def __init__(self, layer: Instance, name: str, biases: BiasReads) -> None:
        self._layer, self._name, self._biases = layer, name, biases

    def __getitem__(self, name: str) -> Site:
        found = None
        match name:
            case "bias":
                found = self._biases.of(self._layer, self._name)
            case "order":
                found = self._biases.pairing(self._layer)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name in ("bias", "order") if name in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def replaces_forward(module: Instance) -> bool:
    """Whether a project class gives a library layer a forward of its own."""
    cls = module.cls
    return isinstance(cls, Class) and isinstance(cls.find("forward"), Function)


def takes_any_rank(module: Instance) -> bool:
    """Whether an object or its class has a test of inputs of its own in place of torch's."""
    cls, name = module.cls, "_check_input_dim"
    of_class = isinstance(cls, Class) and isinstance(cls.find(name), Function)
    return of_class or name in module.attributes


def frozen_parameters(module: Instance) -> frozenset[str]:
    """The parameters of a layer whose gradients are off, by name."""
    held = [
        (n, present(module.attributes[n])) for n in ("weight", "bias") if n in module.attributes
    ]
    return frozenset(
        name
        for name, value in held
        if isinstance(value, Instance) and value.attributes.get(GRADIENT) is False
    )
