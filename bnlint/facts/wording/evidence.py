"""How a model came into its mode, and how the program came to a place: evidence, in words."""

from collections.abc import Iterable, Iterator

from bnlint.facts.types.loader import Loader
from bnlint.facts.types.run import Context, Event, Mode, Model, Switch
from bnlint.facts.types.site import Site

Proof = tuple[Site, str]
"""A place, and what happens there."""

MOST_CALLS = 3
"""How many calls of a chain are told, the innermost ones."""


def how_it_came_into(mode: Mode, model: Model) -> Iterator[Proof]:
    """Where a model was switched into its mode, or where it was built in it."""
    for switch in in_order(mode):
        if switch.site is not None:
            yield switch.site, f"the mode is set to {mode_name(switch)} here"
        elif model.site is not None:
            yield model.site, f"built here, in {mode_name(switch)} mode"


def how_it_came_here(event: Event, mode: Mode, model: Model) -> Iterator[Proof]:
    """The calls between the places where a model got its mode and an event that is about it."""
    known = {call for switch in mode for call in _calls(switch.context)}
    name = model.name
    for frame in event.context.frames[-MOST_CALLS:]:
        if frame.call is not None and frame.call not in known:
            state = " and ".join(sorted({mode_name(switch) for switch in mode}))
            what = f"`{frame.function}` is called here, with `{name}` in {state} mode"
            yield frame.call, what


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
