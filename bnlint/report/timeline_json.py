"""A rehearsal as programs read it: an object for each run, with all its events."""

import json
from collections import defaultdict
from collections.abc import Mapping

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.run import (
    Event,
    Forward,
    LoaderHandedOver,
    LoaderIterated,
    Model,
    ModeSwitched,
    NotUnderstood,
    Run,
    is_training,
)
from bnlint.facts.wording.events import MODES, told
from bnlint.lint.engine import Result
from bnlint.report.timeline import functions, place, runs_of
from bnlint.visible import inert_json

Json = Mapping[str, object]
_ANSWERS = {Known.YES: True, Known.NO: False, Known.UNKNOWN: None}


def text(result: Result) -> str:
    """Return a JSON array of the runs that the text shows."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for finding in result.findings:
        found[finding.span.path, finding.span.line].append(finding.rule)
    made = [_run(run, found) for run in runs_of(result)]
    return inert_json(json.dumps(made, indent=2)) + "\n"


def _run(run: Run, found: Mapping[tuple[str, int], list[str]]) -> Json:
    return {
        "entry": run.entry,
        "script": run.main,
        "options": list(run.options),
        "complete": run.complete,
        "events": [_event(event, found) for event in run.events],
    }


def _event(event: Event, found: Mapping[tuple[str, int], list[str]]) -> Json:
    site, context = event.site, event.context
    loops = [{**place(loop.site), "pass": loop.number} for loop in context.loops]
    conditions = [
        {"test": assumption.condition.site.text, "holds": assumption.holds}
        for assumption in context.assumptions
    ]
    return {
        "kind": type(event).__name__,
        **place(site),
        "text": told(event),
        "functions": functions(context),
        "loops": loops,
        "conditions": conditions,
        "models": [model.name for model in models_of(event)],
        **_details(event),
        "findings": found.get((site.path, site.span.line), []),
    }


def models_of(event: Event) -> tuple[Model, ...]:
    """The models that an event is about."""
    many = getattr(event, "models", None)
    one = getattr(event, "model", None)
    if isinstance(many, tuple):
        return many
    return (one,) if isinstance(one, Model) else ()


def _details(event: Event) -> Json:
    match event:
        case Forward():
            return {
                "mode": MODES[is_training(event.mode)],
                "gradients": _ANSWERS[event.grad],
                "trained": event.trained_on,
                "measured": _ANSWERS[event.measured],
                "batch": event.batch.number if event.batch is not None else None,
                "loaders": [_loader(loader) for loader in event.loaders],
            }
        case ModeSwitched(training=training):
            return {"mode": MODES[Known.of(training)]}
        case LoaderIterated(loader=loader) | LoaderHandedOver(loader=loader):
            return {"loaders": [_loader(loader)]}
        case NotUnderstood(reason=reason):
            return {
                "reason": reason.text,
                "cause": place(reason.place) if reason.place is not None else None,
            }
    return {}


def _loader(loader: Loader) -> Json:
    return {"name": loader.names[0] if loader.names else None, **place(loader.site)}
