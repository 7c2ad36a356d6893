"""What a parser of argparse has been told: its options, its parents and its commands."""

from collections.abc import Iterator

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance, Method, Partial
from bnlint.interpreter.core.values import Arguments, Library, Text, Unknown, Value, present
from bnlint.interpreter.evaluation import evaluate

PARSERS = frozenset(
    {
        "argparse.ArgumentParser",
        "configargparse.ArgumentParser",
        "configargparse.ArgParser",
        "argument group",
        "exclusive argument group",
        "argument subparsers",
        "optparse.OptionParser",
        "optparse.OptionGroup",
    }
)
OPTPARSE = "optparse."
NAMESPACE = "argparse.Namespace"
SUBPARSERS = "argument subparsers"
EXCLUSIVE = "exclusive argument group"
COMMAND, COMMANDS = "<command>", "<commands>"
"""Where a parser keeps its :class:`Subparsers`, and the parsers of its commands by name."""
DECLARED, OPEN = "<declared>", "<open>"
"""Where it keeps its :class:`Declaration`s, and whether others may have declared more."""
NUMBERS = ("builtins.int", "builtins.float", "builtins.complex")


@immutable(eq=False)
class Declaration:
    """One ``add_argument``; ``group`` is the parser or group that it was called on."""

    arguments: Arguments
    site: Site
    group: Instance

    @property
    def flags(self) -> list[str]:
        """Its option strings, or the name of a positional argument."""
        return [value for value in self.arguments.positional if isinstance(value, str)]

    @property
    def option(self) -> str:
        """What messages call it: ``--batch-size``."""
        flags = self.flags
        return next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")


@immutable(eq=False)
class Subparsers:
    """The ``add_subparsers`` of a parser."""

    arguments: Arguments


def declare(m: Machine, parser: Instance, declaration: Declaration) -> None:
    """Enter an ``add_argument``."""
    known = parser.attributes.get(DECLARED)
    if not isinstance(known, list):
        known = m.new([])
        m.heap.put(parser.attributes, DECLARED, known)
    m.heap.touch(known)
    known.append(declaration)


def declarations_of(parser: Instance) -> list[Declaration]:
    """What was declared on a parser itself, on any path."""
    known = parser.attributes.get(DECLARED)
    found = [present(item) for item in known] if isinstance(known, list) else []
    return [item for item in found if isinstance(item, Declaration)]


def is_open(parser: Instance) -> bool:
    """Whether a parser may have options that are not known."""
    known = parser.attributes.get(DECLARED)
    items = known if isinstance(known, list) else ()
    if OPEN in parser.attributes or any(isinstance(item, Unknown) for item in items):
        return True
    bound = parser.arguments.get("parents")
    parents = bound.value if bound is not None else ()
    return not isinstance(parents, list | tuple) or not all(map(_is_parser, parents))


def open_parsers(m: Machine, arguments: Arguments) -> None:
    """What is given to code that is not known may get options there."""
    for value in arguments.values:
        if isinstance(value, Instance) and value.library in PARSERS:
            m.heap.put(value.attributes, OPEN, True)


def destination_of(declaration: Declaration) -> str | None:
    """The attribute that an option becomes."""
    named, flags = declaration.arguments.keywords.get("dest"), declaration.flags
    if isinstance(named, str):
        return str(named)
    if not flags:
        return None
    long = [flag for flag in flags if flag.startswith("--")]
    return (long or flags)[0].lstrip("-").replace("-", "_")


def parents_of(parser: Instance) -> list[Instance]:
    """The parsers whose options a parser has, too."""
    bound = parser.arguments.get("parents")
    values = bound.value if bound is not None and isinstance(bound.value, list | tuple) else ()
    return list(dict.fromkeys(filter(_is_parser, values)))


def _is_parser(value: Value) -> bool:
    return isinstance(value, Instance) and value.library in PARSERS


def lineage(parser: Instance) -> list[Instance]:
    """A parser behind its parents and theirs, each once: also where all share them."""
    found: dict[Instance, None] = {}
    waiting: list[tuple[Instance, Iterator[Instance]]] = [(parser, iter(parents_of(parser)))]
    entered = {parser}
    while waiting:
        last, parents = waiting[-1]
        parent = next((p for p in parents if p not in entered), None)
        if parent is None:
            waiting.pop()
            found[last] = None
        else:
            entered.add(parent)
            waiting.append((parent, iter(parents_of(parent))))
    return list(found)


def options_of(m: Machine, parser: Instance) -> dict[str, Value]:
    """The options of a parser and its parents, without those of its commands."""
    found: dict[str, Value] = {}
    for one in lineage(parser):
        m.step(1 + (len(one.attributes) >> 3))
        own = {k: v for k, v in one.attributes.items() if k not in (DECLARED, OPEN)}
        found |= own
    return found


def converted(m: Machine, kind: Value, text: Value, site: Site) -> Value:
    """What ``type`` makes of a word."""
    if not isinstance(text, str):
        return text
    match kind:
        case Instance(library="argparse.FileType"):
            return Unknown("file of an option")
        case None | Library(path="builtins.str") | Instance():
            return text
        case Library(path=path) if path in NUMBERS:
            return evaluate(path, [text], m.allowance)
        case Library(path="builtins.bool"):
            return bool(text)
        case Function() | Method() | Partial() | Class() | Library():
            word = Text(text)
            word.option = None
            return m.call(kind, Arguments([word]), site, m.namespaces.anywhere)
    return Unknown("type of an option")
