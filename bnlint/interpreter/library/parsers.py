"""argparse: options whose values are their defaults, marked as such."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.command_line import FREEZING
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.evaluation import evaluate
from bnlint.interpreter.python.construction import bind_loosely, new_instance

PARSERS = frozenset(
    {
        "argparse.ArgumentParser",
        "configargparse.ArgumentParser",
        "configargparse.ArgParser",
        "argument group",
        "argument subparsers",
    }
)
NAMESPACE = "argparse.Namespace"
SUBPARSERS = "argument subparsers"
COMMAND, COMMANDS = "<command>", "<commands>"
"""Where a parser keeps what its command becomes, and the parsers of its commands by name."""


def call_parser_method(
    m: Machine, parser: Instance, name: str, arguments: Arguments, site: Site
) -> Value:
    """``parser.name(...)``."""
    match name:
        case "add_argument":
            _add_argument(m, parser, arguments, site)
            return None
        case "add_argument_group" | "add_mutually_exclusive_group":
            group = Instance(None, "argument group", parser.attributes, site)
            return group
        case "add_subparsers":
            m.heap.put(parser.attributes, COMMAND, arguments.keywords.get("dest"))
            m.heap.put(parser.attributes, COMMANDS, m.new({}))
            return Instance(None, SUBPARSERS, parser.attributes, site)
        case "add_parser" if parser.library == SUBPARSERS:
            return _add_parser(m, parser, arguments, site)
        case "set_defaults":
            for key, value in arguments.keywords.items():
                m.heap.put(parser.attributes, key, value)
            return None
        case "parse_args" | "parse_known_args" | "parse_intermixed_args":
            options = Instance(None, NAMESPACE, _parsed(m, parser), site)
            return (options, Unknown("rest")) if "known" in name else options
    return Unknown(f"parser {name}")


def _add_parser(m: Machine, parsers: Instance, arguments: Arguments, site: Site) -> Value:
    made = new_instance(m, None, "argparse.ArgumentParser", site)
    made.arguments = bind_loosely(arguments)
    name, commands = arguments.get(0, "name"), parsers.attributes.get(COMMANDS)
    if isinstance(name, str) and isinstance(commands, dict):
        m.heap.touch(commands)
        commands[str(name)] = made
    return made


def _parsed(m: Machine, parser: Instance, depth: int = 8) -> dict[str, Value]:
    """The options of a parser: its parents', its own, and those of the command that is given.

    That is the first one unless another is being tried: one of them has to be given.
    """
    bound = parser.arguments.get("parents")
    found: dict[str, Value] = {}
    for parent in bound.value if bound is not None and isinstance(bound.value, list) else ():
        if isinstance(parent, Instance) and parent.library in PARSERS and depth:
            found |= _parsed(m, parent, depth - 1)
    found |= parser.attributes
    name, commands = found.pop(COMMAND, None), found.pop(COMMANDS, None)
    if not isinstance(commands, dict) or not commands or not depth:
        return found
    given = m.command_line.text(str(name), "", next(iter(commands)))
    command = commands.get(given)
    if isinstance(name, str):
        found[name] = with_site(given, parser.site, None)
    return found | (_parsed(m, command, depth - 1) if isinstance(command, Instance) else {})


def _add_argument(m: Machine, parser: Instance, arguments: Arguments, site: Site) -> None:
    flags = [value for value in arguments.positional if isinstance(value, str)]
    destination = arguments.keywords.get("dest")
    if not isinstance(destination, str):
        if not flags:
            return
        long = [flag for flag in flags if flag.startswith("--")]
        destination = (long or flags)[0].lstrip("-").replace("-", "_")
    option = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    value = option_value(m, destination, option, arguments, site)
    m.heap.put(parser.attributes, destination, value)


def option_value(
    m: Machine, name: str, option: str, arguments: Arguments, site: Site, *, flag: bool = False
) -> Value:
    """What an option that becomes the attribute ``name`` is, by what declares it.

    With ``flag`` it takes no value of its own.
    """
    keywords = arguments.keywords
    action = keywords.get("action")
    flag = flag or action == "store_true"
    if "default" not in keywords and not flag:
        if action == "store_false":
            return True
        required = keywords.get("required") is True or not option.startswith("-")
        return Unknown(f"option {option}") if required else None
    value = keywords.get("default", False)
    if value is False:
        return m.command_line.switch(name, option)
    if FREEZING.search(option) and value in (0, [0]):
        given = m.command_line.switch(name, option, 1)
        return ([1] if isinstance(value, list) else 1) if given else value
    kind = getattr(keywords.get("type"), "path", "")
    if isinstance(value, str) and kind in ("builtins.int", "builtins.float"):
        value = evaluate(kind, [value], m.allowance)
        if isinstance(value, Unknown):
            return Unknown(f"option {option}")
    if type(value) is str:
        value = m.command_line.text(name, option, value)
    return with_site(value, site, option)
