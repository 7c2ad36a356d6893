"""``value.name`` for each type of value."""

import re
from dataclasses import replace

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import ATTRIBUTES, handles
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Directory, Namespace
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    NumberMember,
    Partial,
    Property,
    Scope,
    Static,
    Super,
    TextMember,
)
from bnlint.interpreter.core.script_options import unknown_option
from bnlint.interpreter.core.values import (
    MISSING,
    NO_GRADIENTS,
    SHUFFLED,
    Arguments,
    Choice,
    Configuration,
    Float,
    Int,
    Library,
    Many,
    Maybe,
    Tensor,
    Text,
    Unknown,
    Value,
    present,
)
from bnlint.interpreter.evaluation.vectors import Vector
from bnlint.interpreter.python.attribute_presence import MODULE_METHODS, has_attribute
from bnlint.interpreter.python.configurations import is_config
from bnlint.interpreter.python.functions import run_function
from bnlint.interpreter.python.library_names import of_package
from bnlint.interpreter.torch.gradient_questions import requires_grad
from bnlint.interpreter.torch.layer_shapes import sizes_of
from bnlint.interpreter.torch.modules import MODE, WRAPPERS, children, mode_of, norm_group
from bnlint.interpreter.torch.norms import add_norm_group, part_of
from bnlint.interpreter.torch.parameter_sizes import sizes_of_parameter
from bnlint.interpreter.torch.parameters import is_opaque, is_parameter, names_of, parameter_of
from bnlint.interpreter.torch.states import cut, inherited
from bnlint.interpreter.torch.training import note_buffers_asked
from bnlint.vocabulary.layers import SIGNATURES, bare_name
from bnlint.vocabulary.operations import ATTRIBUTES as TENSOR_ATTRIBUTES
from bnlint.vocabulary.operations import GRADIENT_CUTS, SCALARS, is_method


