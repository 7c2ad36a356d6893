"""``--show-files`` and ``--show-settings``: what a run would read, and what it would go by."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields

import click

from bnlint.cli.options import CheckOptions
from bnlint.config import Config
from bnlint.lint.files import Found
from bnlint.lint.selection import LintOptions
from bnlint.visible import display_path, visible

_TABLES = ("per_file_ignores", "severity")


def show(found: Found, plan: LintOptions, config: Config, options: CheckOptions) -> int:
    """Print the files, the settings or both; the exit status is 0."""
    lines = [*(_settings(plan, config) if options.show_settings else ())]
    lines += [display_path(target.path) for target in found.targets if options.show_files]
    for line in lines:
        click.echo(visible(line))
    return 0


def _settings(plan: LintOptions, config: Config) -> Iterator[str]:
    """The table as TOML, with what it does not set, and the rules that run."""
    yield f"# {config.origin or 'no configuration: these are the defaults'}"
    yield "[tool.bnlint]"
    values = {f.name: getattr(config, f.name) for f in fields(config)}
    settings = values.pop("settings")
    values |= {f.name: getattr(settings, f.name) for f in fields(settings)}
    for name, value in values.items():
        if name not in ("root", "origin", *_TABLES) and value is not None:
            yield f"{name.replace('_', '-')} = {json.dumps(value)}"
    yield f"# rules: {' '.join(rule.id for rule in plan.rules) or 'none'}"
    yield from _table("per-file-ignores", config.per_file_ignores)
    yield from _table("severity", {word: level.label for word, level in config.severity.items()})


def _table(name: str, content: Mapping[str, object]) -> Iterator[str]:
    if content:
        yield f"[tool.bnlint.{name}]"
        yield from (f"{json.dumps(key)} = {json.dumps(value)}" for key, value in content.items())
