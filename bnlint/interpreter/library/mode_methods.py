"""``train()`` and ``eval()`` of nn.Module."""

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.values import Arguments, KeptMode, Unknown, Value
from bnlint.interpreter.torch.kept_modes import note_given_back
from bnlint.interpreter.torch.model_records import note_switched
from bnlint.interpreter.torch.modules import own_train, set_mode
from bnlint.source.name_bindings import dotted


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


def _switch(
    m: Machine,
    module: Instance,
    training: bool | None,
    kept: KeptMode | None,
    site: Site,
    scope: Scope,
) -> Value:
    node = site.node
    function = node.func if isinstance(node, cst.Call) else None
    receiver = dotted(function.value) if isinstance(function, cst.Attribute) else ""
    set_mode(m, module, training, site, scope)
    if kept is not None and training is not None:
        note_given_back(m, module, training, kept, site)
    note_switched(m, module, training, site, receiver)
    return module
