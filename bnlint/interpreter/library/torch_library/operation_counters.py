"""Tools that run a model once in eval mode to count its operations, and give the mode back or not."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import call_foreign, library_function
from bnlint.interpreter.torch.modules import mode_of, own_train, parts_of

_GIVING_BACK = (
    "thop.profile",
    "thop.profile.profile",
    "thop.profile_origin",
    "torchinfo.summary",
    "torchinfo.torchinfo.summary",
)
"""These end by ``model.train(training)``, with what ``model.training`` was before."""
_LEAVING_EVAL = (
    "calflops.calculate_flops",
    "calflops.flops_counter.calculate_flops",
    "ptflops.get_model_complexity_info",
    "ptflops.flops_counter.get_model_complexity_info",
    "torchstat.stat",
    "torchstat.statistics.stat",
)
"""These end as ``model.eval()`` does."""


@library_function(*_GIVING_BACK)
def _count(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    model = arguments.get(0, "model")
    if not isinstance(model, Instance) or not model.is_module or arguments.opened:
        return call_foreign(m, path, arguments, site, scope)
    if _runs(path, arguments) and not _is_in_one_mode(m, model):
        training = _attribute(m, model, "training", site, scope)
        _switch(m, model, "eval", Arguments(), site, scope)
        _switch(m, model, "train", Arguments([training]), site, scope)
    return Unknown(f"{path}()", site)


@library_function(*_LEAVING_EVAL)
def _count_in_eval(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    model = arguments.get(0, "model")
    if not isinstance(model, Instance) or not model.is_module:
        return call_foreign(m, path, arguments, site, scope)
    _switch(m, model, "eval", Arguments(), site, scope)
    return Unknown(f"{path}()", site)


def _runs(path: str, arguments: Arguments) -> bool:
    """Whether there is something to run the model with: torchinfo lists its layers without that, too."""
    given = (arguments.get(1, "input_size"), arguments.get(2, "input_data"))
    return not path.startswith("torchinfo.") or given != (None, None)


def _is_in_one_mode(m: Machine, model: Instance) -> bool:
    """Whether all layers have the mode of the whole, so that giving that to them changes nothing."""
    parts = [part.module for part in parts_of(m, model)]
    modes = {mode_of(m, part) for part in parts}
    answers = {switch.training for mode in modes for switch in mode}
    uniform = len(answers) == 1 if None not in answers else len(modes) == 1
    return uniform and all(own_train(part) is None for part in parts)


def _switch(
    m: Machine, model: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> None:
    m.call(_attribute(m, model, name, site, scope), arguments, site, scope)


def _attribute(m: Machine, model: Instance, name: str, site: Site, scope: Scope) -> Value:
    return m.attribute(model, name, site.node, scope)  # type: ignore[arg-type]
