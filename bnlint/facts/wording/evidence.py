"""How a model came into its mode, and how the program came to a place: evidence, in words.

Evidence says first where values come from, then what happens, in order of time, and last where else
the same is to be seen, or what a remedy has to look after.
"""

from collections.abc import Iterable, Iterator

from bnlint.facts.types.context import Context, Frame
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.run import Forward, Mode, Model, ModelBuilt, Run, Switch
from bnlint.facts.types.site import Argument, Site

Proof = tuple[Site, str]
"""A place, and what happens there."""

Moment = float
"""A position among the events of a run; a call stands before the first event within it."""

Told = tuple[Moment, Proof]
"""What happens, and when."""

MOST_CALLS = 3
"""How many calls of a chain are told, the innermost ones."""


def in_time(told: Iterable[Told]) -> list[Proof]:
    """What happens, in order of time and each thing once; what is of one moment stays as it is."""
    return list(dict.fromkeys(proof for _, proof in sorted(told, key=lambda entry: entry[0])))


def where_it_comes_from(argument: Argument | None) -> Iterator[Proof]:
    """Where a value is written that came from elsewhere: an option, a constant, a configuration."""
    if argument is None or argument.origin is None:
        return
    written = f"{argument.value} is written here"
    if argument.origin.text != str(argument.value) and not argument.origin.is_number:
        written = "the value comes from here"
    if argument.option is not None:
        written = f"`{argument.option}` is {argument.value} unless it is given"
    yield argument.origin, argument.given_by or written


def how_it_came_into(run: Run, mode: Mode, model: Model) -> Iterator[Told]:
    """Where a model was switched into its mode, or where it was built in it."""
    for switch in in_order(mode):
        if switch.site is not None:
            yield switch.order, (switch.site, f"the mode is set to {mode_name(switch)} here")
        elif model.site is not None:
            what = f"built here, in {mode_name(switch)} mode"
            yield _built_at(run, model), (model.site, what)


def how_it_came(run: Run, forward: Forward) -> Iterator[Told]:
    """Where a model got the mode in which it runs, and the calls from there to its forward."""
    mode, model = forward.mode, forward.model
    yield from how_it_came_into(run, mode, model)
    known = {call for switch in mode for call in _calls(switch.context)}
    start = min((moment for moment, _ in how_it_came_into(run, mode, model)), default=-1)
    name = model.name
    for frame in forward.context.frames[-MOST_CALLS:]:
        entered = entry_of(run, frame)
        if frame.call is not None and frame.call not in known and entered > start:
            state = " and ".join(sorted({mode_name(switch) for switch in mode}))
            what = f"`{frame.function}` is called here, with `{name}` in {state} mode"
            yield entered, (frame.call, what)


def entry_of(run: Run, frame: Frame) -> Moment:
    """When a function was entered: just before the first event within it."""
    within = (e.order for e in run.events if any(around is frame for around in e.context.frames))
    return min(within, default=0) - 0.5


def _built_at(run: Run, model: Model) -> Moment:
    """When a model was built; before everything else where no event says it."""
    built = (
        event.order
        for event in run.of_type(ModelBuilt)
        if event.model.is_same(model) or event.model.site == model.site
    )
    return next(built, -1)


def in_order(mode: Mode) -> list[Switch]:
    """The ways into a mode in the order in which they happened."""
    return sorted(mode, key=lambda switch: switch.order)


def mode_name(switch: Switch) -> str:
    """``train`` or ``eval``."""
    match switch.training:
        case True:
            return "train"
        case False:
            return "eval"
        case None:
            return "unknown"


def loader_name(loaders: Iterable[Loader]) -> str:
    """What to call the data behind a forward: the loader's variable in backticks, if it has one."""
    for loader in loaders:
        if loader.names:
            return f"`{loader.names[0]}`"
    return "the loader"


def _calls(context: Context | None) -> Iterator[Site]:
    if context is not None:
        yield from (frame.call for frame in context.frames if frame.call is not None)
