"""Lightning's Fabric: what it sets up stays what it is, and the script switches the modes."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.torch.modules import modules_in
from bnlint.interpreter.torch.training import note_backward, note_loaded

_SETUPS = frozenset("setup setup_module setup_optimizers setup_dataloaders".split())


@framework_object("lightning", "Fabric")
@framework_object("lightning_fabric", "Fabric")
def call_fabric(
    m: Machine, fabric: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``fabric.name(...)``; what is not listed (logging, waiting, contexts) leaves modes alone."""
    values = arguments.positional
    if name in _SETUPS and values and not arguments.opened:
        return values[0] if len(values) == 1 else tuple(values)
    match name:
        case "backward":
            note_backward(m, tensors_in(arguments.values), site)
            return None
        case "all_gather" | "all_reduce":
            return next(iter(arguments.values), Unknown(f"{name}()"))
        case "launch" if values:
            given = Arguments([fabric, *values[1:]], dict(arguments.keywords))
            return m.call(values[0], given, site, scope)
        case "load" | "load_raw":
            for value in arguments.values:
                for module in modules_in(value):
                    note_loaded(m, module, site, "")
    return Unknown(f"{name}()")
