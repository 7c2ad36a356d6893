"""Tools that run a model once to list its layers, without switching its mode."""

from bnlint.facts.types.run import Summarised
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Choice, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.norms import norm_records
from bnlint.interpreter.torch.wrappers import unwrapped

_TOOLS = (
    "torchsummary.summary",
    "torchsummary.summary_string",
    "torchsummary.torchsummary.summary",
    "torchsummary.torchsummary.summary_string",
    "torchsummaryX.summary",
)
"""Those that leave the mode alone; others call ``eval()``: ``operation_counters``."""


@library_function(*_TOOLS)
def _summarise(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    given = arguments.get(0, "model")
    if isinstance(given, Instance) and given.is_module:
        _note(m, unwrapped(given), path, site)
    return Unknown(f"{path}()", site, given if isinstance(given, Choice) else None)


def _note(m: Machine, model: Instance, path: str, site: Site) -> None:
    context, record, norms = m.context(), model_record(m, model), norm_records(m, model)
    m.journal.note(
        lambda facts, order: Summarised(
            order, site, context, facts.model(record), path, facts.norm_states(norms, model)
        )
    )
