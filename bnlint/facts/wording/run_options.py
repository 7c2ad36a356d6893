"""What a run is given that does not have its default: options, and constants that its users edit."""

import re
from collections.abc import Sequence

_NORM = re.compile(r"norm|(^|[-_])bn([-_]|$)", re.IGNORECASE)


def in_words(options: Sequence[str]) -> str:
    """``--arch resnet18 --freeze`` of a command line as one, each constant by itself."""
    line = " ".join(option for option in options if not is_constant(option))
    constants = [option for option in options if is_constant(option)]
    return " and ".join(f"`{part}`" for part in (line, *constants) if part)


def title(entry: str, options: Sequence[str]) -> str:
    """How a script is called, and which of its constants are edited, in one line."""
    line = " ".join((entry, *(option for option in options if not is_constant(option))))
    return ", ".join((line, *filter(is_constant, options)))


def is_constant(option: str) -> bool:
    """Whether it is an assignment in the script."""
    return option.split(" ")[0].isidentifier() and " = " in option


def names_normalization(options: Sequence[str]) -> bool:
    """Whether one of them says what normalises, or how: who gives it knows what the batches are like."""
    return any(_NORM.search(option.partition(" ")[0]) for option in options)
