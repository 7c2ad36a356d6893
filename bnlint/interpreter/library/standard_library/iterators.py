"""Functions that take iterables and give others: ``zip``, ``sorted``, ``next`` and the like."""

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_known
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Class, Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import (
    Arguments,
    Choice,
    Library,
    Many,
    Tensor,
    Unknown,
    Value,
    sample_of,
)
from bnlint.interpreter.evaluation import evaluate, extreme, ordered, rows, set_of
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.training_frameworks.trainer_loops import in_pass
from bnlint.interpreter.python.arithmetic import truth_of
from bnlint.interpreter.python.iterables import iterated
from bnlint.interpreter.python.iteration import elements
from bnlint.interpreter.python.loops import note_iteration
from bnlint.interpreter.torch.integer_entries import chosen
from bnlint.interpreter.torch.pairing import note_paired
from bnlint.interpreter.torch.parameters import is_opaque

_TQDM = ("tqdm", *(f"tqdm.{place}" for place in "auto autonotebook gui notebook rich std".split()))
_PROGRESS = frozenset(
    {
        *(f"{module}.tqdm" for module in _TQDM),
        *("tqdm.tqdm_notebook", "rich.progress.track", "alive_progress.alive_it"),
        *("mmcv.track_iter_progress", "mmengine.track_iter_progress", "progressbar.progressbar"),
        *("fastprogress.progress_bar", "fastprogress.fastprogress.progress_bar"),
        *("fastprogress.master_bar", "fastprogress.fastprogress.master_bar"),
    }
)
"""What shows how far a loop is, and gives its items as they are."""


