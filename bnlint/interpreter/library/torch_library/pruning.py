"""torch's functions that set weights to zero: ``torch.nn.utils.prune``."""

from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import WeightsPruned
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.library.calls import call_foreign, library_function
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import modules_in

_FUNCTIONS = tuple(
    f"torch.nn.utils.prune.{name}"
    for name in (
        "l1_unstructured",
        "random_unstructured",
        "ln_structured",
        "random_structured",
        "global_unstructured",
    )
)


@library_function(*_FUNCTIONS)
def _prune(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    context = m.context()
    for module in modules_in(arguments.get(0, "module", arguments.keywords.get("parameters"))):
        record = model_record(m, module)
        m.journal.note(
            lambda facts, order, record=record: WeightsPruned(  # type: ignore[misc]
                order, site, context, facts.model(record)
            )
        )
    return call_foreign(m, path, arguments, site, scope)
