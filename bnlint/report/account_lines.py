"""What was understood of the program and what was not, so that silence can be judged."""

from collections.abc import Iterable, Iterator, Sequence

from bnlint.facts.types.account import Account, Gap
from bnlint.finding import Span
from bnlint.lint.engine import Result
from bnlint.style import Detail, Style
from bnlint.visible import visible

MOST_SHOWN = 2
"""Things that were not understood, and files that were not followed to their end, that are named."""


def account(result: Result, look: Style) -> str:
    """Return the lines, each with its end; nothing where no program was read."""
    told = result.account
    if told is None:
        return ""
    every = look.detail is Detail.VERBOSE
    lines = [_rehearsed(told, look), *(_listed(told) if every else ())]
    lines += _gaps(told.not_understood, look, every=every)
    if told.unfinished:
        lines += look.wrapped(unfinished(told.unfinished, every=every), indent=2)
    return "".join(f"{line}\n" for line in lines)


def _rehearsed(account: Account, look: Style) -> str:
    counted = (
        counted_as(len(account.models), "model with BatchNorm", "models with BatchNorm"),
        counted_as(len(account.training_loops), "training loop", "training loops"),
        counted_as(len(account.evaluations), "evaluation", "evaluations"),
    )
    if not account.scripts:
        head = look.paint("Rehearsed no script:", "bold")
        return f"{head} what these files define was read by itself."
    scripts = counted_as(len(account.scripts), "script", "scripts")
    return look.paint(f"Rehearsed {scripts}:", "bold") + f" {', '.join(counted)}."


def counted_as(number: int, one: str, many: str) -> str:
    """Return ``no model``, ``1 model`` or ``2 models``."""
    return f"{number or 'no'} {one if number < 2 else many}"


def _listed(account: Account) -> Iterator[str]:
    yield from (f"  script: {visible(path)}" for path in account.scripts)
    for model in account.models:
        where = f" ({place(model.span)})" if model.span is not None else ""
        yield f"  model with BatchNorm: {visible(model.type)}{where}"
    yield from (f"  training loop: {place(span)}" for span in account.training_loops)
    yield from (f"  evaluation: {place(span)}" for span in account.evaluations)


def place(span: Span) -> str:
    """Return ``path:line`` as it is printed."""
    return f"{visible(span.path)}:{span.line}"


def _gaps(gaps: Sequence[Gap], look: Style, *, every: bool) -> Iterable[str]:
    if not gaps:
        return []
    head = look.paint("Not understood:", "yellow")
    if every:
        return [head, *(line for one in gaps for line in look.wrapped(f"  {gap(one)}", indent=4))]
    more = len(gaps) - MOST_SHOWN
    rest = f"; and {more} more, which -v lists" if more > 0 else ""
    text = f"Not understood: {'; '.join(map(gap, gaps[:MOST_SHOWN]))}{rest}."
    first, *others = look.wrapped(text, indent=2)
    return [head + first.removeprefix("Not understood:"), *others]


def gap(told: Gap) -> str:
    """Return what is not known, where it is used, and the first cause."""
    elsewhere = told.cause is not None and place(told.cause) != place(told.span)
    where = f", {place(told.cause)}" if told.cause is not None and elsewhere else ""
    owner = f" of `{visible(told.owner)}`" if told.owner else ""
    return f"`{visible(told.name)}`{owner} at {place(told.span)} ({visible(told.reason)}{where})"


def unfinished(names: Sequence[str], *, every: bool = False) -> str:
    """Return which files and functions take more steps than there are for them."""
    shown = names if every else names[: MOST_SHOWN + 1]
    further = len(names) - len(shown)
    listed = ", ".join(f"`{visible(name)}`" for name in shown)
    listed += f" and {further} more" if further else ""
    what = "is" if len(names) == 1 else "are"
    return f"Not followed to the end: {listed}, which {what} too long; what comes after was not checked."
