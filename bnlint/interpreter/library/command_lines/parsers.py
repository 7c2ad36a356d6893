"""argparse: options whose values are their defaults, marked as such, unless they are given."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.bound_arguments import bind_loosely
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.script_options import FREEZING, unknown_option
from bnlint.interpreter.core.values import Arguments, Text, Unknown, Value
from bnlint.interpreter.evaluation.command_grammar import Refused
from bnlint.interpreter.library.command_lines.given_options import GivenOptions, given_options
from bnlint.interpreter.library.command_lines.optparse_options import add_group, in_argparses_terms
from bnlint.interpreter.library.command_lines.parser_declarations import (
    COMMAND,
    COMMANDS,
    EXCLUSIVE,
    NAMESPACE,
    OPEN,
    OPTPARSE,
    SUBPARSERS,
    Declaration,
    Subparsers,
    converted,
    declarations_of,
    declare,
    destination_of,
    options_of,
)
from bnlint.interpreter.python.construction import new_instance


def call_parser_method(
    m: Machine, parser: Instance, name: str, arguments: Arguments, site: Site
) -> Value:
    """``parser.name(...)``."""
    match name:
        case "add_argument" | "add":
            _add_argument(m, Declaration(arguments, site, parser))
            return None
        case "add_option":
            _add_argument(m, Declaration(in_argparses_terms(arguments), site, parser))
            return None
        case "add_option_group" if isinstance(group := arguments.get(0, "group"), Instance):
            return add_group(m, parser, group)
        case "add_argument_group" | "add_mutually_exclusive_group":
            kind = EXCLUSIVE if "exclusive" in name else "argument group"
            group = Instance(None, kind, parser.attributes, site)
            group.arguments = bind_loosely(arguments)
            return group
        case "add_subparsers":
            m.heap.put(parser.attributes, COMMAND, Subparsers(arguments))
            m.heap.put(parser.attributes, COMMANDS, m.new({}))
            return Instance(None, SUBPARSERS, parser.attributes, site)
        case "add_parser" if parser.library == SUBPARSERS:
            return _add_parser(m, parser, arguments, site)
        case "set_defaults":
            for key, value in arguments.keywords.items():
                if not m.command_line.gives(key):
                    m.heap.put(parser.attributes, key, value)
            return None
        case "get_default" if isinstance(named := arguments.get(0, "dest"), str):
            return options_of(m, parser).get(named)
        case "_get_optional_actions":
            return m.new([_action(m, d) for d in declarations_of(parser)])
        case "parse_args" | "parse_known_args" | "parse_intermixed_args":
            return _parse(m, parser, name, arguments, site)
    return Unknown(f"parser {name}")


def _action(m: Machine, declaration: Declaration) -> Instance:
    """What argparse keeps of an option that was declared."""
    given = declaration.arguments.keywords
    made = new_instance(m, None, "argparse.Action", declaration.site)
    made.attributes |= {name: given.get(name) for name in ("type", "default", "choices", "help")}
    made.attributes |= {
        "option_strings": m.new([*declaration.flags]),
        "dest": destination_of(declaration),
    }
    return made


def _add_parser(m: Machine, parsers: Instance, arguments: Arguments, site: Site) -> Value:
    made = new_instance(m, None, "argparse.ArgumentParser", site)
    made.arguments = bind_loosely(arguments)
    commands, aliases = parsers.attributes.get(COMMANDS), arguments.keywords.get("aliases")
    names = [arguments.get(0, "name"), *(aliases if isinstance(aliases, list | tuple) else ())]
    if aliases is not None and not isinstance(aliases, list | tuple):
        m.heap.put(parsers.attributes, OPEN, True)
    for name in names:
        if isinstance(name, str) and isinstance(commands, dict):
            m.heap.touch(commands)
            commands[str(name)] = made
    return made


def _parse(m: Machine, parser: Instance, method: str, arguments: Arguments, site: Site) -> Value:
    """The namespace that a parser fills, by the words that are given or with its defaults."""
    given = _given(m, parser, method, arguments)
    if given is None:
        given = GivenOptions(_parsed(m, parser), None)
    rest = Unknown("rest") if given.rest is None else list(given.rest)
    options = arguments.get(1, "namespace")
    if isinstance(options, Instance):
        for name, value in given.options.items():
            m.heap.put(options.attributes, name, value)
    else:
        options = Instance(None, NAMESPACE, given.options, site)
    return (options, rest) if "known" in method or _is_optparse(parser) else options


def _is_optparse(parser: Instance) -> bool:
    return parser.library.startswith(OPTPARSE)


def _given(m: Machine, parser: Instance, method: str, arguments: Arguments) -> GivenOptions | None:
    """What words give that are written in the code, or that the script is called with.

    Where they cannot be read, the options are not known; ``None`` is for the defaults.
    """
    line, own = m.command_line, arguments.get(0, "args")
    if isinstance(own, list | tuple) and own is not line.argv:
        words = [str(word) for word in own if isinstance(word, str)]
        if len(words) < len(own):
            return None
        called = bool(words) and all(getattr(word, "given_by", None) for word in own)
    elif own is None and line.invocation is not None:
        words, called = line.words(), True
    else:
        return None
    source = line.source if called else "written in the code"
    method = "parse_known_args" if _is_optparse(parser) else method
    try:
        found = given_options(m, parser, words, method, source)
    except Refused as error:
        if called and not m.assumptions():
            line.refuse(str(error))
            raise ProgramEnds from None
        found = None
    if found is not None:
        return found
    return GivenOptions({name: unknown_option(name) for name in _parsed(m, parser)}, None)


def _parsed(m: Machine, parser: Instance, depth: int = 8) -> dict[str, Value]:
    """The options of a parser: its parents', its own, and those of the command that is given.

    That is the first one unless another is being tried: one of them has to be given.
    """
    found = options_of(m, parser)
    named, commands = found.pop(COMMAND, None), found.pop(COMMANDS, None)
    if not isinstance(commands, dict) or not commands or not depth:
        return found
    name = named.arguments.keywords.get("dest") if isinstance(named, Subparsers) else None
    given = m.command_line.text("", next(iter(commands)))
    command = commands.get(given)
    if isinstance(name, str):
        found[name] = with_site(given, parser.site, "")
    return found | (_parsed(m, command, depth - 1) if isinstance(command, Instance) else {})


def _add_argument(m: Machine, declaration: Declaration) -> None:
    parser = declaration.group
    declare(m, parser, declaration)
    destination = destination_of(declaration)
    if destination is not None:
        value = option_value(
            m, destination, declaration.option, declaration.arguments, declaration.site
        )
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
    unset = option.startswith("-") and action in (None, "store") and keywords.get("default") is None
    if ("default" not in keywords or unset) and not flag:
        return action == "store_false" or _without_default(m, option, keywords, site)
    if not option.startswith("-") and "default" in keywords and "nargs" not in keywords:
        m.command_line.lacks_arguments = True  # argparse takes no default for what has to be given
    value = keywords.get("default", False)
    if value is False:
        return m.command_line.switch(name, option)
    if FREEZING.search(option) and value in (0, [0]):
        given = m.command_line.switch(name, option, 1)
        return ([1] if isinstance(value, list) else 1) if given else value
    value = converted(m, keywords.get("type"), value, site)
    if isinstance(value, Unknown):
        return unknown_option(option)
    if type(value) is str or (isinstance(value, Text) and value.constant):
        value = _text_option(m, option, value, keywords)
    return with_site(value, site, option)


def _without_default(m: Machine, option: str, keywords: dict[str, Value], site: Site) -> Value:
    given = _text_option(m, option, None, keywords)
    if given is not None:
        return with_site(converted(m, keywords.get("type"), given, site), site, option)
    if keywords.get("required") is not True and option.startswith("-"):
        return None
    m.command_line.lacks_arguments = True
    return unknown_option(option)


def _text_option(
    m: Machine, option: str, default: str | None, keywords: dict[str, Value]
) -> str | None:
    choices = keywords.get("choices")
    known = choices if isinstance(choices, list | tuple) else ()
    texts = [choice for choice in known if isinstance(choice, str)]
    return m.command_line.text(option, default, texts)
