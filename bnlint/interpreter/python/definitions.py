"""``def``, ``class`` and their decorators."""

from dataclasses import replace

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    CommandMaker,
    CommandOption,
    ComposedMain,
    Function,
    Instance,
    Method,
    NumberMember,
    Partial,
    Property,
    Scope,
    Static,
    TextMember,
)
from bnlint.interpreter.core.values import Arguments, GradientSwitch, Int, Library, Unknown, Value
from bnlint.interpreter.library.training_frameworks.framework_objects import handler_of
from bnlint.interpreter.python.expressions import default_values
from bnlint.vocabulary.filling import TIMM_REGISTRATION

PROPERTIES = frozenset({"property", "cached_property", "lazy_property"})
ENUMERATIONS = frozenset({"Enum", "IntEnum", "StrEnum"})
DATACLASSES = frozenset(
    {
        *("dataclasses.dataclass", "pydantic.dataclasses.dataclass", "pydantic.BaseModel"),
        *("attr.s", "attr.dataclass", "attrs.define"),
    }
)
"""Decorators and base classes that make ``__init__`` of annotated fields."""
VALIDATORS = frozenset(
    "pydantic." + name
    for name in "validator field_validator root_validator model_validator".split()
)
VALIDATOR = "validator"
"""The reason for what is not known where such a function stands."""


def define_function(m: Machine, node: cst.FunctionDef, scope: Scope) -> Value:
    """The value that a ``def`` binds."""
    function = Function(node, node.name.value, scope, default_values(m, node.params, scope))
    value: Value = function
    for decorator in reversed(node.decorators):
        value = _decorate(m, decorator.decorator, function, value, scope)
    return value


def _decorate(
    m: Machine, node: cst.BaseExpression, function: Function, value: Value, scope: Scope
) -> Value:
    if isinstance(node, cst.Attribute) and node.attr.value in ("setter", "getter", "deleter"):
        current = scope.names.get(function.name)
        if isinstance(current, Property) and node.attr.value == "setter":
            return Property(current.getter, function)
        return current if isinstance(current, Property) else value
    if scope.cls is not None and _is_validator(m, node, scope):
        return Unknown(VALIDATOR)
    decorator = m.evaluate(node, scope)
    match decorator:
        case Library(name=name) if name in PROPERTIES:
            return Property(function)
        case Library(path="builtins.staticmethod"):
            return Static(value)
        case Library(path="builtins.classmethod"):
            return Static(value, bound=True)
        case Library(path="contextlib.contextmanager" | "contextlib.asynccontextmanager"):
            function.managed = True
        case Library(path="torch.no_grad" | "torch.inference_mode"):
            function.grad = Known.NO
        case Library(path="torch.enable_grad"):
            function.grad = Known.YES
        case GradientSwitch(grad=grad, before=before):
            function.grad = grad
            m.grad = m.grad if before is None else before
        case ComposedMain():
            return replace(decorator, function=value)
        case CommandOption(name=name, value=default):
            function.defaults[name] = default
            function.options.insert(0, decorator)
        case CommandMaker() | Library(path="click.command" | "click.group"):
            return m.call(decorator, Arguments([value]), m.site(node, scope), scope)
        case Function() | Method() | Partial():
            return _decorated(m, decorator, node, value, scope)
        case Library(path=path) if path in TIMM_REGISTRATION:
            m.call(decorator, Arguments([value]), m.site(node, scope), scope)
        case Builtin(receiver=Instance(library=library)) if handler_of(library) is not None:
            m.call(decorator, Arguments([value]), m.site(node, scope), scope)
    return value


def _is_validator(m: Machine, node: cst.BaseExpression, scope: Scope) -> bool:
    target = node.func if isinstance(node, cst.Call) else node
    if not isinstance(target, cst.Name | cst.Attribute):
        return False
    decorator = m.evaluate(target, scope)
    return isinstance(decorator, Library) and decorator.path in VALIDATORS


def _decorated(
    m: Machine, decorator: Value, node: cst.BaseExpression, value: Value, scope: Scope
) -> Value:
    result = m.call(decorator, Arguments([value]), m.site(node, scope), scope)
    replaced = isinstance(result, Function | Method | Partial | Class)
    return result if replaced else value


def define_class(m: Machine, node: cst.ClassDef, scope: Scope) -> Value:
    """The value that a ``class`` statement binds."""
    bases = tuple(m.evaluate(base.value, scope) for base in node.bases if base.star == "")
    bases = tuple(b if isinstance(b, Class | Library) else Unknown("base class") for b in bases)
    names: dict[str, Value] = m.new({})
    cls = Class(node.name.value, node, bases, names, scope.namespace)
    body = Scope(names, scope.namespace, scope if scope.parent or scope.function else None)
    body.cls = cls
    m.execute(node.body.body, body)
    for value in list(names.values()):
        _own(cls, value)
    ancestors = [base for base in cls.mro if isinstance(base, Library)]
    cls.dataclass = any(base.path in DATACLASSES for base in ancestors)
    if any(base.name in ENUMERATIONS for base in ancestors):
        for name, value in names.items():
            names[name] = _member(cls, name, value, m.site(node, scope))
    made: Value = cls
    for decorator in reversed(node.decorators):
        made = _decorate_class(m, decorator.decorator, cls, made, scope)
    return made


def _member(cls: Class, name: str, value: Value, site: Site) -> Value:
    """A member of an enumeration, which remembers that it is one."""
    made: NumberMember | TextMember
    match value:
        case int() if not isinstance(value, bool) and not name.startswith("_"):
            made = NumberMember(value)
            made.site = value.site if isinstance(value, Int) else site
        case str() if not name.startswith("_"):
            made = TextMember(value)
        case _:
            return value
    made.option, made.owner, made.member = None, cls, name
    return made


def _own(cls: Class, value: Value) -> None:
    match value:
        case Function(owner=None):
            value.owner = cls
        case Property(getter=getter, setter=setter):
            _own(cls, getter)
            _own(cls, setter)
        case Static(function=function):
            _own(cls, function)


def _decorate_class(
    m: Machine, node: cst.BaseExpression, cls: Class, value: Value, scope: Scope
) -> Value:
    target = node.func if isinstance(node, cst.Call) else node
    if isinstance(target, cst.Name | cst.Attribute):
        name = m.evaluate(target, scope)
        if isinstance(name, Library):
            if name.path in DATACLASSES:
                cls.dataclass = True
            return value
    decorator = m.evaluate(node, scope)
    if isinstance(decorator, Function | Method | Partial):
        return _decorated(m, decorator, node, value, scope)
    return value