@handles(ATTRIBUTES, Namespace)
def _of_namespace(
    m: Machine, value: Namespace, name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    if name in ("__dict__", "__getattribute__"):
        return Builtin(value, name)
    found = value.member(m, name)
    m.note_read(value, name, found)
    return Unknown(f"{name}") if found is MISSING else found


@handles(ATTRIBUTES, Directory)
def _of_directory(
    m: Machine, value: Directory, name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    return m.namespaces.submodule(value, name)


@handles(ATTRIBUTES, Library)
def _of_library(m: Machine, value: Library, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    if name in ("__name__", "__qualname__"):
        return value.name
    if name == "__dict__":
        return Builtin(value, "__dict__")
    return of_package(m, f"{value.path}.{name}")


@handles(ATTRIBUTES, Class)
def _of_class(m: Machine, value: Class, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    found = value.find(name)
    m.note_read(value, name, found)
    if name == "fromfile" and is_config(value):
        return Library("mmcv.Config.fromfile")
    if isinstance(found, Static):
        bound = found.bound and isinstance(found.function, Function)
        return Method(found.function, value) if bound else found.function  # type: ignore[arg-type]
    if found is not MISSING:
        return found
    if name in ("__name__", "__qualname__"):
        return value.name
    base = value.library_base()
    if base is None:
        return Unknown(f"attribute {name}")
    own = base.name == "LightningModule" and name.startswith("load_from")
    return Builtin(value, name) if own else Library(f"{base.path}.{name}")


@handles(ATTRIBUTES, Function)
def _of_function(m: Machine, value: Function, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    return value.name if name == "__name__" else Unknown(f"attribute {name}")


@handles(ATTRIBUTES, Partial)
def _of_partial(m: Machine, value: Partial, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    match name:
        case "func":
            return value.callee
        case "args":
            return value.positional
        case "keywords":
            return dict(value.keywords)
    return Unknown(f"attribute {name}")


@handles(ATTRIBUTES, Choice)
def _of_choice(m: Machine, value: Choice, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    owners = [v for v in value.known if has_attribute(v, name) is not False] or value.known
    found = [m.attribute(v, name, node, scope) for v in owners]
    if len(found) == 1:
        return found[0]
    methods = [v for v in found if isinstance(v, Builtin | Method | Function)]
    if methods and len(methods) == len(value.known):
        return Choice(tuple(methods), value.selection)
    if methods:
        others = [Unknown(f"attribute {name}")] * (len(methods) < len(found))
        return Choice((*methods, *others))
    return m.join(found) if found else Unknown(f"attribute {name}")


@handles(ATTRIBUTES, Super)
def _of_super(m: Machine, value: Super, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    receiver = value.receiver
    cls = receiver.cls if isinstance(receiver, Instance | Configuration) else receiver
    found = cls.find(name, value.after) if isinstance(cls, Class) else MISSING
    match found:
        case Function():
            return Method(found, receiver)
        case Property(getter=getter):
            return run_function(m, getter, Arguments([receiver]), m.site(node, scope))
        case Static(function=Function() as function, bound=bound):
            return Method(function, cls) if bound else function
    if found is not MISSING:
        return found
    known = isinstance(receiver, Instance | Configuration)
    return Builtin(value, name) if known else Unknown("super")


@handles(ATTRIBUTES, Tensor)
def _of_tensor(m: Machine, value: Tensor, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    if name == "requires_grad":
        return requires_grad(m, value)
    if name in ("shape", "device", "dtype", "ndim", "is_cuda", "layout"):
        if name == "ndim" and value.shape.rank is not None:
            return value.shape.rank
        return sizes_of(value.shape, value.batch) if name == "shape" else Unknown(f"tensor {name}")
    if name == "type" or (name in SCALARS and name not in ("item", "size", "dim", "numel")):
        return Builtin(value, name)
    if name == "grad":
        m.journal.note_gradient_read(value, m.site(node, scope))
    if name in TENSOR_ATTRIBUTES:
        shape = value.shape if name in ("data", "real") else None
        site = m.site(node, scope)
        kind = TENSOR_ATTRIBUTES[name]
        made = m.tape.tensor(kind, name, [value], site, shape=shape, batch=True)
        return cut(replace(made, grads=NO_GRADIENTS), value) if name in GRADIENT_CUTS else made
    if value.loaders and not (is_method(name) or name.startswith("__")):
        return _field(m, value, name, m.site(node, scope))
    return Builtin(value, name)


def _field(m: Machine, batch: Tensor, name: str, site: Site) -> Tensor:
    """A part of a batch that is an object: ``graphs.edge_index``, ``sentences.text``."""
    made = m.tape.tensor(Kind.UNKNOWN, name, [batch], site)
    return replace(made, whole=True, drawn=batch.drawn)


_FIELDS = {"values": 0, "indices": 1}
"""Fields of the pairs that ``torch.max`` and its like return, by their place."""


@handles(ATTRIBUTES, tuple)
def _of_tuple(
    m: Machine, value: tuple[Value, ...], name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    if name in _FIELDS and len(value) == len(_FIELDS) and isinstance(value[0], Tensor):
        return value[_FIELDS[name]]
    return Builtin(value, name)


@handles(ATTRIBUTES, Many, list, dict, str, set, int, float, range, bytes, bool, frozenset)
@handles(ATTRIBUTES, Int, Float, Text, Vector)
def _of_plain(m: Machine, value: Value, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    return Builtin(value, name)


@handles(ATTRIBUTES, NumberMember, TextMember)
def _of_member(
    m: Machine, value: NumberMember | TextMember, name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    match name:
        case "name":
            return value.member
        case "value":
            return int(value) if isinstance(value, int) else str(value)
    return Builtin(value, name)


_OF_ANY_ORDER = frozenset("shape size ndim columns dtype dtypes".split())
"""Attributes of tables and arrays that say nothing of their rows."""


@handles(ATTRIBUTES, Unknown)
def _of_unknown(m: Machine, value: Unknown, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    if value is SHUFFLED and name not in _OF_ANY_ORDER:
        return SHUFFLED
    return Builtin(value, name)


@handles(ATTRIBUTES, Builtin)
def _of_builtin(m: Machine, value: Builtin, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    if value.name == "__dict__":
        return Builtin(value, name)
    if value.name == "_modules":
        return Builtin(value.receiver, name)
    return Unknown(f"attribute {name}", m.site(node, scope), value.receiver)


@handles(ATTRIBUTES, Instance)
def _of_instance(m: Machine, value: Instance, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    if name == MODE and value.is_module:
        m.modes.last = node, value
        answers = {switch.training for switch in mode_of(m, value)}
        return answers.pop() if len(answers) == 1 and None not in answers else Unknown("mode")
    if name == "data" and is_parameter(value):
        return value
    if name in ("shape", "ndim") and is_parameter(value):
        sizes = sizes_of_parameter(value)
        if sizes is not None:
            return sizes if name == "shape" else len(sizes)
    entry = value.attributes.get(name, MISSING)
    if entry is not MISSING and not isinstance(entry, Maybe):
        return entry
    if value.cls is not None:
        found = _class_attribute(m, value, name, node, scope)
        if found is not MISSING:
            return found if entry is MISSING else m.join([present(entry), found])
    if entry is not MISSING:
        return present(entry)
    if name == "__class__" and is_opaque(value):
        return Unknown("class of a third-party model")
    if name == "__class__":
        return value.cls if value.cls is not None else Library(value.library)
    if name in ("__dict__", "_modules"):
        m.journal.modes_asked[value] = None
        if name == "__dict__" and value.is_module:
            note_buffers_asked(m, value, m.site(node, scope))
        if name == "_modules" and is_opaque(value):
            return Builtin(value, name)
        return dict(children(value)) if name == "_modules" else value.attributes
    if value.is_module:
        return _of_module(m, value, name, node, scope)
    if value.cls is None and name in value.arguments:
        return value.arguments[name].value
    if value.library == "argparse.Namespace":
        return unknown_option(name)
    return value if name == "data" and is_parameter(value) else Builtin(value, name)


def _class_attribute(
    m: Machine, value: Instance, name: str, node: cst.CSTNode, scope: Scope
) -> Value:
    assert value.cls is not None
    found = value.cls.find(name)
    m.note_read(value.cls, name, found)
    match found:
        case Property(getter=getter):
            return run_function(m, getter, Arguments([value]), m.site(node, scope))
        case Static(function=Function() as function, bound=True):
            return Method(function, value.cls)
        case Static(function=function):
            return function
        case Function():
            return Method(found, value)
    if found is MISSING and not name.startswith("__"):
        fallback = value.cls.find("__getattr__")
        if isinstance(fallback, Function):
            return run_function(m, fallback, Arguments([value, name]), m.site(node, scope))
    return found


_HOLDING_STATISTICS = frozenset({"running_mean", "running_var", "_buffers"})


def _of_module(m: Machine, value: Instance, name: str, node: cst.CSTNode, scope: Scope) -> Value:
    bare = bare_name(value.library)
    if name in names_of(value) or (name in ("weight", "bias") and bare in SIGNATURES):
        return parameter_of(m, value, name)
    if name in value.arguments:
        return _layer_argument(value, name)
    if name in _HOLDING_STATISTICS:
        note_buffers_asked(m, value, m.site(node, scope))
        if value in m.modules and (kept := inherited(value, name)) is not None:
            return kept
    if value.library in WRAPPERS and name == "module":
        return next((child for _, child in children(value)), Unknown("module"))
    if is_opaque(value) and not _is_method(value, name):
        return opaque_part(m, value, name, m.site(node, scope))
    return Builtin(value, name)


def _is_method(model: Instance, name: str) -> bool:
    """Whether a name of a third-party model is that of a method, by all that is known, and of no part."""
    if name.startswith("__") or name in MODULE_METHODS or SWITCHING.search(name):
        return True
    return model.cls is not None and BUILDING.match(name) is not None


def _layer_argument(layer: Instance, name: str) -> Value:
    value = layer.arguments[name].value
    dims = layer.library[-2:-1]
    sized = name in ("kernel_size", "stride", "padding", "dilation", "output_padding")
    if sized and isinstance(value, int) and dims.isdigit() and "Conv" in layer.library:
        return (value,) * int(dims)
    return value


def opaque_part(m: Machine, model: Instance, name: str, site: Site) -> Instance:
    """A submodule of a third-party model, which shares its mode and may be replaced."""
    made = Instance(None, f"{model.library}.{name}", {}, site, is_module=True)
    made.attributes[MODE] = model.attributes.get(MODE, frozenset())
    group = norm_group(model)
    add_norm_group(made, group.attributes[MODE] if group is not None else made.attributes[MODE])
    made.has_parent, made.order = True, m.journal.next_order()
    made.part = part_of(model, name)
    made.assumptions = model.assumptions
    m.heap.discover(model.attributes, name, made, made.attributes, MODE)
    m.heap.structure += 1
    if m.recipes is not None:
        m.recipes.note_part(made, model, name)
    return made


BUILDING = re.compile(r"_?(?:make|build|init|forward|get|set|reset|load)_")
"""Methods of the models of packages that classes which derive from these call."""
SWITCHING = re.compile(r"freez|^fix_|set_bn|bn_eval|eval_bn|tune|_mode$")
"""Names of a third-party model's methods that may switch or freeze its BatchNorm layers."""
