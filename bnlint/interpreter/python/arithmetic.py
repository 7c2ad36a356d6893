"""Operators, truth and comparison."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache

import libcst as cst

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.extent import MOST_LOOKED_AT
from bnlint.interpreter.core.knowledge import CONCRETE, may_be_absent, open_one
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Partial,
    Scope,
)
from bnlint.interpreter.core.values import (
    Arguments,
    Choice,
    GradientSwitch,
    IsRank,
    Library,
    Many,
    Maybe,
    PathText,
    Rank,
    Share,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.evaluation import compared, contains, negated, operate
from bnlint.interpreter.python.registries import fill
from bnlint.interpreter.torch.modules import children, is_container
from bnlint.interpreter.torch.optimized import note_perhaps_optimized
from bnlint.interpreter.torch.parameters import is_parameter, operand
from bnlint.interpreter.torch.shape_axes import broadcast

LONGEST_PATH = 4096
TENSOR_OPERATORS: Mapping[str, tuple[Kind, str]] = {
    "Add": (Kind.ADD, "add"),
    "Subtract": (Kind.SUB, "sub"),
    "Multiply": (Kind.MUL, "mul"),
    "Divide": (Kind.DIV, "div"),
    "MatrixMultiply": (Kind.MATMUL, "matmul"),
}


def operator_name(node: cst.CSTNode) -> str:
    """``Add`` for ``+`` and for ``+=``."""
    return _operator(type(node))


@cache
def _operator(kind: type) -> str:
    return kind.__name__.removesuffix("Assign")


def binary(m: Machine, name: str, left: Value, right: Value, site: Site) -> Value:
    """``left <operator> right``."""
    m.journal.numbers.note((left, right))
    if isinstance(left, Tensor) or isinstance(right, Tensor) or _scales_parameter(m, left, right):
        return _tensor_operation(m, name, left, right, site)
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return _partly_unknown(name, left, right, site)
    if isinstance(left, Instance | Many) or isinstance(right, Instance | Many):
        note_perhaps_optimized(m, (left, right))
        return _object_operation(name, left, right)
    if name == "Divide" and isinstance(left, str) and isinstance(right, str):
        return _joined_paths(left, right)
    made = operate(name, left, right, m.allowance)
    if name == "Multiply" and isinstance(made, list | tuple):
        _note_repeated(made, site)
    return Unknown("operation", None, open_one((left, right))) if type(made) is Unknown else made


def _scales_parameter(m: Machine, left: Value, right: Value) -> bool:
    """Whether a forward computes with nothing but parameters and numbers, one of the former at least."""
    if not m.tape.recording or not (is_parameter(left) or is_parameter(right)):
        return False
    return all(is_parameter(value) or isinstance(value, int | float) for value in (left, right))


def _note_repeated(items: list[Value] | tuple[Value, ...], site: Site) -> None:
    """``[nn.BatchNorm2d(8)] * 3`` has one module three times."""
    for item in items[:MOST_LOOKED_AT]:
        if isinstance(item, Instance) and item.is_module and len(items) > 1:
            item.repeated = site


def _joined_paths(left: str, right: str) -> Value:
    """``Path("configs") / "net.yaml"``."""
    if not isinstance(left, PathText) and not isinstance(right, PathText):
        return Unknown("operation")
    made = PathText(right if right.startswith("/") else f"{left.rstrip('/')}/{right}")
    made.option = None
    return made if len(made) <= LONGEST_PATH else Unknown("operation")


def _partly_unknown(name: str, left: Value, right: Value, site: Site) -> Value:
    if name == "Add" and isinstance(left, list | tuple):
        return Many(Unknown("item"))
    if name in ("Divide", "FloorDivide") and isinstance(left, int | float):
        return Share(left, site, right)
    return Unknown("operation", None, open_one((left, right)))


def _object_operation(name: str, left: Value, right: Value) -> Value:
    match left, right:
        case (Many(element=element, loader=loader), list() | tuple()) | (
            list() | tuple(),
            Many(element=element, loader=loader),
        ) if name == "Add":
            return Many(element, loader)
    return Unknown("operation", None, open_one((left, right)))


def _tensor_operation(m: Machine, name: str, left: Value, right: Value, site: Site) -> Value:
    kind, op = TENSOR_OPERATORS.get(name, (Kind.OTHER, name.lower()))
    inputs = [t for v in (left, right) if (t := operand(m, v, site)) is not None]
    constants: dict[str, Value] = {}
    if len(inputs) == 1:
        in_front = isinstance(left, Tensor) or is_parameter(left)
        constants["other"] = right if in_front else left
        constants["reflected"] = not in_front
    vague = kind is Kind.MATMUL or may_be_tensors([left, right])
    shape = Shape() if vague else broadcast([tensor.shape for tensor in inputs])
    made = m.tape.tensor(kind, op, inputs, site, constants=constants, shape=shape, batch=True)
    if len(inputs) == 1 and (fill := _filled(name, inputs[0].fill, constants)) is not None:
        made = replace(made, fill=fill)
    return replace(made, made_up=False, drawn=False) if may_be_tensors([left, right]) else made


def _filled(name: str, fill: float | None, constants: Mapping[str, Value]) -> float | None:
    """The number that a tensor holds throughout that is multiplied or divided by a number."""
    other = constants["other"]
    if fill is None or not isinstance(other, int | float):
        return None
    if name == "Multiply":
        return fill * other
    divided = name == "Divide" and other and not constants["reflected"]
    return fill / other if divided else None


def may_be_tensors(values: list[Value]) -> bool:
    """Whether one of an operation's operands is not known and may be a tensor of any shape."""
    return any(value is None or isinstance(value, Unknown | Many | Choice) for value in values)


