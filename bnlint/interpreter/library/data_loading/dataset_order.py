"""Datasets of the project that decide by themselves which sample comes next."""

from collections.abc import Iterator, Sequence

import libcst as cst

from bnlint.facts.types.known import Known
from bnlint.interpreter.core.knowledge import in_random_order
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Class, Function, Instance
from bnlint.interpreter.core.values import Float, Int, Value
from bnlint.source.parents import children

DEEPEST = 4
"""Methods that hand the index on to each other and are followed."""
MADE_UP = 10_000
"""From here on a known number that was computed is nobody's count of samples."""
MOST_FUNCTIONS = 40
"""Functions of one dataset that are looked through for a shuffle."""
SHUFFLING = frozenset(
    """shuffle shuffled shuffle_ randperm permutation permuted sample resample
    train_test_split""".split()
)
"""Functions and methods that bring samples, or their indices, into a random order."""
LISTS = ("samples", "imgs")
"""Where datasets of packages keep what they list, which a program may list anew."""
CONVERSIONS = frozenset({"int", "float", "round"})
ENDLESS = frozenset({"maxsize", "inf"})
"""Numbers of ``sys`` and ``math`` that stand for no end."""


def draws_its_own_order(dataset: Instance) -> bool:
    """Whether the order of a loader says nothing about the samples of a project's dataset.

    Its ``__getitem__`` does not use the index, or its ``__len__`` is a number that somebody made up
    (``int(1e10)``), of which no sampler may make a permutation.
    """
    cls = dataset.cls
    return isinstance(cls, Class) and (_ignores_index(cls) or _has_made_up_length(dataset, cls))


def list_anew(m: Machine, listed: Value, value: Value) -> None:
    """What a package's dataset lists becomes ``value`` in place, by whatever name it goes."""
    match listed:
        case Builtin(receiver=Instance() as dataset, name=name) if name in LISTS:
            m.heap.put(dataset.attributes, name, value)


def mixed_afterwards(dataset: Instance) -> Known:
    """Whether the program has shuffled the list of a package's dataset; not known if it gave it another."""
    lists = [dataset.attributes[name] for name in LISTS if name in dataset.attributes]
    if any(map(in_random_order, lists)):
        return Known.YES
    return Known.UNKNOWN if lists else Known.NO


def shuffles_itself(cls: Class) -> bool:
    """Whether a method of a dataset, or a function of the project that one calls, shuffles."""
    seen: set[int] = set()
    pending = [
        function for part in cls.mro if isinstance(part, Class) for function in _functions(part)
    ]
    while pending:
        function = pending.pop()
        if id(function) in seen or len(seen) > MOST_FUNCTIONS:
            continue
        seen.add(id(function))
        for called in _called(function.node):
            name = called.rpartition(".")[2]
            if name in SHUFFLING:
                return True
            found = function.scope.namespace.names.get(called)
            pending.extend([found] if isinstance(found, Function) else [])
    return False


def _functions(cls: Class) -> Iterator[Function]:
    return (value for value in cls.names.values() if isinstance(value, Function))


def _called(node: cst.CSTNode) -> Iterator[str]:
    """The names that are called below a node; of a method, with a dot in front."""
    for inner in _below(node):
        match inner:
            case cst.Call(func=cst.Name(value=name)):
                yield name
            case cst.Call(func=cst.Attribute(attr=attr)):
                yield f".{attr.value}"


def _ignores_index(cls: Class) -> bool:
    item = cls.find("__getitem__")
    return isinstance(item, Function) and _ignores(cls, item, 1, DEEPEST)


def _ignores(cls: Class, function: Function, position: int, depth: int) -> bool:
    """Whether a method never reads the parameter at ``position`` that it was called with."""
    params = [*function.node.params.posonly_params, *function.node.params.params]
    if position >= len(params) or isinstance(function.node, cst.Lambda):
        return False
    name = params[position].name.value
    body = [statement for statement in function.node.body.body if not _only_checks(statement)]
    if _is_overwritten(body, name):
        return True
    handed_on = [call for statement in body for call in _handed_on(statement, name)]
    reads = sum(_reads(statement, name) for statement in body)
    if reads > len(handed_on) or (handed_on and depth == 0):
        return False
    for method, place in handed_on:
        callee = cls.find(method)
        if not isinstance(callee, Function) or not _ignores(cls, callee, place, depth - 1):
            return False
    return True


