"""The parameters that several commands share, in groups."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bnlint.torch_version import release

Command = Callable[..., int]
Decorator = Callable[[Command], Command]


def words(
    ctx: click.Context, param: click.Parameter, value: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Take an option apart that may be repeated and may hold several words with commas."""
    if not value:
        return None
    split = (word.strip() for text in value for word in text.split(","))
    found = tuple(word for word in split if word)
    if not found:
        raise click.UsageError(f"`{param.opts[0]}` names no rule")
    return found


def version(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Take the first two numbers of a version, ``2.4``."""
    if value is None:
        return None
    found = release(value)
    if found is None:
        raise click.UsageError(f"`{param.opts[0]}` must be a version such as 2.4")
    return found


def _group(*parts: Callable[[Any], Any]) -> Decorator:
    def decorate(command: Command) -> Command:
        for part in reversed(parts):
            command = part(command)
        return command

    return decorate


HEADINGS = {
    "Fixes": "fix unsafe_fixes fix_imports show_fixes diff report_unused_ignores",
    "What to look for": "select ignore pedantic lint_tests torch_version",
    "Problems that are there already": "baseline write_baseline add_ignores",
    "Files and configuration": "exclude config isolated stdin_filename show_files show_settings",
    "Speed": "jobs no_cache cache_dir watch",
    "Report": "layers graph depth form output plot every verbose quiet statistics summary timings fail_on exit_zero",
    "The model": "inputs dtype arguments",
    "Tracing": "trace trusted total_timeout python timeout memory pass_env",
}
"""Headings of the help, with the names of the options below them."""


class GroupedCommand(click.Command):
    """A command whose options stand below headings in its help."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write them, those without a heading last."""
        options = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
        left = {p.name: line for p in options if (line := p.get_help_record(ctx))}
        for heading, names in {**HEADINGS, "Other": " ".join(map(str, left))}.items():
            lines = [left.pop(name) for name in names.split() if name in left]
            if lines:
                with formatter.section(heading):
                    formatter.write_dl(lines)


selection = _group(
    click.option(
        "--select", multiple=True, callback=words, metavar="RULES", help="Run only these."
    ),
    click.option(
        "--ignore", multiple=True, callback=words, metavar="RULES", help="Leave these out."
    ),
    click.option("--pedantic", is_flag=True, help="Report also what is likely, but not proven."),
    click.option(
        "--lint-tests", is_flag=True, help="Judge batches, loaders and biases in test files, too."
    ),
)
"""Which findings to look for."""

where = _group(
    click.option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Leave files out, as `exclude` of the configuration does.",
    ),
    click.option(
        "--config",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The pyproject.toml or bnlint.toml to use.  [default: the closest one]",
    ),
    click.option("--isolated", is_flag=True, help="Use no configuration at all."),
)
"""Which files to lint, and by which configuration."""

cache_dir = click.option(
    "--cache-dir",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    envvar="BNLINT_CACHE_DIR",
    help="Where to keep it.  [default: .bnlint_cache; env: BNLINT_CACHE_DIR]",
)
"""Where what came of programs is kept."""

reporting = _group(
    click.option(
        "--fail-on",
        type=click.Choice(["error", "warning", "advice", "never"]),
        help="Exit with 1 from this severity on.  [default: warning]",
    ),
    click.option("--exit-zero", is_flag=True, help="Exit with 0 whatever is found."),
    click.option(
        "--format",
        "form",
        type=click.Choice(
            ["text", "concise", "html", "json", "github", "gitlab", "junit", "sarif"]
        ),
        default="text",
        show_default=True,
        help="How to report.",
    ),
    click.option(
        "--output", metavar="FILE", type=click.Path(path_type=Path), help="Report to a file."
    ),
    click.option(
        "-v", "--verbose", is_flag=True, help="List all that was understood and all that was not."
    ),
    click.option("-q", "--quiet", is_flag=True, help="Report the findings alone, no summary."),
)
"""How to report, and with which exit status."""

child = _group(
    click.option("--python", metavar="FILE", help="The Python that has torch.  [default: own]"),
    click.option(
        "--timeout",
        type=click.IntRange(1),
        default=60,
        show_default=True,
        metavar="SECONDS",
        help="Processor time that tracing one model may take.",
    ),
    click.option(
        "--memory",
        type=click.IntRange(64),
        default=4096,
        show_default=True,
        metavar="MB",
        help="Memory that tracing one model may take.",
    ),
    click.option(
        "--pass-env",
        multiple=True,
        metavar="NAME",
        help="A variable of the environment that models may see.  [default: what torch needs]",
    ),
)
"""The process that traces."""

model = _group(
    click.argument("target"),
    click.option(
        "--input",
        "inputs",
        multiple=True,
        metavar="SIZE",
        help="Size of an input, 8x3x224x224; once for each.  [default: guessed]",
    ),
    click.option("--dtype", metavar="NAME", help="Type of the inputs, such as int64."),
    click.option(
        "--arg",
        "arguments",
        multiple=True,
        metavar="NAME=VALUE",
        help="An argument of the class or function.",
    ),
)
"""Which model to build, and what to feed it with."""
