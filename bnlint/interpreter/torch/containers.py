"""Sequential, ModuleList and ModuleDict: their items by place and name."""

from contextlib import suppress

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_further
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import MISSING, Choice, Many, Maybe, Unknown, Value, present
from bnlint.interpreter.torch.modules import (
    MODE,
    UNKNOWN_MODE,
    places,
    register_child,
)


def next_place(container: Instance) -> int:
    """The number that the next item of a container gets."""
    last = next(reversed(container.attributes), "")
    if last.isdecimal() and isinstance(container.attributes[last], Instance | Choice):
        return int(last) + 1
    return len(places(container))


def extend_container(m: Machine, container: Instance, value: Value) -> None:
    """``container.extend(value)``."""
    items = [child for _, child in places(value)] if isinstance(value, Instance) else value
    if not isinstance(items, list | tuple):
        items = [value if isinstance(value, Many) else Unknown("children")]
    m.step(len(items))
    for number, item in enumerate(items, next_place(container)):
        register_child(m, container, str(number), item)


def indexed_child(m: Machine, container: Instance, key: Value, site: Site) -> Value:
    """``container[key]``."""
    every = places(container)
    if isinstance(key, str):
        return present(container.attributes.get(key, Unknown("child")))
    unknown = [value for _, value in every if isinstance(value, Unknown | Many)]
    if not all(map(is_further, unknown)):
        return Unknown("child")
    if any(isinstance(container.attributes[name], Maybe) for name, _ in every):
        return m.join([*(value for _, value in every), Unknown("child")])
    if isinstance(key, int):
        return every[key][1] if -len(every) <= key < len(every) else Unknown("child")
    if isinstance(key, slice):
        return _slice_of(container, every[key], site)
    values = [value for _, value in every if not is_further(value)]
    return m.join(values) if values else Unknown("child")


def _slice_of(container: Instance, items: list[tuple[str, Value]], site: Site) -> Instance:
    part = Instance(None, container.library, {}, site, is_module=True)
    if container.cls is not None and container.cls.find("__init__") is MISSING:
        part.cls = container.cls
    part.attributes[MODE] = present(container.attributes.get(MODE, UNKNOWN_MODE))
    part.has_parent = True
    keeps_names = container.library == "torch.nn.Sequential"
    for number, (name, value) in enumerate(items):
        part.attributes[name if keeps_names else str(number)] = value
    return part


def delete_child(m: Machine, container: Instance, key: Value) -> None:
    """``del container[key]``, after which what is left is numbered from zero."""
    left = places(container)
    if m.recipes is not None:
        m.recipes.note_deleted(container)
    m.heap.touch(container.attributes)
    m.heap.structure += 1
    if isinstance(key, str):
        m.heap.remove(container.attributes, key)
        return
    for name, _ in left:
        del container.attributes[name]
    if isinstance(key, int | slice) and not any(isinstance(v, Many) for _, v in left):
        with suppress(IndexError):
            del left[key]
    else:
        left = [("", Unknown("children"))]
    for number, (_, value) in enumerate(left):
        container.attributes[str(number)] = value
