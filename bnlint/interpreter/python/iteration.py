"""Taking values apart: items and indices."""

from collections.abc import Sequence

import libcst as cst

from bnlint.interpreter.core.knowledge import (
    OPENING,
    in_random_order,
    is_further,
    is_known,
    is_saved,
    may_be_absent,
    open_at,
    open_one,
)
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    OpenFile,
    Scope,
)
from bnlint.interpreter.core.values import (
    CONDITIONAL,
    MISSING,
    RANKS,
    SHUFFLED,
    SOME_SLICE,
    Arguments,
    Choice,
    Configuration,
    Length,
    Library,
    Many,
    Maybe,
    Rank,
    Tensor,
    Text,
    Unknown,
    Value,
    present,
)
from bnlint.interpreter.evaluation import is_key, item_of
from bnlint.interpreter.library.data_loading.held_out import item_of_dataset
from bnlint.interpreter.library.torch_library.state_dicts import (
    entry_of,
    is_state_dict,
    parameters_of_any,
)
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.python.configurations import entry
from bnlint.interpreter.python.data_texts import lines_of, text_at
from bnlint.interpreter.python.registries import fill
from bnlint.interpreter.python.tensor_indexing import index_tensor
from bnlint.interpreter.python.unlisted_slices import is_most, leaves_out_last
from bnlint.interpreter.python.unnamed_models import member, must_be_given, note_lookup, one_of
from bnlint.interpreter.torch.containers import indexed_child
from bnlint.interpreter.torch.layer_shapes import size_at
from bnlint.interpreter.torch.modules import (
    is_container,
    places,
)
from bnlint.interpreter.torch.parameters import is_opaque, is_parameter, operand
from bnlint.interpreter.torch.replaced_parts import most_parameters

NAMED_TUPLE = "typing.NamedTuple"
TEXTS = frozenset({str, Text})
LONGEST = 4096
"""Items of a range or string that are taken apart."""


def elements(m: Machine, value: Value) -> list[Value] | None:
    """The items of an iterable, or ``None`` where their number is not known."""
    match value:
        case list() | tuple():
            items = entries(m, value)
            if items is None or OPENING.isdisjoint(map(type, items)):
                return items
            return [item for item in items if not is_further(item)]
        case set() | frozenset() if open_at(list(value)) is not None:
            return None
        case set() | frozenset():
            return sorted(value, key=_place_in_set) if m.allowance.takes(len(value)) else None
        case dict():
            return None if has_uncertain_entries(value) else list(value)
        case OpenFile():
            text = text_at(m, value.path, value.site)
            lines = Unknown("lines") if text is None else lines_of(text)
            return lines if isinstance(lines, list) else None
        case str() | range() | bytes():
            return list(value) if len(value) <= LONGEST else None
        case Instance() if value.is_module:
            return _module_items(m, value)
        case Instance() if is_named_tuple(value):
            return list(value.attributes.values())
    return None


def entries(m: Machine, value: list[Value] | tuple[Value, ...]) -> list[Value] | None:
    """The items of a list or tuple, and what stands for those of further passes."""
    if not m.allowance.takes(len(value) >> 4) or open_at(value) is not None:
        return None
    return value if isinstance(value, list) else list(value)


def listed(m: Machine, value: Value) -> list[Value] | None:
    """The items of an iterable that another container gets, and what stands for further ones."""
    return entries(m, value) if isinstance(value, list | tuple) else elements(m, value)


def number_of(items: Sequence[Value]) -> Value:
    """How many there are."""
    open_items = [i for i in items if isinstance(i, Many) or may_be_absent(i) or is_further(i)]
    if all(map(is_further, open_items)):
        return Length(len(items)) if open_items else len(items)
    return Unknown("length")


def has_uncertain_entries(value: dict[Value, Value]) -> bool:
    """Whether some entries of a dict are there on some paths only."""
    return any(isinstance(item, Maybe) for item in value.values())


