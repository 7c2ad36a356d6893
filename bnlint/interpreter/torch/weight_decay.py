"""Optimizers that shrink parameters, the BatchNorm layers' among them."""

from collections.abc import Iterator

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsDecayed
from bnlint.interpreter.core.layer_arguments import argument_fact
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Instance, Scope
from bnlint.interpreter.core.values import Arguments, Choice, Many, Value
from bnlint.interpreter.torch.freezing import owners
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.wrappers import unwrapped

_OPTION = "weight_decay"
_DEFAULTS = {"torch.optim.AdamW": 0.01}
"""What optimizers decay by that are not told."""
_MOST_BY_POSITION = 2
"""Parameters and learning rate; what comes behind has another order in each optimizer."""


def note_weight_decay(
    m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope
) -> None:
    """Record which models an optimizer decays as wholes, each in one group of parameters."""
    if not m.journal.in_script or arguments.opened or arguments.further:
        return
    if len(arguments.positional) > _MOST_BY_POSITION:
        return
    node = arguments.keyword_nodes.get(_OPTION)
    common = Bound(arguments.keywords.get(_OPTION, _DEFAULTS.get(path)), node)
    given = arguments.get(0, "params")
    alone = arguments.nodes[0] if arguments.nodes else arguments.keyword_nodes.get("params")
    for module, bound in _groups(given, common):
        written = alone if isinstance(given, Many) and isinstance(alone, cst.Call) else None
        _note(m, path, module, bound, written, site, scope)


def _groups(given: Value, common: Bound) -> Iterator[tuple[Instance, Bound]]:
    """The models of which a group has all parameters, with what these are decayed by."""
    match given:
        case Many(every=True, element=parameters):
            yield from ((module, common) for module in _whole_models(parameters))
        case list() | tuple():
            for group in given:
                if isinstance(group, dict):
                    own = Bound(group[_OPTION]) if _OPTION in group else common
                    yield from _groups(group.get("params"), own)


def _whole_models(parameters: Value) -> list[Instance]:
    """The models that ``parameters`` stand for; of several, only one that is wrapped on some paths."""
    several = parameters.values if isinstance(parameters, Choice) else (parameters,)
    found = [m for one in several if isinstance(one, Instance) for m in owners(one)]
    if isinstance(parameters, Choice):
        return found[:1] if len({*map(unwrapped, found)}) == 1 else []
    return found


def _note(
    m: Machine,
    path: str,
    module: Instance,
    decay: Bound,
    written: cst.CSTNode | None,
    site: Site,
    scope: Scope,
) -> None:
    if decay.value is None:
        return
    context, model = m.context(), model_record(m, module)
    argument = argument_fact(m, _OPTION, decay, scope)
    parameters = None if written is None else m.site(written, scope)
    optimizer = path.rpartition(".")[2]
    m.journal.note(
        lambda facts, order: WeightsDecayed(
            order, site, context, facts.model(model), optimizer, argument, parameters
        )
    )
