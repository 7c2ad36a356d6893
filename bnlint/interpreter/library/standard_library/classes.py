"""isinstance and issubclass over project and library classes."""

import builtins
from functools import lru_cache

from bnlint.facts.types.kind import Kind
from bnlint.interpreter.core.knowledge import CONCRETE
from bnlint.interpreter.core.objects import Builtin, Class, Function, Instance, Method, Partial
from bnlint.interpreter.core.values import (
    Choice,
    Configuration,
    Library,
    Many,
    PathText,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.python.arithmetic import may_be_anything
from bnlint.interpreter.python.configurations import NODES
from bnlint.interpreter.torch.module_classes import canonical
from bnlint.interpreter.torch.modules import WRAPPERS, norm_group
from bnlint.interpreter.torch.norms import SYNCHRONISED
from bnlint.interpreter.torch.parameters import is_opaque
from bnlint.vocabulary.layers import KINDS, ancestors, bare_name

PLAIN = (*CONCRETE, list, tuple, dict, set, frozenset, Function, Method, Partial, Class, Library)
"""Values that are no instances of a library's classes."""

_OF_SETTINGS = frozenset({"int", "float", "str", "bool", "bytes", "list", "tuple", "dict", "set"})
"""What a name of a package may be that is no class and no function: ``logging.INFO``."""


def is_instance(value: Value, classes: Value) -> bool | None:
    """``isinstance(value, classes)``, or ``None`` where it is not known."""
    if isinstance(classes, tuple):
        return _any([is_instance(value, cls) for cls in classes])
    if isinstance(value, Unknown | Many) or isinstance(classes, Unknown):
        return None
    if isinstance(value, Builtin) and may_be_anything(value):
        return None
    if isinstance(value, Choice):
        answers = {is_instance(one, classes) for one in value.values}
        return answers.pop() if len(answers) == 1 else None
    match classes:
        case Class() if isinstance(value, Configuration) and value.cls is not None:
            return classes in value.cls.mro
        case Class() if isinstance(value, Instance) and value.attributes.get(SYNCHRONISED) is True:
            return False
        case Class() if isinstance(value, Instance) and value.cls is not None:
            return classes in value.cls.mro or (None if value.cls.open else False)
        case Class():
            return False
        case Library():
            return _is_library_instance(value, classes)
    return None


def _any(answers: list[bool | None]) -> bool | None:
    if True in answers:
        return True
    return None if None in answers else False


def _is_library_instance(value: Value, cls: Library) -> bool | None:
    if type(value) is Instance:
        return _is_instance_of(value, cls)
    match value:
        case Configuration(kind=package) if package and cls.path not in (
            "builtins.dict",
            "builtins.list",
        ):
            return True if NODES.get(cls.path) == package else None
        case PathText():
            return cls.path.startswith("pathlib.")
        case Tensor():
            return None if value.whole else cls.name == "Tensor"
    if cls.path.startswith("builtins."):
        kind = getattr(builtins, cls.name, None)
        if isinstance(kind, type) and not isinstance(value, Class | Function | Method | Library):
            return isinstance(value, kind)
        if isinstance(value, Library) and cls.name in _OF_SETTINGS and may_be_anything(value):
            return None
        return cls.name == "type" and isinstance(value, Class | Library)
    return _is_abstract_instance(value, cls.name)


def _is_instance_of(value: Instance, cls: Library) -> bool | None:
    if value.library == "typing.NamedTuple" and cls.path == "builtins.tuple":
        return True
    if value.stands_for_many and bare_name(cls.path) is None:
        return None
    if is_opaque(value):
        return _is_third_party_instance(value, cls)
    if SYNCHRONISED in value.attributes:
        return _is_converted_instance(value, cls)
    if _is_a(value.library, cls.path):
        return True
    return None if value.cls is not None and value.cls.open else False


def _is_converted_instance(layer: Instance, cls: Library) -> bool | None:
    """The same of a BatchNorm that may be a SyncBatchNorm by now, a class of no dimensions."""
    answers = {_is_a("torch.nn.SyncBatchNorm", cls.path)}
    if layer.attributes[SYNCHRONISED] is not True:
        answers.add(_is_a(layer.library, cls.path))
    return answers.pop() if len(answers) == 1 else None


def _is_abstract_instance(value: Value, name: str) -> bool | None:
    match name:
        case "Iterable" | "Collection" | "Sized" | "Container":
            return isinstance(value, list | tuple | str | dict | set)
        case "Sequence":
            return isinstance(value, list | tuple | str | range)
        case "Mapping" | "MutableMapping" | "OrderedDict":
            return isinstance(value, dict)
        case "Callable":
            return isinstance(value, Function | Method | Class | Partial | Builtin)
        case "Number" | "Real" | "Integral":
            return isinstance(value, int if name == "Integral" else int | float)
        case "Tensor" | "Module" | "Parameter" | "Dataset" | "DataLoader":
            return False
        case "FunctionType" | "LambdaType":
            return isinstance(value, Function)
        case "partial":
            return isinstance(value, Partial)
        case "string_types" | "string_classes" | "text_type" | "basestring":
            return isinstance(value, str)
        case "integer_types" | "int_classes":
            return isinstance(value, int)
    return False if isinstance(value, PLAIN) else None


def _is_third_party_instance(model: Instance, cls: Library) -> bool | None:
    """The same of a model or a part of one whose class is not known; it may stand for its layers."""
    name = bare_name(cls.path)
    if name == "Module":
        return True
    if name is None or name not in KINDS:
        return None
    if KINDS[name] is Kind.BATCH_NORM:
        group = norm_group(model)
        return False if group is not None and _is_instance_of(group, cls) is False else None
    return None if model.has_parent and canonical(cls.path) not in WRAPPERS else False


@lru_cache(maxsize=4096)
def _is_a(library: str, wanted: str) -> bool:
    """Whether a library class is or derives from another."""
    have, want = bare_name(library), bare_name(wanted)
    if want is None:
        want = wanted.rpartition(".")[2] if wanted.startswith("torch.nn.") else None
    if want is not None and library.startswith("torch.nn."):
        name = have or library.rpartition(".")[2]
        return want in ancestors(name) or want == name
    return bool(library) and canonical(library) == canonical(wanted)


def is_subclass(cls: Value, classes: Value) -> bool | None:
    """``issubclass(cls, classes)``, or ``None`` where it is not known."""
    if isinstance(classes, tuple):
        return _any([is_subclass(cls, one) for one in classes])
    match cls, classes:
        case Class(), Class():
            return classes in cls.mro
        case Class(), Library():
            base = cls.library_base()
            return base is not None and _is_a(canonical(base.path), classes.path)
        case Library(), Library():
            return _is_a(canonical(cls.path), classes.path) or cls == classes
    return None
