"""What expressions mean."""

from collections.abc import Callable, Iterator, Sequence

import libcst as cst

from bnlint.interpreter.arithmetic import binary, compare, operator_name, truth_of, unary
from bnlint.interpreter.iterables import iterated
from bnlint.interpreter.iteration import SOME_SLICE, elements, index_into
from bnlint.interpreter.machine import EXPRESSIONS, BudgetExceeded, Machine, handles
from bnlint.interpreter.names import assign, look_up
from bnlint.interpreter.objects import Function, Scope, Super
from bnlint.interpreter.values import Arguments, Many, Tensor, Unknown, Value, is_known

MOST_ITEMS = 1024
"""Items of a comprehension that are evaluated one by one while a model is built."""
MOST_ITEMS_IN_SCRIPT = 64
"""Items of a comprehension that are evaluated one by one elsewhere."""


@handles(EXPRESSIONS, cst.Ellipsis)
def _ellipsis(m: Machine, node: cst.Ellipsis, scope: Scope) -> Value:
    return ...


@handles(EXPRESSIONS, cst.Name)
def _name(m: Machine, node: cst.Name, scope: Scope) -> Value:
    return look_up(m, node.value, scope)


@handles(EXPRESSIONS, cst.Attribute)
def _attribute(m: Machine, node: cst.Attribute, scope: Scope) -> Value:
    return m.attribute(m.evaluate(node.value, scope), node.attr.value, node, scope)


@handles(EXPRESSIONS, cst.Call)
def _call(m: Machine, node: cst.Call, scope: Scope) -> Value:
    if isinstance(node.func, cst.Name) and node.func.value == "super":
        return _super(m, node, scope)
    callee = m.evaluate(node.func, scope)
    return m.call(callee, arguments_of(m, node, scope), m.site(node, scope), scope)


def arguments_of(m: Machine, node: cst.Call, scope: Scope) -> Arguments:
    """Evaluate a call's arguments."""
    made = Arguments()
    for arg in node.args:
        value = m.evaluate(arg.value, scope)
        if arg.star == "*":
            _unpack(m, value, made)
        elif arg.star == "**":
            _unpack_keywords(value, made)
        elif arg.keyword is None:
            made.positional.append(value)
            made.nodes.append(arg.value)
        else:
            made.keywords[arg.keyword.value] = value
            made.keyword_nodes[arg.keyword.value] = arg.value
    return made


def _unpack(m: Machine, value: Value, made: Arguments) -> None:
    items = elements(m, value)
    if items is None:
        made.opened = True
        items = [value.element] if isinstance(value, Many) else []
    made.positional.extend(items)
    made.nodes.extend([None] * len(items))


def _unpack_keywords(value: Value, made: Arguments) -> None:
    if not isinstance(value, dict):
        made.opened = True
        return
    for key, item in value.items():
        if isinstance(key, str):
            made.keywords[key] = item
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
    is_and = isinstance(node.operator, cst.And)
    if known is not None:
        return m.evaluate(node.right, scope) if known is is_and else left
    values: list[Value] = []
    m.fork(lambda: values.append(m.evaluate(node.right, scope)), lambda: None)
    right = values[0]
    decided = truth_of(right)
    if decided is not None and decided is not is_and and isinstance(right, bool):
        return right
    return Unknown("condition") if is_and or not is_known(right) else m.join([left, right])


@handles(EXPRESSIONS, cst.Comparison)
def _comparison(m: Machine, node: cst.Comparison, scope: Scope) -> Value:
    left = m.evaluate(node.left, scope)
    result: Value = True
    for target in node.comparisons:
        right = m.evaluate(target.comparator, scope)
        result = compare(m, operator_name(target.operator), left, right, node, scope)
        if result is False:
            return False
        left = right
    return result


@handles(EXPRESSIONS, cst.IfExp)
def _if_expression(m: Machine, node: cst.IfExp, scope: Scope) -> Value:
    known = truth_of(m.evaluate(node.test, scope))
    if known is not None:
        return m.evaluate(node.body if known else node.orelse, scope)
    values: list[Value] = []
    m.fork(
        lambda: values.append(m.evaluate(node.body, scope)),
        lambda: values.append(m.evaluate(node.orelse, scope)),
    )
    return m.join(values)


@handles(EXPRESSIONS, cst.Lambda)
def _lambda(m: Machine, node: cst.Lambda, scope: Scope) -> Value:
    return Function(node, "<lambda>", scope, default_values(m, node.params, scope))


def default_values(m: Machine, params: cst.Parameters, scope: Scope) -> dict[str, Value]:
    """The defaults of a function's parameters, evaluated where it is defined."""
    every = [*params.posonly_params, *params.params, *params.kwonly_params]
    return {p.name.value: m.evaluate(p.default, scope) for p in every if p.default is not None}


