"""From a module of a rehearsal to a layer of a graph."""

from collections.abc import Container, Iterator, Mapping

from bnlint.facts.site import Argument, Site
from bnlint.interpreter.arguments import make_argument, plain
from bnlint.interpreter.modules import child_modules
from bnlint.interpreter.objects import Class, Function, Instance
from bnlint.interpreter.values import MISSING, Value


class Arguments(Mapping[str, Argument]):
    """The constructor arguments of a layer, converted when they are asked for."""

    def __init__(self, layer: Instance, shared: Container[Site]) -> None:
        self._layer = layer
        self._shared = shared
        self._made: dict[str, Argument] = {}

    def __getitem__(self, name: str) -> Argument:
        if name not in self._made:
            bound = self._layer.arguments[name]
            node, source = bound.node, self._layer.site.source
            site = Site(source, node) if node is not None else None
            self._made[name] = make_argument(name, bound, site, self._shared)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layer.arguments)

    def __len__(self) -> int:
        return len(self._layer.arguments)


class Constants(Mapping[str, Argument]):
    """The constant arguments of an operation, converted when they are asked for."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self._values = values

    def __getitem__(self, name: str) -> Argument:
        return Argument(name, plain(self._values[name]))

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def named_with_aliases(module: Instance) -> list[tuple[str, Instance, tuple[str, ...]]]:
    """All modules of a model with their first dotted name and the others."""
    order: list[Instance] = []
    names: dict[int, list[str]] = {}

    def visit(name: str, current: Instance, path: tuple[int, ...]) -> None:
        if id(current) in path:
            return
        first = id(current) not in names
        names.setdefault(id(current), []).append(name)
        if not first:
            return
        order.append(current)
        for part, child in child_modules(current):
            visit(f"{name}.{part}" if name else part, child, (*path, id(current)))

    visit("", module, ())
    return [(names[id(m)][0], m, tuple(names[id(m)][1:])) for m in order]


def replaces_forward(module: Instance) -> bool:
    """Whether a project class gives a library layer a forward of its own."""
    cls = module.cls
    return isinstance(cls, Class) and isinstance(cls.find("forward"), Function)


def constant_fills(module: Instance) -> dict[str, float]:
    """The parameters that code fills with one number."""
    found = {}
    for name in ("weight", "bias"):
        parameter = module.attributes.get(name, MISSING)
        value = parameter.attributes.get("fill") if isinstance(parameter, Instance) else None
        if isinstance(value, float):
            found[name] = value
    return found
