"""Python's builtin functions."""

from collections.abc import Iterator
from typing import TypeGuard

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Partial,
    Scope,
)
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import (
    MISSING,
    SOME_ITEMS,
    Arguments,
    Choice,
    Configuration,
    FirstSize,
    Length,
    Library,
    Many,
    Maybe,
    Rank,
    Share,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.evaluation import evaluate
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.standard_library.classes import is_instance, is_subclass
from bnlint.interpreter.python.arithmetic import binary, truth_of
from bnlint.interpreter.python.attribute_presence import has_attribute
from bnlint.interpreter.python.configurations import class_of
from bnlint.interpreter.python.iteration import (
    elements,
    has_uncertain_entries,
    listed,
    number_of,
)
from bnlint.interpreter.python.name_lookup import set_attribute
from bnlint.interpreter.python.unnamed_models import member
from bnlint.interpreter.torch.exchanged_parts import models_at_hand, put_in, put_somewhere
from bnlint.interpreter.torch.module_classes import canonical
from bnlint.interpreter.torch.modules import is_container, places
from bnlint.interpreter.torch.parameters import is_opaque, is_parameter
from bnlint.interpreter.torch.shape_axes import broadcast

PURE = """int float str bool abs round divmod pow repr range slice hash hex chr ord
frozenset""".split()


@library_function(*(f"builtins.{name}" for name in PURE))
def _pure(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    if inputs := tensors_in(arguments.values):
        return _of_tensors(m, name, inputs, site)
    share = arguments.get(0, "x")
    if isinstance(share, Share | Rank) and name in ("int", "float", "round"):
        return share
    if name == "bool" and arguments.positional:
        known = truth_of(arguments.positional[0])
        return Unknown("bool()") if known is None else known
    given = arguments.positional
    if name == "range":
        given = [value.shown if isinstance(value, Length) else value for value in given]
    return evaluate(path, given, m.allowance, arguments.keywords)


@library_function("builtins.sum")
def _sum(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if isinstance(whole := arguments.get(0, "iterable"), Tensor):
        return m.tape.tensor(Kind.REDUCE, "sum", [whole], site)
    if inputs := tensors_in(arguments.values):
        shape = broadcast([tensor.shape for tensor in inputs])
        return m.tape.tensor(Kind.ADD, "sum", inputs, site, shape=shape, batch=True)
    items = elements(m, arguments.get(0, "iterable"))
    if items is None or not m.allowance.takes(len(items)):
        return Unknown("sum()")
    total = arguments.get(1, "start", 0)
    for item in items:
        if isinstance(total, Unknown):
            return total
        total = binary(m, "Add", total, item, site)
    return total


@library_function("builtins.any", "builtins.all")
def _any(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    items = elements(m, arguments.get(0, "iterable"))
    known = items is not None and m.allowance.takes(len(items))
    answers = [None] if items is None or not known else [truth_of(item) for item in items]
    decisive = path.endswith("any")
    if decisive in answers:
        return decisive
    return Unknown("condition") if None in answers else not decisive


def _of_tensors(m: Machine, name: str, inputs: list[Tensor], site: Site) -> Value:
    if name in ("float", "int", "str", "round", "bool"):
        m.journal.measure(inputs)
        return inputs[0]
    if name in ("abs", "pow"):
        return m.tape.tensor(Kind.OTHER, name, inputs, site)
    return Unknown(f"{name}()")


@library_function("builtins.len")
def _length(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    match value:
        case list() | tuple():
            return Unknown("length") if listed(m, value) is None else number_of(value)
        case dict() | str() | set() | range() | bytes():
            return Unknown("length") if elements(m, value) is None else len(value)
        case Tensor(whole=False):
            return FirstSize(value.batch)
        case Instance() if is_container(value):
            return number_of([child for _, child in places(value)])
        case Instance(cls=Class() as cls):
            function = cls.find("__len__")
            if isinstance(function, Function):
                return m.call(Method(function, value), Arguments(), site, scope)
    return Unknown("length")


@library_function(
    "builtins.dict", "collections.OrderedDict", "collections.defaultdict", "typing.OrderedDict"
)
def _dict(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if path.endswith("defaultdict"):
        return m.new({})
    made: dict[Value, Value] = m.new({})
    first = arguments.get(0, "", None)
    if isinstance(first, dict):
        if not m.allowance.takes(len(first)):
            return Unknown("dict()")
        made.update(first)
    elif isinstance(first, Many) and _ends_in_parameter(first.element):
        made[Unknown(SOME_ITEMS)] = Maybe(first.element[1])
    elif first is not None:
        for pair in elements(m, first) or []:
            if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str | int):
                made[pair[0]] = pair[1]
    made.update(arguments.keywords)
    return made


@library_function("collections.ChainMap", "chainmap.ChainMap")
def _chain_map(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Of several dictionaries, the first that has a key has its value."""
    maps = [one for one in arguments.positional if isinstance(one, dict)]
    known = len(maps) == len(arguments.positional) and not any(map(has_uncertain_entries, maps))
    if arguments.opened or not known:
        return Unknown("ChainMap()")
    return m.new({key: value for one in reversed(maps) for key, value in one.items()})


def _ends_in_parameter(pair: Value) -> TypeGuard[tuple[Value, Value]]:
    """Whether it is one of the pairs that ``named_parameters()`` gives."""
    return isinstance(pair, tuple) and len(pair) == 2 and is_parameter(pair[1])


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
    default = arguments.get(2, "default", MISSING)
    if isinstance(owner, Namespace) and default is MISSING:
        return member(m, owner, name, site.node, scope)  # type: ignore[arg-type]
    if not isinstance(name, str):
        return Unknown("getattr()", site, name)
    if default is not MISSING and has_attribute(owner, name) is False:
        return default
    value = m.attribute(owner, name, site.node, scope)  # type: ignore[arg-type]
    maybe = isinstance(owner, Instance) and isinstance(owner.attributes.get(name), Maybe)
    return m.join([value, default]) if maybe and default is not MISSING else value


@library_function("builtins.hasattr")
def _hasattr(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    owner, name = arguments.get(0, "object"), arguments.get(1, "name")
    if isinstance(owner, Namespace) and isinstance(name, str):
        return owner.member(m, name) is not MISSING
    answer = has_attribute(owner, name) if isinstance(name, str) else None
    return Unknown("hasattr()") if answer is None else answer


@library_function("builtins.setattr")
def _setattr(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    owner, name, value = (arguments.get(i, n) for i, n in enumerate(("object", "name", "value")))
    if isinstance(name, str):
        set_attribute(m, owner, name, value, site.node, scope)  # type: ignore[arg-type]
    elif isinstance(owner, Instance) and owner.is_module:
        put_in(m, owner, name, value)
    if isinstance(owner, Unknown | Choice | Many):
        put_somewhere(m, models_at_hand(scope, owner), value)
    return None


@library_function("builtins.type")
def _type(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    if isinstance(value, Instance) and is_opaque(value):
        return Unknown("class of a third-party model")
    if isinstance(value, Instance):
        return value.cls if value.cls is not None else Library(canonical(value.library))
    if isinstance(value, Tensor) and not value.whole:
        return Library("torch.Tensor")
    if isinstance(value, Configuration):
        return class_of(value)
    if isinstance(value, Method | Function):
        return Library(f"types.{type(value).__name__}Type")
    if value is None:
        return Library("types.NoneType")
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
    if not arguments.positional and scope.function is not None:
        return m.new({name: local for name, local in scope.names.items() if name.isidentifier()})
    if isinstance(value, Namespace | Library):
        return Builtin(value, "__dict__")
    if not isinstance(value, Instance):
        return Unknown("vars()")
    m.journal.modes_asked[value] = None
    return value.attributes


@library_function("builtins.dir")
def _names(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """The names of a module of the project, without those that star imports bring, or of a layer that are gone through.

    Where they are gone through, torch's own names, of which none is a layer, may be missing.
    """
    match arguments.get(0, "object"):
        case Namespace() as namespace if not namespace.stars:
            names = {*namespace.definitions, *namespace.names}
        case Instance(is_module=True) as layer if not is_opaque(layer) and _is_gone_through(
            site.node, scope
        ):
            names = {*layer.attributes, *_names_of_class(layer.cls)}
        case _:
            return Unknown("dir()")
    listed = sorted(name for name in names if name.isidentifier())
    return m.new([*listed]) if m.allowance.takes(len(listed)) else Unknown("dir()")


def _names_of_class(cls: Class | None) -> Iterator[str]:
    for ancestor in cls.ancestors() if cls is not None else ():
        if isinstance(ancestor, Class):
            yield from ancestor.names


def _is_gone_through(call: object, scope: Scope) -> bool:
    parents = scope.namespace.source.parents.of_node
    parent = parents.get(call) if isinstance(call, cst.CSTNode) else None
    return isinstance(parent, cst.For | cst.CompFor)


@library_function("builtins.print", "builtins.breakpoint")
def _nothing(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return None
