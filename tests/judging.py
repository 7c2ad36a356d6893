"""What a linter says about a script, held against what really happens when it is run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bnlint.finding import Finding
from tests import fixing, mode_recorder
from tests.healing import harms
from tests.mode_recorder import Record, Step
from tests.random_training import SOMETIMES

COMMAND_LINES: tuple[tuple[str, ...], ...] = ((), ("--freeze",), ("--quiet",))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was wrong with the findings and fixes of one script, in words."""

    harmful: tuple[str, ...]
    false_alarms: tuple[str, ...]
    unreported: tuple[str, ...]
    findings: int
    fixes: int


def judge(code: str, folder: Path) -> Verdict:
    """Lint, fix and run a script with all its options; raises ``AssertionError`` if it crashes."""
    done = fixing.fix(code)
    before = [mode_recorder.run(code, folder, *options) for options in COMMAND_LINES]
    assert not any(record.failure for record in before), [record.failure for record in before]
    wrong: list[str] = []
    if done.after != code:
        for options, record in zip(COMMAND_LINES, before, strict=True):
            after = mode_recorder.run(done.after, folder, *options)
            found = harms(record, after, (code, done.after), done.findings)
            wrong += (f"{' '.join(options)}: {harm}" for harm in found)
    always, never = (mode_recorder.run(_decided(code, met), folder) for met in (True, False))
    return Verdict(
        tuple(dict.fromkeys(wrong)),
        tuple(_false_alarms(done.findings, [*before, always])),
        tuple(dict.fromkeys(_unreported(code, done.findings, [*before, always, never]))),
        len(done.findings),
        sum(finding.fix is not None for finding in done.findings),
    )


def _decided(code: str, met: bool) -> str:
    """The script with its conditions met in each pass of a loop, or in none: which do is not known."""
    for condition in SOMETIMES:
        code = code.replace(f"if {condition}:", f"if {met}:")
    return code


def _false_alarms(findings: Sequence[Finding], records: Sequence[Record]) -> Iterator[str]:
    """The findings about modes that no run confirms."""
    steps = [step for record in records for step in record.steps]
    for finding in findings:
        confirmed = {
            "BN301": any(_misses_eval(step, finding.span.line) for step in steps),
            "BN302": any(_misses_eval(step, finding.span.line) for step in steps),
            "BN303": any(relapsed(record) for record in records),
            "BN701": any(_is_live(step) for step in steps),
        }.get(finding.rule, True)
        if not confirmed:
            yield f"{finding.rule} in line {finding.span.line}"


def _misses_eval(step: Step, line: int) -> bool:
    return not step.trained and True in step.norms and line in step.lines


def _is_live(step: Step) -> bool:
    """Whether frozen BatchNorm layers are trained in train mode."""
    return step.trained and any(used.frozen and used.training for used in step.used)


def relapsed(record: Record) -> set[int]:
    """The lines that train in train mode at first and in eval mode later on."""
    trained: set[int] = set()
    found: set[int] = set()
    for step in record.steps:
        if step.trained and step.norms == {True}:
            trained.add(step.lines[0])
        elif step.trained and False in step.norms and step.lines[0] in trained:
            found.add(step.lines[0])
    return found


def _unreported(code: str, findings: Sequence[Finding], records: Sequence[Record]) -> Iterator[str]:
    """What happens in every run and no finding is about."""
    told = {f.span.line for f in findings if f.rule == "BN301"}
    rules = {finding.rule for finding in findings}
    evaluated = (_evaluated_in_train_mode(code, record) for record in records)
    for lines in set[tuple[int, ...]].intersection(*evaluated):
        if told.isdisjoint(lines):
            yield f"line {lines[0]} is evaluated in train mode"
    if all(relapsed(record) for record in records) and "BN303" not in rules:
        yield "training goes on in eval mode"
    if all(any(map(_is_live, r.steps)) for r in records) and "BN701" not in rules:
        yield "frozen layers are in train mode"


def _evaluated_in_train_mode(code: str, record: Record) -> set[tuple[int, ...]]:
    trained = {step.lines for step in record.steps if step.trained}
    missed = (step for step in record.steps if not step.trained and step.norms == {True})
    return {step.lines for step in missed if not _may_update(code, step)} - trained


def _may_update(code: str, step: Step) -> bool:
    """Whether it is a pass over training data with gradients on, which BN301 leaves alone.

    It may belong to a training that is not followed, or be there for the statistics.
    """
    lines = code.splitlines()
    return step.grad and any("train_loader" in lines[number - 1] for number in step.lines)
