"""``bnlint trace`` and ``bnlint signal``: one model by its name, built and traced."""

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import click

from bnlint import registry
from bnlint.api import SIGNAL_RULE
from bnlint.cli.child import child_of
from bnlint.cli.options import ModelOptions, SignalOptions, TraceOptions
from bnlint.cli.progress import waiting
from bnlint.cli.reporting import FOR_PEOPLE, report, require_matplotlib, require_place_for, status
from bnlint.cli.terminal import look_for
from bnlint.config import closest
from bnlint.diagnostics import start_of
from bnlint.errors import UsageError
from bnlint.facts.types import signal as signals
from bnlint.facts.types.graph import ModelGraph
from bnlint.lint import atomic_writing, engine
from bnlint.lint.configured import plan_of
from bnlint.lint.engine import Result
from bnlint.lint.selection import LintOptions
from bnlint.lint.trace_program import Attempt, attempt_of
from bnlint.registry import RuleChoice
from bnlint.report import FORMATS, graph_drawing, layer_table, signal_json, signal_table
from bnlint.report.graph_drawing import require_graph_ending
from bnlint.report.pictures import require_ending
from bnlint.source import Project
from bnlint.tracer.building.targets import TraceTarget, parse_argument, parse_size, parse_target
from bnlint.tracer.child.failure_reasons import TOOK_MORE
from bnlint.tracer.child.protocol import UNREADABLE, JobAnswer
from bnlint.visible import display_path, visible


def trace(options: TraceOptions) -> int:
    """Build a model, trace it, lint its graph, and return the exit status."""
    for place in filter(None, (options.output, options.graph)):
        require_place_for(place)
    if options.graph is not None:
        require_graph_ending(options.graph)
    target = parse_target(options.target)
    config = closest(_folder_of(target))
    plan = plan_of(
        config,
        select=options.select,
        ignore=options.ignore or (),
        pedantic=options.pedantic,
        lint_tests=options.lint_tests,
    )
    answer = _ask(target, options, "graph")
    _stop_without_trace(answer, options, f"`{options.target}` could not be traced")
    project = Project()
    attempt = attempt_of(answer, target.name, start_of(_path_of(target)), project)
    result = engine.lint_models([attempt], project, plan)
    assert attempt.graph is not None
    if options.layers and options.form in FOR_PEOPLE:
        look = look_for(sys.stdout, None, ())
        click.echo(layer_table.text(attempt.graph, look, options.depth), nl=False)
    report(result, options)
    if options.graph is not None:
        _write_graph(attempt.graph, result, options.graph, options.depth)
    return status(result, options, config)


def _write_graph(graph: ModelGraph, result: Result, path: Path, depth: int | None) -> None:
    rules: dict[str, list[str]] = {}
    for finding in result.findings:
        rules.setdefault(finding.layer or "", []).append(finding.rule)
    written = graph_drawing.text(graph, path.suffix.lower(), depth, rules)
    atomic_writing.write_text(path, written)
    click.echo(visible(f"Wrote {path}."), err=True)


def signal(options: SignalOptions) -> int:
    """Build a model, measure how its signal propagates, and return the exit status."""
    if options.plot is not None:
        require_place_for(options.plot)
        require_ending(options.plot)
        require_matplotlib()
    target = parse_target(options.target)
    answer = _ask(target, options, "signal")
    _stop_without_trace(answer, options, f"the signal of `{options.target}` could not be measured")
    if answer.signal is None:
        raise UsageError(f"the signal of `{options.target}` could not be measured")
    project = Project()
    attempt = attempt_of(answer, target.name, start_of(_path_of(target)), project)
    assert attempt.graph is not None
    measured = _measured(answer.signal, options.target)
    measured = replace(measured, problems=attempt.graph.problems or measured.problems)
    if measured.problems and not measured.blocks:
        reason = measured.problems[0]
        raise UsageError(f"the signal of `{options.target}` could not be measured: {reason}")
    look = look_for(sys.stdout, None, ())
    guessed = not options.inputs
    table = signal_table.text(measured, look, every=options.every, guessed=guessed)
    click.echo(signal_json.text(measured) if options.form == "json" else table, nl=False)
    if options.plot is not None:
        from bnlint.report import signal_plot

        signal_plot.save({measured.model: measured}, options.plot)
        click.echo(visible(f"Wrote {options.plot}."), err=True)
    result = _judged(replace(attempt.graph, signal=measured), attempt, project)
    if result.findings and options.form == "text":
        click.echo("\n" + FORMATS["text"](result, look), nl=False)
    return int(bool(result.findings))


def _measured(data: object, target: str) -> signals.Signal:
    try:
        return signals.from_json(data)
    except ValueError:
        raise UsageError(
            f"the signal of `{target}` could not be measured: it {UNREADABLE}"
        ) from None


def _judged(graph: ModelGraph, attempt: Attempt, project: Project) -> Result:
    """What the rule that needs a measured signal says of it; the table tells all else."""
    plan = LintOptions(registry.chosen(RuleChoice(), RuleChoice([SIGNAL_RULE])))
    result = engine.lint_models([replace(attempt, graph=graph)], project, plan)
    found = tuple(finding for finding in result.findings if finding.rule == SIGNAL_RULE)
    return replace(result, findings=found, attempts=())


def _ask(target: TraceTarget, options: ModelOptions, measure: str) -> JobAnswer:
    given = dict(parse_argument(argument) for argument in options.arguments)
    sizes = [parse_size(size, options.dtype) for size in options.inputs]
    job: Mapping[str, object] = {
        "build": {"target": target.to_json(given)},
        "home": str(_folder_of(target)),
        "inputs": [size.to_json() for size in sizes] or None,
        "measure": measure,
    }
    with child_of(options) as child, waiting("Building and running the model"):
        return child.ask(job)


def _stop_without_trace(answer: JobAnswer, options: ModelOptions, what: str) -> None:
    """Raise :class:`UsageError` with the reason, and a remedy, if there is no graph at all."""
    if answer.trace is not None:
        return
    failure = answer.failure
    reason = failure.reason if failure is not None else "it gave no answer"
    place = failure.place if failure is not None else None
    where = f" ({display_path(Path(place.file))}:{place.line})" if place is not None else ""
    raise UsageError(f"{what}: {reason}{where}{_remedy(reason, options)}")


def _remedy(reason: str, options: ModelOptions) -> str:
    """What to try where time ran out."""
    if not reason.startswith(TOOK_MORE):
        return ""
    fed = " and ".join(options.inputs) or "the guessed input"
    more = f"--timeout {5 * options.timeout}"
    return f" with {fed}; give a smaller --input, or more time with {more}"


def _folder_of(target: TraceTarget) -> Path:
    return Path(target.file).parent if target.file is not None else Path.cwd()


def _path_of(target: TraceTarget) -> str:
    return display_path(Path(target.file)) if target.file is not None else target.module or ""