@library_function(
    "builtins.list",
    "builtins.tuple",
    "builtins.set",
    "torch.Size",
    "builtins.iter",
    "builtins.reversed",
    "itertools.cycle",
    "prefetch_generator.BackgroundGenerator",
    *_PROGRESS,
)
def _sequence(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    value = _perhaps_fewer(arguments.get(0, "iterable", []))
    yields = isinstance(value, Instance) and (is_opaque(value) or not value.is_module)
    if yields and elements(m, value) is None:
        return iterated(m, value, site, scope)
    if isinstance(value, Choice):
        drawn = iterated(m, value, site, scope)
        return drawn if isinstance(drawn, Many) else Many(Unknown("item"))
    if name == "iter" and isinstance(value, Tensor | Unknown | Many):
        return value
    if path in _PROGRESS and isinstance(value, Unknown | Builtin | Library):
        return value
    items = elements(m, value)
    if items is None or not m.allowance.takes(len(items)):
        return value if isinstance(value, Many | Tensor) else Many(Unknown("item"))
    match name:
        case "tuple" | "Size":
            return tuple(items)
        case "set":
            return set_of(items, m.allowance) if is_known(items) else list(items)
        case "reversed":
            return items[::-1]
        case "cycle":
            return Many(m.join(items)) if items else Unknown("cycle")
    return m.new(list(items)) if name in ("list", "iter") or not isinstance(value, range) else value


@library_function("tqdm.tnrange", *(f"{module}.trange" for module in _TQDM))
def _trange(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    bounds = [bound for bound in arguments.positional if isinstance(bound, int)]
    known = 0 < len(bounds) == len(arguments.positional)
    made = evaluate("builtins.range", bounds, m.allowance) if known else None
    return made if isinstance(made, range) else Many(Unknown("item"))


@library_function("itertools.chain", "itertools.chain.from_iterable")
def _chain(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    values: list[Value] | None = arguments.positional
    if path.endswith("from_iterable"):
        values = elements(m, arguments.get(0, "iterable"))
    parts = [elements(m, value) for value in values or []]
    count = sum(len(part) for part in parts if part is not None)
    if values is not None and None not in parts and m.allowance.takes(count):
        return [item for part in parts for item in part or []]
    found = [value.element for value in values or [] if isinstance(value, Many)]
    return Many(_group(m, found)) if found else Many(Unknown("item"))


def _group(m: Machine, found: list[Value]) -> Value:
    members: list[Value] = []
    for value in found:
        held = value.attributes.get("members") if isinstance(value, Instance) else None
        members.extend(held if isinstance(held, tuple) else [])
    first = found[0]
    if members and isinstance(first, Instance):
        made = Instance(None, first.library, dict(first.attributes), first.site)
        made.attributes["members"] = tuple(members)
        return made
    return m.join(found)


def _perhaps_fewer(value: Value) -> Value:
    """The same of which some may be left out or taken away, as from a list."""
    return replace(value, every=False) if isinstance(value, Many) and value.every else value


@library_function("builtins.filter")
def _filter(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    function, value = arguments.get(0, "function"), arguments.get(1, "iterable")
    items = elements(m, value)
    if items is None:
        fewer = _perhaps_fewer(value)
        return (
            replace(fewer, element=chosen(m, fewer.element)) if isinstance(fewer, Many) else fewer
        )
    if function is None:
        return [item for item in items if truth_of(item) is not False]
    calls = (truth_of(m.call(function, Arguments([i]), site, scope)) for i in items)
    return [item for item, kept in zip(items, calls, strict=True) if kept is not False]


@library_function("builtins.enumerate", "tqdm.contrib.tenumerate")
def _enumerate(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    start = arguments.get(1, "start", 0)
    value = iterated(m, arguments.get(0, "iterable"), site, scope)
    items = elements(m, value)
    if items is not None and isinstance(start, int) and m.allowance.takes(len(items)):
        return [(number, item) for number, item in enumerate(items, start)]
    loader = value.loader if isinstance(value, Many) else None
    return Many((Unknown("index"), _element(value)), loader)


def _element(value: Value) -> Value:
    if isinstance(value, Many):
        return value.element
    return sample_of(value) if isinstance(value, Tensor) else Unknown("item")


@library_function("tqdm.contrib.tzip")
def _tzip(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    given = Arguments(arguments.positional)
    given.nodes, given.opened = arguments.nodes, arguments.opened
    return _zip(m, "builtins.zip", given, site, scope)


@library_function("builtins.zip", "itertools.zip_longest", "itertools.product")
def _zip(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    note_paired(m, arguments, site, scope)
    values = [iterated(m, value, site, scope) for value in arguments.positional]
    parts = [elements(m, value) for value in values]
    known = [part for part in parts if part is not None]
    plain = path == "builtins.zip" or is_known(arguments.keywords)
    if plain and len(known) == len(parts):
        keywords = {} if path == "builtins.zip" else arguments.keywords
        listed = rows(path.rpartition(".")[2], known, m.allowance, keywords)
        if listed is not None:
            return listed
    row = tuple(
        _element(value) if part is None else (m.join(part) if part else Unknown("item"))
        for value, part in zip(values, parts, strict=True)
    )
    given = zip(arguments.positional, values, strict=True)
    drawn = [(g, v.loader) for g, v in given if isinstance(v, Many) and v.loader is not None]
    for iterable, loader in drawn[1:]:  # the loop notes the first
        if isinstance(iterable, Instance):  # others may have begun before
            note_iteration(m, loader, site.node, scope, whole=True)  # type: ignore[arg-type]
    return Many(row, drawn[0][1] if drawn else None)


@library_function("builtins.map", "itertools.starmap")
def _map(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    function, *values = arguments.positional or [Unknown("function")]
    note_paired(m, arguments, site, scope)
    values = [iterated(m, value, site, scope) for value in values]
    parts = [elements(m, value) for value in values]
    known = [part for part in parts if part is not None]
    if not known or len(known) < len(parts):
        loaders = [v.loader for v in values if isinstance(v, Many) and v.loader is not None]
        given = [_element(value) for value in values]
        made = m.call(function, Arguments(given), site, scope)
        return Many(made, loaders[0] if loaders else None)
    rows = [list(row) for row in zip(*known, strict=False)]
    if path.endswith("starmap"):
        rows = [elements(m, row[0]) or [] for row in rows]
    return list(_mapped(m, function, rows, site, scope))


def _mapped(
    m: Machine, function: Value, rows: list[list[Value]], site: Site, scope: Scope
) -> Iterator[Value]:
    """What a function makes of each row; within a forward, in passes of a loop.

    The loop is where the function is named: a helper that is no method only passes it on.
    """
    helper = scope.function is not None and scope.function.owner is None
    loop = m.frame.call if helper and m.frame.call is not None else site
    for number, row in enumerate(rows, 1):
        with in_pass(m, number, loop) if m.modules else nullcontext():
            yield m.call(function, Arguments(row), site, scope)


@library_function("builtins.sorted")
def _sorted(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "iterable")
    items = elements(m, value)
    if items is None:
        return Many(_element(value))
    keys = _keys(m, items, arguments, site, scope)
    reverse = arguments.keywords.get("reverse", False)
    known = keys is not None and isinstance(reverse, bool | int)
    order = ordered(keys or [], m.allowance, reverse=bool(reverse)) if known else None
    if order is None:
        return Many(m.join(items)) if items else []
    return [items[number] for number in order]


@library_function("builtins.max", "builtins.min")
def _extreme(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    values, name = arguments.positional, path.rpartition(".")[2]
    if inputs := tensors_in(values):
        return m.tape.tensor(Kind.OTHER, name, inputs, site)
    items = elements(m, values[0]) if len(values) == 1 else values
    if not items:
        return arguments.keywords.get("default", Unknown(f"{name}()"))
    keys = _keys(m, items, arguments, site, scope)
    place = None if keys is None else extreme(name, keys, m.allowance)
    return Unknown(f"{name}()") if place is None else items[place]


def _keys(
    m: Machine, items: list[Value], arguments: Arguments, site: Site, scope: Scope
) -> list[Value] | None:
    """What ``key`` gives for each item, if that is known."""
    key = arguments.keywords.get("key")
    keys = items if key is None else [m.call(key, Arguments([i]), site, scope) for i in items]
    return keys if is_known(keys) else None


@library_function("builtins.next")
def _next(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "iterator")
    match value:
        case Many(element=element, loader=loader):
            if loader is not None and scope is not None:
                note_iteration(m, loader, site.node, scope)  # type: ignore[arg-type]
            return element
        case list() if value:
            m.heap.touch(value)
            return value.pop(0)
        case Instance(cls=Class() as cls):
            function = cls.find("__next__")
            if isinstance(function, Function):
                return m.call(Method(function, value), Arguments(), site, scope)
    return arguments.get(1, "default", Unknown("next()"))
