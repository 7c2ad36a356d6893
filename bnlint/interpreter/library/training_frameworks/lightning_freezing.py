"""Lightning's callbacks that freeze parts of a module, and thaw them while it trains."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.library.training_frameworks.lightning_callbacks import callbacks_of
from bnlint.interpreter.torch.freezing import freeze
from bnlint.interpreter.torch.modules import modules_in
from bnlint.interpreter.torch.norms import norm_layers
from bnlint.interpreter.torch.parameters import parameter_group
from bnlint.interpreter.torch.tracking import set_tracking

_CALLBACK = "BaseFinetuning"
_FUNCTIONS = ("freeze", "make_trainable", "unfreeze_and_add_param_group")
_PLACES = (
    "lightning.pytorch.callbacks",
    "lightning.pytorch.callbacks.finetuning",
    "pytorch_lightning.callbacks",
    "pytorch_lightning.callbacks.finetuning",
)


def fine_tuning_callbacks(trainer: Instance) -> list[Instance]:
    """Those of a trainer's callbacks that freeze and thaw, as the project's code says."""
    return callbacks_of(trainer, _CALLBACK)


@library_function(*(f"{place}.{_CALLBACK}.{name}" for place in _PLACES for name in _FUNCTIONS))
def _call_static(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return _call(m, path, arguments, site)


@framework_object("lightning", _CALLBACK)
@framework_object("pytorch_lightning", _CALLBACK)
def call_callback(
    m: Machine, callback: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``self.name(...)`` in a callback of the project's."""
    return _call(m, f"{callback.library}.{name}", arguments, site)


def _call(m: Machine, function: str, arguments: Arguments, site: Site) -> Value:
    name = function.rpartition(".")[2]
    modules = modules_in(arguments.get(0, "modules")) if name in _FUNCTIONS else []
    thaws = name != "freeze"
    trains = thaws or arguments.get(1, "train_bn", True)
    tracks = trains if isinstance(trains, bool) else None
    for module in modules:
        layers = norm_layers(m, module)
        freeze(m, parameter_group(m, [module], site), thaws, site)
        if tracks is not False:
            freeze(m, parameter_group(m, layers, site), tracks, site)
        if layers:
            set_tracking(m, layers, tracks, site, function)
    return Unknown(f"{name}()")
