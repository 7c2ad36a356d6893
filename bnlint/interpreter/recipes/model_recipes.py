"""How to build again the models that the program builds: instances of the rehearsal as recipes.

Recipes are made while the rehearsal goes on, since options and configurations may change later.
Only a rehearsal that is asked for them makes any.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import count, islice
from typing import TYPE_CHECKING

from bnlint.facts.types.kind import NORMALIZATIONS, WEIGHTED, Kind
from bnlint.facts.types.recipe import (
    Built,
    Constant,
    LibraryName,
    Recipe,
    Unobtainable,
    mapped,
    missing,
    walk,
)
from bnlint.interpreter.core.objects import Function, Instance
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.recipes.recipe_values import RecipeValues
from bnlint.interpreter.torch.modules import (
    WRAPPERS,
    descendants,
    has_unknown_children,
    is_container,
    modules_in,
    named_parts,
)
from bnlint.interpreter.torch.parameters import is_opaque
from bnlint.interpreter.torch.wrappers import unwrapped
from bnlint.vocabulary.layers import KINDS, bare_name

if TYPE_CHECKING:
    from bnlint.interpreter.core.machine import Machine

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
MOST_PARTS = 5000
"""Parts of one recipe, those that occur several times counted each time."""


class Recipes:
    """What is needed to build models again, as far as the program's code gives it."""

    def __init__(self, machine: "Machine") -> None:
        self._m = machine
        self._values = RecipeValues(self._instance)
        self._built: dict[Instance, Built] = {}
        self._calls: dict[Instance, tuple[Value, Arguments]] = {}
        self._parts: dict[Instance, tuple[Instance, str]] = {}
        self._numbers = count()
        self._changing: Instance | None = None
        self._indexed = -1, 0
        self._holders: dict[Instance, tuple[Instance, str]] = {}

    def of_model(self, model: Instance) -> Recipe | None:
        """How a model was built; ``None`` for what another builds, and for what holds no layers."""
        built = self._built.get(model) if _computes(model) else None
        latest = {each.key: each for each in self._built.values()}
        return None if built is None else _updated(built, latest, frozenset())

    # -- what happens -------------------------------------------------------------------------

    @property
    def _inside(self) -> bool:
        """Whether a model's own code is being executed, which building it executes again."""
        return bool(self._m.building or self._m.modules)

    def note_built(self, made: Instance, callee: Value, arguments: Arguments) -> None:
        """An object is about to be built."""
        if self._inside:
            return
        if made.is_module:
            called = replace(self._values.call(callee, arguments), key=next(self._numbers))
            if len(list(islice(walk(called), MOST_PARTS))) == MOST_PARTS:
                called = Built(Unobtainable("it is built from too many parts"), key=called.key)
            self._built[made] = called
        else:
            self._calls[made] = callee, arguments

    def note_part(self, part: Instance, owner: Instance, path: str) -> None:
        """``part`` is an attribute, of a path of names, of a model whose layers are not listed."""
        self._parts[part] = owner, path

    def note_copied(self, original: Instance, copied: Instance) -> None:
        """An object was copied, with all that was done to it."""
        if original in self._built:
            self._built[copied] = replace(self._built[original], key=next(self._numbers))

    def note_changed(self, owner: Instance, name: str, value: Value) -> None:
        """``owner.name = value``."""
        root, path = (None, "") if self._inside else self._root(owner)
        before = owner.attributes.get(name)
        if root is None or (before is not None and _unwrapped(value) is before):
            return
        self._changing = root
        recipe = self._values.of(value, name)
        self._changing = None
        is_layer = is_container(owner) or modules_in(value) or modules_in(before)
        if not is_layer and missing(recipe) is not None:
            return
        path = f"{path}.{name}" if path else name
        if not set(self._m.assumptions()) <= set(root.assumptions):
            recipe = Unobtainable(f"`{path}` is replaced under a condition that is not known")
        self._change(root, path, recipe)

    def note_deleted(self, owner: Instance) -> None:
        """Parts of ``owner`` are about to be deleted."""
        root, path = (None, "") if self._inside else self._root(owner)
        if root is not None:
            gap = Unobtainable(f"layers of `{path or root.type_name}` are deleted")
            self._change(root, path, gap)

    def note_returned(self, function: Function, arguments: Arguments, value: Value) -> None:
        """A function returns a model: calling it may do where what it computed is not known."""
        model = _unwrapped(value)
        if self._inside or function.owner is not None or not isinstance(model, Instance):
            return
        built = self._built.get(model)
        if built is None or missing(built) is None:
            return
        called = self._values.call(function, arguments)
        if missing(called) is None:
            self._built[model] = replace(called, key=built.key)

    def _change(self, root: Instance, path: str, recipe: Recipe) -> None:
        built = self._built[root]
        self._built[root] = replace(built, attributes=(*built.attributes, (path, recipe)))

    def _root(self, owner: Instance) -> tuple[Instance | None, str]:
        """The nearest model around a module that has a recipe, and the dotted path from there."""
        if owner in self._built:
            return owner, ""
        if owner in self._parts:
            outer, name = self._parts[owner]
            root, path = self._root(outer)
            return root, f"{path}.{name}" if path else name
        state = self._m.heap.structure, len(self._built)
        if state != self._indexed:
            self._indexed, self._holders = state, self._all_holders()
        return self._holders.get(owner, (None, ""))

    def _all_holders(self) -> dict[Instance, tuple[Instance, str]]:
        found: dict[Instance, tuple[Instance, str]] = {}
        for root in self._built:
            for path, module in descendants(self._m, root):
                if module.stands_for_many:
                    continue
                if module not in found or path.count(".") < found[module][1].count("."):
                    found[module] = root, path
        return found

    # -- objects ------------------------------------------------------------------------------

    def _instance(self, value: Instance, what: str) -> Recipe:
        if value in self._built:
            built = self._built[value]
            return replace(built, attributes=()) if value is self._changing else built
        if value.library == OPTIONS:
            return self._values.record(value, LibraryName(OPTIONS))
        if value.cls is not None and not value.is_module:
            cls = self._values.of(value.cls, what)
            if not value.library:
                return self._values.record(value, cls)
            if value.library == "typing.NamedTuple":
                fields = value.attributes.items()
                return Built(cls, (), {name: self._values.of(item, name) for name, item in fields})
        if value in self._calls:
            return self._values.call(*self._calls[value])
        root, path = self._root(value)
        if root is not None:
            return self._part(self._built[root], path, as_built=value in self._parts)
        return Unobtainable(
            f"`{what}` is a {value.type_name}, which reading the code does not give"
        )

    @staticmethod
    def _part(built: Built, path: str, *, as_built: bool) -> Recipe:
        """What is reached from a model, as it is now or as it was built."""
        get = Built(LibraryName("operator.attrgetter"), (Constant(path),))
        return Built(get, (replace(built, attributes=()) if as_built else built,))


def _updated(recipe: Recipe, latest: Mapping[int, Built], around: frozenset[int]) -> Recipe:
    """A recipe with what was done, since it was made, to the objects within it."""
    match recipe:
        case Built(callee=Built(callee=LibraryName("operator.attrgetter"))):
            return recipe
        case Built(key=int(key)) if key in around:
            return recipe
        case Built(key=int(key)) if key in latest:
            return mapped(latest[key], lambda part: _updated(part, latest, around | {key}))
    return mapped(recipe, lambda part: _updated(part, latest, around))


def _computes(model: Instance) -> bool:
    """Whether a model has layers, and a forward that calls them."""
    if model.cls is None and model.library != "torch.nn.Sequential":
        return model.library.startswith(FACTORIES)
    parts = named_parts(model)
    return has_unknown_children(parts) or any(
        is_opaque(part.module) or KINDS.get(bare_name(part.module.library) or "") in WORTH_TRACING
        for part in parts
    )


def _unwrapped(value: Value) -> Value:
    """A model without its wrappers."""
    if not isinstance(value, Instance):
        return value
    inner = unwrapped(value)
    return None if inner.library in WRAPPERS else inner
