"""A rehearsal as people read it: what happened, in order, indented by function and loop."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from bnlint.facts.types.context import Assumption, Context, Frame, Loop
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader_events import LoaderIterated
from bnlint.facts.types.not_understood import NotUnderstood
from bnlint.facts.types.run import Event, Forward, ModeSwitched, Run, is_training
from bnlint.facts.wording.events import drawn_from, told
from bnlint.facts.wording.run_options import title
from bnlint.finding import Finding
from bnlint.immutable import immutable
from bnlint.lint.engine import Result
from bnlint.lint.text_lines import Listing
from bnlint.style import Style, colour_of
from bnlint.visible import visible

_LONGEST_CODE = 56
_LONGEST_TEST = 36
_INDENT = 2
_COLOURS = {Known.YES: "yellow", Known.NO: "cyan"}

Step = Frame | Loop


@dataclass(slots=True)
class TimelineBlock:
    """A function or a loop with what happens in it, pass by pass; or an event."""

    step: Step | None = None
    event: Event | None = None
    passes: dict[int, list["TimelineBlock"]] = field(default_factory=dict)


@immutable
class TimelineRow:
    """One line of a timeline; ``mode`` colours it, ``event`` is ``None`` for functions and loops."""

    path: str
    line: int
    depth: int
    note: str
    event: Event | None = None
    mode: Known | None = None


def text(result: Result, look: Style) -> str:
    """Return the timelines of all runs, each with a heading, with the findings where they hang."""
    left = dict.fromkeys(result.findings)
    runs = runs_of(result)
    parts = ["".join(f"{line}\n" for line in _run(run, result, left, look)) for run in runs]
    if not parts:
        return "Nothing is done with a model in these files.\n"
    return "\n".join(parts) + _elsewhere(list(left), look)


def runs_of(result: Result) -> list[Run]:
    """The runs of scripts in which something happens; where there are none, those of functions."""
    told_of = [run for run in result.runs if run.events]
    return [run for run in told_of if run.main] or told_of


def rows(run: Run) -> list[TimelineRow]:
    """The lines of one run: what is repeated at once, or in later passes of a loop, is left out."""
    return [next(same) for _, same in groupby(_rows(_tree(run), 0), key=_key)]


# -- events as a tree -------------------------------------------------------------------------


def _tree(run: Run) -> list[TimelineBlock]:
    top: list[TimelineBlock] = []
    open_blocks: list[tuple[Step, TimelineBlock]] = []
    loops = {loop.site for event in run.events for loop in event.context.loops}
    for event in run.events:
        if isinstance(event, LoaderIterated) and event.site in loops:
            continue
        steps = _steps(event.context)
        shared = _shared(open_blocks, steps)
        del open_blocks[shared:]
        for number in range(shared, len(steps)):
            block = TimelineBlock(steps[number])
            _children(top, open_blocks, steps).append(block)
            open_blocks.append((steps[number], block))
        _children(top, open_blocks, steps).append(TimelineBlock(event=event))
    return top


def _children(
    top: list[TimelineBlock],
    open_blocks: Sequence[tuple[Step, TimelineBlock]],
    steps: Sequence[Step],
) -> list[TimelineBlock]:
    """Where the next block goes: into the present pass of the innermost one that is open."""
    if not open_blocks:
        return top
    step = steps[len(open_blocks) - 1]
    number = step.number if isinstance(step, Loop) else 1
    return open_blocks[-1][1].passes.setdefault(number, [])


def _steps(context: Context) -> list[Step]:
    """The functions and loops around an event, from the outside in."""
    steps: list[Step] = []
    done = 0
    for frame in context.frames[1:]:
        steps += context.loops[done : frame.loops]
        done = max(done, frame.loops)
        steps.append(frame)
    return [*steps, *context.loops[done:]]


def _shared(open_blocks: Sequence[tuple[Step, TimelineBlock]], steps: Sequence[Step]) -> int:
    """How many of the open blocks an event is in, too; below the first later pass none is."""
    for number, ((open_step, block), step) in enumerate(zip(open_blocks, steps, strict=False)):
        if isinstance(open_step, Loop) and isinstance(step, Loop):
            if open_step.site != step.site or step.number < max(block.passes, default=1):
                return number
            if step.number > max(block.passes, default=1):
                return number + 1
        elif open_step is not step:
            return number
    return min(len(open_blocks), len(steps))


# -- the tree as rows -------------------------------------------------------------------------


def _rows(blocks: Iterable[TimelineBlock], depth: int) -> Iterator[TimelineRow]:
    for block in blocks:
        if block.event is not None:
            yield _of_event(block.event, depth)
            continue
        assert block.step is not None
        yield _of_step(block.step, depth)
        yield from _of_passes(block, depth + 1)


def _of_passes(block: TimelineBlock, depth: int) -> Iterator[TimelineRow]:
    seen: set[tuple[int, int, str]] = set()
    for number, children in sorted(block.passes.items()):
        made = list(_rows(children, depth))
        if number > 1:
            made = _news(made, seen)
            if made:
                yield TimelineRow(made[0].path, 0, depth, f"from pass {number} on:")
        seen |= {_key(row) for row in made}
        yield from made


def _key(row: TimelineRow) -> tuple[int, int, str]:
    return row.line, row.depth, row.note


def _news(made: Sequence[TimelineRow], seen: set[tuple[int, int, str]]) -> list[TimelineRow]:
    """The rows that no earlier pass has, below the functions and loops that they are in."""
    kept: list[TimelineRow] = []
    around: list[TimelineRow] = []
    for row in made:
        del around[next((i for i, r in enumerate(around) if r.depth >= row.depth), len(around)) :]
        if row.event is None:
            around.append(row)
        elif _key(row) not in seen:
            kept += [outer for outer in around if not any(outer is other for other in kept)]
            kept.append(row)
    return kept


def _of_step(step: Step, depth: int) -> TimelineRow:
    if isinstance(step, Loop):
        note = visible(drawn_from(step.loader)) if step.loader is not None else ""
        return TimelineRow(step.site.path, step.site.span.line, depth, note)
    site, definition = step.call or step.definition, step.definition
    if site is None:
        return TimelineRow("", 0, depth, step.function)
    elsewhere = definition is not None and definition.path != site.path
    note = f"in {visible(definition.path)}" if definition is not None and elsewhere else ""
    return TimelineRow(site.path, site.span.line, depth, note)


def _of_event(event: Event, depth: int) -> TimelineRow:
    mode: Known | None = None
    match event:
        case Forward():
            mode = is_training(event.mode)
        case ModeSwitched(training=training):
            mode = Known.of(training)
    line = event.site.span.line
    note = visible(told(event) + _condition(event.context.assumptions))
    return TimelineRow(event.site.path, line, depth, note, event, mode)


def _condition(assumptions: Sequence[Assumption]) -> str:
    """The innermost condition around an event."""
    inside = [assumption for assumption in assumptions if not assumption.left]
    if not inside:
        return ""
    if inside[-1].condition.choice:
        return " (one of several)"
    test = inside[-1].condition.site.text
    if "\n" in test:
        return " (perhaps)"
    short = test if len(test) <= _LONGEST_TEST else f"{test[: _LONGEST_TEST - 3]}..."
    return f" (if {short})" if inside[-1].holds else f" (unless {short})"


# -- rows as text -----------------------------------------------------------------------------


def _run(run: Run, result: Result, left: dict[Finding, None], look: Style) -> Iterator[str]:
    listings: dict[str, Listing] = {}
    made = rows(run)
    cells = [_code(row, result.texts, listings) for row in made]
    digits = len(str(max((row.line for row in made), default=1)))
    width = min(max(map(len, cells), default=0), _room(look))
    yield look.paint(_title(run), "bold")
    for row, code in zip(made, cells, strict=True):
        marks = [f for f in left if (f.span.path, f.span.line) == (row.path, row.line)]
        marks = marks if row.event is not None or row.note else []
        for finding in marks:
            del left[finding]
        yield from _line(row, code, marks, (digits, width), look)
    if not run.complete:
        yield "It is too long: what comes after was not followed."


def _title(run: Run) -> str:
    if not run.main:
        return f"{visible(run.entry)}, which nothing calls"
    return visible(title(run.entry, run.options))


def _room(look: Style) -> int:
    return min(_LONGEST_CODE, max((look.width or 2 * _LONGEST_CODE) // 2, 24))


def _code(row: TimelineRow, texts: Mapping[str, str], listings: dict[str, Listing]) -> str:
    """The code of a row's line, indented by the functions and loops around it."""
    margin = " " * (_INDENT * row.depth)
    if not row.line:
        return margin
    if row.path not in listings:
        listings[row.path] = Listing.of(texts.get(row.path, ""))
    return margin + visible(listings[row.path].line(row.line).strip())


