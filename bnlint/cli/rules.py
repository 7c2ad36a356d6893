"""``bnlint explain``, ``bnlint rules`` and ``bnlint schema``: what bnlint says of itself."""

import json
import sys
from collections.abc import Sequence

import click

from bnlint import pages, registry
from bnlint.cli.terminal import wants_colour
from bnlint.diagnostics import Diagnostic
from bnlint.errors import UsageError
from bnlint.rule import Rule
from bnlint.style import Style, colour_of
from bnlint.urls import page

_HEAD = ("id", "name", "severity", "default", "fix")


def explain(word: str | None) -> None:
    """Print a rule's page: laid out on a terminal, else as Markdown; of several rules their list."""
    several = registry.beginning_with(word or "BN")
    if word is None or len(several) > 1:
        _table(several)
        return
    item = registry.find(word)
    if isinstance(item, Diagnostic):
        content = f"# {item.id} {item.name}\n\n*{item.severity.label}*\n\n{item.meaning}\n"
    else:
        title, _, page = pages.text(item.id).partition("\n")
        content = f"{title}\n\n*{_traits(item)}*\n{page}"
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console(no_color=not wants_colour(sys.stdout)).print(Markdown(content))
    else:
        click.echo(content, nl=False)


def listing(form: str) -> None:
    """Print all rules, as a table or as JSON."""
    rules = registry.rules().values()
    if form == "json":
        click.echo(json.dumps([_described(rule) for rule in rules], indent=2))
        return
    _table(list(rules))


def schema(word: str | None) -> None:
    """Print the JSON schema of a document that other commands write, or which documents there are.

    Raises :class:`UsageError` for another word.
    """
    from bnlint.report.json_schema import DOCUMENTS
    from bnlint.report.json_schema import schema as schema_of

    if word is None:
        width = max(map(len, DOCUMENTS))
        for name, document in DOCUMENTS.items():
            click.echo(f"{name:<{width}}  {document.command}")
        return
    if word not in DOCUMENTS:
        known = ", ".join(f"`{name}`" for name in DOCUMENTS)
        raise UsageError(f"there is no schema of `{word}`, only of {known}")
    click.echo(json.dumps(schema_of(word), indent=2))


def _traits(rule: Rule) -> str:
    """What a page says of its rule in a line: ``warning, on by default, safe fix``."""
    default = "on by default" if rule.default else "off by default"
    fix = f"{rule.fix.value} fix" if rule.fix else "no fix"
    return f"{rule.severity.label}, {default}, {fix}"


def _table(rules: Sequence[Rule]) -> None:
    rows = [_HEAD, *(_row(rule) for rule in rules)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    look = Style(wants_colour(sys.stdout))
    colours = ["bold", *(colour_of(rule.severity) for rule in rules)]
    for row, colour in zip(rows, colours, strict=True):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0] = look.paint(cells[0], colour)
        click.echo("  ".join(cells).rstrip(), color=look.colour)


def _row(rule: Rule) -> tuple[str, ...]:
    default = "on" if rule.default else "off"
    return rule.id, rule.name, rule.severity.label, default, rule.fix.value if rule.fix else "-"


def _described(rule: Rule) -> dict[str, object]:
    return {
        "id": rule.id,
        "name": rule.name,
        "severity": rule.severity.label,
        "default": rule.default,
        "fix": rule.fix.value if rule.fix else None,
        "url": page(rule.id),
    }
