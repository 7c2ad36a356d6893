"""What statements do."""

from dataclasses import replace

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.mode_events import ModeNotCalled
from bnlint.interpreter.core.branches import last_name
from bnlint.interpreter.core.dispatch import STATEMENTS, handles
from bnlint.interpreter.core.frames import BREAK, CONTINUE, RAISE, Completion, End
from bnlint.interpreter.core.joins import MOST_ALTERNATIVES
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Instance, Method, Scope
from bnlint.interpreter.core.values import (
    EXIT,
    MISSING,
    SOME_ITEMS,
    Choice,
    IsRank,
    KeptMode,
    Sizes,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.evaluation import change
from bnlint.interpreter.evaluation.vectors import Vector
from bnlint.interpreter.python.arithmetic import binary, operator_name, truth_of
from bnlint.interpreter.python.decisions import note_decided, note_undecided
from bnlint.interpreter.python.definitions import define_class, define_function
from bnlint.interpreter.python.expressions import subscript_key
from bnlint.interpreter.python.forgetting import forget, known_value, parts_of
from bnlint.interpreter.python.growth import grown
from bnlint.interpreter.python.item_assignment import delete_item
from bnlint.interpreter.python.loop_numbers import outlives_pass, varying
from bnlint.interpreter.python.name_lookup import assign, bind
from bnlint.interpreter.python.narrowing import narrowed
from bnlint.interpreter.python.passed_over import note_passed_over
from bnlint.interpreter.python.refused_defaults import doubt_refused_defaults
from bnlint.interpreter.python.script_constants import name_of_constant
from bnlint.interpreter.torch.containers import extend_container
from bnlint.interpreter.torch.freezing import note_weights_written
from bnlint.interpreter.torch.integer_entries import note_assigned
from bnlint.interpreter.torch.modules import is_container, modules_in
from bnlint.interpreter.torch.parameters import is_parameter
from bnlint.interpreter.torch.weight_fills import draw, scale
from bnlint.source.name_bindings import dotted


@handles(STATEMENTS, cst.SimpleStatementLine)
def _line(m: Machine, node: cst.SimpleStatementLine, scope: Scope) -> Completion | None:
    body = node.body
    if len(body) == 1:
        handler = STATEMENTS.get(type(body[0])) or STATEMENTS[cst.CSTNode]
        return handler(m, body[0], scope)
    return m.execute(body, scope)


@handles(STATEMENTS, cst.Pass, cst.EmptyLine)
def _nothing(m: Machine, node: cst.CSTNode, scope: Scope) -> Completion | None:
    return None


@handles(STATEMENTS, cst.CSTNode)
def _not_followed(m: Machine, node: cst.CSTNode, scope: Scope) -> Completion | None:
    """A statement without a handler of its own."""
    forget(m, [node], scope)
    return None


@handles(STATEMENTS, cst.TypeAlias)
def _type_alias(m: Machine, node: cst.TypeAlias, scope: Scope) -> Completion | None:
    bind(m, node.name.value, Unknown("type"), scope)
    return None


@handles(STATEMENTS, cst.Expr)
def _expression(m: Machine, node: cst.Expr, scope: Scope) -> Completion | None:
    value = m.evaluate(node.value, scope)
    if value is EXIT:
        return RAISE
    expression = node.value
    if type(expression) is cst.Attribute and expression.attr.value in ("eval", "train"):
        _mode_not_called(m, expression, value, scope)
    return None


def _mode_not_called(m: Machine, node: cst.Attribute, value: Value, scope: Scope) -> None:
    receiver = dotted(node.value)
    found = value.values if isinstance(value, Choice) else (value,)
    if not receiver or not all(isinstance(item, Builtin | Method | Unknown) for item in found):
        return
    site, context, method = m.site(node, scope), m.context(), node.attr.value
    m.journal.note(lambda _, order: ModeNotCalled(order, site, context, receiver, method))


@handles(STATEMENTS, cst.Assign)
def _assign(m: Machine, node: cst.Assign, scope: Scope) -> Completion | None:
    value = m.evaluate(node.value, scope)
    if node in m.command_line.constants:
        value = m.command_line.chosen(name_of_constant(node), value)
    m.assigning = node.value
    for target in node.targets:
        if isinstance(value, Sizes):
            _count_dimensions(m, node.value, target.target, scope)
        if isinstance(value, bool) and isinstance(target.target, cst.Name | cst.Attribute):
            m.command_line.rename(node.value, value, last_name(target.target))
        assign(m, target.target, varying(m, target.target, node.value, value, scope), scope)
    m.assigning = None
    return None


def _count_dimensions(
    m: Machine, node: cst.BaseExpression, target: cst.CSTNode, scope: Scope
) -> None:
    """``n, length, width = x.shape``: from here on ``x`` has three dimensions."""
    owner = node.func if isinstance(node, cst.Call) else node
    if not isinstance(owner, cst.Attribute) or not isinstance(owner.value, cst.Name):
        return
    parts = target.elements if isinstance(target, cst.Tuple | cst.List) else ()
    if not parts or any(isinstance(part, cst.StarredElement) for part in parts):
        return
    tensor = scope.names.get(owner.value.value)
    if isinstance(tensor, Tensor) and tensor.shape.rank is None:
        shape = replace(tensor.shape, rank=len(parts))
        index = m.tape.emit(Kind.PASS, "unpacked", [tensor], m.site(node, scope), shape=shape)
        counted = replace(tensor, shape=shape, index=index)
        m.heap.put(scope.names, owner.value.value, counted)


@handles(STATEMENTS, cst.AnnAssign)
def _annotated(m: Machine, node: cst.AnnAssign, scope: Scope) -> Completion | None:
    if scope.cls is not None and isinstance(node.target, cst.Name):
        scope.cls.annotated.append(node.target.value)
    if node.value is not None:
        assign(m, node.target, m.evaluate(node.value, scope), scope)
    return None


@handles(STATEMENTS, cst.AugAssign)
def _augmented(m: Machine, node: cst.AugAssign, scope: Scope) -> Completion | None:
    current = m.evaluate(node.target, scope)
    value = m.evaluate(node.value, scope)
    note_assigned(m, current, node, scope)
    match current:
        case Vector():
            pass
        case list() if isinstance(value, list | tuple):
            m.heap.touch(current)
            change(current, "extend", [grown(m, current, value)], m.allowance)
            return None
        case list():
            m.heap.touch(current)
            current.append(Unknown(SOME_ITEMS, cause=value))
            return None
        case Instance() if current.is_module and is_container(current):
            extend_container(m, current, value)
            return None
        case Instance() if is_parameter(current):
            _change_parameter(m, node, current, value, scope)
            return None
    numbers = isinstance(current, int | float) and isinstance(value, int | float)
    if numbers and outlives_pass(m, node.target, scope):
        result: Value = Unknown("a counter in a loop")
    else:
        result = binary(m, operator_name(node.operator), current, value, m.site(node, scope))
    assign(m, node.target, result, scope)
    return None


def _change_parameter(
    m: Machine, node: cst.AugAssign, parameter: Instance, value: Value, scope: Scope
) -> None:
    """``layer.weight.data *= 0.1`` and the like."""
    note_weights_written(m, parameter, m.site(node, scope))
    match operator_name(node.operator), value:
        case "Multiply", int() | float():
            scale(m, parameter, value)
        case "Divide", int() | float() if value:
            scale(m, parameter, 1 / value)
        case _:
            draw(m, parameter, None)


@handles(STATEMENTS, cst.Return)
def _return(m: Machine, node: cst.Return, scope: Scope) -> Completion | None:
    value = None if node.value is None else m.evaluate(node.value, scope)
    return Completion(End.RETURN, value)


@handles(STATEMENTS, cst.Raise)
def _raise(m: Machine, node: cst.Raise, scope: Scope) -> Completion | None:
    return RAISE


@handles(STATEMENTS, cst.Break)
def _break(m: Machine, node: cst.Break, scope: Scope) -> Completion | None:
    return BREAK


@handles(STATEMENTS, cst.Continue)
def _continue(m: Machine, node: cst.Continue, scope: Scope) -> Completion | None:
    return CONTINUE


@handles(STATEMENTS, cst.Assert)
def _assert(m: Machine, node: cst.Assert, scope: Scope) -> Completion | None:
    m.evaluate(node.test, scope)
    return None


@handles(STATEMENTS, cst.Global)
def _global(m: Machine, node: cst.Global, scope: Scope) -> Completion | None:
    if scope.declared is None:
        scope.declared = {}
    for item in node.names:
        scope.declared[item.name.value] = scope.namespace.names
    return None


@handles(STATEMENTS, cst.Nonlocal)
def _nonlocal(m: Machine, node: cst.Nonlocal, scope: Scope) -> Completion | None:
    if scope.declared is None:
        scope.declared = {}
    for item in node.names:
        outer = scope.parent
        while outer is not None and item.name.value not in outer.names:
            outer = outer.parent
        if outer is not None:
            scope.declared[item.name.value] = outer.names
    return None


@handles(STATEMENTS, cst.Del)
def _delete(m: Machine, node: cst.Del, scope: Scope) -> Completion | None:
    target = node.target
    parts = [e.value for e in target.elements] if isinstance(target, cst.Tuple) else [target]
    for part in parts:
        match part:
            case cst.Name(value=name) if name in scope.names:
                m.heap.remove(scope.names, name)
            case cst.Attribute(value=owner_node, attr=attr):
                owner = m.evaluate(owner_node, scope)
                if isinstance(owner, Instance) and attr.value in owner.attributes:
                    m.heap.remove(owner.attributes, attr.value)
                    m.heap.structure += 1
            case cst.Subscript(value=owner_node):
                _delete_item(m, part, owner_node, scope)
    return None


def _delete_item(
    m: Machine, target: cst.Subscript, owner_node: cst.BaseExpression, scope: Scope
) -> None:
    owner = m.evaluate(owner_node, scope)
    key = subscript_key(m, target, scope)
    delete_item(m, owner, key, m.site(target, scope), scope)


@handles(STATEMENTS, cst.If)
def _if(m: Machine, node: cst.If, scope: Scope) -> Completion | None:
    doubt_refused_defaults(m, node, scope)
    return _chain(m, node, scope, 1)


def _chain(m: Machine, node: cst.If, scope: Scope, number: int) -> Completion | None:
    """The ``number``-th test of an if-elif chain; too many that are not known are not all tried.

    Those are whose branches have models at hand: what is forgotten takes their modes along.
    """
    value = m.evaluate(node.test, scope)
    known = truth_of(value)
    if known is not None:
        note_decided(m, node, scope, taken=known)
    if type(value) is KeptMode:
        return _as_kept(m, node, value, scope, number)
    if known is True:
        return m.execute(node.body.body, scope)
    if known is False:
        note_passed_over(m, node, scope)
        return _orelse(m, node, scope, number)
    note_undecided(m, node.test, scope)
    if number > MOST_ALTERNATIVES and not _concerns_models(node.body, scope):
        return m.fork(
            lambda: forget(m, [node.body], scope),
            lambda: _orelse(m, node, scope, number),
            m.site(node.test, scope),
        )
    restore = narrowed(m, node.test, scope)
    return m.fork(
        lambda: _narrow_and_execute(m, node, scope, restore),
        lambda: _orelse(m, node, scope, number + 1),
        m.site(node.test, scope),
        _every(m, node.test, scope),
        splits_ranks=isinstance(value, IsRank),
    )


def _as_kept(
    m: Machine, node: cst.If, kept: KeptMode, scope: Scope, number: int
) -> Completion | None:
    """Execute the branch that a mode that was kept decides for, which may set that mode again."""
    before, m.modes.deciding = m.modes.deciding, kept
    try:
        return m.execute(node.body.body, scope) if kept else _orelse(m, node, scope, number)
    finally:
        m.modes.deciding = before


def _every(m: Machine, test: cst.BaseExpression, scope: Scope) -> int | None:
    """``k`` of ``step % k == 0``, or of a test of which that is a part."""
    match test:
        case cst.BooleanOperation(left=left, right=right):
            found = _every(m, left, scope)
            return _every(m, right, scope) if found is None else found
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            pass
        case cst.Comparison(left=inner, comparisons=[cst.ComparisonTarget(operator=cst.Equal())]):
            pass
        case _:
            return None
    match inner:
        case cst.BinaryOperation(
            operator=cst.Modulo(), right=cst.Name() | cst.Attribute() | cst.Integer() as divisor
        ):
            value = m.evaluate(divisor, scope)
            return int(value) if isinstance(value, int) else None
    return None


def _concerns_models(body: cst.CSTNode, scope: Scope) -> bool:
    """Whether a branch has something like ``.eval`` or ``.train``, or names a model."""
    for part in parts_of(body):
        match part:
            case cst.Attribute(attr=cst.Name(value=method)) if method.startswith(("eval", "train")):
                return True
            case cst.Name(value=name) if modules_in(known_value(scope, name)):
                return True
    return False


def _narrow_and_execute(
    m: Machine, node: cst.If, scope: Scope, narrow: tuple[str, Value] | None
) -> Completion | None:
    if narrow is None:
        return m.execute(node.body.body, scope)
    name, value = narrow
    before = scope.names.get(name, MISSING)
    m.heap.put(scope.names, name, value)
    done = m.execute(node.body.body, scope)
    if scope.names.get(name) is value and before is not MISSING:
        m.heap.put(scope.names, name, before)
    return done


def _orelse(m: Machine, node: cst.If, scope: Scope, number: int) -> Completion | None:
    other = node.orelse
    if other is None:
        return None
    if type(other) is cst.If:
        return _chain(m, other, scope, number)
    return m.execute(other.body.body, scope)


@handles(STATEMENTS, cst.FunctionDef)
def _function(m: Machine, node: cst.FunctionDef, scope: Scope) -> Completion | None:
    bind(m, node.name.value, define_function(m, node, scope), scope)
    return None


@handles(STATEMENTS, cst.ClassDef)
def _class(m: Machine, node: cst.ClassDef, scope: Scope) -> Completion | None:
    bind(m, node.name.value, define_class(m, node, scope), scope)
    return None
