"""Averages of weights, and running statistics that are estimated anew for them."""

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import StatisticsEstimated, StatisticsReset, WeightsAveraged
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Unknown, Value, present
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.module_classes import AVERAGE
from bnlint.interpreter.torch.modules import descendants, modules_in
from bnlint.interpreter.torch.norms import norm_records
from bnlint.interpreter.torch.wrappers import unwrapped

_PLACES = {"avg_fn": 2, "multi_avg_fn": 3, "use_buffers": 4}
"""Arguments of ``AveragedModel`` by their places."""


def is_average(module: Instance) -> bool:
    """Whether a module is torch's average of another one's weights."""
    return module.library == AVERAGE


def note_averaged(m: Machine, average: Instance, source: Value, site: Site) -> None:
    """Record ``average.update_parameters(source)``."""
    inner = unwrapped(average)
    context, model = m.context(), model_record(m, inner, average.called)
    models = [model_record(m, unwrapped(module)) for module in modules_in(source)[:1]]
    equally, buffers = _counts_equally(average), _averages_buffers(average)
    m.journal.overwritten.update(part for _, part in descendants(m, inner))
    m.journal.averages.add(inner)
    m.journal.note(
        lambda facts, order: WeightsAveraged(
            order,
            site,
            context,
            facts.model(model),
            facts.model(models[0]) if models else None,
            equally,
            buffers,
        )
    )


def _counts_equally(average: Instance) -> Known:
    """Whether all updates count alike, as they do if no other function is given."""
    given = [_given(average, name) for name in ("avg_fn", "multi_avg_fn")]
    if any(isinstance(value, Unknown) and "get_swa_" in value.reason for value in given):
        return Known.YES
    plain = average.resolved and all(value is None for value in given)
    return Known.YES if plain else Known.UNKNOWN


def _averages_buffers(average: Instance) -> Known:
    value = _given(average, "use_buffers")
    if not average.resolved:
        return Known.UNKNOWN
    return Known.of(value if isinstance(value, bool) else None if value is not None else False)


def _given(average: Instance, name: str) -> Value:
    """What an option of an average was set to, ``None`` if it has its default."""
    if name in average.attributes:
        return present(average.attributes[name])
    bound = average.arguments.get(name) or average.arguments.get(str(_PLACES[name]))
    return None if bound is None else bound.value


def note_estimated(
    m: Machine, module: Instance, site: Site, function: str = "", loader: Instance | None = None
) -> None:
    """Record that ``function``, or else perhaps code that is not known, estimates statistics."""
    inner = unwrapped(module)
    norms = norm_records(m, inner)
    context, model = m.context(), model_record(m, inner, module.called)
    m.journal.note(
        lambda facts, order: StatisticsEstimated(
            order,
            site,
            context,
            facts.model(model),
            function,
            m.journal.loader_fact(loader),
            facts.norm_states(norms, inner),
        )
    )


def note_reset(m: Machine, layer: Instance, site: Site) -> None:
    """Record ``layer.reset_running_stats()``."""
    context = m.context()
    m.journal.note(
        lambda facts, order: StatisticsReset(
            order, site, context, facts.layer(layer, layer.type_name)
        )
    )
