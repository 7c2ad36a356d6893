"""The options of the script that is rehearsed: which are given, and which others would matter."""

from collections.abc import Callable, Container, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

import libcst as cst

from bnlint.facts.types.invocation import Invocation, Refusal
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.branches import Branch, compared, last_name, words_of
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.script_options import (
    ASSIGNED,
    FREEZING,
    Option,
    option_without_default,
)
from bnlint.interpreter.core.values import Text, Unknown, Value
from bnlint.source import SourceFile

FLAGS = frozenset({"absl.flags.FLAGS", "gflags.FLAGS"})

Seen = tuple[Mapping[Option, int], Mapping[str, int]]
"""How many branches each option opens, and in how many tables each is looked up."""
Conditional = cst.If | cst.IfExp
Origin = Callable[[cst.BaseExpression], str | None]
ToBranch = Callable[[frozenset[str]], Branch]
"""What code is a branch that has these names in it."""


@dataclass(slots=True, eq=False)
class CommandLine:
    """What a script's parser offers, and what decides about its branches."""

    given: tuple[Option, ...] = ()
    """The options that do not have their defaults in this execution."""
    constants: Container[cst.CSTNode] = ()
    """The assignments of the script that its users are to edit."""
    _by_name: dict[str, Option] = field(default_factory=dict)
    """Switches that are off, as they would be on, by the attribute they become."""
    _off: dict[str, Option] = field(default_factory=dict)
    """Constants that are true, as they would be false, by their names."""
    _texts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The flags of options that are strings, with all values that they take, where the parser says so."""
    _defaults: dict[str, str | None] = field(default_factory=dict)
    """Their defaults."""
    offered: dict[Option, list[Branch]] = field(default_factory=dict)
    """Options that are worth a try, with the branches that they open."""
    undecided: dict[Option, list[cst.BaseExpression]] = field(default_factory=dict)
    """Options that have no default, with the tests that they would decide."""
    tables: dict[str, list[Value]] = field(default_factory=dict)
    """The dicts and modules in which options are looked up, by the flags of these."""
    _compared: dict[cst.Comparison, Option | None] = field(default_factory=dict)
    """Comparisons that are false, with the option that would have made them true."""
    _noted: set[cst.CSTNode] = field(default_factory=set)
    chains: dict[cst.If, tuple[list[tuple[cst.BaseExpression, bool]], bool]] = field(
        default_factory=dict
    )
    """What the branches of if statements come to, as far as that was asked."""
    invocation: Invocation | None = None
    """The call that is being rehearsed, where its arguments are known."""
    argv: list[Value] | None = None
    """Then ``sys.argv``."""
    flags: dict[str, list[object]] = field(default_factory=dict)
    """How absl's flags are given, by their names."""
    namespace: dict[str, Value] = field(default_factory=dict)
    """Their values."""
    script: Path | None = None
    """The script that is executed."""
    was_read: bool = False
    """Whether the program has asked for what is on it."""
    lacks_arguments: bool = False
    """Whether the script has to be given some that it is not."""
    lacks_file: bool = False
    """Whether it reads a file that it has to be told the name of, and is not."""
    refusals: list[Refusal] = field(default_factory=list)
    """Calls whose arguments the program does not take."""

    def begin(self, invocation: Invocation | None, script: str, file: Path | None = None) -> None:
        """Begin an execution of a script that is called so; without a ``file``, of no script."""
        self.invocation, self.argv = invocation, None
        self.was_read = self.lacks_arguments = self.lacks_file = False
        self.script, self.flags, self.namespace = file, {}, {}
        if invocation is not None:
            self.argv = [_word(script, None)]
            self.argv += [_word(w, f"`{w}`, {self.source}") for w in invocation.arguments]

    @contextmanager
    def without_words(self) -> Iterator[None]:
        """``sys.argv`` of a call without arguments, for as long as one asks for it."""
        before, self.argv = (self.argv, self.was_read), [_word("", None)]
        try:
            yield
        finally:
            self.argv, self.was_read = before

    @property
    def situation(self) -> Hashable:
        """What is not as it is by default: what differs between executions of one script."""
        return self.given, self.invocation

    @property
    def source(self) -> str:
        """Where the arguments come from, in words."""
        return "" if self.invocation is None else self.invocation.source

    def words(self) -> list[str]:
        """The arguments of the script, as it now has them."""
        self.was_read = True
        return [str(word) for word in self.argv or () if isinstance(word, str)][1:]

    def flags_at(self, source: SourceFile) -> Instance:
        """What absl's and gflags' flags are kept in, as an object of a file."""
        return Instance(None, "argparse.Namespace", self.namespace, Site(source, source.tree))

    def refuse(self, message: str) -> None:
        """The program does not take its arguments, which a document need not know."""
        if self.invocation is not None and self.argv and not self.invocation.documented:
            self.refusals.append(Refusal(self.invocation, str(self.argv[0]), message))

    def note_file(self, path: Value) -> None:
        """A file is read: which one, nobody says where an option without a default names it."""
        cause = path
        while isinstance(cause, Unknown) and option_without_default(cause) is None:
            cause = cause.cause
        self.lacks_file |= path is None or isinstance(cause, Unknown)

    def forget(self) -> None:
        """Begin with another script, or without one."""
        self._by_name.clear()
        self._off.clear()
        self._texts.clear()
        self._defaults.clear()
        self.offered.clear()
        self.undecided.clear()
        self.tables.clear()
        self._noted.clear()
        self._compared.clear()
        self.constants = ()

    def seen(self) -> Seen:
        """How much is known of what options open."""
        return (
            {option: len(branches) for option, branches in self.offered.items()},
            {flag: len(tables) for flag, tables in self.tables.items()},
        )

    @contextmanager
    def only_since(self, before: Seen) -> Iterator[None]:
        """Have only what options open that was not ``seen`` before, for as long as one asks for it."""
        opened, looked = before
        every = self.offered, self.tables, self.undecided
        self.offered = {o: b[opened.get(o, 0) :] for o, b in self.offered.items()}
        self.offered = {o: branches for o, branches in self.offered.items() if branches}
        self.tables = {f: t[looked.get(f, 0) :] for f, t in self.tables.items()}
        self.undecided = {}
        try:
            yield
        finally:
            self.offered, self.tables, self.undecided = every

    def switch(self, name: str, flag: str, on: Value = True) -> bool:
        """Enter an option that is off by default; whether it is given."""
        option = Option(flag, on)
        self._by_name[name] = option
        if option.freezes:
            self.offered.setdefault(option, [])
        return option in self.given

    def rename(self, given: cst.CSTNode | None, value: Value, name: str) -> None:
        """A parameter or an attribute gets a value: a switch goes by its name as well.

        So does a comparison of an option with another string.
        """
        if not isinstance(value, bool):
            return
        known = self._off if value else self._by_name
        match given:
            case cst.Name() | cst.Attribute():
                option = known.get(last_name(given))
            case cst.Comparison() if not value:
                option = self._compared.get(given)
            case _:
                return
        if option is not None:
            known.setdefault(name, option)

    def note_comparison(self, node: cst.Comparison, origin: Origin) -> None:
        """A comparison is false, which may be one of an option with a string that it does not have."""
        if node not in self._compared and self._texts:
            self._compared[node] = next(self._options_in(node, origin), None)

    @property
    def has_switches(self) -> bool:
        """Whether the script has options that are off by default, or constants like them."""
        return bool(self._by_name or self._off or self._compared)

    def gives(self, name: str) -> bool:
        """Whether an attribute of the options has its value from the one that is given."""
        return any(
            self._by_name.get(name) == given or given.flag.lstrip("-").replace("-", "_") == name
            for given in self.given
        )

    def text(self, flag: str, default: str | None, choices: Sequence[str] = ()) -> str | None:
        """Enter an option that is a string, or may be one; the value that it has."""
        self._texts[flag], self._defaults[flag] = tuple(choices), default
        for given in self.given:
            if given.flag == flag and isinstance(given.value, str):
                return given.value
        return default

    def chosen(self, name: str, written: Value) -> Value:
        """Enter a constant of the script; the value that it has in this execution.

        One that freezes as it is needs no execution in which it does not.
        """
        flag = name + ASSIGNED
        if written is True and FREEZING.search(name):
            return written
        if isinstance(written, bool):
            option = Option(flag, not written)
            (self._off if written else self._by_name).setdefault(name, option)
            return written is not (option in self.given)
        if type(written) is not str:
            return written
        text = _word(self.text(flag, written) or "", None)
        text.constant = flag
        return text

    def note_untaken(
        self, node: Conditional, origin: Origin, to_branch: ToBranch = Branch, *, taken: bool
    ) -> None:
        """A condition was decided: which options would have decided otherwise?

        ``origin`` gives the flag of the option that a name in its test has its value from.
        """
        if node in self._noted or not (self._by_name or self._off or self._texts):
            return
        self._noted.add(node)
        for options, body in self._untaken(node, origin, taken=taken):
            branch = to_branch(words_of(body))
            for option in options:
                self.offered.setdefault(option, []).append(branch)

    def _untaken(
        self, node: Conditional, origin: Origin, *, taken: bool
    ) -> Iterator[tuple[Iterable[Option], cst.CSTNode]]:
        """The options that lead to a branch that was not taken, with each such branch."""
        if not taken:
            yield self._options_in(node.test, origin), node.body
            return
        if isinstance(node, cst.IfExp):
            if isinstance(node.test, cst.UnaryOperation):
                yield self._options_in(node.test.expression, origin), node.orelse
            yield self._switched_off(node.test), node.orelse
            return
        other: cst.CSTNode | None = node.orelse
        while isinstance(other, cst.If):
            yield self._options_in(other.test, origin), other.body
            other = other.orelse
        if isinstance(other, cst.Else) and isinstance(node.test, cst.UnaryOperation):
            yield self._options_in(node.test.expression, origin), other.body
        elif isinstance(other, cst.Else):
            yield (*self._left(node, origin), *self._switched_off(node.test)), other.body

    def _switched_off(self, test: cst.BaseExpression) -> list[Option]:
        """The constant that a test is, which would have to be false."""
        if not isinstance(test, cst.Name | cst.Attribute):
            return []
        option = self._off.get(last_name(test))
        return [] if option is None or option in self.given else [option]

    def note_undecided(self, test: cst.BaseExpression, origin: Origin) -> None:
        """A test is not decided: which options that are not known would decide it?"""
        if test not in self._noted and self._texts:
            self._noted.add(test)
            for option in self._options_in(test, origin):
                self.undecided.setdefault(option, []).append(test)

    def note_table(self, table: Value, key: Value, node: cst.BaseExpression | None) -> bool:
        """Something is looked up by what may be an option: whether it is one that is a string.

        ``node`` is the expression that the key comes from.
        """
        flag = key.chosen_by if isinstance(key, Text) else option_without_default(key)
        if key is None and isinstance(node, cst.Name | cst.Attribute):
            named = (f for f in self._texts if f.lstrip("-").replace("-", "_") == last_name(node))
            flag = next(named, None)
        if flag not in self._texts:
            return False
        known = self.tables.setdefault(flag, [])
        if not any(one is table for one in known):
            known.append(table)
        return True

    def choices_of(self, flag: str) -> tuple[str, ...]:
        """All values of an option that is a string, where the parser says them."""
        return self._texts.get(flag, ())

    def is_default(self, flag: str, text: str) -> bool:
        """Whether an option is this string unless it is given."""
        return self._defaults.get(flag) == text

    def likeness(self, flag: str, text: str) -> int:
        """How many characters a string begins with as the default of an option does."""
        pairs = zip(self._defaults.get(flag) or "", text, strict=False)
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))

    def takes(self, flag: str, text: str) -> bool:
        """Whether an option is a string that may be this one."""
        choices = self._texts.get(flag)
        return choices is not None and (not choices or text in choices)

    def _left(self, node: cst.If, origin: Origin) -> list[Option]:
        """The choices of an option that an if-elif chain compares with others."""
        compared: dict[str, str | None] = {}
        other: cst.CSTNode | None = node
        while isinstance(other, cst.If):
            match other.test:
                case cst.Comparison(
                    left=cst.Name() | cst.Attribute() as left,
                    comparisons=[cst.ComparisonTarget(cst.Equal(), cst.SimpleString() as literal)],
                ):
                    compared[str(literal.evaluated_value)] = origin(left)
            other = other.orelse
        flags = [flag for flag in dict.fromkeys(compared.values()) if flag in self._texts]
        return [
            Option(f, choice) for f in flags for choice in self._texts[f] if choice not in compared
        ]

    def _options_in(self, test: cst.BaseExpression, origin: Origin) -> Iterator[Option]:
        """The options that a test asks for, all of which would have to be given."""
        match test:
            case cst.Name() | cst.Attribute():
                option = self._by_name.get(last_name(test))
                if option is not None and option not in self.given:
                    yield option
            case cst.UnaryOperation(operator=cst.Not(), expression=inner):
                yield from self._switched_off(inner)
            case cst.BooleanOperation(left=left, operator=operator, right=right):
                first = list(self._options_in(left, origin))
                second = list(self._options_in(right, origin))
                both = bool(first and second) and isinstance(operator, cst.And)
                if not (both and any(option.is_constant for option in (*first, *second))):
                    yield from (*first, *second)
            case cst.Comparison(
                left=cst.Name() | cst.Attribute() as left, comparisons=[target]
            ) if self._texts and (literal := compared(target)) is not None:
                flag = origin(left)
                if flag is not None and self.takes(flag, literal):
                    option = Option(flag, literal)
                    if option not in self.given:
                        yield option


def _word(text: str, given_by: str | None) -> Text:
    word = Text(text)
    word.option, word.given_by = None, given_by
    return word
