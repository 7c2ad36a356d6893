"""Functions that estimate running statistics anew, and the methods of averages of weights."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.data_loading.data import LOADER
from bnlint.interpreter.torch.averages import note_estimated
from bnlint.interpreter.torch.modules import modules_in

_PLACES = {
    "torch.optim.swa_utils.update_bn": (1, 0),
    "torchcontrib.optim.SWA.bn_update": (1, 0),
    "torchcontrib.optim.swa.SWA.bn_update": (1, 0),
    "fvcore.nn.update_bn_stats": (0, 1),
    "fvcore.nn.precise_bn.update_bn_stats": (0, 1),
}
"""The functions, with the places of the model and of the data among their arguments."""
_NAMES = ("loader", "data_loader")


@library_function(*_PLACES)
def _estimate(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    of_model, of_data = _PLACES[path]
    given = [arguments.keywords.get(name) for name in _NAMES if name in arguments.keywords]
    data = given[0] if given else arguments.get(of_data, _NAMES[0])
    loader = data if isinstance(data, Instance) and data.library == LOADER else None
    for module in modules_in(arguments.get(of_model, "model")):
        note_estimated(m, module, site, path, loader)
    return None
