"""What ``inspect`` says of the parameters of functions of the project."""

from collections.abc import Mapping, Sequence

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance, Method, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.python.construction import new_instance


@library_function("inspect.getfullargspec", "inspect.getargspec")
def _specification(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """All names, that of the object itself included."""
    function = _function(arguments.get(0, "func"))
    if function is None:
        return Unknown(f"{path}()", site)
    params = function.node.params
    star, rest = params.star_arg, params.star_kwarg
    varargs = star.name.value if isinstance(star, cst.Param) else None
    varkw = rest.name.value if rest is not None else None
    args, kwonly = m.new(_names(_positional(function))), m.new(_names(params.kwonly_params))
    found = {"args": args, "varargs": varargs, "varkw": varkw, "kwonlyargs": kwonly}
    return _record(m, "inspect.FullArgSpec", found, site)


@library_function("inspect.signature")
def _signature(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """The parameters that a caller gives: a mapping by name, whose values are not known."""
    called = arguments.get(0, "obj")
    function = _function(called)
    if function is None:
        return Unknown(f"{path}()", site)
    params = function.node.params
    positional = _positional(function)[isinstance(called, Class | Method) :]
    starred = [p for p in (params.star_arg, params.star_kwarg) if isinstance(p, cst.Param)]
    names = _names([*positional, *params.kwonly_params, *starred])
    found: dict[Value, Value] = {name: Unknown("parameter") for name in names}
    return _record(m, "inspect.Signature", {"parameters": m.new(found)}, site)


def _function(called: Value) -> Function | None:
    match called:
        case Function():
            return called
        case Method(function=function):
            return function
        case Class():
            init = called.find("__init__")
            return init if isinstance(init, Function) else None
    return None


def _positional(function: Function) -> list[cst.Param]:
    return [*function.node.params.posonly_params, *function.node.params.params]


def _names(params: Sequence[cst.Param]) -> list[Value]:
    return [param.name.value for param in params]


def _record(m: Machine, library: str, values: Mapping[str, Value], site: Site) -> Instance:
    made = new_instance(m, None, library, site)
    made.attributes.update(values)
    return made
