"""What expressions mean."""

import libcst as cst

from bnlint.interpreter.core.dispatch import EXPRESSIONS, handles
from bnlint.interpreter.core.knowledge import is_known
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Scope, Super
from bnlint.interpreter.core.values import (
    SOME_SLICE,
    Arguments,
    Configuration,
    IsRank,
    Many,
    Maybe,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.python.arithmetic import binary, compare, operator_name, truth_of, unary
from bnlint.interpreter.python.configurations import entry
from bnlint.interpreter.python.data_texts import file_at
from bnlint.interpreter.python.decisions import note_decided, note_difference
from bnlint.interpreter.python.forgetting import forget
from bnlint.interpreter.python.iteration import index_into, listed
from bnlint.interpreter.python.name_lookup import assign, look_up
from bnlint.interpreter.torch.parameters import is_opaque


@handles(EXPRESSIONS, cst.CSTNode)
def _not_followed(m: Machine, node: cst.CSTNode, scope: Scope) -> Value:
    """An expression without a handler of its own."""
    forget(m, [node], scope)
    return Unknown("expression")


@handles(EXPRESSIONS, cst.Ellipsis)
def _ellipsis(m: Machine, node: cst.Ellipsis, scope: Scope) -> Value:
    return ...


@handles(EXPRESSIONS, cst.Name)
def _name(m: Machine, node: cst.Name, scope: Scope) -> Value:
    return look_up(m, node.value, scope)


@handles(EXPRESSIONS, cst.Attribute)
def _attribute(m: Machine, node: cst.Attribute, scope: Scope) -> Value:
    receiver = m.evaluate(node.value, scope)
    if node.attr.value == "bias":
        m.journal.biases.note(m.site(node, scope), receiver)
    return m.attribute(receiver, node.attr.value, node, scope)


@handles(EXPRESSIONS, cst.Call)
def _call(m: Machine, node: cst.Call, scope: Scope) -> Value:
    function = node.func
    if type(function) is cst.Name and function.value == "super":
        return _super(m, node, scope)
    callee = m.evaluate(function, scope)
    return m.call(callee, arguments_of(m, node, scope), m.site(node, scope), scope)


def arguments_of(m: Machine, node: cst.Call, scope: Scope) -> Arguments:
    """Evaluate a call's arguments."""
    made = Arguments()
    for arg in node.args:
        value = m.evaluate(arg.value, scope)
        if arg.star:
            made.further |= _is_further(arg.value, scope)
            unpack = _unpack if arg.star == "*" else _unpack_keywords
            unpack(m, value, made)
        elif arg.keyword is None:
            made.positional.append(value)
            made.nodes.append(arg.value)
        else:
            name = arg.keyword.value
            made.keywords[name] = value
            made.keyword_nodes[name] = arg.value
    return made


def _is_further(node: cst.BaseExpression, scope: Scope) -> bool:
    """Whether a node names ``*args`` or ``**kwargs`` of which callers may give more."""
    inner: Scope | None = scope
    while inner is not None and isinstance(node, cst.Name):
        if node.value in inner.names:
            return node.value in inner.further
        inner = inner.parent
    return False


def _unpack(m: Machine, value: Value, made: Arguments) -> None:
    items = listed(m, value)
    if items is None:
        made.opened = True
        items = [value.element] if isinstance(value, Many) else []
        items = [value] if isinstance(value, Instance) and is_opaque(value) else items
        made.unpacked += [value] if isinstance(value, Tensor) else []
    if not m.allowance.takes(len(items)):
        made.opened, items = True, []
    made.positional.extend(items)
    made.nodes.extend([None] * len(items))


def _unpack_keywords(m: Machine, value: Value, made: Arguments) -> None:
    if not isinstance(value, dict):
        made.opened = True
        made.unpacked += [value] if isinstance(value, Tensor) else []
        return
    if not m.allowance.takes(len(value)):
        made.opened, value = True, {}
    for key, item in value.items():
        if isinstance(key, str):
            maybe = isinstance(item, Maybe)
            item = entry(value, key) if isinstance(value, Configuration) else item
            made.keywords[key] = Unknown(f"argument {key}") if maybe else item
        else:
            made.opened = True


def _super(m: Machine, node: cst.Call, scope: Scope) -> Value:
    inner: Scope | None = scope
    while inner is not None and inner.function is None:
        inner = inner.parent
    function = inner.function if inner is not None else None
    if inner is None or function is None or function.owner is None:
        return Unknown("super")
    first = next(iter(inner.names.values()), Unknown("self"))
    if len(node.args) == 2:
        first = m.evaluate(node.args[1].value, scope)
    return Super(function.owner, first)


@handles(EXPRESSIONS, cst.BinaryOperation)
def _binary(m: Machine, node: cst.BinaryOperation, scope: Scope) -> Value:
    left, right = m.evaluate(node.left, scope), m.evaluate(node.right, scope)
    return binary(m, operator_name(node.operator), left, right, m.site(node, scope))


@handles(EXPRESSIONS, cst.UnaryOperation)
def _unary(m: Machine, node: cst.UnaryOperation, scope: Scope) -> Value:
    value = m.evaluate(node.expression, scope)
    return unary(m, operator_name(node.operator), value, node, scope)


@handles(EXPRESSIONS, cst.BooleanOperation)
def _boolean(m: Machine, node: cst.BooleanOperation, scope: Scope) -> Value:
    left = m.evaluate(node.left, scope)
    known = truth_of(left)
    is_and = type(node.operator) is cst.And
    if known is not None:
        return m.evaluate(node.right, scope) if known is is_and else left
    values: list[Value] = []
    m.fork(
        lambda: values.append(m.evaluate(node.right, scope)),
        lambda: None,
        m.site(node.left, scope),
    )
    right = values[0]
    decided = truth_of(right)
    if decided is not None and decided is not is_and and isinstance(right, bool):
        return right
    if is_and and isinstance(left, IsRank) | isinstance(right, IsRank):
        return IsRank("condition", m.site(node, scope), left)
    if is_and or not is_known(right):
        return Unknown("condition", m.site(node, scope), left)
    return m.join([left, right])


@handles(EXPRESSIONS, cst.Comparison)
def _comparison(m: Machine, node: cst.Comparison, scope: Scope) -> Value:
    left = m.evaluate(node.left, scope)
    result: Value = True
    for target in node.comparisons:
        right = m.evaluate(target.comparator, scope)
        result = compare(m, operator_name(target.operator), left, right, node, scope)
        if result is False:
            note_difference(m, node, left)
            return False
        left = right
    return result


@handles(EXPRESSIONS, cst.IfExp)
def _if_expression(m: Machine, node: cst.IfExp, scope: Scope) -> Value:
    known = truth_of(m.evaluate(node.test, scope))
    if known is not None:
        note_decided(m, node, scope, taken=known)
        return m.evaluate(node.body if known else node.orelse, scope)
    default = _without_words(m, node, scope)
    if default is not None:
        return default
    values: list[Value] = []
    m.fork(
        lambda: values.append(m.evaluate(node.body, scope)),
        lambda: values.append(m.evaluate(node.orelse, scope)),
        m.site(node.test, scope),
    )
    return m.join(values)


def _without_words(m: Machine, node: cst.IfExp, scope: Scope) -> Value:
    """What ``sys.argv[1] if len(sys.argv) > 1 else default`` gives a call of the script without arguments.

    That counts for numbers and for files of the project; words may decide what the script does, and
    are as likely as others. It is ``None`` for them, and where the command line is known.
    """
    line, source = m.command_line, scope.namespace.source
    if line.argv is not None or not source.mentions("sys.argv"):
        return None
    if "sys.argv" not in source.text(node.test):
        return None
    with line.without_words():
        taken = truth_of(m.evaluate(node.test, scope))
        if taken is None:
            return None
        default = m.evaluate(node.body if taken else node.orelse, scope)
    if isinstance(default, bool) or not isinstance(default, int | float | str):
        return None
    is_file = isinstance(default, str) and file_at(m, default, m.site(node, scope)) is not None
    return default if is_file or not isinstance(default, str) else None


@handles(EXPRESSIONS, cst.Lambda)
def _lambda(m: Machine, node: cst.Lambda, scope: Scope) -> Value:
    return Function(node, "<lambda>", scope, default_values(m, node.params, scope))


def default_values(m: Machine, params: cst.Parameters, scope: Scope) -> dict[str, Value]:
    """The defaults of a function's parameters, evaluated where it is defined."""
    every = [*params.posonly_params, *params.params, *params.kwonly_params]
    return {p.name.value: m.evaluate(p.default, scope) for p in every if p.default is not None}


@handles(EXPRESSIONS, cst.Subscript)
def _subscript(m: Machine, node: cst.Subscript, scope: Scope) -> Value:
    value = m.evaluate(node.value, scope)
    return index_into(m, value, subscript_key(m, node, scope), node, scope)


def subscript_key(m: Machine, node: cst.Subscript, scope: Scope) -> Value:
    """The key of ``value[key]``."""
    keys = [_index(m, part.slice, scope) for part in node.slice]
    return keys[0] if len(keys) == 1 else tuple(keys)


def _index(m: Machine, node: cst.BaseSlice, scope: Scope) -> Value:
    if isinstance(node, cst.Index):
        return m.evaluate(node.value, scope)
    assert isinstance(node, cst.Slice)
    bounds = [
        None if bound is None else m.evaluate(bound, scope)
        for bound in (node.lower, node.upper, node.step)
    ]
    if all(bound is None or isinstance(bound, int) for bound in bounds):
        return slice(*bounds)
    return SOME_SLICE


@handles(EXPRESSIONS, cst.NamedExpr)
def _walrus(m: Machine, node: cst.NamedExpr, scope: Scope) -> Value:
    value = m.evaluate(node.value, scope)
    assign(m, node.target, value, scope)
    return value


@handles(EXPRESSIONS, cst.Await)
def _await(m: Machine, node: cst.Await, scope: Scope) -> Value:
    return m.evaluate(node.expression, scope)
