"""Tests of names that leave the running statistics out of a state."""

from collections.abc import Callable

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Unknown, Value
from bnlint.interpreter.library.torch_library.state_dicts import IS_NAMED, STATE_OF
from bnlint.interpreter.torch.modules import descendants
from bnlint.interpreter.torch.norms import norm_records
from bnlint.interpreter.torch.parameters import parameter_group

_MOST_LAYERS = 64
"""Models with more BatchNorm layers are not asked name by name."""
_STATISTICS = ("running_mean", "running_var")


def without_statistics(
    m: Machine, item: Value, passes: Callable[[Value], bool | None], site: Site
) -> Value | None:
    """The parameters of a state whose entries ``item`` stands for, if no running statistics pass a test.

    It is asked for each name that these have. ``None`` where some pass or may pass, and where the scales of
    BatchNorm do not, as where all of a layer stays where it was trained.
    """
    match item:
        case (Unknown() as key, Instance() as entry) if IS_NAMED not in entry.attributes:
            owner = entry.attributes.get(STATE_OF)
        case _:
            return None
    layers = _names_of_norms(m, owner) if isinstance(owner, Instance) else []
    if not 0 < len(layers) <= _MOST_LAYERS or not isinstance(owner, Instance):
        return None
    lost = all(passes((layer + name, entry)) is False for layer in layers for name in _STATISTICS)
    if not lost or not all(passes((layer + "weight", entry)) for layer in layers):
        return None
    return (key, parameter_group(m, [owner], site))


def _names_of_norms(m: Machine, model: Instance) -> list[str]:
    """What the names of a layer's entries begin with, none where some layer is not known for certain."""
    records = norm_records(m, model)
    if not all(record.certain and record.tracks is Known.YES for record in records):
        return []
    norms = {record.instance for record in records}
    names = [name for name, part in descendants(m, model) if part in norms]
    return [f"{name}." if name else "" for name in names] if len(names) == len(norms) else []
