"""What stores the arguments of a constructor in its object: Lightning's method and fastcore's function."""

import re

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Configuration, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.python.configurations import HYPERPARAMETERS, put
from bnlint.interpreter.python.name_lookup import set_attribute

SAVING = "save_hyperparameters"
"""Lightning's method that keeps the arguments of the constructor that calls it in ``self.hparams``."""


def save_hyperparameters(
    m: Machine, owner: Instance, arguments: Arguments, site: Site, scope: Scope
) -> None:
    """``self.save_hyperparameters(...)``: all arguments, those that are named, or what one object holds.

    Source: ``HyperparametersMixin.save_hyperparameters`` in Lightning's documentation.
    """
    chosen, ignored = _texts(arguments.positional), _texts(arguments.keywords.get("ignore", ()))
    given = _parameters(scope) if chosen is not None else _entries(arguments.positional[0])
    if given is None or ignored is None or arguments.opened:
        m.heap.put(owner.attributes, "hparams", Unknown("hyperparameters", site))
        return
    before = owner.attributes.get("hparams")
    made = Configuration(HYPERPARAMETERS)
    m.heap.new(made)
    for name, value in before.items() if isinstance(before, Configuration) else ():
        put(m, made, name, value)
    for name, value in given.items():
        if name not in ignored and (not chosen or name in chosen):
            put(m, made, name, value)
    m.heap.put(owner.attributes, "hparams", made)


@library_function(*(f"fastcore.{module}.store_attr" for module in ("all", "basics", "utils")))
def _store_attr(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """The arguments of the function that calls it, or the variables that are named, become attributes.

    Source: ``store_attr`` in fastcore's documentation.
    """
    named, left_out = arguments.get(0, "names"), _texts(arguments.keywords.get("but", ()))
    names = list(_named(scope)) if named is None else _texts(named)
    owner = scope.names.get(_first(scope))
    if names is None or left_out is None or arguments.opened or arguments.positional[1:]:
        return m.call_unknown(Unknown("store_attr()", site), Arguments([owner]), site)
    for name in names:
        if name not in left_out:
            value = scope.names.get(name, Unknown(f"variable {name}"))
            set_attribute(m, owner, name, value, site.node, scope)  # type: ignore[arg-type]
    return None


def _first(scope: Scope) -> str:
    """The name of the parameter that is the object itself."""
    params = scope.function.node.params if scope.function is not None else None
    positional = [*params.posonly_params, *params.params] if params is not None else []
    return positional[0].name.value if positional else ""


def _named(scope: Scope) -> dict[str, Value]:
    """What the parameters of the function that runs hold, without the object itself and ``**kwargs``."""
    if scope.function is None:
        return {}
    params = scope.function.node.params
    named = [*[*params.posonly_params, *params.params][1:], *params.kwonly_params]
    names = [param.name.value for param in named]
    return {name: scope.names.get(name, Unknown(f"argument {name}")) for name in names}


def _parameters(scope: Scope) -> dict[Value, Value] | None:
    """What the parameters of the function that runs hold, ``**kwargs`` spread out."""
    given: dict[Value, Value] = dict(_named(scope).items())
    star = scope.function.node.params.star_kwarg if scope.function is not None else None
    rest = scope.names.get(star.name.value) if star is not None else {}
    return {**given, **rest} if isinstance(rest, dict) else None


def _entries(value: Value) -> dict[Value, Value] | None:
    """The names and values of a dict, or of an object that does nothing but hold them."""
    match value:
        case dict():
            return value
        case Instance(library="argparse.Namespace"):
            return dict(value.attributes.items())
    return None


def _texts(value: Value) -> list[str] | None:
    """The names in a list of them, or in one text that commas part."""
    if isinstance(value, str):
        return [name for name in re.split(r",\s*", value) if name]
    if not isinstance(value, list | tuple | set):
        return None
    texts = [item for item in value if isinstance(item, str)]
    return texts if len(texts) == len(value) else None
