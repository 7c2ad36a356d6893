"""What ``state_dict()`` gives: the parameters of a model by name, which code may write."""

from collections.abc import Mapping, Sequence

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Many, Unknown, Value
from bnlint.interpreter.torch.modules import descendants
from bnlint.interpreter.torch.norms import has_batchnorm
from bnlint.interpreter.torch.parameters import named_parameters, parameter_group

STATE = "torch.nn.Module.state_dict"
"""What stands for the class of such a dict."""
PARAMETERS = "parameters"
OWNER = "owner"
STATE_OF = "?state"
"""The attribute of what stands for the entries of a state, statistics included: its owner."""

IS_NAMED = "?named"
"""The attribute of what stands for the entry under one name."""
REBOUND = "?rebound"
"""The attribute of a state in which entries were replaced by others, of whatever kind."""


def state_dict(m: Machine, module: Instance, site: Site) -> Instance:
    """``module.state_dict()``."""
    made = Instance(None, STATE, {}, site)
    m.heap.new(made.attributes)
    entries = parameter_group(m, [module], site)
    entries.attributes[STATE_OF] = module
    made.attributes[PARAMETERS] = entries
    made.attributes[OWNER] = module
    return made


def parameters_of_any(m: Machine, states: Sequence[Value], key: Value, site: Site) -> Instance:
    """The parameters in the state of one of several models, of which it is not known which.

    If all have BatchNorm, they stand for all entries of the first one's under a ``key`` that is not known.
    """
    found = [state for state in states if isinstance(state, Instance)]
    owners = [owner for state in found for owner in _owners(state)]
    made = parameter_group(m, owners, site)
    changed = any(REBOUND in state.attributes for state in found)
    normalized = all(has_batchnorm(owner) is Known.YES for owner in owners)
    if owners and normalized and not changed and not isinstance(key, str):
        made.attributes[STATE_OF] = owners[0]
    return made


def note_handed_over(m: Machine, module: Instance, state: Value, site: Site) -> None:
    """``module.load_state_dict(other.state_dict())``: both must have the same parameters."""
    owner = owner_of(state)
    if owner is None:
        return
    parts = dict(descendants(m, module))
    for name, part in descendants(m, owner):
        if name in parts:
            m.journal.biases.note_handed(site, part, parts[name])


def is_state_dict(value: Value) -> bool:
    """Whether a value is the state of one model."""
    return isinstance(value, Instance) and value.library == STATE


def is_without_statistics(m: Machine, module: Instance, state: Mapping[Value, Value]) -> bool:
    """Whether a dict has all parameters of a module that has running statistics, and nothing else."""
    if not all(isinstance(key, str) for key in state) or has_batchnorm(module) is not Known.YES:
        return False
    named = named_parameters(m, module)
    return named is not None and state.keys() == {name for name, _ in named}


def owner_of(value: Value) -> Instance | None:
    """The model whose state a value is."""
    owner = (
        value.attributes[OWNER] if isinstance(value, Instance) and is_state_dict(value) else None
    )
    return owner if isinstance(owner, Instance) else None


def call_state_method(state: Instance, name: str) -> Value:
    """A method of a state dict."""
    match name:
        case "items":
            return Many((Unknown("name"), state.attributes[PARAMETERS]))
        case "values":
            return Many(state.attributes[PARAMETERS])
        case "keys":
            return Many(Unknown("name"))
        case "get":
            return state.attributes[PARAMETERS]
        case "copy":
            return state
    return Unknown(f"state_dict().{name}()")


def entry_of(m: Machine, state: Instance, key: Value, site: Site) -> Value:
    """``state[key]``: under a name that is known one entry, else any of them."""
    if not isinstance(key, str) and REBOUND not in state.attributes:
        return state.attributes[PARAMETERS]
    one = parameter_group(m, _owners(state), site)
    one.attributes.update({STATE_OF: state.attributes[OWNER], IS_NAMED: True})
    return one


def _owners(state: Instance) -> list[Instance]:
    owner = state.attributes[OWNER]
    return [owner] if isinstance(owner, Instance) else []
