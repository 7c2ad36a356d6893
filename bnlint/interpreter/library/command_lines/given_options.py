"""argparse: what the words of a command line give, by what a parser has been told."""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bnlint.interpreter.core.knowledge import is_known
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.script_options import unknown_option
from bnlint.interpreter.core.values import Library, Unknown, Value
from bnlint.interpreter.evaluation.allowance import NotPlain, TooLarge
from bnlint.interpreter.evaluation.command_grammar import (
    CONSTANT,
    READING,
    Given,
    Grammar,
    GrammarRule,
    NotReadable,
    Refused,
    Word,
    extent,
    read,
)
from bnlint.interpreter.evaluation.plain import plain
from bnlint.interpreter.library.command_lines.parser_declarations import (
    COMMAND,
    COMMANDS,
    EXCLUSIVE,
    Declaration,
    Subparsers,
    converted,
    declarations_of,
    destination_of,
    is_open,
    lineage,
    options_of,
)

KINDS: Mapping[str, type] = {f"builtins.{t.__name__}": t for t in (int, float, complex, str, bool)}
WORDS: Mapping[str, str] = {
    "argparse.OPTIONAL": argparse.OPTIONAL,
    "argparse.ZERO_OR_MORE": argparse.ZERO_OR_MORE,
    "argparse.ONE_OR_MORE": argparse.ONE_OR_MORE,
    "argparse.REMAINDER": argparse.REMAINDER,
    "argparse.PARSER": argparse.PARSER,
}
MOST_CHOICES = 1_000
WITHOUT_WORDS = frozenset(
    {"store_true", "store_false", "store_const", "append_const", "count", "boolean"}
)
STORING = frozenset({"store", "append", "extend"})


@dataclass(slots=True)
class GivenOptions:
    """The attributes of a namespace, and the words that are left over, where they are known."""

    options: dict[str, Value]
    rest: list[str] | None


def given_options(
    m: Machine, parser: Instance, words: Sequence[str], method: str, source: str
) -> GivenOptions | None:
    """What a parser makes of words; ``None`` where that is not known.

    ``source`` says in messages where the words come from.

    Raises:
        Refused: the program ends.
    """
    grammars = _Grammars(m)
    try:
        grammar = grammars.of(parser)
        if not m.allowance.takes(READING * (extent(grammar) + len(words))):
            return None
        reading = read(
            grammar,
            words,
            partly="known" in method or grammars.open,
            intermixed="intermixed" in method,
        )
    except NotReadable:
        return None
    except Refused:
        if grammars.open:
            return None
        raise
    found: dict[str, Value] = {}
    for entered in reading.entered:
        assert isinstance(entered.owner, Instance)
        found |= _defaults(m, entered.owner)
    found |= reading.commands
    for given in reading.given:
        _enter(m, found, given, source)
    return GivenOptions({k: v for k, v in found.items() if not _is_left_out(v)}, reading.rest)


def _defaults(m: Machine, parser: Instance) -> dict[str, Value]:
    """What the attributes of a namespace are before any option is given."""
    found = options_of(m, parser)
    found.pop(COMMANDS, None)
    command = found.pop(COMMAND, None)
    named = command.arguments.keywords.get("dest") if isinstance(command, Subparsers) else None
    if isinstance(named, str):
        found[str(named)] = None
    return found


def _is_left_out(value: Value) -> bool:
    return isinstance(value, Library) and value.path == "argparse.SUPPRESS"


