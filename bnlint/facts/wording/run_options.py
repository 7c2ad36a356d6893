"""What a run is given that does not have its default: options, and constants that its users edit."""

from collections.abc import Sequence


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
