"""What the words of a command line mean to a parser, asked of argparse itself.

Its actions only take down what they are given; nothing of the program is called, no file is opened.
"""

import argparse
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

from bnlint.immutable import immutable

MOST_WORDS = 256
"""Of a command line; argparse matches positional arguments by a pattern that may have to go back."""
LONGEST_WORD = 10_000
MOST_OPEN = 3
"""Positional arguments of any number of words, for the same reason."""
MOST_NUMBERED = 256
MOST_RULES = 4_000
"""Of a grammar, with those of all its commands; a rule counts as often as it has names."""
READING = 24
"""What it weighs to let argparse read a word, or to tell it a rule."""


class Refused(Exception):
    """The program ends with this message; argparse's own, where it is one of its errors."""


class NotReadable(Exception):
    """It takes more than is known, or than is looked at, to read the words."""


@dataclass(slots=True, eq=False)
class GrammarRule:
    """One ``add_argument``. ``settings`` are those that say how many words it takes, and which.

    Besides those of argparse, ``ends`` is of one that ends the program, and ``takes_none`` of a
    positional argument that has no default and may have no words.
    ``kind`` converts a word; without it, words stay strings. ``owner`` is the caller's own.
    """

    flags: tuple[str, ...]
    settings: Mapping[str, Any]
    kind: type | None = None
    choices: Collection[object] | None = None
    exclusive: object = None
    one_is_required: bool = False
    """Whether one of those that exclude each other has to be given."""
    owner: object = None


