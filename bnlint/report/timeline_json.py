"""A rehearsal as programs read it: an object for each run, with all its events."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Annotated, TypedDict

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.loader_events import LoaderHandedOver, LoaderIterated
from bnlint.facts.types.not_understood import NotUnderstood
from bnlint.facts.types.run import Event, Forward, Model, ModeSwitched, Run, is_training
from bnlint.facts.wording.events import MODES, told
from bnlint.lint.engine import Result
from bnlint.report.locations import PlaceJson, place
from bnlint.report.timeline_text import functions, runs_of
from bnlint.visible import inert_json

_ANSWERS = {Known.YES: True, Known.NO: False, Known.UNKNOWN: None}


LoopJson = TypedDict(
    "LoopJson", {"path": str, "line": int, "pass": Annotated[int, "its number, from 1"]}
)


class ConditionJson(TypedDict):
    """What decides whether an event happens."""

    test: str
    holds: bool


class LoaderJson(PlaceJson):
    """A loader, and where it is built."""

    name: str | None


class DetailsJson(TypedDict, total=False):
    """What only some kinds of events have."""

    mode: Annotated[str, "train, eval, or train or eval"]
    gradients: Annotated[bool | None, "whether they are recorded, null if not known"]
    trained: Annotated[bool, "whether a backward runs through it"]
    measured: Annotated[bool | None, "whether its output ends in a metric or a prediction"]
    batch: Annotated[float | None, "samples in a batch"]
    loaders: Annotated[Sequence[LoaderJson], "where the data comes from"]
    reason: Annotated[str, "why something is not known"]
    cause: Annotated[PlaceJson | None, "where the reason stands"]


class EventJson(PlaceJson, DetailsJson):
    """Something that the program does."""

    kind: Annotated[str, "the class of the event: Forward, ModeSwitched, Backward, ..."]
    text: Annotated[str, "what happens, in words"]
    functions: Annotated[Sequence[str], "around it, from the outside in"]
    loops: Annotated[Sequence[LoopJson], "around it, from the outside in"]
    conditions: Annotated[Sequence[ConditionJson], "what decides whether it happens"]
    models: Annotated[Sequence[str], "those that it is about"]
    findings: Annotated[Sequence[str], "rules that report its line"]


class RunJson(TypedDict):
    """The rehearsal of one script or function."""

    entry: str
    script: Annotated[bool, "false for a function that nothing calls"]
    options: Annotated[Sequence[str], "those that do not have their defaults"]
    complete: Annotated[bool, "false where it was too long to be followed to its end"]
    events: Annotated[Sequence[EventJson], "in order"]


def text(result: Result) -> str:
    """Return a JSON array of the runs that the text shows."""
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for finding in result.findings:
        found[finding.span.path, finding.span.line].append(finding.rule)
    made = [_run(run, found) for run in runs_of(result)]
    return inert_json(json.dumps(made, indent=2)) + "\n"


def _run(run: Run, found: Mapping[tuple[str, int], list[str]]) -> RunJson:
    return {
        "entry": run.entry,
        "script": run.main,
        "options": list(run.options),
        "complete": run.complete,
        "events": [_event(event, found) for event in run.events],
    }


def _event(event: Event, found: Mapping[tuple[str, int], list[str]]) -> EventJson:
    site, context = event.site, event.context
    loops: list[LoopJson] = [
        {"path": loop.site.path, "line": loop.site.span.line, "pass": loop.number}
        for loop in context.loops
    ]
    conditions: list[ConditionJson] = [
        {"test": assumption.condition.site.text, "holds": assumption.holds}
        for assumption in context.assumptions
    ]
    return {
        "kind": type(event).__name__,
        **place(site.span),
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


def _details(event: Event) -> DetailsJson:
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
                "cause": place(reason.place.span) if reason.place is not None else None,
            }
    return {}


def _loader(loader: Loader) -> LoaderJson:
    return {"name": loader.names[0] if loader.names else None, **place(loader.site.span)}
