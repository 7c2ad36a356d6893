"""The standard library, as far as model code computes with it, and numpy's arithmetic."""

import itertools
import math
import operator
from collections.abc import Callable, Mapping
from types import ModuleType

from bnlint.facts.kind import Kind
from bnlint.facts.site import Site
from bnlint.interpreter.construction import copy_of
from bnlint.interpreter.iteration import elements
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.tensor_functions import call_tensor_function
from bnlint.interpreter.machine import Machine
from bnlint.interpreter.tape import tensors_in
from bnlint.interpreter.values import (
    EXIT,
    Arguments,
    Class,
    Function,
    Library,
    Method,
    Partial,
    Scope,
    Tensor,
    Unknown,
    Value,
    is_known,
)


@library_function("functools.partial")
def _partial(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if not arguments.positional or arguments.opened:
        return Unknown("partial()")
    first, *rest = arguments.positional
    return Partial(first, tuple(rest), tuple(arguments.keywords.items()))


@library_function("functools.wraps")
def _wraps(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Library("functools.wraps.decorator")


@library_function("functools.reduce")
def _reduce(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    items = elements(m, arguments.get(1, "iterable"))
    if items is None:
        return Unknown("reduce()")
    values = [*arguments.positional[2:3], *items]
    result = values[0] if values else Unknown("reduce()")
    for value in values[1:]:
        result = m.call(arguments.positional[0], Arguments([result, value]), site, scope)
    return result


@library_function("copy.deepcopy", "copy.copy")
def _copy(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "x")
    if path == "copy.copy" and isinstance(value, list):
        return list(value)
    return copy_of(m, value, site)


@library_function("collections.namedtuple")
def _namedtuple(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Unknown("namedtuple")


@library_function("dataclasses.field")
def _field(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    factory = arguments.keywords.get("default_factory")
    if factory is not None:
        return m.call(factory, Arguments(), site, scope)
    return arguments.keywords.get("default", Unknown("field"))


@library_function("types.MethodType")
def _method(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    function, receiver = arguments.get(0, "function"), arguments.get(1, "instance")
    return Method(function, receiver) if isinstance(function, Function) else Unknown("method")


@library_function("inspect.isfunction", "inspect.isclass")
def _inspect(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    value = arguments.get(0, "object")
    wanted: type = Function if path.endswith("function") else Class
    return Unknown("inspect") if isinstance(value, Unknown) else isinstance(value, wanted)


@library_function("importlib.import_module", "builtins.__import__")
def _import(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "name")
    if not isinstance(name, str):
        return Unknown("module")
    level = len(name) - len(name.lstrip("."))
    return m.namespaces.load(name.lstrip("."), level, scope.namespace)


@library_function("sys.exit", "os._exit", "builtins.exit", "builtins.quit")
def _exit(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return EXIT


MODULES: Mapping[str, ModuleType] = {"math": math, "operator": operator, "itertools": itertools}
ITERTOOLS = ("repeat", "accumulate", "islice", "product", "combinations", "permutations")


def _compute(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    package, _, name = path.partition(".")
    if inputs := tensors_in(arguments.values):
        if package == "operator":
            return call_tensor_function(m, name, arguments, site)
        return m.tape.tensor(Kind.OTHER, name, inputs, site)
    if not all(is_known(value) for value in arguments.values):
        return Unknown(f"{path}()")
    try:
        made = getattr(MODULES[package], name)(*arguments.positional, **arguments.keywords)
        return list(itertools.islice(made, 1000)) if package == "itertools" else made
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return Unknown(f"{path}()")


library_function(
    *(
        f"math.{name}"
        for name in dir(math)
        if not name.startswith("_") and callable(getattr(math, name))
    ),
    *(f"operator.{name}" for name in ("add", "mul", "sub", "truediv", "floordiv", "mod", "iadd")),
    *(f"itertools.{name}" for name in ITERTOOLS),
)(_compute)


def _prod(values: list[float]) -> float:
    return math.prod(values)


def _linspace(start: float, stop: float, count: int = 50) -> list[float]:
    return [start + (stop - start) * i / max(1, count - 1) for i in range(count)]


NUMPY: Mapping[str, Callable[..., object]] = {
    "prod": _prod,
    "ceil": math.ceil,
    "floor": math.floor,
    "sqrt": math.sqrt,
    "log": math.log,
    "log2": math.log2,
    "log10": math.log10,
    "exp": math.exp,
    "power": math.pow,
    "arange": lambda *a: list(range(*a)),
    "cumsum": lambda values: list(itertools.accumulate(values)),
    "linspace": _linspace,
    "int32": int,
    "int64": int,
    "float32": float,
    "float64": float,
    "abs": abs,
    "array": list,
    "sum": sum,
    "max": max,
    "min": min,
    "round": round,
    "maximum": max,
    "minimum": min,
}


@library_function(*(f"numpy.{name}" for name in NUMPY))
def _numpy(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = path.rpartition(".")[2]
    if inputs := tensors_in(arguments.values):
        m.journal.measure(inputs)
        return Tensor(depends=inputs[0].depends, loaders=inputs[0].loaders)
    if not all(is_known(value) for value in arguments.values):
        return Unknown(f"{path}()")
    try:
        return NUMPY[name](*arguments.positional)
    except (TypeError, ValueError, ArithmeticError, OverflowError):
        return Unknown(f"{path}()")
