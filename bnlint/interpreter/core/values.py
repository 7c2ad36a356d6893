"""The values of a rehearsal: Python's own while they are known, these otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

from bnlint.facts.types.context import Condition
from bnlint.facts.types.graph import Shape
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Argument, Site
from bnlint.immutable import immutable

if TYPE_CHECKING:
    from bnlint.interpreter.core.objects import Class, Instance

Value: TypeAlias = object
UNKNOWN_SHAPE = Shape()


class Unknown:
    """A value that reading the code does not give, with the reason.

    ``cause`` is the value that it is taken or computed from and that is not known either, ``site``
    the expression that gives it, where these are worth telling.
    """

    __slots__ = ("cause", "reason", "site")

    def __init__(self, reason: str = "", site: Site | None = None, cause: Value = None) -> None:
        self.reason = reason
        self.site = site
        self.cause = cause

    def __repr__(self) -> str:
        return f"?{self.reason}"


CONDITIONAL = "depends on a condition"
"""The reason of a value that differs between two paths."""
SOME_ITEMS = "items that depend on a condition"
"""The reason of an unknown item that stands for any number of items of its list or tuple."""
SOME_SLICE = Unknown("slice")
"""A slice whose bounds are not known."""
MORE_YIELDED = "further items"
"""The reason of what says, behind values that a generator yields, that it yields others like them."""
FURTHER = "what the passes between the first and the last add"
"""The reason of an item that stands for those of passes that two others stand for."""
SHUFFLED = Unknown("samples in a random order")
EXIT = Unknown("exit")
"""What a call that ends the program returns."""


class Length(Unknown):
    """How many items there are if further passes add none; a loop over so many stands for all."""

    __slots__ = ("shown",)

    def __init__(self, shown: int) -> None:
        super().__init__("length")
        self.shown = shown


class Share(Unknown):
    """A known number divided by one that is not known: what each of several processes gets."""

    __slots__ = ("whole",)

    def __init__(self, whole: float, site: Site, cause: Value) -> None:
        super().__init__("operation", site, cause)
        self.whole = whole


class Sizes(Unknown):
    """The shape of a tensor whose rank is not known; ``samples`` is the tensor's batch, if it is one."""

    __slots__ = ("samples",)

    def __init__(self, samples: Argument | None) -> None:
        super().__init__("tensor shape")
        self.samples = samples


class FirstSize(Unknown):
    """The size of a tensor's first dimension; ``samples`` is the tensor's batch, if it is one."""

    __slots__ = ("samples",)

    def __init__(self, samples: Argument | None) -> None:
        super().__init__("size of dimension 0")
        self.samples = samples


class Rank(Unknown):
    """The number of a process, from 0, among those of one training."""

    __slots__ = ()


RANKS = frozenset({"RANK", "LOCAL_RANK"})
"""The variables of the environment in which torch's launchers tell a process its number."""


class IsRank(Unknown):
    """An answer that one process gets, and that is another one for the others."""

    __slots__ = ()


class Int(int):
    """A whole number that remembers where it was written."""

    site: Site
    option: str | None
    given_by: str | None = None
    """What gave it, in words, where that is no code: a command line, a configuration."""


class KeptMode(int):
    """Whether a module was in train mode when an attribute was set to that: 1 or 0.

    ``site`` is what was read, ``target`` the attribute as code, ``order`` the time.
    """

    module: "Instance"
    site: Site
    target: str
    order: int


class Float(float):
    """A number that remembers where it was written."""

    site: Site
    option: str | None
    given_by: str | None = None


class Text(str):
    """A string that remembers the command-line option that it is the default of."""

    option: str | None
    given_by: str | None = None
    file: str = ""
    """The data file that it is the content of, in words."""
    constant: str | None = None
    """The constant of the script that it is, as an option."""

    @property
    def chosen_by(self) -> str | None:
        """The option, or the constant of the script, that it is the default of."""
        return self.constant if self.option is None else self.option


class PathText(Text):
    """A path of pathlib."""


class Configuration(dict[Value, Value]):
    """A dict whose entries are attributes, too: a configuration, or an object of a class like that.

    ``kind`` is the package's name for it, ``cls`` the project's class, ``parent`` what holds it.
    """

    __slots__ = ("cls", "kind", "parent")

    def __init__(self, kind: str = "", cls: "Class | None" = None) -> None:
        super().__init__()
        self.kind, self.cls = kind, cls
        self.parent: Configuration | None = None


@dataclass(slots=True, unsafe_hash=True)
class Many:
    """An iterable of unknown length whose items all look like ``element``.

    With ``parts`` they are what ``element``, a third-party model, consists of, in its order; with
    ``every`` all parameters of a model, of which none was left out.
    """

    element: Value
    loader: "Instance | None" = None
    parts: bool = False
    every: bool = False


@dataclass(slots=True, eq=False)
class Selection:
    """Which one of several objects it is: the same one wherever the choice between them is used."""

    conditions: dict[int, Condition] = field(default_factory=dict)

    def condition(self, number: int, site: Site) -> Condition:
        """That it is the object with this number, given that it is none of those before it."""
        return self.conditions.setdefault(number, Condition(site, choice=True))


