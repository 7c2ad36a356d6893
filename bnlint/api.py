"""What ``import bnlint`` offers: the rules on live models, for notebooks and tests, and on many paths."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnlint import registry
from bnlint.config import Config
from bnlint.diagnostics import start_of
from bnlint.errors import UsageError
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.signal import Signal
from bnlint.finding import Finding, Severity
from bnlint.immutable import immutable
from bnlint.lint import engine, files
from bnlint.lint.configured import plan_of
from bnlint.lint.engine import Result
from bnlint.lint.files import Patterns
from bnlint.lint.selection import LintOptions, as_bad_as, tests_below
from bnlint.lint.trace_program import Attempt
from bnlint.lint.workers import in_this_process, over
from bnlint.source import Project
from bnlint.style import Style
from bnlint.tracer.graphs.model_graphs import model_graph

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from bnlint.tracer.record.trace_model import Trace

SIGNAL_RULE = "BN808"
Sizes = Sequence[int] | Sequence[Sequence[int]]
"""The size of one input, or those of several."""


@immutable(eq=False, slots=False)
class TracedModel(ModelGraph):
    """The graph of a live model. ``graph_module`` is the ``torch.fx.GraphModule`` behind it."""

    graph_module: Any = None

    def _repr_html_(self) -> str:
        """What a notebook shows: a table of the calls, in order."""
        cells = [(c.op, c.layer.name if c.layer else "", _size(c), _place(c)) for c in self.calls]
        rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in cells[:MOST_ROWS])
        head = "".join(f"<th>{word}</th>" for word in ("call", "layer", "output", "place"))
        left = len(cells) - MOST_ROWS
        more = f"<p>... and {left} more calls</p>" if left > 0 else ""
        return f"<p>{escape(repr(self))}</p><table><tr>{head}</tr>{rows}</table>{more}"


MOST_ROWS = 200
"""Calls of a model that a notebook shows."""


def _size(call: Call) -> str:
    return "x".join(map(str, call.shape.sizes)) if call.shape.sizes is not None else ""


def _place(call: Call) -> str:
    return f"{call.site.path}:{call.site.span.line}" if call.site is not None else ""


def _cell(text: str) -> str:
    return f"<td>{escape(text)}</td>"


def lint_paths(
    paths: Iterable[str | Path],
    *,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    pedantic: bool = False,
    executor: "Executor | None" = None,
) -> list[Finding]:
    """Lint files and folders as ``bnlint check --isolated`` does, and return what is found, in order.

    ``executor`` lints the programs, those files that imports connect, each as one job: a process pool,
    or a cluster's (``distributed.Client().get_executor()``); its workers must see the same files. The
    findings do not depend on it. Without one, this process does it.

    Raises:
        UsageError: a path does not exist or is no Python file.
        ValueError: an unknown rule.
    """
    plan = plan_by(select, ignore, unasked=())
    plan = replace(plan, likely=pedantic, is_test=tests_below(Path.cwd()))
    targets = files.find([str(path) for path in paths], Patterns(Path.cwd(), ())).targets
    own = in_this_process if executor is None else over(executor)
    return list(engine.lint(targets, plan, workers=own).findings)


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
    ignore: Iterable[str] = (),
) -> list[Finding]:
    """Lint a live model: what :func:`trace_model` takes, and the findings of the graph rules.

    ``select`` and ``ignore`` name rules as the options do; without ``select`` those run that are on
    by default. BN808 runs the model on noise, and therefore only when it is named here.

    Raises:
        TypeError, ValueError: as :func:`trace_model`; also for an unknown rule.
    """
    return list(lint_model(model, example_inputs, input_size, plan_by(select, ignore)).findings)


def assert_clean(
    model: Any,
    *example_inputs: Any,
    input_size: Sizes | None = None,
    select: Iterable[str] | None = None,
    ignore: Iterable[str] = (),
    fail_on: str = "warning",
) -> None:
    """Lint a live model in a test: what is as bad as ``fail_on`` fails it, with the report.

    Raises:
        AssertionError: something was found; its text is the report of that.
        TypeError, ValueError: as :func:`check_model`; also for an unknown severity.
    """
    if fail_on not in _LEVELS:
        raise ValueError(f"`fail_on` must be one of {', '.join(_LEVELS)}, not {fail_on!r}")
    result = lint_model(model, example_inputs, input_size, plan_by(select, ignore))
    found = tuple(as_bad_as(result.findings, fail_on))
    if found:
        from bnlint.report.text import render

        __tracebackhide__ = True
        raise AssertionError("\n" + render(replace(result, findings=found), Style()))


_LEVELS = [severity.label for severity in Severity]


def lint_model(
    model: Any, tensors: tuple[Any, ...], sizes: Sizes | None, plan: LintOptions
) -> Result:
    """Trace a live model and lint its graph; raises as :func:`trace_model`."""
    from bnlint.tracer.live_models import trace_live

    traced = trace_live(model, tensors, sizes, batch=2)
    project = Project()
    graph = _graph(traced, project)
    if any(rule.id == SIGNAL_RULE for rule in plan.rules):
        graph = replace(graph, signal=signal_propagation(model, *tensors, input_size=sizes))
    span = graph.site.span if graph.site.path else start_of(graph.name)
    attempt = Attempt(graph.name, span, graph, traced.record)
    return engine.lint_models([attempt], project, plan)


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


def plan_by(
    select: Iterable[str] | None,
    ignore: Iterable[str],
    unasked: tuple[str, ...] = (SIGNAL_RULE,),
    config: Config | None = None,
) -> LintOptions:
    """What to look for by the names of rules, on top of a configuration, where one is given.

    ``unasked`` are rules that do not run unless rules are selected. Tests are linted in full.

    Raises:
        TypeError: a text instead of a list of names.
        ValueError: an unknown rule.
    """
    for name, given in (("select", select), ("ignore", ignore)):
        if isinstance(given, str):
            raise TypeError(f'`{name}` must be a list of rules such as ["BN201"], not a text')
    words = None if select is None else tuple(select)
    left_out = (*ignore, *(unasked if words is None else ()))
    try:
        registry.require_known(words or (), "`select`")
        registry.require_known(left_out, "`ignore`")
        own = Config(Path.cwd()) if config is None else config
        return plan_of(own, select=words, ignore=left_out, lint_tests=True)
    except UsageError as misuse:
        raise ValueError(str(misuse)) from None
