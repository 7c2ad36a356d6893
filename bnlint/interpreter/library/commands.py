"""click and typer: functions whose parameters are options of a command line."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import CommandOption, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.parsers import option_value

CLICK = ("click", "rich_click", "asyncclick", "cloup")
TYPER = ("typer", "typer.params")


@library_function(*(f"{package}.option" for package in CLICK))
def _option(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``@click.option("--batch-size", default=4)``."""
    written = [value for value in arguments.positional if isinstance(value, str)]
    names = [part.strip() for text in written for part in text.split("/")[:1]]
    if not names:
        return Unknown("option")
    plain = [name for name in names if name.isidentifier()]
    long = [name for name in names if name.startswith("--")]
    name = (plain or long or names)[0].lstrip("-").replace("-", "_").lower()
    flag = arguments.keywords.get("is_flag") is True or any("/" in text for text in written)
    multiple = arguments.keywords.get("multiple") is True and "default" not in arguments.keywords
    value = (
        () if multiple else option_value(m, name, (long or names)[0], arguments, site, flag=flag)
    )
    return CommandOption(name, value)


@library_function(*(f"{package}.{name}" for package in TYPER for name in ("Option", "Argument")))
def _parameter(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``batch_size: int = typer.Option(4)``: what a parameter is unless the user says otherwise."""
    value = arguments.get(0, "default", ...)
    return Unknown("option") if value is ... else value
