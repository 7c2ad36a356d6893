"""What a fix did to a program: compared by what two runs recorded."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher

from bnlint.finding import Finding
from tests.mode_recorder import Record, Step

ABOUT_EVALUATION = {"BN301", "BN302"}
ABOUT_TRAINING = {"BN303", "BN304", "BN305", "BN318"}
ABOUT_FROZEN_LAYERS = {"BN701"}
ABOUT_FROZEN_NETWORKS = {"BN307"}
ABOUT_FROZEN_STATISTICS = {"BN702"}
ABOUT_ATTACKS = {"BN317"}
"""Gradients come back through an attack's forwards, but none to be trained on."""
SWITCHES_DROPOUT = "dropout of a frozen part"
"""Stands for an unsafe fix that says so."""


def harms(
    before: Record, after: Record, code: tuple[str, str], fixed: Sequence[Finding]
) -> Iterator[str]:
    """What is wrong after fixes: ``code`` is the program before and after, ``fixed`` the findings.

    A training step must be in the mode that it had, but for what the findings are about, an
    evaluation that a finding names must be in eval mode, and there must be no new exception.
    """
    if after.failure and after.failure != before.failure:
        yield f"fails with {after.failure}"
    moved = _moved(*code)
    applied = [f for f in fixed if f.fix is not None and f.fix.applicability != "display"]
    about = {f.span.line for f in applied if f.rule in ABOUT_EVALUATION}
    named = {moved[line] for line in about if line in moved}
    for step in after.steps:
        if not step.trained and True in step.norms and not named.isdisjoint(step.lines):
            yield f"line {step.lines[0]} is still evaluated in train mode"
    rules = {finding.rule for finding in fixed}  # a fix may be withheld until others are applied
    if any(f.rule == "BN701" and f.fix and f.fix.applicability == "unsafe" for f in applied):
        rules.add(SWITCHES_DROPOUT)
    if rules & ABOUT_FROZEN_NETWORKS and not any(
        s.trained and True in s.norms for s in after.steps
    ):
        yield "nothing is trained in train mode any more"
    attacked = {f.span.line for f in applied if f.rule in ABOUT_ATTACKS}
    for old, new in _pairs(before, after, moved):
        if old.lines[0] in attacked:
            continue
        yield from _changed(old, new, rules)


def _changed(old: Step, new: Step, rules: set[str]) -> Iterator[str]:
    """The layers that are not in the mode in which they were."""
    if old.trained != new.trained:
        yield f"line {new.lines[0]} is {'not ' * old.trained}trained any more"
    for was, now in zip(old.used, new.used, strict=False):
        if was.training == now.training:
            continue
        if was.training and not old.trained:
            continue  # an evaluation that is in eval mode now
        if not was.training and old.trained and rules & ABOUT_TRAINING:
            continue
        if was.training and now.frozen and rules & ABOUT_FROZEN_LAYERS:
            continue
        if was.training and rules & ABOUT_FROZEN_NETWORKS:
            continue  # that others are still trained is asked for elsewhere
        if was.training and was.is_norm and rules & ABOUT_FROZEN_STATISTICS:
            continue
        if was.training and not was.is_norm and SWITCHES_DROPOUT in rules:
            continue
        what = "trains" if old.trained else "evaluates"
        mode = "train" if now.training else "eval"
        yield f"line {new.lines[0]} {what} layer {now.layer} in {mode} mode"


def _pairs(before: Record, after: Record, moved: Mapping[int, int]) -> Iterator[tuple[Step, Step]]:
    """The forwards of both runs that stand for each other: of the same lines, in order."""
    new: dict[tuple[int | None, ...], list[Step]] = {}
    for step in after.steps:
        new.setdefault(step.lines, []).append(step)
    passed: dict[tuple[int | None, ...], int] = {}
    for step in before.steps:
        lines = tuple(moved.get(line) for line in step.lines)
        number = passed[lines] = passed.get(lines, -1) + 1
        if number < len(new.get(lines, ())):
            yield step, new[lines][number]


def _moved(before: str, after: str) -> dict[int, int]:
    """The lines of a program and where they are after it was edited."""
    old, new = ([line.strip() for line in code.splitlines()] for code in (before, after))
    found: dict[int, int] = {}
    for kind, start, stop, to, to_stop in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind == "equal" or (kind == "replace" and stop - start == to_stop - to):
            found.update((start + n + 1, to + n + 1) for n in range(stop - start))
    return found
