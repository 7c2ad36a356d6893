"""``train()`` and ``eval()`` of nn.Module."""

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.values import Arguments, KeptMode, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.torch.kept_modes import note_given_back
from bnlint.interpreter.torch.model_records import note_switched
from bnlint.interpreter.torch.modules import own_train, set_mode
from bnlint.source.name_bindings import dotted

_CLASSES = ("Module", "Sequential", "ModuleList", "ModuleDict")
"""Classes whose methods set modes as torch does."""


def call_train(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    """``module.train(mode)``."""
    mode = args.get(0, "mode", True)
    training = bool(mode) if isinstance(mode, bool | KeptMode) else None
    kept = mode if isinstance(mode, KeptMode) else m.modes.deciding
    return _switch(m, module, training, kept, site, scope)


def call_eval(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    """``module.eval()``, which torch does by ``train(False)``."""
    own = own_train(module)
    if isinstance(own, Function | Method):
        return m.call(own, Arguments([False]), site, scope)
    training = None if isinstance(own, Unknown) else False
    return _switch(m, module, training, m.modes.deciding, site, scope)


@library_function(*(f"torch.nn.{c}.{name}" for c in _CLASSES for name in ("train", "eval")))
def _of_class(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``nn.Module.train(module, mode)``, which asks no method of the module's own class."""
    module, *rest = arguments.positional or [None]
    if not isinstance(module, Instance) or not module.is_module:
        return m.call_unknown(module, arguments, site)
    given = Arguments(rest, arguments.keywords)
    call = call_train if path.endswith("train") else call_eval
    return call(m, module, given, site, scope)


def _switch(
    m: Machine,
    module: Instance,
    training: bool | None,
    kept: KeptMode | None,
    site: Site,
    scope: Scope,
) -> Value:
    receiver = _receiver(site.node)
    set_mode(m, module, training, site, scope)
    if kept is not None and training is not None:
        note_given_back(m, module, training, kept, site)
    note_switched(m, module, training, site, receiver)
    return module


def _receiver(call: object) -> str:
    """The code that stands for the module: behind a class its first argument."""
    match call:
        case cst.Call(func=cst.Attribute(value=holder), args=args):
            name = dotted(holder)
            of_class = name.rpartition(".")[2] in _CLASSES and bool(args)
            return dotted(args[0].value) if of_class else name
    return ""
