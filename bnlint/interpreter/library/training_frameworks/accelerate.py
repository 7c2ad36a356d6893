"""Accelerate: what its accelerator prepares stays what it is, and the script switches the modes."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.data_loading.data import LOADER, REBATCHED
from bnlint.interpreter.library.data_loading.samplers import note_handed_on
from bnlint.interpreter.library.torch_library.state_dicts import state_dict
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.torch.modules import modules_in
from bnlint.interpreter.torch.training import note_backward, note_loaded

_SAME = frozenset(
    """prepare_model prepare_data_loader prepare_optimizer prepare_scheduler unwrap_model
    skip_first_batches""".split()
)
"""Methods that give back the first argument, or an object that does the same."""
_GATHERED = frozenset("gather gather_for_metrics reduce pad_across_processes".split())
"""Methods that give the tensors of all processes."""
_PREPARED = "prepared"


@framework_object("accelerate", "Accelerator")
def call_accelerator(
    m: Machine, accelerator: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``accelerator.name(...)``; what is not listed (logging, waiting, contexts) leaves modes alone."""
    first = arguments.get(0, "model")
    if name.startswith("prepare"):
        note_handed_on(m, arguments, site)
        for value in arguments.values:
            if isinstance(value, Instance) and value.library == LOADER:
                m.heap.put(value.attributes, REBATCHED, True)
    if name == "prepare":
        return _prepare(m, accelerator, arguments)
    if name in _SAME:
        return first if arguments.positional else next(iter(arguments.values), first)
    if name in _GATHERED:
        m.journal.measure(tensors_in(arguments.values))
        return next(iter(arguments.values), Unknown(f"{name}()"))
    match name:
        case "backward":
            note_backward(m, tensors_in(arguments.values), site)
            return None
        case "get_state_dict" if isinstance(first, Instance) and first.is_module:
            return state_dict(m, first, site)
        case "load_state":
            for module in modules_in(accelerator.attributes.get(_PREPARED)):
                note_loaded(m, module, site, "")
    return Unknown(f"{name}()")


def _prepare(m: Machine, accelerator: Instance, arguments: Arguments) -> Value:
    """``prepare(model, optimizer, loader)``: a tuple of the same, or the only one."""
    if arguments.opened:
        return Unknown("prepare()")
    values = arguments.positional
    before = modules_in(accelerator.attributes.get(_PREPARED))
    m.heap.put(accelerator.attributes, _PREPARED, [*before, *modules_in(values)])
    return values[0] if len(values) == 1 else tuple(values)
