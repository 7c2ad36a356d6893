"""Places in source code, whose positions are computed only when something is reported."""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bnlint.finding import Edit, Span
from bnlint.immutable import immutable


class Source(Protocol):
    """A file that can locate its nodes and say how to edit them.

    Statement edits return ``None`` where the line cannot be inserted safely (a one-line suite,
    code that was read by substitution, a notebook magic).
    """

    @property
    def path(self) -> str:
        """Path as the user gave it, relative to the working directory where possible, with ``/``."""

    def span(self, node: object) -> Span:
        """Where a node stands."""

    def text(self, node: object) -> str:
        """The node's own source text."""

    def is_parameter(self, node: object) -> bool:
        """Whether a node is a name that a function around it has as a parameter."""

    def conditions(self, node: object) -> Sequence[tuple[object, bool]]:
        """The tests that decide, in its function, on a node, and the answers that it needs."""

    def means_the_same(self, expression: object, place: object) -> bool:
        """Whether an expression of names has one value, which is there before ``place``."""

    def replace(self, node: object, text: str) -> Edit | None:
        """Replace a node by other text."""

    def add_argument(self, call: object, text: str) -> Edit | None:
        """Append ``text`` (``bias=False``) to a call's arguments, before any ``**kwargs``."""

    def remove_argument(self, call: object, argument: object) -> Edit | None:
        """Remove the argument whose value is the node ``argument``, with its comma."""

    def insert_before(self, node: object, line: str) -> Edit | None:
        """Put ``line`` before the statement that holds ``node``, at its indentation."""

    def insert_after(self, node: object, line: str) -> Edit | None:
        """Put ``line`` after the statement that holds ``node``, at its indentation."""

    def insert_first(self, node: object, line: str) -> Edit | None:
        """Put ``line`` first into the body of the compound statement ``node``, after a docstring."""

    def insert_last(self, node: object, line: str) -> Edit | None:
        """Put ``line`` last into the body of the compound statement ``node``."""

    def around(
        self, node: object, before: Sequence[str], after: str, caught: bool
    ) -> tuple[Edit, ...]:
        """Put lines before the statement that holds ``node``, and one on every way out of it.

        ``caught`` says that an exception in it does not end the program. Empty where that cannot
        be written, or where ``node`` is evaluated later than the statement.
        """

    def runs_at_once(self, node: object) -> bool:
        """Whether ``node`` is evaluated while the statement that holds it runs, not later."""

    def handlers(self, node: object) -> Sequence[object]:
        """The statements of the function that handle an exception at ``node``."""

    def statement(self, node: object) -> object:
        """The statement that holds ``node``, or ``node`` itself if its line holds several."""

    def binds(self, node: object, name: str) -> bool:
        """Whether the statement that holds ``node`` gives a dotted name a new value."""

    def condition_at(self, node: object, place: object) -> str | None:
        """The condition under which ``node`` runs whenever its function does, as code for ``place``.

        ``""`` if it always runs; ``None`` where that is not certain or cannot be written there.
        """

    def mentions(self, text: str) -> bool:
        """Whether some text occurs in the file."""

    def calls(self, method: str) -> bool:
        """Whether the file calls a method of that name, outside of comments."""


_NAME = re.compile(r"[^\W\d][\w.]*")


@dataclass(slots=True, unsafe_hash=True)
class Site:
    """One node of one file."""

    source: Source
    node: object

    @property
    def path(self) -> str:
        """Path of the file."""
        return self.source.path

    @property
    def span(self) -> Span:
        """Where it is."""
        return self.source.span(self.node)

    @property
    def text(self) -> str:
        """What is written there."""
        return self.source.text(self.node)

    @property
    def is_number(self) -> bool:
        """Whether a number is written there, not a name or an expression."""
        try:
            float(self.text)
        except ValueError:
            return False
        return True

    @property
    def is_parameter(self) -> bool:
        """Whether it is a parameter of a function around it, which may have many values."""
        return self.source.is_parameter(self.node)

    @property
    def conditions(self) -> "tuple[CodeCondition, ...]":
        """What decides, in the function or file that it stands in, on whether it is executed."""
        tests = self.source.conditions(self.node)
        return tuple(CodeCondition(Site(self.source, test), holds) for test, holds in tests)

    def replace(self, text: str) -> Edit | None:
        """Replace it by other text."""
        return self.source.replace(self.node, text)

    def add_argument(self, text: str) -> Edit | None:
        """Append an argument to this call."""
        return self.source.add_argument(self.node, text)

    def remove_argument(self, argument: "Site") -> Edit | None:
        """Remove one argument of this call."""
        return self.source.remove_argument(self.node, argument.node)

    def insert_before(self, line: str) -> Edit | None:
        """Put a line before the statement that holds this node."""
        return self.source.insert_before(self.node, line)

    def insert_after(self, line: str) -> Edit | None:
        """Put a line after the statement that holds this node."""
        return self.source.insert_after(self.node, line)

    def insert_first(self, line: str) -> Edit | None:
        """Put a line first into this compound statement's body."""
        return self.source.insert_first(self.node, line)

    def insert_last(self, line: str) -> Edit | None:
        """Put a line last into this compound statement's body."""
        return self.source.insert_last(self.node, line)

    def around(self, before: Sequence[str], after: str, *, caught: bool) -> tuple[Edit, ...]:
        """Put lines before the statement that holds this node, and one on every way out of it.

        ``caught`` says that an exception in it does not end the program. Empty where that cannot
        be written, or where the node is evaluated later than the statement.
        """
        return self.source.around(self.node, before, after, caught)

    @property
    def runs_at_once(self) -> bool:
        """Whether it is evaluated while the statement that holds it runs, not later."""
        return self.source.runs_at_once(self.node)

    @property
    def handlers(self) -> tuple["Site", ...]:
        """The statements of the function that handle an exception here."""
        return tuple(Site(self.source, node) for node in self.source.handlers(self.node))

    @property
    def statement(self) -> "Site":
        """The statement that holds this node, or the node itself if its line holds several."""
        return Site(self.source, self.source.statement(self.node))

    def binds(self, name: str) -> bool:
        """Whether the statement that holds this node gives a dotted name a new value."""
        return self.source.binds(self.node, name)

    def condition_at(self, place: "Site") -> str | None:
        """The condition under which this runs whenever its function does, as code for ``place``.

        ``""`` if it always runs; ``None`` where that is not certain or cannot be written there.
        """
        if self.source is place.source:
            return self.source.condition_at(self.node, place.node)
        return "" if self.source.condition_at(self.node, self.node) == "" else None


