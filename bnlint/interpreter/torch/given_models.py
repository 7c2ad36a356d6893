"""What callers that are not at hand give to functions and models."""

import libcst as cst

from bnlint.facts.types.run import Switch
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance, Method
from bnlint.interpreter.core.values import Arguments, Tensor, Value
from bnlint.interpreter.torch.module_classes import is_module_class
from bnlint.interpreter.torch.modules import MODE

CALLER = "caller."
"""What the library path of a model begins with that comes from a caller."""
_MODELS = frozenset(
    "model net network backbone encoder decoder classifier generator student teacher".split()
)
"""What the last words of parameters are that are models."""


def is_given(module: Instance) -> bool:
    """Whether a model comes from a caller that is not at hand."""
    return module.library.startswith(CALLER)


def arguments_from_callers(m: Machine, function: Value, site: Site) -> Arguments:
    """Arguments of a call that is not at hand: models, of which nothing is known, and others."""
    return Arguments(keywords={p: _given(m, p, site) for p in _model_parameters(function)})


def name_of(function: Value) -> str:
    """The name by which callers know a function, method or class."""
    match function:
        case Method(function=Function(name=name)) | Function(name=name) | Class(name=name):
            return name
    return ""


def unknown_inputs(module: Instance) -> Arguments:
    """An unknown tensor for each parameter of a forward that has no default."""
    forward = module.cls.find("forward") if module.cls is not None else None
    if not isinstance(forward, Function):
        return Arguments([Tensor()])
    params = forward.node.params
    positional = [*params.posonly_params, *params.params][1:]
    count = sum(p.default is None for p in positional)
    if count == 0 and (positional or isinstance(params.star_arg, cst.Param)):
        count = 1
    return Arguments([Tensor() for _ in range(count)])


def _model_parameters(function: Value) -> list[str]:
    """The parameters without a default that a function needs models for, by their names."""
    match function:
        case Method(function=Function(node=cst.FunctionDef(params=params))):
            skipped = 1
        case Function(node=cst.FunctionDef(params=params)):
            skipped = 0
        case Class() if not _is_module(function):
            init = function.find("__init__")
            return _model_parameters(Method(init, None)) if isinstance(init, Function) else []
        case _:
            return []
    needed = [*[*params.posonly_params, *params.params][skipped:], *params.kwonly_params]
    names = (param.name.value for param in needed if param.default is None)
    return [name for name in names if _is_of_model(name)]


def _is_of_model(name: str) -> bool:
    return name.rpartition("_")[2].rstrip("0123456789") in _MODELS


def _is_module(cls: Class) -> bool:
    base = cls.library_base()
    return cls.open or (base is not None and is_module_class(base.path))


def _given(m: Machine, name: str, site: Site) -> Instance:
    made = Instance(
        None, f"{CALLER}{name}", {MODE: frozenset({Switch(None)})}, site, is_module=True
    )
    m.heap.new(made.attributes)
    m.heap.new(made.assigned)
    made.order, made.has_parent = m.journal.next_order(), True
    made.names.append(name)
    return made
