"""Python's builtin functions."""

import builtins

from bnlint.facts.kind import Kind
from bnlint.facts.site import Site
from bnlint.interpreter.arithmetic import truth_of
from bnlint.interpreter.construction import canonical
from bnlint.interpreter.iterables import iterated
from bnlint.interpreter.iteration import elements
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.classes import is_instance, is_subclass
from bnlint.interpreter.loops import note_iteration
from bnlint.interpreter.machine import Machine
from bnlint.interpreter.modules import (
    MODE,
    children,
    has_unknown_children,
    is_container,
    register_child,
)
from bnlint.interpreter.names import look_up, set_attribute
from bnlint.interpreter.namespaces import Namespace
from bnlint.interpreter.tape import tensors_in
from bnlint.interpreter.values import (
    MISSING,
    Arguments,
    Builtin,
    Class,
    Function,
    Instance,
    Library,
    Many,
    Method,
    Partial,
    Scope,
    Tensor,
    Unknown,
    Value,
    is_known,
)

PURE = """int float str bool max min abs round sum sorted any all divmod pow repr len range slice
hash hex chr ord frozenset""".split()


@library_function(*(f"builtins.{name}" for name in PURE))
def _pure(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    first = arguments.get(0, "")
    if inputs := tensors_in(arguments.values):
        return _of_tensors(m, name, inputs, site)
    if name == "len":
        return _length(m, first, site, scope)
    if name == "bool" and arguments.positional:
        known = truth_of(first)
        return Unknown("bool()") if known is None else known
    values = [_plain(m, value) for value in arguments.positional]
    if not all(is_known(value) for value in [*values, *arguments.keywords.values()]):
        return Unknown(f"{name}()")
    try:
        return getattr(builtins, name)(*values, **arguments.keywords)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return Unknown(f"{name}()")


def _plain(m: Machine, value: Value) -> Value:
    if isinstance(value, Instance | Many):
        return Unknown("items")
    return value


def _of_tensors(m: Machine, name: str, inputs: list[Tensor], site: Site) -> Value:
    if name == "sum":
        return m.tape.tensor(Kind.ADD, "sum", inputs, site, shape=inputs[0].shape, batch=True)
    if name in ("float", "int", "str", "round", "bool"):
        m.journal.measure(inputs)
        return inputs[0]
    if name in ("max", "min", "abs", "pow"):
        return m.tape.tensor(Kind.OTHER, name, inputs, site)
    return Unknown(f"{name}()")


def _length(m: Machine, value: Value, site: Site, scope: Scope) -> Value:
    match value:
        case list() | tuple() | dict() | str() | set() | range() | bytes():
            items = elements(m, value)
            return Unknown("length") if items is None else len(value)
        case Instance() if is_container(value):
            return Unknown("length") if has_unknown_children(value) else len(children(value))
        case Instance(cls=Class() as cls):
            function = cls.find("__len__")
            if isinstance(function, Function):
                return m.call(Method(function, value), Arguments(), site, scope)
    return Unknown("length")


@library_function("builtins.list", "builtins.tuple", "builtins.set", "builtins.iter",
                  "builtins.reversed", "tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.notebook.tqdm",
                  "tqdm.trange", "tqdm.tqdm_notebook", "itertools.cycle", "rich.progress.track",
                  "itertools.chain", "builtins.filter", "prefetch_generator.BackgroundGenerator")
def _sequence(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    if name == "trange":
        return _pure(m, "builtins.range", Arguments(arguments.positional[:1]), site, scope)
    if name == "filter":
        return _filter(m, arguments, site, scope)
    value = arguments.get(0, "iterable", [])
    if isinstance(value, Instance) and not value.is_module:
        return iterated(m, value, site, scope)
    if name == "iter" and isinstance(value, Tensor | Unknown | Many):
        return value
    if name == "chain":
        return _chain(m, arguments)
    items = elements(m, value)
    if items is None:
        return value if isinstance(value, Many | Tensor) else Many(Unknown("item"))
    match name:
        case "tuple":
            return tuple(items)
        case "set":
            return set(items) if is_known(items) else list(items)
        case "reversed":
            return items[::-1]
        case "cycle":
            return Many(m.join(items)) if items else Unknown("cycle")
    return list(items) if name == "list" or not isinstance(value, range) else value


def _chain(m: Machine, arguments: Arguments) -> Value:
    parts = [elements(m, value) for value in arguments.positional]
    if all(part is not None for part in parts):
        return [item for part in parts for item in part or []]
    found = [v.element for v in arguments.positional if isinstance(v, Many)]
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


def _filter(m: Machine, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(1, "iterable")
    items = elements(m, value)
    if items is None:
        return value
    function = arguments.get(0, "function")
    kept = [i for i in items if truth_of(m.call(function, Arguments([i]), site, scope)) is not False]
    return kept


@library_function("builtins.dict", "collections.OrderedDict", "collections.defaultdict",
                  "easydict.EasyDict")
def _dict(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if path.endswith("defaultdict"):
        return {}
    made: dict[Value, Value] = {}
    first = arguments.get(0, "", None)
    if isinstance(first, dict):
        made.update(first)
    elif first is not None:
        for pair in elements(m, first) or []:
            if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str | int):
                made[pair[0]] = pair[1]
    made.update(arguments.keywords)
    return made


@library_function("builtins.enumerate")
def _enumerate(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    start = arguments.get(1, "start", 0)
    value = iterated(m, arguments.get(0, "iterable"), site, scope)
    items = elements(m, value)
    if items is not None and isinstance(start, int):
        return [(number, item) for number, item in enumerate(items, start)]
    loader = value.loader if isinstance(value, Many) else None
    return Many((Unknown("index"), _element(value)), loader)


def _element(value: Value) -> Value:
    if isinstance(value, Many):
        return value.element
    return value if isinstance(value, Tensor) else Unknown("item")


@library_function("builtins.zip", "itertools.zip_longest", "itertools.product")
def _zip(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    values = [iterated(m, value, site, scope) for value in arguments.positional]
    parts = [elements(m, value) for value in values]
    if path == "builtins.zip" and all(part is not None for part in parts):
        return [tuple(row) for row in zip(*(part or [] for part in parts), strict=False)]
    row = tuple(
        _element(value) if part is None else (m.join(part) if part else Unknown("item"))
        for value, part in zip(values, parts, strict=True)
    )
    loader = next((v.loader for v in values if isinstance(v, Many) and v.loader), None)
    return Many(row, loader)


@library_function("builtins.map")
def _map(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    function, value = arguments.get(0, "function"), arguments.get(1, "iterable")
    items = elements(m, value)
    if items is None or len(arguments.positional) > 2:
        return Many(m.call(function, Arguments([_element(value)]), site, scope))
    return [m.call(function, Arguments([item]), site, scope) for item in items]


@library_function("builtins.next")
def _next(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "iterator")
    match value:
        case Many(element=element, loader=loader):
            if loader is not None and scope is not None:
                note_iteration(m, loader, site.node, scope)  # type: ignore[arg-type]
            return element
        case list() if value:
            return value[0]
        case Instance(cls=Class() as cls):
            function = cls.find("__next__")
            if isinstance(function, Function):
                return m.call(Method(function, value), Arguments(), site, scope)
    return Unknown("next()")


@library_function("builtins.isinstance")
def _isinstance(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    answer = is_instance(arguments.get(0, "object"), arguments.get(1, "classes"))
    return Unknown("isinstance()") if answer is None else answer


@library_function("builtins.issubclass")
def _issubclass(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    answer = is_subclass(arguments.get(0, "class"), arguments.get(1, "classes"))
    return Unknown("issubclass()") if answer is None else answer


@library_function("builtins.getattr")
def _getattr(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    owner, name = arguments.get(0, "object"), arguments.get(1, "name")
    if not isinstance(name, str):
        return Unknown("getattr()")
    if len(arguments.positional) > 2 and _has(owner, name) is False:
        return arguments.positional[2]
    return m.attribute(owner, name, site.node, scope)  # type: ignore[arg-type]


@library_function("builtins.hasattr")
def _hasattr(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    owner, name = arguments.get(0, "object"), arguments.get(1, "name")
    if isinstance(owner, Namespace) and isinstance(name, str):
        return owner.member(m, name) is not MISSING
    answer = _has(owner, name) if isinstance(name, str) else None
    return Unknown("hasattr()") if answer is None else answer


def _has(owner: Value, name: str) -> bool | None:
    if not isinstance(owner, Instance):
        return None
    if name in owner.attributes or name in owner.arguments or name == MODE:
        return True
    if owner.cls is not None and owner.cls.find(name) is not MISSING:
        return True
    if owner.library in ("", "torch.nn.Module", "argparse.Namespace"):
        return False if owner.cls is None or not owner.cls.open else None
    if owner.library.startswith("torch.nn.") and name in ("weight", "bias"):
        return "Norm" in owner.library or "Conv" in owner.library or "Linear" in owner.library
    return None


@library_function("builtins.setattr")
def _setattr(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    owner, name, value = (arguments.get(i, n) for i, n in enumerate(("object", "name", "value")))
    if isinstance(name, str):
        set_attribute(m, owner, name, value, site.node, scope)  # type: ignore[arg-type]
    elif isinstance(owner, Instance) and owner.is_module:
        register_child(m, owner, f"?{len(owner.attributes)}", value)
    return None


@library_function("builtins.type")
def _type(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    if isinstance(value, Instance):
        return value.cls if value.cls is not None else Library(canonical(value.library))
    if isinstance(value, bool | int | float | str | list | tuple | dict):
        plain = next(t for t in (bool, int, float, str, list, tuple, dict) if isinstance(value, t))
        return Library(f"builtins.{plain.__name__}")
    return Unknown("type()")


@library_function("builtins.callable")
def _callable(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    if isinstance(value, Unknown):
        return Unknown("callable()")
    return isinstance(value, Function | Method | Class | Library | Partial | Builtin | Instance)


@library_function("builtins.vars", "builtins.globals", "builtins.locals")
def _vars(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    if path == "builtins.globals":
        return Builtin(scope.namespace, "__dict__")
    return value.attributes if isinstance(value, Instance) else Unknown("vars()")


@library_function("builtins.print", "builtins.exec", "builtins.breakpoint")
def _nothing(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return None


@library_function("builtins.eval")
def _eval(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    text = arguments.get(0, "source")
    if isinstance(text, str) and text.replace(".", "").isidentifier():
        head, *rest = text.split(".")
        value = look_up(m, head, scope)
        for name in rest:
            value = m.attribute(value, name, site.node, scope)  # type: ignore[arg-type]
        return value
    return Unknown("eval()")


