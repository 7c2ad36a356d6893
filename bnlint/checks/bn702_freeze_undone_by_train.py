"""BN702: BatchNorm layers are put into eval mode once, and the next ``train()`` puts them back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from bnlint.facts.passes.mode_switches.undone_freezes import UndoneFreeze, undone_freezes
from bnlint.facts.types.run import ModelBuilt, ModeSwitched, Run, Wrapped
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import receiver_of_simple_call
from bnlint.facts.wording.evidence import Proof
from bnlint.finding import Applicability, Edit, Finding, Fix, Severity
from bnlint.rule import Rule, Settings

RULE = Rule(
    "BN702",
    "freeze-undone-by-train",
    Severity.WARNING,
    fix=Applicability.SAFE,
    reads=(undone_freezes,),
)


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report each place that freezes layers which are trained in train mode, once."""
    places: dict[Site, list[UndoneFreeze]] = defaultdict(list)
    for entry in undone_freezes(run):
        places[entry.freeze.site].append(entry)
    for entries in places.values():
        yield _finding(run, entries)


def _finding(run: Run, entries: Sequence[UndoneFreeze]) -> Finding:
    first = entries[0]
    name = first.forward.model.name
    switch = f"{first.undone.receiver or name}.train()"
    evidence = [
        *_calls_that_freeze(first.freeze),
        (first.undone.site, f"`{switch}` puts them back into train mode"),
        (first.forward.site, f"`{name}` trains here, its statistics live"),
    ]
    again = "freeze them again after every `train()`, or in an override of it"
    return RULE.at(
        first.freeze.site,
        f"BatchNorm layers of `{name}` are put into eval mode here, but `{switch}` undoes it before "
        "they are trained: they normalise by batch statistics and move the running ones that were "
        f"to stay; {again}",
        evidence=evidence,
        fix=_fix(run, entries),
    )


def _calls_that_freeze(freeze: ModeSwitched) -> Iterator[Proof]:
    frame = freeze.context.frames[-1]
    if frame.call is not None:
        yield frame.call, f"`{frame.function}` is called here and freezes them"


def _fix(run: Run, entries: Sequence[UndoneFreeze]) -> Fix | None:
    """Repeat the call that freezes after each ``train()`` that undoes it."""
    if run.options:
        return None
    lines = [_line_that_freezes(run, entry) for entry in entries]
    edits: dict[Site, Edit | None] = {}
    for entry, line in zip(entries, lines, strict=True):
        edits[entry.undone.site] = entry.undone.site.insert_after(line) if line else None
    return RULE.fixed_by("Freeze them again after `train()`", *edits.values())


def _line_that_freezes(run: Run, entry: UndoneFreeze) -> str | None:
    """The statement that freezes, if it is a call on what is switched, in the same function."""
    freeze, undone = entry.freeze, entry.undone
    depth = len(undone.context.frames)
    inner = freeze.context.frames[depth:]
    call = inner[0].call if inner else None
    if (
        call is None
        or freeze.context.assumptions
        or _frames(freeze, depth) != _frames(undone, depth)
    ):
        return None
    if receiver_of_simple_call(call.text) != undone.receiver or call.statement.text != call.text:
        return None
    return call.text if _is_the_same_model(run, entry) else None


def _is_the_same_model(run: Run, entry: UndoneFreeze) -> bool:
    """Whether a name stands for one model where it is frozen and where it is switched.

    It does not where another is built or wrapped in between, or has layers that were not frozen.
    """
    model, since = entry.undone.model, entry.freeze.order
    made: list[Wrapped | ModelBuilt] = [*run.of_type(Wrapped), *run.of_type(ModelBuilt)]
    if any(event.order > since and event.model.is_same(model) for event in made):
        return False
    return len(entry.norms) == len(entry.forward.norms)


def _frames(event: ModeSwitched, depth: int) -> tuple[Site | None, ...]:
    """The functions around an event, from the outside in, up to a depth."""
    return tuple(frame.definition for frame in event.context.frames[:depth])
