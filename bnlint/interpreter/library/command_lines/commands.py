"""click and typer: functions whose parameters are options of a command line."""

from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import ATTRIBUTES, CALLS, handles
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.knowledge import is_known
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import (
    Builtin,
    Command,
    CommandMaker,
    CommandOption,
    Function,
    Instance,
    Scope,
)
from bnlint.interpreter.core.values import Arguments, Library, Unknown, Value
from bnlint.interpreter.evaluation.click_words import ClickParameter, read_click
from bnlint.interpreter.evaluation.command_grammar import READING, NotReadable, Refused
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.command_lines.fire_words import call_each
from bnlint.interpreter.library.command_lines.parsers import option_value
from bnlint.interpreter.library.command_lines.signature_options import TYPER, given_parameters

CLICK = ("click", "rich_click", "asyncclick", "cloup")
TYPER_NAMES = ("typer", "typer.params")
APPS = frozenset({"typer.Typer", "typer.main.Typer"})
KINDS: Mapping[str, type] = {
    **{f"builtins.{t.__name__}": t for t in (int, float, str, bool)},
    **{
        f"click.{n}": t
        for n, t in (("INT", int), ("FLOAT", float), ("STRING", str), ("BOOL", bool))
    },
}
PLAIN = ("is_flag", "multiple", "nargs", "count", "required", "flag_value")


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
    return CommandOption(name, value, _declared(arguments, argument=False), site)


@library_function(*(f"{package}.argument" for package in CLICK))
def _argument(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "name")
    if not isinstance(name, str):
        return Unknown("argument")
    value = arguments.keywords.get("default", Unknown(f"argument {name}"))
    declared = _declared(arguments, argument=True)
    return CommandOption(name.lower().replace("-", "_"), value, declared, site)


def _declared(arguments: Arguments, *, argument: bool) -> ClickParameter | None:
    """A parameter for click itself; ``None`` where it is not known how it reads words."""
    names = tuple(str(v) for v in arguments.positional if isinstance(v, str))
    keywords = arguments.keywords
    settings = {k: keywords[k] for k in PLAIN if k in keywords and is_known(keywords[k])}
    kind, default = keywords.get("type"), keywords.get("default")
    if isinstance(kind, Library) and kind.path in KINDS:
        settings["type"] = KINDS[kind.path]
    elif isinstance(kind, Instance) and kind.library.endswith(".Choice"):
        choices = kind.arguments.get("0") or kind.arguments.get("choices")
        if choices is None or not isinstance(choices.value, list | tuple):
            return None
        if not all(isinstance(choice, str) for choice in choices.value):
            return None
        settings["choices"] = [str(choice) for choice in choices.value]
        case = kind.arguments.get("case_sensitive")
        settings["case"] = case is None or case.value is not False
    elif isinstance(kind, Instance) and kind.library.endswith((".Path", ".File")):
        settings["type"] = str
    elif kind is not None:
        return None
    elif isinstance(default, bool | int | float) and not keywords.get("is_flag"):
        settings["type"] = next(t for t in (bool, int, float) if isinstance(default, t))
    return ClickParameter(names, settings, argument) if names else None