@dataclass(slots=True, eq=False)
class Grammar:
    """A parser: its own settings, its rules, and the parsers of its commands by name."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    rules: list[GrammarRule] = field(default_factory=list)
    commands: Mapping[str, "Grammar"] = field(default_factory=dict)
    command_settings: Mapping[str, Any] = field(default_factory=dict)
    owner: object = None


def extent(grammar: Grammar) -> int:
    """How many rules a grammar has with its commands, by each of their names."""
    return _extent(grammar, {})


def _extent(grammar: Grammar, known: dict[Grammar, int]) -> int:
    if grammar not in known:
        own = 1 + sum(max(1, len(rule.flags)) for rule in grammar.rules)
        known[grammar] = own + sum(_extent(c, known) for c in grammar.commands.values())
    return known[grammar]


@immutable
class Word:
    """A word of the command line and what it is converted to."""

    text: str
    value: object

    def __repr__(self) -> str:
        return repr(self.value)

    def __str__(self) -> str:
        return str(self.value)


class _Marker:
    """Stands for something that only the caller knows."""


CONSTANT = _Marker()
"""The ``const`` of an option whose value is left out."""
_DEFAULT = _Marker()


@immutable
class Given:
    """An argument that was given: by which flag, with which words."""

    rule: GrammarRule
    values: Any
    flag: str | None

    @property
    def words(self) -> list[Word]:
        """Its words in order."""
        values = self.values if isinstance(self.values, list) else [self.values]
        return [value for value in values if isinstance(value, Word)]

    def __str__(self) -> str:
        return " ".join([*([self.flag] if self.flag else []), *(w.text for w in self.words)])


@dataclass(slots=True)
class Reading:
    """What a command line gives, in order; the parsers that took part, and the words left over.

    ``commands`` are the names of commands by the attribute that they become.
    """

    given: list[Given]
    entered: list[Grammar]
    commands: dict[str, object]
    rest: list[str]


class _TakesDown(argparse.Action):
    """An action that only says that it was given, and with what."""

    def __init__(self, rule: GrammarRule, log: list[Given], **settings: Any) -> None:
        super().__init__(**settings)
        self.rule, self.log = rule, log

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        if values is not _DEFAULT:
            self.log.append(Given(self.rule, values, option_string))


class _Parser(argparse.ArgumentParser):
    """A parser that prints nothing and ends nothing."""

    entered: list[Grammar]
    grammar: Grammar

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        self.entered.append(self.grammar)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        raise Refused(message)

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        raise Refused("with these arguments it only prints how it is used")

    def print_help(self, file: Any = None) -> None:
        pass


class _Choices:
    """The values that an argument may have, for words that are already converted."""

    def __init__(self, values: Collection[object]) -> None:
        self.values = values

    def __contains__(self, word: object) -> bool:
        return word is _DEFAULT or (isinstance(word, Word) and word.value in self.values)

    def __iter__(self) -> Iterator[object]:
        return iter(self.values)


def read(
    grammar: Grammar, words: Sequence[str], *, partly: bool = False, intermixed: bool = False
) -> Reading:
    """Read the words; ``partly`` leaves those over that no rule takes.

    Raises:
        Refused: the program ends.
        NotReadable: the words or the rules are too many, or argparse does not take the rules.
    """
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        raise NotReadable
    if extent(grammar) > MOST_RULES:
        raise NotReadable
    given: list[Given] = []
    entered: list[Grammar] = []
    try:
        parser = _built(grammar, given, entered)
        method = parser.parse_known_intermixed_args if intermixed else parser.parse_known_args
        namespace, rest = method(list(words), argparse.Namespace())
    except Refused:
        raise
    except Exception:
        raise NotReadable from None
    if rest and not partly:
        raise Refused("unrecognized arguments: " + " ".join(rest))
    commands = {k: v for k, v in vars(namespace).items() if v is not _DEFAULT}
    return Reading(given, list(dict.fromkeys(entered)), commands, rest)


def _built(
    grammar: Grammar, log: list[Given], entered: list[Grammar], parser: _Parser | None = None
) -> _Parser:
    parser = parser or _Parser(prog="", **grammar.settings)
    parser.grammar, parser.entered = grammar, entered
    _require_readable(grammar.rules)
    groups: dict[object, Any] = {}
    for rule in grammar.rules:
        target: Any = parser
        if rule.exclusive is not None:
            if rule.exclusive not in groups:
                made = parser.add_mutually_exclusive_group(required=rule.one_is_required)
                groups[rule.exclusive] = made
            target = groups[rule.exclusive]
        _add(target, rule, log)
    if grammar.commands:
        settings: dict[str, Any] = {"dest": argparse.SUPPRESS, **grammar.command_settings}
        commands = parser.add_subparsers(parser_class=_Parser, prog="", **settings)
        for name, command in grammar.commands.items():
            _built(command, log, entered, commands.add_parser(name, prog="", **command.settings))
    return parser


def _require_readable(rules: Sequence[GrammarRule]) -> None:
    numbers = [rule.settings.get("nargs") for rule in rules]
    positional = [n for rule, n in zip(rules, numbers, strict=True) if not _is_option(rule)]
    if sum(isinstance(n, str) for n in positional) > MOST_OPEN:
        raise NotReadable
    if any(isinstance(number, int) and number > MOST_NUMBERED for number in numbers):
        raise NotReadable


def _is_option(rule: GrammarRule) -> bool:
    return any(not flag[:1].isidentifier() for flag in rule.flags)


def _add(target: Any, rule: GrammarRule, log: list[Given]) -> None:
    settings = dict(rule.settings)
    if rule.choices is not None:
        settings["choices"] = _Choices(rule.choices)
    if settings.pop("ends", False):
        target.add_argument(*rule.flags, action="help")
        return
    settings["type"] = _converter(rule.kind)
    if settings.get("nargs") == argparse.OPTIONAL and _is_option(rule):
        settings["const"] = CONSTANT
    if not settings.pop("takes_none", False):  # argparse words an error by whether there is one
        settings["default"] = _DEFAULT
    target.add_argument(*rule.flags, action=_TakesDown, rule=rule, log=log, **settings)


def _converter(kind: type | None) -> Any:
    def convert(text: str) -> Word:
        return Word(text, text if kind is None else kind(text))

    convert.__name__ = "str" if kind is None else kind.__name__
    return convert