_OPPOSITE = {"==": "!=", "!=": "==", " is not ": " is ", " is ": " is not "}


@immutable
class CodeCondition:
    """A test in the code, and whether it has to hold or to fail."""

    test: Site
    holds: bool

    def opposite_at(self, place: Site) -> str | None:
        """An expression that is true at ``place`` where the condition is not met.

        ``None`` where the test is more than a name, its negation or its comparison with a constant,
        or may have another value there.
        """
        source = self.test.source
        if source is not place.source or not source.means_the_same(self.test.node, place.node):
            return None
        text, holds = self.test.text, self.holds
        if text.startswith("not ") and _NAME.fullmatch(text[4:].strip()):
            text, holds = text[4:].strip(), not holds
        if _NAME.fullmatch(text):
            return f"not {text}" if holds else text
        compared = _compared(text)
        if compared is None:
            return None
        left, operator, right = compared
        return f"{left} {(_OPPOSITE[operator] if holds else operator).strip()} {right}"


def _compared(text: str) -> tuple[str, str, str] | None:
    """A comparison of a name with a constant, taken apart."""
    operator = next((operator for operator in _OPPOSITE if operator in text), None)
    if operator is None:
        return None
    left, _, right = (part.strip() for part in text.partition(operator))
    inside = right[1:-1]
    quoted = right[:1] in ("'", '"') and right[:1] == right[-1:] and right[:1] not in inside
    plain = quoted and "\\" not in inside
    known = plain or right.isdecimal() or right in ("None", "True", "False")
    return (left, operator, right) if known and _NAME.fullmatch(left) else None


@immutable
class Argument:
    """One argument bound to a parameter name.

    ``value`` is a Python constant, a tuple or list of them, or ``NOT_KNOWN``. ``site`` is the
    argument's value as written in the call; ``None`` for a parameter's default or what came
    through ``*args`` or ``**kwargs``. ``origin`` is where a value that came from outside the call
    was written (a constant, an argparse default), and ``option`` the command-line option. ``given_by``
    says what gave a value that stands in no code: a command line, a configuration. ``shared`` holds
    the places of numbers that other things are computed from, too. ``divided`` is the known number of
    which a value is a part that is not known: one of several processes gets it.
    """

    name: str
    value: object
    site: Site | None = None
    positional: bool = False
    origin: Site | None = None
    option: str | None = None
    given_by: str | None = None
    shared: Container[Site] = field(default=frozenset(), compare=False, repr=False)
    divided: float | None = None

    @property
    def cause(self) -> str | None:
        """What all arguments share that get this value from one constant, default or call.

        One number that is written at many layers of a file is one decision, too. ``None`` for a
        default, and where an expression is written at the layer itself.
        """
        site, origin = self.site, self.origin
        if origin is not None:
            return f"{origin.path}:{origin.span.start}"
        if site is not None and site.is_number:
            return f"{site.path}: {self.value!r}"
        if site is not None and _NAME.fullmatch(site.text):
            return f"{site.path}: {site.text} = {self.value!r}"
        return None

    @property
    def sole_origin(self) -> Site | None:
        """Where the number is written, if it comes from elsewhere and serves for nothing else."""
        origin = self.origin
        free = origin is not None and origin.is_number and origin not in self.shared
        return origin if free else None

    @property
    def given(self) -> bool:
        """Whether the call itself has it."""
        return self.site is not None

    @property
    def number(self) -> float | None:
        """The value when it is a number (``True`` is 1), else ``None``."""
        return real(self.value)


def real(value: object) -> float | None:
    """A number as a float; ``None`` for anything else, and where it is too large to be one."""
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


class _NotKnown:
    def __repr__(self) -> str:
        return "NOT_KNOWN"


NOT_KNOWN = _NotKnown()
"""Stands for a value that reading the code does not give."""


def value_of(arguments: Mapping[str, Argument], name: str, default: object = None) -> object:
    """The value of an argument."""
    argument = arguments.get(name)
    return default if argument is None else argument.value


def values_of(arguments: Mapping[str, Argument]) -> dict[str, object]:
    """The values of all arguments."""
    return {name: argument.value for name, argument in arguments.items()}
