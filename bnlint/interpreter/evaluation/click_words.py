"""What the words of a command line mean to a command of click, asked of click itself.

Its parameters are made anew: without callbacks, prompts, variables of the environment or files.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bnlint.immutable import immutable
from bnlint.interpreter.evaluation.command_grammar import MOST_WORDS, NotReadable, Refused

MOST_PARAMETERS = 500
LONGEST_NAME = 200
"""Of a parameter; click looks for one that is like a word that it does not know."""


@immutable
class ClickParameter:
    """A ``click.option`` or ``click.argument``: how it is declared, and what says which words it takes."""

    declared: tuple[str, ...]
    settings: Mapping[str, Any]
    is_argument: bool = False


def read_click(
    parameters: Sequence[ClickParameter], words: Sequence[str], *, group: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """The parameters that are given, by name, and for a group the words behind them.

    Raises:
        Refused: click does not take the words.
        NotReadable: it does not take the parameters, or there is too much.
    """
    import click

    if len(words) > MOST_WORDS or len(parameters) > MOST_PARAMETERS:
        raise NotReadable
    if any(len(name) > LONGEST_NAME for parameter in parameters for name in parameter.declared):
        raise NotReadable
    if "--help" in words and not group:
        raise Refused("with these arguments it only prints how it is used")
    try:
        made = [_made(parameter) for parameter in parameters]
        settings = {"allow_extra_args": group, "allow_interspersed_args": not group}
        command = click.Command("", params=made, context_settings=settings, add_help_option=False)
        context = command.make_context("", list(words))
    except click.ClickException as error:
        raise Refused(error.format_message().rstrip(".")) from None
    except Exception:
        raise NotReadable from None
    given = click.core.ParameterSource.COMMANDLINE
    names = [p.name for p in made if p.name and context.get_parameter_source(p.name) is given]
    return {name: context.params[name] for name in names}, list(context.args)


def _made(parameter: ClickParameter) -> Any:
    import click

    settings = dict(parameter.settings)
    choices = settings.pop("choices", None)
    if choices is not None:
        settings["type"] = click.Choice(choices, case_sensitive=settings.pop("case", True))
    if isinstance(settings.get("nargs"), int) and settings["nargs"] > MOST_WORDS:
        raise NotReadable
    kind = click.Argument if parameter.is_argument else click.Option
    return kind(list(parameter.declared), **settings)
