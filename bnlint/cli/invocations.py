"""The calls of scripts that are named: after ``--``, and in the configuration."""

from collections.abc import Sequence

from bnlint.cli.options import CheckOptions
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.facts.types.invocation import Invocation
from bnlint.lint import configured
from bnlint.lint.configured import Calls
from bnlint.lint.files import absolute


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
    kept = configured.calls_of(config)
    if options.arguments is None:
        return kept
    configured.require_few(options.arguments, "after `--`")
    script = options.stdin_filename or "<stdin>" if options.paths == ("-",) else options.paths[0]
    return {absolute(script): [Invocation(options.arguments, folder=absolute("."))]}