@library_function(*(f"{package}.{name}" for package in CLICK for name in ("command", "group")))
def _command(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return made_command(m, arguments, group=path.endswith("group"), within=None)


def made_command(
    m: Machine, arguments: Arguments, *, group: bool, within: Command | None
) -> CommandMaker | Command:
    """What ``@click.command()`` is; without brackets it has the function already."""
    first = arguments.get(0, "name")
    maker = CommandMaker(str(first) if isinstance(first, str) else None, group, within)
    return _command_of(m, maker, first) if isinstance(first, Function) else maker


def _command_of(m: Machine, maker: CommandMaker, function: Function) -> Command:
    name = maker.name or function.name.replace("_", "-").lower()
    made = Command(function, name, maker.group)
    if isinstance(maker.within, Command):
        m.heap.touch(maker.within.commands)
        maker.within.commands[name] = made
    return made


@handles(CALLS, CommandMaker)
def _make(m: Machine, maker: CommandMaker, arguments: Arguments, site: Site, scope: Scope) -> Value:
    function = arguments.get(0, "function")
    if not isinstance(function, Function):
        return function
    if isinstance(maker.within, Instance):
        name = maker.name or function.name.replace("_", "-").lower()
        m.heap.put(maker.within.attributes, name, function)
        return function
    return _command_of(m, maker, function)


@handles(ATTRIBUTES, Command)
def _of_command(m: Machine, value: Command, name: str, node: object, scope: Scope) -> Value:
    return value.function if name == "callback" else Builtin(value, name)


def call_command_method(
    m: Machine, command: Command, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """Methods of commands and groups."""
    match name:
        case "command" | "group":
            return made_command(m, arguments, group=name == "group", within=command)
        case "add_command" if isinstance(inner := arguments.get(0, "cmd"), Command):
            given = arguments.get(1, "name")
            m.heap.touch(command.commands)
            command.commands[str(given) if isinstance(given, str) else inner.name] = inner
            return None
        case "main" | "__call__":
            return m.call(command, Arguments(), site, scope)
    return Unknown(f"command {name}")


@handles(CALLS, Command)
def _call_command(
    m: Machine, command: Command, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """A command takes the command line, whatever it is called with."""
    if m.command_line.invocation is None:
        made = m.call(command.function, Arguments(), site, scope)
        m.command_line.lacks_arguments |= bool(command.commands)
        call_each(m, [*command.commands.values()], site, scope)
        return made
    return _run(m, command, m.command_line.words(), site, scope)


def _run(m: Machine, command: Command, words: list[str], site: Site, scope: Scope) -> Value:
    options = command.function.options
    declared = [option.declared for option in options]
    try:
        if None in declared or not m.allowance.takes(READING * (len(declared) + len(words))):
            raise NotReadable
        known = [d for d in declared if isinstance(d, ClickParameter)]
        given, rest = read_click(known, words, group=command.is_group)
    except NotReadable:
        given, rest = {option.name: Unknown("option") for option in options}, []
    except Refused as error:
        if m.assumptions():
            return Unknown("command")
        m.command_line.refuse(str(error))
        raise ProgramEnds from None
    keywords = {name: _value(m, command, name, value) for name, value in given.items()}
    made = m.call(command.function, Arguments([], keywords), site, scope)
    if not command.is_group or not rest:
        return made
    inner = command.commands.get(rest[0])
    if not isinstance(inner, Command):
        m.command_line.refuse(f"no such command '{rest[0]}'")
        raise ProgramEnds
    return _run(m, inner, rest[1:], site, scope)


def _value(m: Machine, command: Command, name: str, value: object) -> Value:
    option = next(option for option in command.function.options if option.name == name)
    declared = option.declared
    flag = name
    if isinstance(declared, ClickParameter) and not declared.is_argument:
        flag = max((text.partition("/")[0] for text in declared.declared), key=len)
    written = f"`{flag} {value}`" if flag.startswith("-") else f"`{value}`"
    if isinstance(value, Unknown) or option.site is None:
        return value
    return with_site(value, option.site, given_by=f"{written}, {m.command_line.source}")


# -- typer ------------------------------------------------------------------------------------


@library_function(
    *(f"{package}.{name}" for package in TYPER_NAMES for name in ("Option", "Argument"))
)
def _parameter(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``batch_size: int = typer.Option(4)``: what a parameter is unless the user says otherwise."""
    value = arguments.get(0, "default", ...)
    return Unknown("option") if value is ... else value


def call_app_method(
    m: Machine, app: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``@app.command()`` of typer."""
    if name not in ("command", "callback"):
        return Unknown(f"app {name}")
    first = arguments.get(0, "name")
    return CommandMaker(str(first) if isinstance(first, str) else None, False, app)


def run_app(m: Machine, app: Instance, site: Site, scope: Scope) -> Value:
    """``app()``: its only command, or the one that the command line names."""
    line = m.command_line
    commands = {k: v for k, v in app.attributes.items() if isinstance(v, Function)}
    words, first = line.words() if line.invocation is not None else [], 0
    if len(commands) > 1:
        if not words:
            line.lacks_arguments = True
            call_each(m, [*commands.values()], site, scope)
            return None
        if words[0] not in commands:
            line.refuse(f"no such command '{words[0]}'")
            raise ProgramEnds
        commands, first = {words[0]: commands[words[0]]}, 1
    for function in commands.values():
        given = given_parameters(m, [function], TYPER, site, first=first) or {}
        m.call(function, Arguments([], given), site, scope)
    return None
