"""Functions, classes and objects of the program, and how their methods are bound."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.facts.types.context import Assumption
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site, Source
from bnlint.immutable import immutable
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Choice,
    Int,
    Library,
    Maybe,
    Text,
    Unknown,
    Value,
    present,
)

if TYPE_CHECKING:
    from bnlint.interpreter.core.namespaces import Namespace


class Scope:
    """The names of a function, class body or comprehension, above those of its surroundings."""

    __slots__ = (
        "cls",
        "declared",
        "function",
        "further",
        "names",
        "namespace",
        "on_yield",
        "parent",
        "yielded",
    )

    def __init__(
        self,
        names: dict[str, Value],
        namespace: "Namespace",
        parent: "Scope | None" = None,
        function: "Function | None" = None,
    ) -> None:
        self.names = names
        self.namespace = namespace
        self.parent = parent
        self.function = function
        self.cls: Class | None = None
        self.further: frozenset[str] = frozenset()
        """Its ``*args`` and ``**kwargs``, if callers that are not at hand may give more of them."""
        self.declared: dict[str, dict[str, Value]] | None = None
        self.yielded: list[Value] | None = None
        """What a generator has yielded so far."""
        self.on_yield: Callable[[Value], None] | None = None
        """What a ``with`` statement does where its context manager yields."""


@dataclass(slots=True, eq=False)
class Function:
    """A function of the project; ``owner`` is the class that defines it as a method."""

    node: cst.FunctionDef | cst.Lambda
    name: str
    scope: Scope
    defaults: dict[str, Value]
    owner: "Class | None" = None
    grad: Known | None = None
    """What gradients are set to by a decorator such as ``torch.no_grad()``."""
    managed: bool = False
    """Whether it is a ``contextlib.contextmanager``."""
    options: "list[CommandOption]" = field(default_factory=list)
    """What a command line may give it."""


@dataclass(slots=True, unsafe_hash=True)
class Method:
    """A function with its first argument."""

    function: "Function"
    receiver: Value


@dataclass(slots=True, unsafe_hash=True)
class Builtin:
    """A method of a value that the interpreter itself implements, by name."""

    receiver: Value
    name: str

    @property
    def switches_mode(self) -> bool:
        """Whether calling it does nothing but switch a mode, which raises nothing."""
        return self.name in ("eval", "train")


@immutable
class Partial:
    """``functools.partial``."""

    callee: Value
    positional: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]


@immutable
class Transformed:
    """What torch.func makes of a function: its gradient, or its map over samples.

    ``mapped`` says that each sample is given to it by itself, and the first argument, the weights, to all.
    """

    function: Value
    mapped: bool = False


@immutable
class OpenFile:
    """A file that was opened to be read, by its path, and where that was done."""

    path: str
    site: Site


@immutable
class ComposedMain:
    """``@hydra.main(...)``, and with a ``function`` what it makes of it: files give its argument.

    ``folder`` is where they are, beside the file of ``site``, and ``name`` the first one's.
    """

    function: Value
    folder: str
    name: str
    site: Site
    flat: bool = False
    """Whether Hydra is older than 1.0, which puts what is chosen for a group at the top."""


@immutable
class CommandOption:
    """``click.option(...)``: what a parameter of a command is unless the user says otherwise.

    ``declared`` is what click itself would need to read it, ``None`` where that is not known.
    """

    name: str
    value: Value
    declared: object = None
    site: Site | None = None


@dataclass(slots=True, eq=False)
class Command:
    """A function that takes its arguments from the command line, and the commands of a group."""

    function: Function
    name: str
    is_group: bool = False
    commands: dict[str, Value] = field(default_factory=dict)


@immutable
class CommandMaker:
    """A decorator that makes a command of a function, in a group of click or an app of typer."""

    name: str | None
    group: bool = False
    within: "Command | Instance | None" = None


@immutable
class Super:
    """``super()`` in a method of ``after``."""

    after: "Class"
    receiver: Value


@immutable
class Property:
    """A property of a class."""

    getter: Function
    setter: Function | None = None


@immutable
class Static:
    """A static method or, with ``bound``, a class method."""

    function: Value
    bound: bool = False


@immutable
class Managed:
    """A call of a ``contextlib.contextmanager`` function, to be executed by ``with``."""

    function: Function
    arguments: "Arguments"
    site: Site


@dataclass(slots=True, eq=False)
class GivenUp:
    """A function that is not followed, with its parameters bound for a call."""

    function: "Function"
    local: "Scope"


@dataclass(slots=True, eq=False)
class Class:
    """A class of the project."""

    name: str
    node: cst.CSTNode
    bases: tuple[Value, ...]
    names: dict[str, Value]
    namespace: "Namespace"
    dataclass: bool = False
    annotated: list[str] = field(default_factory=list)
    last_instance: "Instance | None" = None
    _mro: tuple[Value, ...] = ()

    @property
    def mro(self) -> tuple[Value, ...]:
        """The class, then its ancestors: classes and library names, each where it comes last."""
        if not self._mro:
            line: list[Value] = [self]
            for base in self.bases:
                line.extend(base.mro if isinstance(base, Class) else [base])
            last = {c.path if isinstance(c, Library) else id(c): c for c in reversed(line)}
            self._mro = tuple(reversed(last.values()))
        return self._mro

    def ancestors(self, after: "Class | None" = None) -> Iterator[Value]:
        """The method resolution order, from behind ``after`` if given."""
        line = iter(self.mro)
        if after is not None:
            for cls in line:
                if cls is after:
                    break
        return line

    def find(self, name: str, after: "Class | None" = None) -> Value:
        """A class attribute, or ``MISSING``."""
        line = self.ancestors(after)
        for cls in line:
            if isinstance(cls, Class) and name in cls.names:
                return _found(cls.names[name], name, line)
        return MISSING

    def library_base(self, after: "Class | None" = None) -> Library | None:
        """The first ancestor that is not the project's."""
        for cls in self.ancestors(after):
            if isinstance(cls, Library):
                return cls
        return None

    @property
    def open(self) -> bool:
        """Whether an ancestor could not be resolved."""
        return any(isinstance(cls, Unknown) for cls in self.mro)