def _line(
    row: TimelineRow, code: str, marks: Sequence[Finding], sizes: tuple[int, int], look: Style
) -> Iterator[str]:
    digits, width = sizes
    number = look.paint(f"{row.line or '':>{digits}}", "blue", "bold")
    if not row.line:
        yield f"{number}  {code}{row.note}"
        return
    short = code if len(code) <= width else f"{code[: width - 3]}..."
    start = digits + 2 + width + 2
    note, *rest = look.wrapped(" " * start + row.note, indent=start)
    colour = _tone(row)
    tail = "".join(
        "  " + look.paint(f"<- {f.rule} {f.name}", colour_of(f.severity), "bold") for f in marks
    )
    shown = look.paint(note[start:], colour) if colour else note[start:]
    yield f"{number}  {short:<{width}}  {shown}{tail}".rstrip()
    yield from rest


def _tone(row: TimelineRow) -> str:
    if isinstance(row.event, NotUnderstood):
        return "red"
    return _COLOURS.get(row.mode, "") if row.mode is not None else ""


def _elsewhere(findings: Sequence[Finding], look: Style) -> str:
    """The findings that hang at no line of a timeline: those about how models are built."""
    if not findings:
        return ""
    lines = [
        f"  {look.paint(f.rule, colour_of(f.severity), 'bold')} {f.name} at"
        f" {visible(f.span.path)}:{f.span.line}\n"
        for f in findings
    ]
    return f"\n{look.paint('Found besides:', 'bold')}\n{''.join(lines)}"


def functions(context: Context) -> list[str]:
    """The names of the functions around an event, from the outside in."""
    return [frame.function for frame in context.frames[1:]]
