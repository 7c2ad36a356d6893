"""A call of a script whose command line is known."""

import shlex
from pathlib import Path

from bnlint.immutable import immutable


@immutable
class Invocation:
    """The arguments that a script is called with.

    ``origin`` names, in messages, the configuration that keeps the call beside that with the default
    options, or, if it is only ``documented``, the file that tells users to call the script so. Without
    one it was given after ``--`` and is the only one. ``folder`` is where the script is called.
    """

    arguments: tuple[str, ...]
    origin: str = ""
    folder: Path | None = None
    documented: bool = False

    def __str__(self) -> str:
        return shlex.join(self.arguments)

    @property
    def source(self) -> str:
        """Where the arguments come from, in words."""
        if self.documented:
            return f"from `{self.origin}`"
        return "from `runs`" if self.origin else "given after `--`"


@immutable
class Refusal:
    """What a script says of a command line that it does not take, in one line."""

    invocation: Invocation
    script: str
    message: str