def _found(entry: Value, name: str, others: Iterator[Value]) -> Value:
    """What an entry of a class gives; one that may be missing may be another class's."""
    if not isinstance(entry, Maybe):
        return entry
    inherited = [c.names[name] for c in others if isinstance(c, Class) and name in c.names]
    return Choice((entry.value, present(inherited[0]))) if inherited else entry.value


class NumberMember(Int):
    """A member of an enumeration whose value is a whole number."""

    owner: Class
    member: str


class TextMember(Text):
    """A member of an enumeration whose value is a string."""

    owner: Class
    member: str


@dataclass(slots=True, eq=False)
class Bound:
    """A constructor argument of a library object: its value and where it was written.

    ``source`` is the file of ``node`` where that is not the one that builds the object: a class of
    the project hands it to the constructor of its base.
    """

    value: Value
    node: cst.CSTNode | None = None
    positional: bool = False
    source: Source | None = None

    def site(self, builder: Source) -> Site | None:
        """Where it was written, for an object that is built in the file ``builder``."""
        return None if self.node is None else Site(self.source or builder, self.node)


@dataclass(slots=True, eq=False)
class Instance:
    """An object of a project class, of a library class, or of a class that derives from both.

    ``library`` is the canonical library class (``torch.nn.Conv2d``), ``""`` for none. For a module
    ``attributes`` holds its children in registration order and its mode under ``training``.
    """

    cls: Class | None
    library: str
    attributes: dict[str, Value]
    site: Site
    class_node: cst.CSTNode | None = None
    chain: tuple[Site, ...] = ()
    arguments: dict[str, Bound] = field(default_factory=dict)
    assigned: dict[str, Value] = field(default_factory=dict)
    """Constructor arguments that were set again later, as facts; part of the heap."""
    assumptions: tuple[Assumption, ...] = ()
    """What decides whether it is built."""
    resolved: bool = True
    in_forward: bool = False
    """Whether a forward builds it."""
    repeated: Site | None = None
    """The multiplication that puts it several times into a list."""
    has_parent: bool = False
    is_module: bool = False
    order: int = 0
    names: list[str] = field(default_factory=list)
    own_parameters: tuple[str, ...] | None = None
    stands_for_many: bool = False
    """Whether it is all BatchNorm layers of a third-party model at once."""
    part: tuple[str, str] | None = None
    """The architecture that it was taken from and its name there, where both are known."""

    @property
    def type_name(self) -> str:
        """The class as the code calls it."""
        return self.cls.name if self.cls is not None else self.library.rpartition(".")[2]

    @property
    def is_answer(self) -> bool:
        """Whether a forward makes it and it is no layer: what one returns that answers by names."""
        return self.in_forward and not self.is_module and self.cls is not None

    def replica(self) -> "Instance":
        """An object with the same fields, which are not copied."""
        made = object.__new__(Instance)
        for name in Instance.__slots__:
            setattr(made, name, getattr(self, name))
        return made

    @property
    def called(self) -> str:
        """What the code last called it, or else its class."""
        return self.names[-1] if self.names else self.type_name
