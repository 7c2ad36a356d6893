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
from bnlint.cli import option_groups as parameters
from bnlint.cli.options import CheckOptions, SignalOptions, TimelineOptions, TraceOptions
from bnlint.errors import UsageError, did_you_mean

ARGUMENTS = "bnlint.arguments"
"""Where click keeps what stands after ``--``."""


class _CheckByDefault(click.Group):
    """``bnlint train.py`` means ``bnlint check train.py``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" in args:
            end = args.index("--")
            ctx.meta[ARGUMENTS], args = tuple(args[end + 1 :]), args[:end] or ["check"]
            if args[0] in {*self.commands} - {"check", "timeline"}:
                raise UsageError(
                    "arguments after `--` are those of a script that is linted: `bnlint train.py -- ...`"
                )
        if args and args[0] not in {*self.commands, "-h", "--help", "--version"}:
            if not os.path.lexists(args[0]) and args[0].isalpha():
                raise UsageError(f"no such file or folder: `{args[0]}`" + self._meant(args[0]))
            args.insert(0, "check")
        return super().parse_args(ctx, args)

    def _meant(self, word: str) -> str:
        return did_you_mean(word, self.commands)


@click.group(
    cls=_CheckByDefault,
    invoke_without_command=True,
    options_metavar="",
    subcommand_metavar="[check] [OPTIONS] [PATHS]... | timeline SCRIPT | trace TARGET | signal TARGET | explain RULE | rules | schema DOCUMENT | server | mcp",
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


@commands.command(
    cls=parameters.GroupedCommand,
    short_help="Lint files and folders.",
    options_metavar="[OPTIONS]",
    epilog="Arguments after `--` go to the one script that is named before it.",
)
@click.argument("paths", nargs=-1)
@click.option("--fix", is_flag=True, help="Apply the safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix: apply unsafe fixes, too.")
@click.option(
    "--fix-imports",
    is_flag=True,
    help="With --fix: also change files that are not named, but imported.",
)
@click.option("--show-fixes", is_flag=True, help="With --fix or --diff: list the fixes.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@parameters.selection
@parameters.where
@parameters.reporting
@click.option(
    "--statistics", is_flag=True, help="Count the findings of each rule instead of listing them."
)
@click.option("--stdin-filename", metavar="FILE", help="The name of what `-` reads.")
@click.option(
    "--report-unused-ignores", is_flag=True, help="Report ignore comments that silence nothing."
)
@click.option(
    "--trace/--no-trace",
    default=None,
    help="Also build each model found and trace it with torch.fx: this runs its code, guarded.",
)
@click.option(
    "--trusted",
    is_flag=True,
    envvar="BNLINT_TRUSTED",
    help="Let the project's configuration decide about tracing.  [env: BNLINT_TRUSTED]",
)
@click.option(
    "--total-timeout",
    type=click.IntRange(1),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="After so much time no further model is traced.",
)
@click.option(
    "--summary",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write what was understood, counted and traced as JSON.",
)
@click.option(
    "--torch-version",
    metavar="X.Y",
    callback=parameters.version,
    help="The torch that is linted for.  [default: the installed one]",
)
@click.option("--show-files", is_flag=True, help="List the files that would be linted, no more.")
@click.option("--show-settings", is_flag=True, help="Print what is configured, no more.")
@click.option(
    "--baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Tell only what is not in this file.",
)
@click.option(
    "--write-baseline",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write all that is found into a file for --baseline, and exit with 0.",
)
@click.option(
    "--add-ignores",
    is_flag=True,
    help="Silence all that is found by comments in the files, and exit with 0.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="Processes that lint, where the files are several programs.  [default: the cores]",
)
@click.option(
    "--no-cache", is_flag=True, help="Neither read nor keep what came of files that do not change."
)
@parameters.cache_dir
@click.option("--watch", is_flag=True, help="Lint again whenever a file changes.")
@click.option("--timings", is_flag=True, help="Say on stderr what takes how long, rule by rule.")
@parameters.child
def check(**given: Any) -> int:
    """Lint files and folders (default: the working directory; `-` is standard input).

    Scripts are taken to be called with their default options. `bnlint train.py -- --arch resnet50
    --freeze` lints one script as it is called with these arguments.

    RULES are ids (BN301), their beginnings (BN3), names (missing-eval) or ALL, with commas.

    \b
    bnlint train.py --diff          what --fix would change
    bnlint . --select BN3 -v        one kind of rule, and all that was understood
    bnlint train.py -- --freeze     one script, called with its own options

    Exit status: 0 nothing found, 1 something found, 2 could not run.
    """
    from bnlint.cli import check

    arguments = click.get_current_context().meta.get(ARGUMENTS)
    options = CheckOptions(**given, arguments=arguments)
    if not options.watch:
        return check.check(options)
    from bnlint.cli.watch import watch

    return watch(options, check.check)


@commands.command(
    cls=parameters.GroupedCommand,
    short_help="Show what was rehearsed, in order.",
    epilog="Arguments after `--` go to the one script that is named before it.",
)
@click.argument("paths", nargs=-1, required=True)
@parameters.selection
@parameters.where
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write to a file instead."
)
@click.option(
    "--plot",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also draw it, a lane for each model: svg, png, pdf.",
)
def timeline(**given: Any) -> int:
    """Show what the rehearsal of a script saw, in order.

    Models that are built, modes, forwards, loaders, backwards, steps, what is frozen, loaded, saved
    and wrapped, what was not understood, and the findings where they hang. No code is run.
    """
    from bnlint.cli import timeline

    arguments = click.get_current_context().meta.get(ARGUMENTS)
    return timeline.timeline(TimelineOptions(**given, arguments=arguments))


@commands.command(
    cls=parameters.GroupedCommand,
    short_help="Build one model, trace it with torch.fx and lint its graph.",
)
@parameters.model
@click.option("--layers", is_flag=True, help="List the layers first, as they are called.")
@click.option(
    "--graph",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Also write the graph: dot (Graphviz), mmd (Mermaid), json.",
)
@click.option(
    "--depth",
    type=click.IntRange(1),
    metavar="NUMBER",
    help="In --layers and --graph, modules so deep stand for what is in them.",
)
@parameters.selection
@parameters.reporting
@parameters.child
def trace(**given: Any) -> int:
    """Build one model, trace it with torch.fx and lint its graph.

    TARGET is a class, a function that returns a model, or a model: `package.module:name` or
    `path/to/file.py:name`. Its code runs, guarded, in a child process.

    \b
    bnlint trace models.py:ResNet --arg depth=50 --layers --depth 2
    bnlint trace models.py:ResNet --input 8x3x64x64 --graph resnet.dot
    """
    from bnlint.cli import trace

    return trace.trace(TraceOptions(**given))


@commands.command(
    cls=parameters.GroupedCommand, short_help="Measure how the signal of a model propagates."
)
@parameters.model
@click.option(
    "--plot", metavar="FILE", type=click.Path(path_type=Path), help="Also draw it: svg, png."
)
@click.option("--all", "every", is_flag=True, help="Show every residual block.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@parameters.child
def signal(**given: Any) -> int:
    """Feed noise through a model at initialisation and tabulate its residual blocks.

    TARGET is as in `bnlint trace`. Per block: the average channel squared mean, the average channel
    variance and that of the residual branch, beside what a healthy network shows.
    """
    from bnlint.cli import trace

    return trace.signal(SignalOptions(**given))


@commands.command()
@click.argument("rule", required=False)
def explain(rule: str | None) -> None:
    """Print the page of a rule, by its id or name; list those of BN3, or all without a word."""
    from bnlint.cli import rules

    rules.explain(rule)


@commands.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text")
def rules(form: str) -> None:
    """List all rules."""
    from bnlint.cli import rules

    rules.listing(form)


@commands.command()
def server() -> None:
    """Serve an editor over standard input and output, by the language server protocol.

    Findings are shown while one types, with fixes and ignore comments to choose; the documentation says
    how editors are set up. Needs pygls: `pip install "bnlint[lsp]"`.
    """
    from bnlint.cli.extras import require

    require("pygls", "the language server", "lsp")
    from bnlint.language_server.server import serve

    serve()


@commands.command()
def mcp() -> None:
    """Serve a coding agent over standard input and output, by the model context protocol.

    It can lint files of the working directory, and texts, ask why a rule matters, see what was
    rehearsed, and let safe fixes be applied. Needs the SDK: `pip install "bnlint[mcp]"`.
    """
    from bnlint.cli.extras import require

    require("mcp", "the server for agents", "mcp")
    from bnlint.mcp_server import serve

    serve(Path.cwd())


@commands.command()
@parameters.cache_dir
def clean(cache_dir: Path | None) -> None:
    """Remove the cache of the project in the working directory."""
    from bnlint.cli import clean

    clean.clean(cache_dir)


@commands.command()
@click.argument("document", required=False)
def schema(document: str | None) -> None:
    """Print the JSON schema of what is written for programs; without a word, list the documents."""
    from bnlint.cli import rules

    rules.schema(document)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status; no exception leaves it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = commands.main(arguments, prog_name="bnlint", standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        return _refuse(error.format_message())
    except UsageError as error:
        return _refuse(str(error))
    except click.Abort:
        click.echo("Interrupted", err=True)
        return 130
    except PermissionError as error:
        return _refuse(f"permission denied: `{error.filename or 'a file'}`")
    except OSError as error:
        _drop_output()
        where = f" `{error.filename}`" if error.filename else " the output"
        return _refuse(f"cannot use{where}: {(error.strerror or str(error)).lower()}")
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        from bnlint.diagnostics import describe
        from bnlint.urls import ISSUES

        return _refuse(f"bnlint stopped with {describe(error)}; please report this at {ISSUES}")


def _drop_output() -> None:
    """Keep Python from writing what is left when it ends, where nobody takes it."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(message: str) -> int:
    from bnlint.visible import visible

    line = visible(" ".join(message.split()))
    click.echo(f"error: {line[:1].lower()}{line[1:]}", err=True)
    return 2