def _only_checks(statement: cst.CSTNode) -> bool:
    """Whether a statement only refuses some values."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Assert()]):
            return True
        case cst.If(body=cst.BaseSuite(body=[cst.SimpleStatementLine(body=[cst.Raise()])])):
            return statement.orelse is None
    return False


def _is_overwritten(body: Sequence[cst.CSTNode], name: str) -> bool:
    """Whether a statement of a function's own body sets a name before anything reads it."""
    for statement in body:
        match statement:
            case cst.SimpleStatementLine(
                body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=target))])]
            ) if target == name:
                return _reads(statement, name) == 0
        if _reads(statement, name):
            return False
    return False


def _reads(node: cst.CSTNode, name: str) -> int:
    """How often the value of a name is used below a node."""
    found = 0
    for inner in _below(node):
        match inner:
            case cst.Name(value=value) if value == name:
                found += 1
            case (
                cst.AssignTarget(target=cst.Name(value=value))
                | cst.Del(target=cst.Name(value=value))
                | cst.Arg(keyword=cst.Name(value=value))
            ) if value == name:
                found -= 1
            case cst.Attribute(attr=cst.Name(value=value)) if value == name:
                found -= 1
    return found


def _handed_on(node: cst.CSTNode, name: str) -> Iterator[tuple[str, int]]:
    """The calls ``self.method(name)`` below a node: the method and the argument's position in it."""
    for inner in _below(node):
        match inner:
            case cst.Call(func=cst.Attribute(value=cst.Name(value="self"), attr=method), args=args):
                for number, arg in enumerate(args, start=1):
                    match arg:
                        case cst.Arg(value=cst.Name(value=value), keyword=None, star=""):
                            if value == name:
                                yield method.value, number


def _below(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    pending = [node]
    while pending:
        inner = pending.pop()
        yield inner
        pending.extend(children(inner))


def _has_made_up_length(dataset: Instance, cls: Class) -> bool:
    length = cls.find("__len__")
    if not isinstance(length, Function):
        return False
    match length.node.body:
        case cst.IndentedBlock(body=[*_, cst.SimpleStatementLine(body=[cst.Return(value=value)])]):
            return value is not None and _is_made_up(value, dataset, length)
        case cst.SimpleStatementSuite(body=[cst.Return(value=value)]):
            return value is not None and _is_made_up(value, dataset, length)
    return False


def _is_made_up(node: cst.CSTNode, dataset: Instance, length: Function) -> bool:
    """Whether an expression is a number that stands in the code, by itself or by a name."""
    match node:
        case cst.Integer() | cst.Float():
            return True
        case cst.Name(value=name):
            return _is_written(length.scope.namespace.names.get(name))
        case cst.Attribute(attr=cst.Name(value=name)):
            return name in ENDLESS or _is_written(_held(node, dataset))
        case cst.BinaryOperation(left=left, right=right):
            return _is_made_up(left, dataset, length) and _is_made_up(right, dataset, length)
        case cst.Call(func=cst.Name(value=function), args=[cst.Arg(value=inner)]):
            return function in CONVERSIONS and _is_made_up(inner, dataset, length)
    return False


def _held(node: cst.CSTNode, dataset: Instance) -> Value:
    """What an attribute of the dataset is, or of an object that it holds."""
    match node:
        case cst.Name(value="self"):
            return dataset
        case cst.Attribute(value=owner, attr=attr):
            held = _held(owner, dataset)
            if isinstance(held, Instance):
                own = held.attributes.get(attr.value)
                return held.cls.find(attr.value) if own is None and held.cls is not None else own
    return None


def _is_written(value: Value) -> bool:
    """Whether a number stands in the code; one that large is no length of a list that does."""
    return isinstance(value, Int | Float) or (isinstance(value, int) and value >= MADE_UP)
