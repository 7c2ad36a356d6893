"""The calls of scripts that are named: after ``--``, and in the configuration."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from bnlint.cli.options import CheckOptions
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.facts.types.invocation import Invocation
from bnlint.lint.files import absolute

MOST_RUNS = 20
"""Calls that a configuration keeps; each takes as long as the script with its default options."""
MOST_ARGUMENTS = 250
LONGEST_ARGUMENT = 10_000

Calls = Mapping[Path, Sequence[Invocation]]


def require_one_script(paths: Sequence[str]) -> None:
    """Refuse arguments of which it is not clear what script they are for."""
    if len(paths) != 1:
        named = f"{len(paths)} are named" if paths else "none is named"
        raise UsageError(f"arguments after `--` go to exactly one script, and {named} before it")
    if absolute(paths[0]).is_dir():
        raise UsageError(f"arguments after `--` go to exactly one script; `{paths[0]}` is a folder")


def calls_of(options: CheckOptions, config: Config) -> Calls:
    """The known calls by the files of their scripts.

    Raises:
        UsageError: one that the configuration keeps is malformed.
    """
    kept = _kept(config)
    if options.arguments is None:
        return kept
    _require_few(options.arguments, "after `--`")
    script = options.stdin_filename or "<stdin>" if options.paths == ("-",) else options.paths[0]
    return {absolute(script): [Invocation(options.arguments, folder=absolute("."))]}


def _kept(config: Config) -> Calls:
    if len(config.runs) > MOST_RUNS:
        raise UsageError(f"`runs` in {config.origin} has more than {MOST_RUNS} commands")
    found: dict[Path, list[Invocation]] = {}
    for command in config.runs:
        where = f"`{command}` in `runs` of {config.origin}"
        try:
            script, *arguments = shlex.split(command)
        except ValueError as error:
            reason = str(error).lower() if command.strip() else "it names no script"
            raise UsageError(f"{where} is no command: {reason}") from None
        _require_few(arguments, f"of {where}")
        file = absolute(config.root / script)
        if not os.path.isfile(file):
            raise UsageError(f"{where}: there is no script `{script}` in {config.root}")
        found.setdefault(file, []).append(Invocation(tuple(arguments), config.origin, config.root))
    return found


def _require_few(arguments: Sequence[str], where: str) -> None:
    if len(arguments) > MOST_ARGUMENTS:
        raise UsageError(f"the arguments {where} are more than {MOST_ARGUMENTS}")
    if any(len(argument) > LONGEST_ARGUMENT for argument in arguments):
        raise UsageError(f"an argument {where} is longer than {LONGEST_ARGUMENT} characters")
