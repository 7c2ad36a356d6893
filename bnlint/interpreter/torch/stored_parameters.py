"""Parameters that are written to a file by themselves, without running statistics."""

from collections.abc import Iterator

from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import ParametersStored
from bnlint.interpreter.core.journal import NormRecord
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Many, Maybe, Tensor, Unknown, Value
from bnlint.interpreter.library.torch_library.state_dicts import STATE_OF
from bnlint.interpreter.torch.freezing import owners
from bnlint.interpreter.torch.norms import norm_records
from bnlint.interpreter.torch.parameters import is_parameter

VECTOR = "torch.nn.utils.parameters_to_vector"
_DEEPEST = 3


def note_parameters_stored(m: Machine, arguments: Arguments, site: Site) -> None:
    """Record that a script saves parameters of BatchNorm layers and nothing else of these layers."""
    if not m.journal.in_script:
        return
    value = arguments.get(0, "obj")
    saved = list(_parameters(value, _DEEPEST))
    norms = {r.instance: r for p in saved for o in owners(p) for r in norm_records(m, o)}
    m.step(len(saved) >> 2)
    if not norms or any(STATE_OF in parameter.attributes for parameter in saved):
        return
    context, node = m.context(), arguments.nodes[0] if arguments.nodes else None
    records: list[NormRecord] = list(norms.values())
    m.journal.note(
        lambda facts, order: ParametersStored(
            order,
            site,
            context,
            tuple(s for r in records for s in facts.norm_states([r], r.instance)),
            None if node is None else Site(site.source, node),
        )
    )


def _parameters(value: Value, depth: int) -> Iterator[Instance]:
    """The parameters in a value, of containers that hold nothing beside them that is not known."""
    match value:
        case Instance() if is_parameter(value):
            yield value
        case Many(element=inner) | Maybe(value=inner):
            yield from _parameters(inner, depth)
        case (str() | Unknown(), Instance() as parameter) if is_parameter(parameter):
            yield parameter
        case Unknown(reason=reason, cause=cause) if reason.startswith(VECTOR):
            yield from _parameters(cause, depth)
        case dict() | list() | tuple() if depth:
            items = list(value.values()) if isinstance(value, dict) else list(value)
            alone = any(map(is_parameter, items))
            if not (alone and any(isinstance(item, Unknown | Tensor) for item in items)):
                for item in items:
                    yield from _parameters(item, depth - 1)
