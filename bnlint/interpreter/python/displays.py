"""Lists, tuples, sets and dicts as written, comprehensions, and what generators yield."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import libcst as cst

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import EXPRESSIONS, handles
from bnlint.interpreter.core.frames import ActiveLoop
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import (
    MORE_YIELDED,
    SOME_ITEMS,
    Many,
    Maybe,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.evaluation import change, is_key, set_of
from bnlint.interpreter.python.arithmetic import truth_of
from bnlint.interpreter.python.item_assignment import name_by_key
from bnlint.interpreter.python.iterables import iterated
from bnlint.interpreter.python.iteration import elements, listed
from bnlint.interpreter.python.loops import note_iteration
from bnlint.interpreter.python.name_lookup import assign
from bnlint.interpreter.torch.integer_entries import chosen
from bnlint.interpreter.torch.parameters import is_parameter, one_for_all
from bnlint.interpreter.torch.state_filters import without_statistics

MOST_ITEMS = 1024
"""Items of a comprehension that are evaluated one by one while a model is built."""
MOST_ITEMS_IN_SCRIPT = 64
"""Items of a comprehension that are evaluated one by one elsewhere."""


def _items(m: Machine, nodes: Sequence[cst.BaseElement], scope: Scope) -> list[Value]:
    made: list[Value] = []
    for node in nodes:
        value = m.evaluate(node.value, scope)
        if not isinstance(node, cst.StarredElement):
            made.append(value)
            continue
        items = listed(m, iterated(m, value, m.site(node, scope), scope))
        if items is None or not m.allowance.takes(len(items)):
            items = [Unknown(SOME_ITEMS, cause=value)]
        made.extend(items)
    return made


@handles(EXPRESSIONS, cst.List)
def _list(m: Machine, node: cst.List, scope: Scope) -> Value:
    return m.new(_items(m, node.elements, scope))


@handles(EXPRESSIONS, cst.Tuple)
def _tuple(m: Machine, node: cst.Tuple, scope: Scope) -> Value:
    return tuple(_items(m, node.elements, scope))


@handles(EXPRESSIONS, cst.Set)
def _set(m: Machine, node: cst.Set, scope: Scope) -> Value:
    made = set_of(_items(m, node.elements, scope), m.allowance)
    return m.new(made) if isinstance(made, set) else made


@handles(EXPRESSIONS, cst.Dict)
def _dict(m: Machine, node: cst.Dict, scope: Scope) -> Value:
    made: dict[Value, Value] = {}
    for element in node.elements:
        value = m.evaluate(element.value, scope)
        if isinstance(element, cst.StarredDictElement):
            if not isinstance(value, dict) or not m.allowance.takes(len(value)):
                return Unknown("dict")
            made.update(value)
            continue
        assert isinstance(element, cst.DictElement)
        key = m.evaluate(element.key, scope)
        if not is_key(key):
            return Unknown("dict")
        made[key] = value
        name_by_key(value, key)
    return m.new(made)


def _comprehension(
    m: Machine, node: cst.BaseComp, scope: Scope, body: Callable[[Scope], Value]
) -> list[Value] | Many:
    inner = Scope(m.new({}), scope.namespace, scope)
    return _Comprehension(m, node, scope, inner, body).executed()


@dataclass(slots=True)
class _Comprehension:
    """A comprehension that is being executed, with what it has made so far."""

    m: Machine
    node: cst.BaseComp
    outer: Scope
    inner: Scope
    body: Callable[[Scope], Value]
    made: list[Value] = field(default_factory=list)
    exact: bool = True

    def executed(self) -> list[Value] | Many:
        """All items, or what stands for them."""
        m, made = self.m, self.made
        self._run(self.node.for_in)
        return m.new(made) if self.exact else Many(m.join(made) if made else Unknown("item"))

    def _run(self, clause: cst.CompFor) -> None:
        m, inner = self.m, self.inner
        iterable = iterated(m, m.evaluate(clause.iter, inner), m.site(clause, inner), inner)
        items, depth = _one_by_one(m, iterable), len(m.loops)
        known = items is not None
        if items is None:
            self.exact = False
            items = [self._part(iterable, m.site(clause, inner))]
        if not known or m.modules:
            m.loops.append(_loop(m, self.node, iterable, self.outer))
        try:
            for number, item in enumerate(items, 1):
                if m.modules:
                    m.loops[-1].number = number
                self._take(clause, item)
        finally:
            del m.loops[depth:]

    def _part(self, iterable: Value, site: Site) -> Value:
        """What stands for all items."""
        match iterable:
            case Many(element=element):
                return element
            case Tensor():
                return iterable
            case list() | tuple() if (pair := one_for_all(self.m, iterable, site)) is not None:
                return pair
        return Unknown("item")

    def _take(self, clause: cst.CompFor, item: Value) -> None:
        m, inner = self.m, self.inner
        m.step()
        assign(m, clause.target, item, inner)
        passes = [truth_of(m.evaluate(test.test, inner)) for test in clause.ifs]
        if None in passes and False not in passes:
            self._leave_out(clause, item)
            self.exact, before = False, len(self.made)
            m.fork(lambda: self._go_on(clause), lambda: None, m.site(clause, inner))
            self.made[before:] = [chosen(m, item) for item in self.made[before:]]
        elif False not in passes:
            self._go_on(clause)

    def _leave_out(self, clause: cst.CompFor, item: Value) -> None:
        """Let the target be what a test of names leaves of a state, where that is known."""
        m, inner = self.m, self.inner

        def passes(entry: Value) -> bool | None:
            assign(m, clause.target, entry, inner)
            answers = [truth_of(m.evaluate(test.test, inner)) for test in clause.ifs]
            return False if False in answers else None if None in answers else True

        left = without_statistics(m, item, passes, m.site(clause, inner))
        assign(m, clause.target, item if left is None else left, inner)

    def _go_on(self, clause: cst.CompFor) -> None:
        if clause.inner_for_in is not None:
            self._run(clause.inner_for_in)
        else:
            self.made.append(self.body(self.inner))


def _one_by_one(m: Machine, iterable: Value) -> list[Value] | None:
    """The items that are evaluated each by itself, ``None`` where one stands for all."""
    items = elements(m, iterable)
    most = MOST_ITEMS if m.building else MOST_ITEMS_IN_SCRIPT
    return None if items is None or len(items) > most else items


def _loop(m: Machine, node: cst.BaseComp, iterable: Value, scope: Scope) -> ActiveLoop:
    """The loop around an item: within a forward, or where one stands for an unknown number."""
    loader = iterable.loader if isinstance(iterable, Many) else None
    return ActiveLoop(node, m.site(node, scope), loader=loader)


@handles(EXPRESSIONS, cst.ListComp, cst.GeneratorExp)
def _list_comprehension(m: Machine, node: cst.ListComp, scope: Scope) -> Value:
    return _comprehension(m, node, scope, lambda inner: m.evaluate(node.elt, inner))


@handles(EXPRESSIONS, cst.SetComp)
def _set_comprehension(m: Machine, node: cst.SetComp, scope: Scope) -> Value:
    made = _comprehension(m, node, scope, lambda inner: m.evaluate(node.elt, inner))
    return made if isinstance(made, Many) else set_of(made, m.allowance)


@handles(EXPRESSIONS, cst.DictComp)
def _dict_comprehension(m: Machine, node: cst.DictComp, scope: Scope) -> Value:
    def pair(inner: Scope) -> Value:
        return m.evaluate(node.key, inner), m.evaluate(node.value, inner)

    made = _comprehension(m, node, scope, pair)
    if isinstance(made, Many):
        return _of_all_keys(m, made.element)
    pairs = [value for value in made if isinstance(value, tuple)]
    for key, value in pairs:
        name_by_key(value, key)
    return dict(pairs) if all(is_key(key) for key, _ in pairs) else Unknown("dict")


def _of_all_keys(m: Machine, pair: Value) -> Value:
    """A dict under whose keys, which are not known, stand such values: a batch, if tensors do."""
    match pair:
        case (_, Tensor() as item):
            return replace(item, index=-1, shape=Shape(), whole=True)
        case (_, Instance() as item) if is_parameter(item):
            return m.new({Unknown(SOME_ITEMS): Maybe(item)})
    return Unknown("dict")


@handles(EXPRESSIONS, cst.Yield)
def _yield(m: Machine, node: cst.Yield, scope: Scope) -> Value:
    value: Value = None
    if isinstance(node.value, cst.From):
        yielded = _yielded_from(m, node.value, scope)
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
        change(inner.yielded, "extend", [yielded], m.allowance)
        if m.frame.abstract:
            inner.yielded.append(Unknown(MORE_YIELDED))
    return Unknown("sent value")


def _yielded_from(m: Machine, node: cst.From, scope: Scope) -> list[Value]:
    """The items of an iterable, or one that stands for them and what says that there are more."""
    value = iterated(m, m.evaluate(node.item, scope), m.site(node, scope), scope)
    items = elements(m, value)
    if items is not None:
        return items
    if not isinstance(value, Many):
        return [Unknown("item"), Unknown(MORE_YIELDED)]
    if value.loader is not None:
        note_iteration(m, value.loader, node, scope, whole=True)
    return [value.element, Unknown(MORE_YIELDED)]
