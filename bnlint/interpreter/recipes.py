"""How to build again the models that the program builds: instances of the rehearsal as recipes.

Recipes are made while the rehearsal goes on, since options and configurations may change later.
Only a rehearsal that is asked for them makes any.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.facts.kind import NORMALIZATIONS, WEIGHTED, Kind
from bnlint.facts.recipe import (
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
from bnlint.interpreter.modules import (
    WRAPPERS,
    child_modules,
    descendants,
    has_unknown_children,
    modules_in,
    named_modules,
)
from bnlint.interpreter.namespaces import Namespace, dotted
from bnlint.interpreter.objects import Class, Function, Instance, Method, Partial, Static
from bnlint.interpreter.parameters import is_opaque
from bnlint.interpreter.recipe_names import parameter_names, project_name, required_names
from bnlint.interpreter.recipe_reasons import counts, unknown
from bnlint.interpreter.values import Arguments, Choice, Library, Many, Tensor, Unknown, Value
from bnlint.vocabulary.layers import KINDS, bare_name

if TYPE_CHECKING:
    from bnlint.interpreter.machine import Machine

WORTH_TRACING = WEIGHTED | NORMALIZATIONS | {Kind.RECURRENT, Kind.ATTENTION}
"""Kinds of layers without which a model is a loss or an augmentation."""
FACTORIES = (
    "torchvision.models.",
    "timm.",
    "segmentation_models_pytorch.",
    "pretrainedmodels.",
    "efficientnet_pytorch.",
)
"""Packages whose models are built without downloading them."""
OPTIONS = "argparse.Namespace"
DEEPEST = 12
"""Values within values."""
MOST_ITEMS = 1000


class Recipes:
    """What is needed to build models again, as far as the program's code gives it."""

    def __init__(self) -> None:
        self._built: dict[Instance, Built] = {}
        self._calls: dict[Instance, tuple[Value, Arguments]] = {}
        self._parts: dict[Instance, tuple[Instance, str]] = {}
        self._numbers = count()
        self._around: list[int] = []
        self._changing: Instance | None = None

    def of_model(self, model: Instance) -> Built | None:
        """How a model was built; ``None`` for what another builds, and for what holds no layers."""
        return self._built.get(model) if _computes(model) else None

    # -- what happens -------------------------------------------------------------------------

    def note_built(self, m: "Machine", made: Instance, callee: Value, arguments: Arguments) -> None:
        """An object is about to be built; what models build themselves does not count."""
        if m.building or m.modules:
            return
        if made.is_module:
            called = self._call(callee, arguments)
            self._built[made] = replace(called, key=next(self._numbers))
        else:
            self._calls[made] = callee, arguments

    def note_part(self, part: Instance, owner: Instance, path: str) -> None:
        """``part`` is what an expression behind ``owner`` means: ``.fc`` or ``[:2]``."""
        self._parts[part] = owner, path

    def note_copied(self, original: Instance, copied: Instance) -> None:
        """An object was copied, with all that was done to it."""
        if original in self._built:
            self._built[copied] = replace(self._built[original], key=next(self._numbers))

    def note_changed(self, m: "Machine", owner: Instance, name: str, value: Value) -> None:
        """``owner.name = value``, outside the constructors of models."""
        if m.building or m.modules:
            return
        root, path = self._root(m, owner)
        before = owner.attributes.get(name)
        if root is None or (before is not None and _unwrapped(value) is before):
            return
        self._changing = root
        recipe = self.of(value, name)
        self._changing = None
        if not (modules_in(value) or modules_in(before)) and missing(recipe) is not None:
            return  # what is not known and no layer hardly matters
        path = f"{path}.{name}" if path else name
        if m.uncertain > root.conditions:
            recipe = Unobtainable(f"`{path}` is replaced under a condition that is not known")
        built = self._built[root]
        self._built[root] = replace(built, attributes=(*built.attributes, (path, recipe)))

    def note_deleted(self, m: "Machine", owner: Instance) -> None:
        """Parts of ``owner`` were deleted."""
        root, path = self._root(m, owner)
        if root is not None and not (m.building or m.modules):
            gap = Unobtainable(f"layers of `{path or root.type_name}` are deleted")
            built = self._built[root]
            self._built[root] = replace(built, attributes=(*built.attributes, (path, gap)))

    def note_returned(
        self, m: "Machine", function: Function, arguments: Arguments, value: Value
    ) -> None:
        """A function returns a model: it may do where the arguments within it are not known."""
        model = _unwrapped(value)
        if m.building or m.modules or function.owner is not None:
            return
        if not isinstance(model, Instance) or model not in self._built:
            return
        if missing(self._built[model]) is None:
            return
        called = self._call(function, arguments)
        if missing(called) is None:
            self._built[model] = replace(called, key=self._built[model].key)

    def _root(self, m: "Machine", owner: Instance) -> tuple[Instance | None, str]:
        """The nearest model around a module that has a recipe, and the dotted path from there."""
        if owner in self._built:
            return owner, ""
        if owner in self._parts:
            outer, name = self._parts[owner]
            root, path = self._root(m, outer)
            return root, f"{path}.{name}" if path else name
        found = [
            (root, path)
            for root in self._built
            for path, module in descendants(m, root)
            if module is owner
        ]
        return min(found, key=lambda each: each[1].count("."), default=(None, ""))

    # -- values -------------------------------------------------------------------------------

    def _call(self, callee: Value, arguments: Arguments) -> Built:
        names = parameter_names(callee)
        positional = [
            self.of(value, _called(number, names, node))
            for number, (value, node) in enumerate(
                zip(arguments.positional, arguments.nodes, strict=True)
            )
        ]
        if arguments.opened:
            positional.append(Unobtainable("it is built with `*` or `**` arguments not known"))
        keywords = {name: self.of(value, name) for name, value in arguments.keywords.items()}
        for name in required_names(callee):
            if name not in names[: len(positional)] and not arguments.opened:
                keywords.setdefault(name, unknown(Unknown(f"argument {name}"), name))
        return Built(self.of(callee, ""), tuple(positional), keywords)

    def of(self, value: Value, what: str) -> Recipe:
        """How to make a value; ``what`` is what messages call it."""
        if id(value) in self._around or len(self._around) > DEEPEST:
            return Unobtainable(f"`{what}` holds itself or is too deep")
        self._around.append(id(value))
        try:
            return self._plain(value, what) or self._object(value, what)
        finally:
            self._around.pop()

    def _plain(self, value: Value, what: str) -> Recipe | None:
        match value:
            case None | bool():
                return Constant(value)
            case int() | float() | str():
                return Constant(_without_origin(value))
            case list() | tuple() | set() | frozenset() | dict() if len(value) > MOST_ITEMS:
                return Unobtainable(f"`{what}` has {len(value)} items")
            case list() | tuple() | set() | frozenset():
                kinds = (list, tuple, set, frozenset)
                kind = next(each.__name__ for each in kinds if isinstance(value, each))
                return Items(kind, tuple(self.of(item, what) for item in value))
            case dict():
                return Pairs(tuple((self.of(k, what), self.of(v, what)) for k, v in value.items()))
            case range() | slice():
                bounds = (value.start, value.stop, value.step)
                name = LibraryName(f"builtins.{type(value).__name__}")
                return Built(name, tuple(self.of(bound, what) for bound in bounds))
            case Unknown() | Many() | Tensor() | Choice():
                return unknown(value, what)
        return None

    def _object(self, value: Value, what: str) -> Recipe:
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
                return self._instance(value, what)
        return Unobtainable(f"`{what}` is not known from reading the code")

    def _instance(self, value: Instance, what: str) -> Recipe:
        if value in self._built:
            built = self._built[value]
            return replace(built, attributes=()) if value is self._changing else built
        if value in self._parts:
            return self._part(*self._parts[value], what)
        if value.library == OPTIONS:
            return self._record(value, LibraryName(OPTIONS))
        if value.cls is not None and not value.is_module:
            if not value.library:
                return self._record(value, self.of(value.cls, what))
            if value.library == "typing.NamedTuple":
                fields = {name: self.of(item, name) for name, item in value.attributes.items()}
                return Built(self.of(value.cls, what), (), fields)
        if value in self._calls:
            return self._call(*self._calls[value])
        kind = "a part of another model" if value.is_module else f"a {value.type_name}"
        return Unobtainable(f"`{what}` is {kind}, which reading the code does not give")

    def _part(self, owner: Instance, path: str, what: str) -> Recipe:
        """What is reached from an object as it was built."""
        outer = self.of(owner, what)
        if isinstance(outer, Built) and owner in self._built:
            outer = replace(outer, attributes=())
        get = Built(LibraryName("operator.attrgetter"), (Constant(path),))
        return Built(get, (outer,))

    def _record(self, value: Instance, cls: Recipe) -> Recipe:
        found = {name: self.of(item, name) for name, item in value.attributes.items()}
        gaps = {name: missing(recipe) for name, recipe in found.items()}
        known = {name: recipe for name, recipe in found.items() if gaps[name] is None}
        return Record(cls, known, {name: gap for name, gap in gaps.items() if gap is not None})


def _called(number: int, names: Sequence[str], node: cst.CSTNode | None) -> str:
    """What to call an argument: as its parameter, or as it is written if that says more."""
    written = dotted(node).rpartition(".")[2]
    named = names[number] if number < len(names) else ""
    return written if counts(written) else named or written or f"argument {number + 1}"


def _computes(model: Instance) -> bool:
    """Whether a model has layers, and a forward that calls them."""
    if model.cls is None and model.library != "torch.nn.Sequential":
        return model.library.startswith(FACTORIES)
    return has_unknown_children(model) or any(
        is_opaque(part) or KINDS.get(bare_name(part.library) or "") in WORTH_TRACING
        for _, part in named_modules(model)
    )


def _unwrapped(value: Value) -> Value:
    """A model without its wrappers."""
    while isinstance(value, Instance) and value.library in WRAPPERS:
        value = next((child for _, child in child_modules(value)), None)
    return value


def _without_origin(value: int | float | str) -> int | float | str:
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value