def _items(m: Machine, nodes: Sequence[cst.BaseElement], scope: Scope) -> list[Value]:
    made: list[Value] = []
    for node in nodes:
        value = m.evaluate(node.value, scope)
        if not isinstance(node, cst.StarredElement):
            made.append(value)
            continue
        items = elements(m, value)
        made.extend([Unknown("items of *")] if items is None else items)
    return made


@handles(EXPRESSIONS, cst.List)
def _list(m: Machine, node: cst.List, scope: Scope) -> Value:
    return _items(m, node.elements, scope)


@handles(EXPRESSIONS, cst.Tuple)
def _tuple(m: Machine, node: cst.Tuple, scope: Scope) -> Value:
    return tuple(_items(m, node.elements, scope))


@handles(EXPRESSIONS, cst.Set)
def _set(m: Machine, node: cst.Set, scope: Scope) -> Value:
    try:
        return set(_items(m, node.elements, scope))
    except TypeError:
        return Unknown("set")


@handles(EXPRESSIONS, cst.Dict)
def _dict(m: Machine, node: cst.Dict, scope: Scope) -> Value:
    made: dict[Value, Value] = {}
    for element in node.elements:
        value = m.evaluate(element.value, scope)
        if isinstance(element, cst.StarredDictElement):
            if not isinstance(value, dict):
                return Unknown("dict")
            made.update(value)
            continue
        assert isinstance(element, cst.DictElement)
        key = m.evaluate(element.key, scope)
        try:
            made[key] = value
        except TypeError:
            return Unknown("dict")
    return made


def _comprehension(
    m: Machine, node: cst.CompFor, scope: Scope, body: Callable[[Scope], Value]
) -> list[Value] | Many:
    inner = Scope({}, scope.namespace, scope)
    made: list[Value] = []
    exact = True

    def run(clause: cst.CompFor) -> None:
        nonlocal exact
        iterable = iterated(m, m.evaluate(clause.iter, inner), m.site(clause, inner), inner)
        items = elements(m, iterable)
        if items is None or len(items) > (MOST_ITEMS if m.building else MOST_ITEMS_IN_SCRIPT):
            exact = False
            items = [iterable.element if isinstance(iterable, Many) else _part(iterable)]
        for item in items:
            if m.steps > m.limit:
                raise BudgetExceeded
            assign(m, clause.target, item, inner)
            passes = [truth_of(m.evaluate(test.test, inner)) for test in clause.ifs]
            if False in passes:
                continue
            exact = exact and None not in passes
            if clause.inner_for_in is not None:
                run(clause.inner_for_in)
            else:
                made.append(body(inner))

    run(node)
    if exact:
        return made
    return Many(m.join(made) if made else Unknown("item"))


def _part(iterable: Value) -> Value:
    return iterable if isinstance(iterable, Tensor) else Unknown("item")


@handles(EXPRESSIONS, cst.ListComp, cst.GeneratorExp)
def _list_comprehension(m: Machine, node: cst.ListComp, scope: Scope) -> Value:
    return _comprehension(m, node.for_in, scope, lambda inner: m.evaluate(node.elt, inner))


@handles(EXPRESSIONS, cst.SetComp)
def _set_comprehension(m: Machine, node: cst.SetComp, scope: Scope) -> Value:
    made = _comprehension(m, node.for_in, scope, lambda inner: m.evaluate(node.elt, inner))
    try:
        return made if isinstance(made, Many) else set(made)
    except TypeError:
        return Unknown("set")


@handles(EXPRESSIONS, cst.DictComp)
def _dict_comprehension(m: Machine, node: cst.DictComp, scope: Scope) -> Value:
    def pair(inner: Scope) -> Value:
        return m.evaluate(node.key, inner), m.evaluate(node.value, inner)

    made = _comprehension(m, node.for_in, scope, pair)
    try:
        return Unknown("dict") if isinstance(made, Many) else dict(_pairs(made))
    except TypeError:
        return Unknown("dict")


def _pairs(values: list[Value]) -> Iterator[tuple[Value, Value]]:
    for value in values:
        assert isinstance(value, tuple)
        yield value[0], value[1]


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


@handles(EXPRESSIONS, cst.Yield)
def _yield(m: Machine, node: cst.Yield, scope: Scope) -> Value:
    value: Value = None
    if isinstance(node.value, cst.From):
        items = elements(m, m.evaluate(node.value.item, scope))
        yielded = [Unknown("item")] if items is None else items
    else:
        value = None if node.value is None else m.evaluate(node.value, scope)
        yielded = [value]
    inner: Scope | None = scope
    while inner is not None and inner.yielded is None and inner.on_yield is None:
        inner = inner.parent
    if inner is not None and inner.on_yield is not None:
        inner.on_yield(value)
    elif inner is not None and inner.yielded is not None:
        m.heap.touch(inner.yielded)
        inner.yielded.extend(yielded)
        if m.frame.abstract:
            inner.yielded.append(Unknown("further items"))
    return Unknown("sent value")