def unary(m: Machine, name: str, value: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """``-value``, ``not value`` and the like."""
    if name == "Not":
        known = truth_of(value)
        if isinstance(value, Rank | IsRank):
            return IsRank("condition")
        return Unknown("condition") if known is None else not known
    if isinstance(value, Tensor):
        site = m.site(node, scope)
        return m.tape.tensor(Kind.OTHER, "neg", [value], site, shape=value.shape, batch=True)
    m.journal.numbers.note((value,))
    return negated(name, value, m.allowance)


def truth_of(value: Value) -> bool | None:
    """Whether a value counts as true, or ``None``."""
    if value is None or value is True or value is False:
        return bool(value)
    match value:
        case Unknown() | Tensor() | Many() | frozenset():
            return None
        case [only] | (only,) if may_be_absent(only):
            return None
        case dict() | set() if value:
            return True if any(not may_be_absent(v) for v in _entries(value)) else None
        case list() | tuple() | dict() | set() | str() | bytes():
            return bool(value)
        case Instance() if value.is_module and is_container(value):
            return bool(children(value))
        case Instance(cls=Class() as cls):
            overridden = any(isinstance(cls.find(n), Function) for n in ("__bool__", "__len__"))
            return None if overridden else True
        case Instance() | Class() | Function() | Method() | Partial() | GradientSwitch():
            return True
        case Builtin() | Library():
            return None if may_be_anything(value) else True
        case _ if isinstance(value, CONCRETE):
            return bool(value)
    return None


def _entries(value: dict[Value, Value] | set[Value]) -> Iterable[Value]:
    return value.values() if isinstance(value, dict) else value


UNDECIDED = frozenset({"torch.cuda.is_available", "typing.TYPE_CHECKING"})
DEFINITE = ("torch.", "torchvision.", "builtins.", "numpy.", "math.", "functools.")
"""Packages whose names stand for functions and classes, not for settings."""


def may_be_anything(value: Value) -> bool:
    """Whether a value is an attribute of something that is not read, perhaps a setting."""
    match value:
        case Unknown() | Maybe() | Builtin(receiver=Unknown() | Instance()):
            return True
        case Library(path=path, name=name):
            is_class = name[:1].isupper() and not name.isupper()
            return path in UNDECIDED or (
                "." in path and not is_class and not path.startswith(DEFINITE)
            )
    return False


def compare(
    m: Machine, name: str, left: Value, right: Value, node: cst.CSTNode, scope: Scope
) -> Value:
    """``left <comparison> right``: a bool, unknown, or a tensor of answers."""
    if _is_one_of_texts(left) or _is_one_of_texts(right):
        pairs = [(one, other) for one in _texts(left) for other in _texts(right)]
        answers = [compare(m, name, one, other, node, scope) for one, other in pairs]
        alike = isinstance(answers[0], bool) and all(one is answers[0] for one in answers)
        return answers[0] if alike else Unknown("comparison")
    if isinstance(left, Rank) and _names_ranks(name, right):
        return IsRank("comparison")
    match name:
        case "Is" | "IsNot" | "NotIs":
            same = _identical(left, right)
            return Unknown("identity") if same is None else same is (name == "Is")
        case "In" | "NotIn":
            inside = _contains(m, left, right, m.site(node, scope), scope)
            return Unknown("membership") if inside is None else inside is (name == "In")
    m.journal.numbers.note((left, right))
    if isinstance(left, Tensor) or isinstance(right, Tensor):
        inputs = [t for t in (left, right) if isinstance(t, Tensor)]
        m.journal.measure(inputs)
        answer = m.tape.tensor(Kind.OTHER, "eq", inputs, m.site(node, scope), batch=True)
        return Tensor(answer.index, answer.shape, answer.depends, batch=answer.batch)
    if name in ("Equal", "NotEqual") and isinstance(left, Class | Library | Function | Instance):
        same = _identical(left, right)
        return Unknown("comparison") if same is None else same is (name == "Equal")
    known = compared(name, left, right, m.allowance)
    return Unknown("comparison") if known is None else known


def _is_one_of_texts(value: Value) -> bool:
    return isinstance(value, Choice) and all(isinstance(one, str) for one in value.values)


def _texts(value: Value) -> tuple[Value, ...]:
    """What a value may be, if it is one of several texts."""
    return value.values if isinstance(value, Choice) and _is_one_of_texts(value) else (value,)


def _names_ranks(comparison: str, value: Value) -> bool:
    """Whether a comparison with a value tells one process from others: ``rank == 0``, ``rank in (-1, 0)``."""
    match comparison, value:
        case (("Equal" | "NotEqual" | "GreaterThan"), int()):
            return value >= 0
        case (("In" | "NotIn"), (list() | tuple())):
            return 0 in value
    return False


def _identical(left: Value, right: Value) -> bool | None:
    if isinstance(left, Library) and isinstance(right, Library) and left == right:
        return True
    if may_be_anything(left) or may_be_anything(right):
        return None
    for one, other in ((left, right), (right, left)):
        if one is None:
            return None if type(other).__name__ == "Choice" else other is None
    if isinstance(left, Library) and isinstance(right, Library):
        return False
    if isinstance(left, CONCRETE) and isinstance(right, CONCRETE):
        return left is right or left == right
    return left is right


def _contains(m: Machine, item: Value, container: Value, site: Site, scope: Scope) -> bool | None:
    if isinstance(item, Tensor) or may_be_anything(item):
        return None
    if type(container) is dict and isinstance(item, str) and item not in container:
        fill(m, container)
    match container:
        case Instance(cls=Class() as cls) if isinstance(
            method := cls.find("__contains__"), Function
        ):
            return truth_of(m.call(Method(method, container), Arguments([item]), site, scope))
        case dict() if any(isinstance(entry, Maybe) for entry in container.values()):
            answer = contains(container, item, may_be_anything, m.allowance)
            sure = {key: v for key, v in container.items() if not isinstance(v, Maybe)}
            here = contains(sure, item, may_be_anything, m.allowance)
            return answer if answer == here else None
        case str() | bytes() | range() | list() | tuple() | set() | frozenset() | dict():
            return contains(container, item, may_be_anything, m.allowance)
        case Instance() if container.is_module and isinstance(item, str):
            return any(name == item for name, _ in children(container))
    return None
