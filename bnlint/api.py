"""The same rules on a live model, for notebooks and tests; this is what ``import bnlint`` offers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from bnlint import registry
from bnlint.diagnostics import start_of
from bnlint.errors import UsageError
from bnlint.facts.types.graph import ModelGraph
from bnlint.facts.types.signal import Signal
from bnlint.finding import Finding
from bnlint.lint import engine
from bnlint.lint.selection import LintOptions
from bnlint.lint.trace_program import Attempt
from bnlint.registry import RuleChoice
from bnlint.source import Project
from bnlint.tracer.graphs.model_graphs import model_graph

if TYPE_CHECKING:
    from bnlint.tracer.record.trace_model import Trace

SIGNAL_RULE = "BN808"
Sizes = Sequence[int] | Sequence[Sequence[int]]
"""The size of one input, or those of several."""


@dataclass(frozen=True, eq=False)
class TracedModel(ModelGraph):
    """The graph of a live model. ``graph_module`` is the ``torch.fx.GraphModule`` behind it."""

    graph_module: Any = None


def trace_model(model: Any, *example_inputs: Any, input_size: Sizes | None = None) -> TracedModel:
    """Record one forward in train mode and return the model's graph.

    The model is left as it was. Give tensors, or ``input_size`` as ``(8, 3, 32, 32)`` or, for
    several inputs, a list of such; without either, the input is guessed from the first layers.
    ``complete`` tells whether every operation was recorded, ``problems`` what is missing and why.

    Raises:
        TypeError: ``model`` is no module, an input is no tensor.
        ValueError: both kinds of input were given, or sizes that are none.
    """
    from bnlint.tracer.live_models import trace_live

    return _graph(trace_live(model, example_inputs, input_size, batch=2), Project())


def check_model(
    model: Any,
    *example_inputs: Any,
    input_size: Sizes | None = None,
    select: Iterable[str] | None = None,
) -> list[Finding]:
    """Lint a live model: what :func:`trace_model` takes, and the findings of the graph rules.

    ``select`` names rules as ``--select`` does, instead of those that are on by default. BN808 runs
    the model on noise, and therefore only when it is named here.

    Raises:
        TypeError, ValueError: as :func:`trace_model`; also for an unknown rule.
    """
    from bnlint.tracer.live_models import trace_live

    plan = _plan(select)
    traced = trace_live(model, example_inputs, input_size, batch=2)
    project = Project()
    graph = _graph(traced, project)
    if select is not None and any(rule.id == SIGNAL_RULE for rule in plan.rules):
        graph = replace(
            graph, signal=signal_propagation(model, *example_inputs, input_size=input_size)
        )
    span = graph.site.span if graph.site.path else start_of(graph.name)
    attempt = Attempt(graph.name, span, graph, traced.record)
    return list(engine.lint_models([attempt], project, plan).findings)


def signal_propagation(model: Any, *example_inputs: Any, input_size: Sizes | None = None) -> Signal:
    """Feed a model with noise and measure each residual block (arXiv 2101.08692).

    Give tensors to use those instead, or the size of the noise. The model is left as it was.

    Raises:
        TypeError, ValueError: as :func:`trace_model`; also for a model without real parameters.
    """
    from bnlint.tracer.live_models import trace_live
    from bnlint.tracer.signal.measuring import measure

    traced = trace_live(model, example_inputs, input_size, batch=8)
    return measure(model, traced.inputs.tensors, traced.recording)


def _graph(traced: "Trace", project: Project) -> TracedModel:
    graph = model_graph(traced.record, project)
    values = {field.name: getattr(graph, field.name) for field in fields(ModelGraph)}
    return TracedModel(**values, graph_module=traced.recording.module)


def _plan(select: Iterable[str] | None) -> LintOptions:
    if isinstance(select, str):
        raise TypeError('`select` must be a list of rules such as ["BN201"], not a text')
    words = None if select is None else tuple(select)
    try:
        return LintOptions(registry.chosen(RuleChoice(), RuleChoice(words, origin="`select`")))
    except UsageError as misuse:
        raise ValueError(str(misuse)) from None
