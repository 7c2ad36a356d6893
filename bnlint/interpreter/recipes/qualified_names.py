"""Names by which classes and functions of the project can be found again."""

from collections.abc import Iterator, Mapping

import libcst as cst

from bnlint.facts.types.recipe import ProjectName, Recipe, Unobtainable
from bnlint.interpreter.core.objects import Class, Function, Static
from bnlint.interpreter.core.values import Library, Value
from bnlint.vocabulary.layers import REQUIRED, SIGNATURES, bare_name


def project_name(value: Class | Function) -> Recipe:
    """Where a class or function stands, if a module or a class holds it under some name."""
    namespace = value.scope.namespace if isinstance(value, Function) else value.namespace
    paths = [path for path, held in _held(namespace.names) if _is_same(held, value)]
    if not paths:
        kind = "class" if isinstance(value, Class) else "function"
        named = f"the {kind} `{value.name}`" if value.name != "<lambda>" else "a lambda"
        return Unobtainable(f"{named} cannot be had from outside the function that makes it")
    own = [path for path in paths if path.rpartition(".")[2] == value.name]
    return ProjectName(str(namespace.source.file), (own or paths)[0])


def parameter_names(callee: Value) -> list[str]:
    """The names of the parameters that a call's positional arguments go to."""
    if isinstance(callee, Library):
        return [parameter.name for parameter in SIGNATURES.get(bare_name(callee.path) or "", ())]
    return [parameter.name.value for parameter in _positional(callee)]


def required_names(callee: Value) -> list[str]:
    """The names of the parameters that have no default."""
    function = _function(callee)
    if function is not None:
        every = [*_positional(callee), *function.node.params.kwonly_params]
        return [parameter.name.value for parameter in every if parameter.default is None]
    base = callee.library_base() if isinstance(callee, Class) else None
    inherited = SIGNATURES.get(bare_name(base.path) or "", ()) if base is not None else ()
    return [parameter.name for parameter in inherited if parameter.default is REQUIRED]


def _positional(callee: Value) -> list[cst.Param]:
    function = _function(callee)
    if function is None:
        return []
    params = function.node.params
    return [*params.posonly_params, *params.params][isinstance(callee, Class) :]


def _function(callee: Value) -> Function | None:
    found = callee.find("__init__") if isinstance(callee, Class) else callee
    return found if isinstance(found, Function) else None


def _held(names: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    for name, value in names.items():
        yield name, value
        if isinstance(value, Class):
            yield from ((f"{name}.{inner}", held) for inner, held in value.names.items())


def _is_same(held: Value, value: Class | Function) -> bool:
    if isinstance(held, Static):
        held = held.function
    if isinstance(held, Class | Function):
        return held is value or (held.node is value.node and held.name == value.name)
    return False
