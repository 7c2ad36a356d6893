"""What iterating an object yields."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.frames import ActiveLoop
from bnlint.interpreter.core.knowledge import open_at
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Choice, Many, Unknown, Value
from bnlint.interpreter.library.data_loading.data import LOADER, loader_batches
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.torch.parameters import is_opaque


def iterated(m: Machine, value: Value, site: Site, scope: Scope) -> Value:
    """``iter(value)``: loaders and objects of project classes give what they yield.

    A third-party model that is iterated consists of layers one after the other.
    """
    if isinstance(value, Choice):
        return _of_one_loader(m, value, site, scope) or _of_one_of(m, value, site, scope) or value
    if isinstance(value, Instance) and is_opaque(value):
        return Many(value, parts=True)
    if not isinstance(value, Instance) or value.is_module:
        return value
    if value.library == LOADER:
        return loader_batches(m, value)
    iterator = iterator_of(m, value, site, scope)
    drawing = _method(iterator, "__next__")
    if drawing is not None:
        return Many(_drawn(m, drawing, site, scope))
    return Many(Unknown("item")) if iterator is value else iterator


def iterator_of(m: Machine, value: Instance, site: Site, scope: Scope) -> Value:
    """What an object's own ``__iter__`` gives; the object itself where it has none."""
    method = _method(value, "__iter__")
    return value if method is None else m.call(method, Arguments(), site, scope)


def _method(value: Value, name: str) -> Method | None:
    """A method that the class of an object defines."""
    if not isinstance(value, Instance) or value.cls is None or value.is_module:
        return None
    function = value.cls.find(name)
    return Method(function, value) if isinstance(function, Function) else None


def _drawn(m: Machine, drawing: Method, site: Site, scope: Scope) -> Value:
    """What an iterator gives in passes that stand for all of the loop over it."""
    loop = ActiveLoop(site.node, site, abstract=True, since=m.journal.order)  # type: ignore[arg-type]
    depth, found = len(m.loops), list[Value]()
    m.loops.append(loop)
    m.frame.abstract += 1
    try:
        for loop.number in (1, 2):
            found.append(m.call(drawing, Arguments(), site, scope))
    finally:
        m.frame.abstract -= 1
        del m.loops[depth:]
    return m.join(found)


def _of_one_loader(m: Machine, choice: Choice, site: Site, scope: Scope) -> Many | None:
    """What alternatives yield that draw alike: from one loader, itself or what shows its progress.

    Loaders that give batches of one size from one dataset differ in their order alone, as where only
    several processes have a sampler: the one with the sampler stands for all, else the first in the code.
    """
    loaders = [v.loader if isinstance(v, Many) else v for v in choice.values]
    known = [v for v in loaders if isinstance(v, Instance) and v.library == LOADER]
    if len(known) < len(loaders) or any(not _draw_alike(known[0], other) for other in known[1:]):
        return None
    known.sort(key=lambda loader: (loader.site.path, loader.site.span.start))
    return loader_batches(m, next(filter(_has_sampler, known), known[0]))


def _of_one_of(m: Machine, choice: Choice, site: Site, scope: Scope) -> Many | None:
    """What one of several objects yields, where all of them yield tensors: loaders, and what wraps them."""
    if not all(
        (isinstance(v, Instance) and not v.is_module) or isinstance(v, Many) for v in choice.known
    ):
        return None
    found: list[Value] = []
    with_one_of(
        m,
        choice.known,
        lambda one: found.append(_for_all(m, iterated(m, one, site, scope))),
        site,
        choice.selection,
    )
    joined = m.join(found) if found else None
    return joined if isinstance(joined, Many) and tensors_in([joined]) else None


def _for_all(m: Machine, items: Value) -> Value:
    """One item that stands for all that a generator is known to yield."""
    match items:
        case list() | tuple() if items and open_at(items) is None:
            return Many(m.join(items))
    return items


def _draw_alike(one: Instance, other: Instance) -> bool:
    dataset, size = _given(one, "dataset"), _given(one, "batch_size")
    same = isinstance(dataset, Instance) and dataset is _given(other, "dataset")
    return one is other or (same and isinstance(size, int) and size == _given(other, "batch_size"))


def _has_sampler(loader: Instance) -> bool:
    return _given(loader, "sampler") is not None


def _given(loader: Instance, name: str) -> Value:
    bound = loader.arguments.get(name)
    return None if bound is None else bound.value
