"""RecipeValues of the rehearsal as recipes."""

from collections.abc import Callable, Sequence

import libcst as cst

from bnlint.facts.types.recipe import (
    Built,
    Constant,
    Items,
    LibraryName,
    Pairs,
    ProjectName,
    Recipe,
    Record,
    Unobtainable,
    missing,
)
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import (
    Class,
    Function,
    Instance,
    Method,
    NumberMember,
    OpenFile,
    Partial,
    Static,
    TextMember,
)
from bnlint.interpreter.core.values import (
    Arguments,
    Choice,
    Configuration,
    Library,
    Many,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.python.configurations import CONSTRUCTORS
from bnlint.interpreter.recipes.qualified_names import parameter_names, project_name, required_names
from bnlint.interpreter.recipes.reasons import counts, unknown
from bnlint.source.name_bindings import dotted

DEEPEST = 12
"""RecipeValues within values."""
MOST_ITEMS = 1000
KINDS = (list, tuple, set, frozenset)


class RecipeValues:
    """Makes recipes of values; ``describe`` makes those of objects."""

    def __init__(self, describe: Callable[[Instance, str], Recipe]) -> None:
        self._describe = describe
        self._around: list[int] = []

    def of(self, value: Value, what: str) -> Recipe:
        """How to make a value; ``what`` is what messages call it."""
        if id(value) in self._around or len(self._around) > DEEPEST:
            return Unobtainable(f"`{what}` holds itself or is too deep")
        self._around.append(id(value))
        try:
            return self._plain(value, what) or self._named(value, what)
        finally:
            self._around.pop()

    def call(self, callee: Value, arguments: Arguments) -> Built:
        """How to call something as it was called."""
        names = parameter_names(callee)
        given = zip(arguments.positional, arguments.nodes, strict=True)
        positional = [
            self.of(value, _called(number, names, node))
            for number, (value, node) in enumerate(given)
        ]
        keywords = {name: self.of(value, name) for name, value in arguments.keywords.items()}
        if arguments.opened:
            positional.append(Unobtainable("it is built with `*` or `**` arguments not known"))
        else:
            left = [n for n in required_names(callee) if n not in names[: len(positional)]]
            gaps = {name: unknown(Unknown(f"argument {name}"), name) for name in left}
            keywords = gaps | keywords
        return Built(self.of(callee, ""), tuple(positional), keywords)

    def record(self, value: Instance, cls: Recipe) -> Record:
        """How to make an object by its attributes."""
        found = {name: self.of(item, name) for name, item in value.attributes.items()}
        gaps = {name: missing(recipe) for name, recipe in found.items()}
        known = {name: recipe for name, recipe in found.items() if gaps[name] is None}
        return Record(cls, known, {name: gap for name, gap in gaps.items() if gap is not None})

    def _plain(self, value: Value, what: str) -> Recipe | None:
        match value:
            case NumberMember() | TextMember():
                member = (project_name(value.owner), Constant(value.member))
                return Built(LibraryName("builtins.getattr"), member)
            case None | bool():
                return Constant(value)
            case int() | float() | str():
                return Constant(_without_origin(value))
            case list() | tuple() | set() | frozenset() | dict() if len(value) > MOST_ITEMS:
                return Unobtainable(f"`{what}` has {len(value)} items")
            case list() | tuple() | set() | frozenset():
                kind = next(each.__name__ for each in KINDS if isinstance(value, each))
                return Items(kind, tuple(self.of(item, what) for item in value))
            case Configuration(kind=kind, cls=cls) if kind or cls is not None:
                maker = project_name(cls) if cls is not None else LibraryName(CONSTRUCTORS[kind])
                pairs = tuple((self.of(k, what), self.of(v, what)) for k, v in value.items())
                return Built(maker, (Pairs(pairs),))
            case dict():
                return Pairs(tuple((self.of(k, what), self.of(v, what)) for k, v in value.items()))
            case range() | slice():
                bounds = (value.start, value.stop, value.step)
                name = LibraryName(f"builtins.{type(value).__name__}")
                return Built(name, tuple(self.of(bound, what) for bound in bounds))
            case OpenFile():
                return unknown(Unknown("open()"), what)
            case Unknown() | Many() | Tensor() | Choice():
                return unknown(value, what)
        return None

    def _named(self, value: Value, what: str) -> Recipe:
        match value:
            case Library(path=path):
                return LibraryName(path)
            case Namespace():
                return ProjectName(str(value.source.file), "")
            case Class() | Function():
                return project_name(value)
            case Static(function=function):
                return self.of(function, what)
            case Method(function=function, receiver=receiver):
                got = (self.of(receiver, what), Constant(function.name))
                return Built(LibraryName("builtins.getattr"), got)
            case Partial(callee=callee, positional=positional, keywords=keywords):
                given = (callee, *positional)
                named = {name: self.of(item, name) for name, item in keywords}
                partial = LibraryName("functools.partial")
                return Built(partial, tuple(self.of(item, what) for item in given), named)
            case Instance():
                return self._describe(value, what)
        return Unobtainable(f"`{what}` is not known from reading the code")


def _called(number: int, names: Sequence[str], node: cst.CSTNode | None) -> str:
    """What to call an argument: as its parameter, or as it is written if that says more."""
    written = dotted(node).rpartition(".")[2]
    named = names[number] if number < len(names) else ""
    return written if counts(written) else named or written or f"argument {number + 1}"


def _without_origin(value: int | float | str) -> int | float | str:
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