def _place_in_set(value: Value) -> str:
    """A set has no order; this one is the same whenever a file is read."""
    if isinstance(value, Instance):
        return f"{value.order:12}"
    return repr(value) if is_known(value) and is_key(value) else type(value).__name__


def _module_items(m: Machine, module: Instance) -> list[Value] | None:
    if module.library == "torch.nn.ModuleDict":
        return [name for name, _ in places(module)]
    if is_container(module):
        return [child for _, child in places(module)]
    return None


def without_none(value: Value) -> Value:
    """What is taken apart where it is one thing or ``None``, which has no parts: the program goes on."""
    match value:
        case Choice(values=(None, other)) | Choice(values=(other, None)):
            return other
    return value


def index_into(m: Machine, value: Value, key: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """``value[key]``."""
    value = without_none(value)
    match value:
        case Tensor():
            return index_tensor(m, value, key, node, scope)
        case Many():
            return _index_many(m, value, key, node, scope)
        case Configuration() if isinstance(key, str):
            held = entry(value, key)
            if held is MISSING and fill(m, value):
                held = entry(value, key)
            return Unknown("item", m.site(node, scope)) if held is MISSING else held
        case list() | tuple() | str() | range() | dict() | bytes():
            return _index_known(m, value, key, node, scope)
        case Class() | Library() if _is_type(value):
            return value
        case Library(path="os.environ" | "sys.modules") if isinstance(key, str):
            held = _named_in_process(m, value, key, node, scope)
            if held is not MISSING:
                return held
        case Builtin(receiver=Namespace() as module, name="__dict__"):
            return member(m, module, key, node, scope)
        case Builtin(receiver=receiver, name="__dict__" | "_modules") if isinstance(key, str):
            return m.attribute(receiver, key, node, scope)
        case Choice(values=states) if all(map(is_state_dict, states)):
            return parameters_of_any(m, states, key, m.site(node, scope))
        case Choice() if all(map(_is_indexed, value.known)):
            return _item_of_one(m, value, key, node, scope)
        case Instance():
            item = _index_instance(m, value, key, node, scope)
            if item is not MISSING:
                return item
    keys = key if isinstance(key, tuple) else (key,)
    if any(map(in_random_order, keys)) or in_random_order(value):
        return SHUFFLED
    if is_saved(value):
        return value
    cause = value if isinstance(value, Unknown) else open_one((key, value))
    return _with_cause(m, size_at(value, key), cause, node, scope)


def _index_many(m: Machine, value: Many, key: Value, node: cst.CSTNode, scope: Scope) -> Value:
    match value:
        case Many(element=Instance() as model, parts=True) if not is_most(key):
            part = m.attribute(model, str(key) if isinstance(key, int) else "part", node, scope)
            return Many(part) if isinstance(key, slice) or key is SOME_SLICE else part
        case Many(element=Instance() as group) if leaves_out_last(key) and is_parameter(group):
            return most_parameters(m, group, m.site(node, scope))
    return value if isinstance(key, slice) else value.element


def _named_in_process(
    m: Machine, table: Library, key: str, node: cst.CSTNode, scope: Scope
) -> Value:
    """The rank that a variable of the environment holds, or a module that was imported."""
    if table.path == "os.environ":
        return Rank(table.path, m.site(node, scope)) if key in RANKS else MISSING
    own = scope.namespace
    return own if key == own.scope.names["__name__"] else m.namespaces.load(key, 0, own)


def _is_indexed(value: Value) -> bool:
    """Whether a value is an object of a class of the project that has items, such as a dataset."""
    match value:
        case Instance(cls=Class() as cls, is_module=False):
            return isinstance(cls.find("__getitem__"), Function)
    return False


def _item_of_one(m: Machine, choice: Choice, key: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """An item of one of several objects."""
    found: list[Value] = []
    with_one_of(
        m,
        choice.known,
        lambda one: found.append(index_into(m, one, key, node, scope)),
        m.site(node, scope),
        choice.selection,
    )
    return m.join(found) if found else Unknown("item")


def _index_instance(
    m: Machine, value: Instance, key: Value, node: cst.CSTNode, scope: Scope
) -> Value:
    """An item of an object, ``MISSING`` where nothing is known of its class."""
    site = m.site(node, scope)
    match value:
        case Instance(cls=Class() as cls) if isinstance(
            getter := cls.find("__getitem__"), Function
        ):
            item = m.call(Method(getter, value), Arguments([key]), site, scope)
            return item_of_dataset(m, value, item, site)
        case Instance() if value.is_module and is_container(value):
            return indexed_child(m, value, key, site)
        case Instance() if is_opaque(value) and is_most(key):
            first = m.attribute(value, "first", node, scope)
            if isinstance(first, Instance):
                first.part = value.part
            return first
        case Instance() if is_opaque(value):
            return m.attribute(value, str(key) if isinstance(key, int) else "part", node, scope)
        case Instance() if is_state_dict(value):
            return entry_of(m, value, key, site)
        case Instance(library="torch.nn.Parameter"):
            tensor = operand(m, value, site)
            return Unknown("item") if tensor is None else index_tensor(m, tensor, key, node, scope)
        case Instance() if is_named_tuple(value):
            return _index_known(m, list(value.attributes.values()), key, node, scope)
    return MISSING


def _with_cause(m: Machine, item: Value, cause: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """An item; one that is not known remembers the container or the key for which it is not."""
    if type(item) is not Unknown or item.reason not in _NO_ITEM or type(cause) is Tensor:
        return item
    return Unknown(item.reason, m.site(node, scope), cause)


_NO_ITEM = frozenset({"item", CONDITIONAL})


def _is_type(value: Class | Library) -> bool:
    """Whether a subscript gives a generic alias, ``tuple[int, int]``."""
    return isinstance(value, Class) or value.path.startswith(("builtins.", "typing."))


def is_named_tuple(value: Instance) -> bool:
    """Whether an object's fields are also its items, in order."""
    return value.library == NAMED_TUPLE


def _index_known(m: Machine, value: Value, key: Value, node: cst.CSTNode, scope: Scope) -> Value:
    if key is SOME_SLICE and isinstance(value, list | tuple | str) and not value:
        return value
    if key is SOME_SLICE and isinstance(value, list | tuple):
        return Many(_any_item(m, value))
    if type(value) is dict:
        note_lookup(m, value, key, node)
    if _may_be_any(key, value):
        if type(value) is dict and not value:
            fill(m, value)
        return _with_cause(m, _any_item(m, value), key, node, scope)
    if isinstance(value, list | tuple) and not m.allowance.takes(len(value) >> 4):
        return Unknown("item")
    known = open_at(value)
    if known is not None and not _is_within(key, known):
        return Many(Unknown("item")) if isinstance(key, slice) else Unknown("item")
    if type(value) is dict and type(key) in TEXTS and key not in value:
        fill(m, value)
        if key not in value and must_be_given(key):
            return _with_cause(m, _any_item(m, value), key, node, scope)
    found = present(item_of(value, key, m.allowance))
    if type(found) is not Unknown:
        return found
    return _with_cause(m, found, open_one([key]), node, scope)


def _may_be_any(key: Value, value: Value) -> bool:
    """Whether a key of something is not known; an attribute of an object or of a package may be one."""
    match key:
        case Unknown() | Tensor():
            return True
        case Builtin():
            return type(value) is dict
        case Library():
            return type(value) is dict and key not in value
    return False


def _is_within(key: Value, known: int) -> bool:
    """Whether a key takes nothing but some of the first ``known`` items."""
    if isinstance(key, slice):
        parts = (key.start or 0, key.stop, key.step or 1)
        return all(isinstance(part, int) and 0 <= part <= known for part in parts)
    return isinstance(key, int) and 0 <= key < known


def _any_item(m: Machine, value: Value) -> Value:
    """An item under a key that is not known."""
    items = [present(item) for item in value.values()] if isinstance(value, dict) else value
    if isinstance(items, list | tuple):
        items = [item for item in items if not is_further(item)]
    return one_of(m, items) if isinstance(items, list | tuple) else Unknown("item")
