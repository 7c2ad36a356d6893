"""The command line: the only code that prints, reads arguments and sets exit codes.

Only click is imported at once; what a command needs, it imports itself.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from bnlint import __version__
from bnlint.cli_options import CheckOptions, words
from bnlint.misuse import Misuse, did_you_mean


class _CheckByDefault(click.Group):
    """``bnlint train.py`` means ``bnlint check train.py``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, "-h", "--help", "--version"}:
            if not os.path.lexists(args[0]) and args[0].isalpha():
                raise Misuse(f"no such file or folder: `{args[0]}`" + self._meant(args[0]))
            args.insert(0, "check")
        return super().parse_args(ctx, args)

    def _meant(self, word: str) -> str:
        return did_you_mean(word, self.commands)


@click.group(
    cls=_CheckByDefault,
    invoke_without_command=True,
    options_metavar="",
    subcommand_metavar="[check] [OPTIONS] [PATHS]... | explain RULE | rules",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="bnlint", message="%(prog)s %(version)s")
@click.pass_context
def commands(ctx: click.Context) -> None:
    """Find BatchNorm pitfalls in PyTorch code, without running it.

    `bnlint train.py` is short for `bnlint check train.py`; see `bnlint check --help` for its options.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@commands.command(short_help="Lint files and folders.")
@click.argument("paths", nargs=-1)
@click.option("--fix", is_flag=True, help="Apply the safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix: apply unsafe fixes, too.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--select", multiple=True, callback=words, metavar="RULES", help="Run only these.")
@click.option("--ignore", multiple=True, callback=words, metavar="RULES", help="Leave these out.")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "advice", "never"]),
    help="Exit with 1 from this severity on.  [default: warning]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "concise", "json", "github"]),
    default="text",
    show_default=True,
    help="How to report.",
)
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Report to a file.")
@click.option("--pedantic", is_flag=True, help="Report also what is likely, but not proven.")
@click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found.")
@click.option("--stdin-filename", metavar="FILE", help="The name of what `-` reads.")
@click.option(
    "--report-unused-ignores", is_flag=True, help="Report ignore comments that silence nothing."
)
def check(**given: Any) -> int:
    """Lint files and folders (default: the working directory; `-` is standard input).

    RULES are ids (BN301), their beginnings (BN3), names (missing-eval) or ALL, with commas.

    Exit status: 0 nothing found, 1 something found, 2 could not run.
    """
    from bnlint import cli_check

    return cli_check.check(CheckOptions(**given))


@commands.command()
@click.argument("rule")
def explain(rule: str) -> None:
    """Print the page of a rule, by its id or name."""
    from bnlint import cli_rules

    cli_rules.explain(rule)


@commands.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def rules(form: str) -> None:
    """List all rules."""
    from bnlint import cli_rules

    cli_rules.listing(form)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; no exception leaves it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = commands.main(arguments, prog_name="bnlint", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        return _refuse(error.format_message())
    except Misuse as error:
        return _refuse(str(error))
    except click.Abort:
        click.echo("Interrupted", err=True)
        return 130
    except PermissionError as error:
        return _refuse(f"permission denied: `{error.filename or 'a file'}`")
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        from bnlint.diagnostics import describe
        from bnlint.links import ISSUES

        return _refuse(f"bnlint stopped with {describe(error)}; please report this at {ISSUES}")


def _refuse(message: str) -> int:
    line = " ".join(message.split())
    click.echo(f"error: {line[:1].lower()}{line[1:]}", err=True)
    return 2