class _Grammars:
    """Turns parsers of the program into grammars; ``open`` tells whether all of it is known."""

    def __init__(self, m: Machine) -> None:
        self.m = m
        self.open = False
        self._known: dict[Instance, Grammar] = {}

    def of(self, parser: Instance, depth: int = 4) -> Grammar:
        """The grammar of a parser, one for all of its names; raises :class:`NotReadable`."""
        known = self._known.get(parser)
        if known is not None:
            return known
        made = self._known[parser] = Grammar(self._settings(parser), owner=parser)
        for one in lineage(parser):
            self.m.step()
            self.open = self.open or is_open(one) or not one.resolved
            made.rules += [self._rule(declaration) for declaration in declarations_of(one)]
        command, commands = parser.attributes.get(COMMAND), parser.attributes.get(COMMANDS)
        if isinstance(command, Subparsers) and isinstance(commands, dict):
            if not depth:
                raise NotReadable
            made.command_settings = self._plain(command.arguments, "dest", "required", "metavar")
            made.commands = {
                str(name): self.of(value, depth - 1)
                for name, value in commands.items()
                if isinstance(value, Instance)
            }
        return made

    def _settings(self, parser: Instance) -> dict[str, object]:
        found: dict[str, object] = {}
        for name in ("prefix_chars", "allow_abbrev", "add_help", "fromfile_prefix_chars"):
            bound = parser.arguments.get(name)
            if bound is None:
                continue
            if name == "fromfile_prefix_chars" or not isinstance(bound.value, str | bool):
                raise NotReadable
            found[name] = bound.value
        return found | {"conflict_handler": "resolve"}

    def _plain(self, arguments: "Declaration | object", *names: str) -> dict[str, object]:
        keywords = getattr(arguments, "keywords", {})
        return {n: keywords[n] for n in names if n in keywords and is_known(keywords[n])}

    def _rule(self, declaration: Declaration) -> GrammarRule:
        arguments, group = declaration.arguments, declaration.group
        keywords = arguments.keywords
        self.open = self.open or arguments.opened
        if len(declaration.flags) < len(arguments.positional) or not declaration.flags:
            raise NotReadable
        action = action_of(declaration)
        settings = self._plain(arguments, "dest", "required", "metavar")
        flags = tuple(str(flag) for flag in declaration.flags)
        if action in ("help", "version"):
            settings["ends"] = True
        elif action in WITHOUT_WORDS:
            settings["nargs"] = 0
        elif (nargs := keywords.get("nargs")) is not None:
            settings["nargs"] = _number_of_words(nargs)
            if nargs == "*" and "default" not in keywords:
                settings["takes_none"] = declaration.option.isidentifier()
        if action == "boolean":
            flags += tuple("--no-" + flag[2:] for flag in flags if flag.startswith("--"))
        kind = KINDS.get(getattr(keywords.get("type"), "path", ""))
        words = action in STORING and (kind is not None or keywords.get("type") is None)
        exclusive = group if group.library == EXCLUSIVE else None
        required = group.arguments.get("required") if exclusive is not None else None
        return GrammarRule(
            flags,
            settings,
            kind,
            self._choices(keywords.get("choices")) if words else None,
            exclusive,
            required is not None and required.value is True,
            declaration,
        )

    def _choices(self, value: Value) -> list[object] | None:
        if isinstance(value, range) and len(value) > MOST_CHOICES:
            return None
        if not isinstance(value, list | tuple | set | frozenset | dict | range):
            return None
        try:
            known = plain(list(value), self.m.allowance)
        except (NotPlain, TooLarge):
            return None
        return known if isinstance(known, list) else None


def _number_of_words(nargs: Value) -> int | str:
    word = WORDS.get(nargs.path) if isinstance(nargs, Library) else nargs
    if isinstance(word, bool) or not isinstance(word, int | str):
        raise NotReadable
    return word


def action_of(declaration: Declaration) -> str:
    """The name of an action; ``""`` for one of the program's own."""
    match declaration.arguments.keywords.get("action", "store"):
        case str() as name:
            return str(name)
        case Library(path="argparse.BooleanOptionalAction"):
            return "boolean"
    return ""


def _enter(m: Machine, found: dict[str, Value], given: Given, source: str) -> None:
    """Do what the action of an option does."""
    declaration = given.rule.owner
    assert isinstance(declaration, Declaration)
    destination = destination_of(declaration)
    if destination is None:
        return
    keywords, before = declaration.arguments.keywords, found.get(destination)
    match action_of(declaration):
        case "store":
            value = _value(m, given, source)
        case "store_const":
            value = keywords.get("const")
        case "store_true":
            value = True
        case "store_false":
            value = False
        case "boolean":
            value = not (given.flag or "").startswith("--no-")
        case "count":
            value = 1 if before is None else Unknown("count")
            if isinstance(before, int):
                value = int(before) + 1
        case "append":
            value = _extended(before, [_value(m, given, source)])
        case "append_const":
            value = _extended(before, [keywords.get("const")])
        case "extend":
            added = _value(m, given, source)
            value = _extended(before, added if isinstance(added, list) else [added])
        case _:
            value = unknown_option(declaration.option)
    found[destination] = value


def _extended(before: Value, added: list[Value]) -> Value:
    if before is None:
        return added
    return [*before, *added] if isinstance(before, list) else Unknown("items of an option")


def _value(m: Machine, given: Given, source: str) -> Value:
    declaration = given.rule.owner
    assert isinstance(declaration, Declaration)
    kind = declaration.arguments.keywords.get("type")
    written = f"`{given}`, {source}"

    def value_of(word: object) -> Value:
        if word is CONSTANT:
            constant = declaration.arguments.keywords.get("const")
            return converted(m, kind, constant, declaration.site)
        assert isinstance(word, Word)
        known = given.rule.kind is not None
        made = word.value if known else converted(m, kind, word.text, declaration.site)
        option = declaration.option if isinstance(made, str) else None
        return with_site(made, declaration.site, option, written)

    if isinstance(given.values, list):
        return [value_of(word) for word in given.values]
    return value_of(given.values)