@immutable
class Choice:
    """One of several objects, depending on a condition that is not known."""

    values: tuple[Value, ...]
    selection: Selection = field(default_factory=Selection, compare=False)

    @property
    def known(self) -> tuple[Value, ...]:
        """The objects that code which goes on with one of them may mean, in order."""
        return tuple(v for v in self.values if v is not None and not isinstance(v, Unknown))


@dataclass(slots=True, unsafe_hash=True)
class Maybe:
    """An entry that is there on some paths only, with its value where it is."""

    value: Value


def present(value: Value) -> Value:
    """What reading an entry gives: a program that goes on has found it there."""
    return value.value if type(value) is Maybe else value


@dataclass(slots=True, unsafe_hash=True)
class Library:
    """Something of a third-party package, by its qualified name."""

    path: str

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition(".")[2]


@immutable
class GradientSwitch:
    """A context manager that sets whether gradients are recorded.

    ``before`` is what it goes back to, where making it has already set them.
    """

    grad: Known
    before: Known | None = None


class _Missing:
    __slots__ = ()


MISSING = _Missing()
"""Stands for a name that is not there."""


@dataclass(slots=True, unsafe_hash=True)
class Gradients:
    """The forwards, by number, that a backward through a tensor reaches: for sure, or perhaps."""

    sure: frozenset[int] = frozenset()
    maybe: frozenset[int] = frozenset()

    @classmethod
    def of_all(cls, parts: Sequence["Gradients"]) -> "Gradients":
        """Those of a tensor that is computed from several."""
        if not parts or all(part == parts[0] for part in parts[1:]):
            return parts[0] if parts else NO_GRADIENTS
        sure = frozenset[int]().union(*(part.sure for part in parts))
        return cls(sure, frozenset[int]().union(*(part.maybe for part in parts)) - sure)


NO_GRADIENTS = Gradients()


@immutable
class State:
    """The name under which modules of a class keep a tensor from one forward to the next.

    ``cut`` says of a tensor that it only shares the memory of what is kept, and no gradient's graph.
    """

    cls: "Class"
    name: str
    cut: bool = False


@dataclass(slots=True, eq=False)
class Tensor:
    """A tensor: the call on the tape that made it and what it came from.

    ``depends`` numbers the forwards that its values come from, ``grads`` are those that a backward
    through it reaches; ``loaders`` are where the data came from. ``batch`` is the loader's batch
    size while dimension 0 still holds exactly one batch; ``whole`` marks what a loader yields,
    which may be a tuple or dict of tensors.
    """

    index: int = -1
    shape: Shape = UNKNOWN_SHAPE
    depends: frozenset[int] = frozenset()
    grads: Gradients = NO_GRADIENTS
    loaders: frozenset["Instance"] = frozenset()
    batch: Argument | None = None
    whole: bool = False
    fill: float | None = None
    made_up: bool = False
    """Whether it holds nothing but random numbers and constants."""
    drawn: bool = False
    """Whether its samples come in a random order: they, or their indices, were drawn."""
    state: State | None = None
    """What a module keeps it as, if it does."""
    single: bool = False
    """Whether it is one sample of a batch, or made of parts of one."""
    mixed: bool = False
    """Whether some of its samples come from forwards, and others do not."""
    padded: Site | None = None
    """Where a loader's ``collate_fn`` pads the sequences in it to one length."""


def sample_of(batch: Tensor) -> Tensor:
    """What a loop over the tensors of a batch takes in each pass."""
    return replace(batch, single=bool(batch.loaders) and not batch.whole)


class Arguments:
    """The arguments of one call, with the nodes that they were written as."""

    __slots__ = (
        "further",
        "keyword_nodes",
        "keywords",
        "nodes",
        "opened",
        "positional",
        "unpacked",
    )

    def __init__(
        self,
        positional: list[Value] | None = None,
        keywords: dict[str, Value] | None = None,
    ) -> None:
        self.positional = positional or []
        self.keywords = keywords or {}
        self.nodes: list[cst.CSTNode | None] = [None] * len(self.positional)
        self.keyword_nodes: dict[str, cst.CSTNode] = {}
        self.opened = False
        """Whether ``*args`` or ``**kwargs`` that are not known took part."""
        self.further = False
        """Whether callers that are not at hand may give more through ``*args`` or ``**kwargs``."""
        self.unpacked: list[Value] = []
        """Batches that ``*batch`` or ``**batch`` take apart, into whatever there is in them."""

    def prefixed(self, *values: Value) -> "Arguments":
        """The same arguments behind others."""
        made = Arguments([*values, *self.positional], self.keywords)
        made.nodes = [*(None for _ in values), *self.nodes]
        made.keyword_nodes = self.keyword_nodes
        made.opened, made.further = self.opened, self.further
        made.unpacked = self.unpacked
        return made

    def with_first(self, name: str, value: Value) -> "Arguments":
        """The same arguments with another value for the first parameter, which has that name."""
        made = self.prefixed()
        if name in self.keywords:
            made.keywords = {**self.keywords, name: value}
        else:
            made.positional = [value, *self.positional[1:]]
            made.nodes = self.nodes or [None]
        return made

    def get(self, index: int, name: str, default: Value = None) -> Value:
        """An argument by position or keyword."""
        if index < len(self.positional):
            return self.positional[index]
        return self.keywords.get(name, default)

    @property
    def values(self) -> list[Value]:
        """All values."""
        return [*self.positional, *self.keywords.values(), *self.unpacked]
