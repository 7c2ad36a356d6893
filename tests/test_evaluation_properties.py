"""Every operation that the evaluator allows, on odd values: Python's own answer, or unknown.

Python is asked only where the evaluator answers, since elsewhere it might not come back. A longer
search: ``pytest --hypothesis-profile=long`` with this file.
"""

import builtins
import math
import operator
import posixpath
import re
from collections.abc import Callable
from itertools import accumulate, combinations, islice, permutations, product, repeat, zip_longest
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.interpreter.core.values import Float, Int, Text, Unknown
from bnlint.interpreter.evaluation import (
    FUNCTIONS,
    Allowance,
    change,
    compared,
    contains,
    evaluate,
    extreme,
    is_key,
    item_of,
    negated,
    operate,
    ordered,
    rows,
    set_of,
)
from bnlint.interpreter.evaluation.allowance import ENTRY, LONGEST_TEXT, MOST_BITS, MOST_ITEMS
from bnlint.interpreter.evaluation.numbers import ARITHMETIC
from bnlint.interpreter.evaluation.operators import COMPARISONS, UNARY
from bnlint.interpreter.evaluation.sequences import CHANGES, MOST_ROWS, ROWS

patient = hypothesis.settings(deadline=None)
"""What bounds the work is measured by other tests; here the machine may be busy."""
RAISED = object()


def holding_itself() -> list[object]:
    made: list[object] = [1]
    made.append(made)
    return made


def shared(kind: Callable[[list[object]], object], levels: int) -> object:
    """What Python walks ``2 ** levels`` times: few enough for it to be asked."""
    made: object = kind([1, "a"])
    for _ in range(levels):
        made = kind([made, made])
    return made


NUMBERS = st.one_of(
    st.sampled_from([0, -1, 1, 2, 3, 7, 64, 10**30, -(10**30), 2**MOST_BITS, 2**63, True, False]),
    st.sampled_from([0.0, -0.0, 0.5, -1.5, 1e300, 1e400, -1e400, float("nan"), 5e-324, 3.0]),
    st.sampled_from([Int(3), Int(-1), Int(10**9), Float(0.5), 1j, 2 + 0j]),
    st.integers(-20, 20),
    st.integers(-(2**70), 2**70),
    st.floats(),
)
TEXTS = st.one_of(
    st.sampled_from(
        ["", "a", "ab", "aab", "7", "-3", "1e400", "nan", " 12 ", "0x1f", "\t", "a\tb"]
    ),
    st.sampled_from(["utf-8", "ascii", "\ud800", "ß", "١٢", "a" * 300, "b" * LONGEST_TEXT]),
    st.sampled_from([Text("ab"), "{}", "%s", "a,b,c", "/a/b.c", "A b"]),
    st.text(alphabet="ab {}%d,.1\n", max_size=6),
)
ATOMS = st.one_of(
    NUMBERS,
    TEXTS,
    st.sampled_from([None, ..., b"", b"a", b"ab1", range(3), range(10**9), range(0, 9, 2)]),
    st.builds(slice, st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3)),
    st.builds(Unknown),
)


def _keys(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return values.filter(is_key)


def _containers(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(values, max_size=4)
    return st.one_of(
        lists,
        lists.map(tuple),
        st.lists(_keys(values), max_size=4).map(set),
        st.lists(_keys(values), max_size=3).map(frozenset),
        st.dictionaries(_keys(values), values, max_size=3),
    )


VALUES = st.one_of(
    ATOMS,
    st.recursive(ATOMS, _containers, max_leaves=6),
    st.builds(holding_itself),
    st.builds(shared, st.sampled_from([list, tuple]), st.sampled_from([2, 7, 14])),
    st.lists(NUMBERS, max_size=6),
    st.lists(TEXTS, max_size=4),
    st.sampled_from([[0] * 3000, "ab" * 900, ["a" * 9000] * 90, {"a": 1, "width": 9}, (1, [2])]),
)
SEQUENCES = st.one_of(
    st.lists(VALUES, max_size=4), st.lists(VALUES, max_size=4).map(tuple), st.lists(NUMBERS)
)
ARGUMENTS = st.lists(VALUES, max_size=3)
NAMES = st.sampled_from(["a", "b", "width", "maxsplit", "count", "sep", "start", "key", "text"])
KEYWORDS = st.dictionaries(NAMES, VALUES, max_size=2) | st.just({})

OWN = {"builtins": builtins, "math": math, "re": re, "os.path": posixpath}
PYTHONS = [name for name in FUNCTIONS if name.rpartition(".")[0] in OWN]
METHODS = [name for name in FUNCTIONS if name.startswith(("str.", "list."))]
ARRAYS = [name for name in FUNCTIONS if name.startswith("numpy.")]


def test_every_function_is_one_that_is_compared_with_pythons() -> None:
    assert {*PYTHONS, *METHODS, *ARRAYS, "f-string"} == set(FUNCTIONS)


def python(function: Callable[..., Any], *values: object, **keywords: object) -> object:
    """What Python gives, or ``RAISED``."""
    try:
        return function(*values, **keywords)
    except Exception:
        return RAISED


def agrees(made: object, expected: object) -> bool:
    """Whether values are equal and of one type throughout; nan is itself."""
    if made is expected:
        return True
    if type(made) is not type(expected):
        return False
    if isinstance(made, list | tuple) and isinstance(expected, list | tuple):
        return len(made) == len(expected) and all(map(agrees, made, expected))
    if isinstance(made, dict) and isinstance(expected, dict):
        return agrees(list(made.items()), list(expected.items()))
    return made == expected or repr(made) == repr(expected)


def is_small(made: object, levels: int = 9) -> bool:
    """Whether a result is within the bounds."""
    match made:
        case int():
            return made.bit_length() <= MOST_BITS
        case str() | bytes():
            return len(made) <= LONGEST_TEXT
        case list() | tuple() | set() | frozenset() | dict():
            parts = [*made, *made.values()] if isinstance(made, dict) else [*made]
            return (
                len(made) <= MOST_ITEMS
                and levels > 0
                and all(is_small(part, levels - 1) for part in {id(p): p for p in parts}.values())
            )
    return True


def check(made: object, function: Callable[..., Any], *values: object, **named: object) -> None:
    """An answer is small, plain and Python's."""
    if isinstance(made, Unknown):
        return
    assert is_small(made)
    expected = python(function, *values, **named)
    assert agrees(made, without_origin(expected)), (made, expected)


def without_origin(value: object) -> object:
    """Python gives back a subclass's instance here and there."""
    match value:
        case Int() | Float() | Text():
            return type(value).__mro__[1](value)
        case list() | tuple() | set() | frozenset():
            return type(value)(map(without_origin, value))
        case dict():
            return {without_origin(k): without_origin(v) for k, v in value.items()}
    return value


@patient
@given(st.sampled_from(PYTHONS), ARGUMENTS, KEYWORDS)
def test_functions(name: str, values: list[Any], keywords: dict[str, Any]) -> None:
    made = evaluate(name, values, Allowance(), keywords)
    package, _, function = name.rpartition(".")
    check(made, getattr(OWN[package], function), *values, **keywords)


@patient
@given(st.sampled_from(METHODS), st.data(), ARGUMENTS, KEYWORDS)
def test_methods(
    name: str, data: st.DataObject, values: list[Any], keywords: dict[str, Any]
) -> None:
    bytes_too = TEXTS | st.sampled_from([b"", b"a", b"ab1 c"])
    receiver = data.draw(bytes_too if name.startswith("str.") else SEQUENCES)
    made = evaluate(name, [receiver, *values], Allowance(), keywords)

    def call(receiver: Any, *values: Any, **keywords: Any) -> object:
        return getattr(receiver, name.rpartition(".")[2])(*values, **keywords)

    check(made, call, receiver, *values, **keywords)


@patient
@given(
    st.sampled_from([name for name in METHODS if name.startswith("str.")]),
    TEXTS,
    st.lists(TEXTS | st.integers(-9, 99), max_size=2),
)
def test_methods_of_texts(name: str, receiver: str, values: list[Any]) -> None:
    made = evaluate(name, [receiver, *values], Allowance())
    check(made, lambda text, *rest: getattr(text, name[4:])(*rest), receiver, *values)


@patient
@given(st.sampled_from(ARRAYS), ARGUMENTS)
def test_functions_of_arrays_end_and_stay_small(name: str, values: list[Any]) -> None:
    assert is_small(evaluate(name, values, Allowance()))


OPERATORS = {
    "Add": operator.add,
    "Subtract": operator.sub,
    "Multiply": operator.mul,
    "Divide": operator.truediv,
    "FloorDivide": operator.floordiv,
    "Modulo": operator.mod,
    "Power": operator.pow,
    "BitAnd": operator.and_,
    "BitOr": operator.or_,
    "BitXor": operator.xor,
    "LeftShift": operator.lshift,
    "RightShift": operator.rshift,
}


@patient
@given(st.sampled_from([*OPERATORS]), VALUES, VALUES)
def test_operators(name: str, left: Any, right: Any) -> None:
    made = operate(name, left, right, Allowance())
    if isinstance(left, list | tuple | dict | set | frozenset | str) or isinstance(right, list):
        assert isinstance(made, Unknown) or without_origin_of_items(made, name, left, right)
    else:
        check(made, OPERATORS[name], left, right)


def without_origin_of_items(made: object, name: str, left: object, right: object) -> bool:
    """Whether a container is Python's, its items being the very same."""
    expected = python(OPERATORS[name], left, right)
    if isinstance(made, list | tuple) and isinstance(expected, list | tuple):
        same = all(a is b for a, b in zip(made, expected, strict=True))
        return type(made) is type(expected) and same
    return agrees(made, without_origin(expected))


def test_every_operator_is_compared_with_pythons() -> None:
    assert OPERATORS.keys() == ARITHMETIC.keys()


@patient
@given(st.sampled_from([*UNARY]), VALUES)
def test_unary_operators(name: str, value: Any) -> None:
    check(negated(name, value, Allowance()), UNARY[name], value)


@patient
@given(st.sampled_from([*COMPARISONS]), VALUES, VALUES)
def test_comparisons(name: str, left: Any, right: Any) -> None:
    made = compared(name, left, right, Allowance())
    assert made is None or made is python(COMPARISONS[name], left, right)


@patient
@given(VALUES, VALUES)
def test_membership(container: Any, value: Any) -> None:
    # Python compares what is no whole number with every number of a range.
    hypothesis.assume(container != range(10**9) or isinstance(value, int))
    made = contains(container, value, lambda item: isinstance(item, Unknown), Allowance())
    assert made is None or made is python(lambda: value in container)


@patient
@given(VALUES, VALUES)
def test_items(container: Any, key: Any) -> None:
    hypothesis.assume(not isinstance(container, Unknown))
    made = item_of(container, key, Allowance())
    if not isinstance(made, Unknown):
        expected = python(lambda: container[key])
        assert made is expected or agrees(made, expected)


CONTAINERS = st.one_of(
    st.lists(VALUES, max_size=4),
    st.lists(_keys(VALUES), max_size=4).map(set),
    st.dictionaries(_keys(VALUES), VALUES, max_size=3),
)


@patient
@given(CONTAINERS, st.data(), ARGUMENTS)
def test_changes(container: Any, data: st.DataObject, values: list[Any]) -> None:
    kind = next(kind for kind in CHANGES if isinstance(container, kind))
    name = data.draw(st.sampled_from([*CHANGES[kind]]))
    before, twin = len(container), container.copy()
    made = change(container, name, values, Allowance())
    assert len(container) <= MOST_ITEMS or len(container) <= before + 1
    if isinstance(made, Unknown):
        return
    expected = python(lambda: getattr(twin, name)(*values))
    assert made is expected or agrees(made, expected)
    assert len(container) == len(twin)
    assert all(a is b or agrees(a, b) for a, b in zip(container, twin, strict=True))


ITERTOOLS: dict[str, Callable[..., Any]] = {
    "zip": zip,
    "zip_longest": zip_longest,
    "product": product,
    "repeat": repeat,
    "islice": islice,
    "accumulate": accumulate,
    "combinations": combinations,
    "permutations": permutations,
}


@patient
@given(st.sampled_from([*ROWS]), st.lists(SEQUENCES | st.integers(-2, 9), max_size=3))
def test_rows(name: str, values: list[Any]) -> None:
    made = rows(name, values, Allowance(), {})
    if made is not None:
        assert len(made) <= MOST_ROWS
        expected = python(lambda: list(islice(ITERTOOLS[name](*values), MOST_ROWS + 1)))
        assert agrees(made, expected)


@patient
@given(SEQUENCES, st.booleans())
def test_order(values: Any, reverse: bool) -> None:
    items = list(values)
    places = ordered(items, Allowance(), reverse=reverse)
    if places is not None:
        expected = python(lambda: sorted(items, reverse=reverse))
        assert agrees([items[place] for place in places], expected)
    for name, function in (("max", max), ("min", min)):
        place = extreme(name, items, Allowance())
        assert place is None or items[place] is python(function, items)


@patient
@given(SEQUENCES)
def test_sets(values: Any) -> None:
    made = set_of(list(values), Allowance())
    assert isinstance(made, Unknown) or made == python(lambda: set(values))


TEMPLATES = st.text(alphabet="{}!:[].0123456789<>^+-#,_%sdfrxabe *()", max_size=12)
PIECES = [
    "{}",
    "{0}",
    "{a}",
    "{:>{}}",
    "{!r}",
    "{:.3f}",
    "{0:d}",
    "{{",
    "}}",
    "x",
    "{:,}",
    "{a:{b}}",
]
PERCENTS = ["%s", "%d", "%5.2f", "%(a)s", "%%", "%r", "%x", "%-9s", "%c", "%g", "x", "%i", "% d"]


@patient
@given(
    TEMPLATES | st.lists(st.sampled_from(PIECES), max_size=4).map("".join),
    ARGUMENTS,
    st.dictionaries(st.sampled_from(["a", "b"]), VALUES),
)
def test_templates(template: str, values: list[Any], named: dict[str, Any]) -> None:
    made = evaluate("str.format", [template, *values], Allowance(), named)
    check(made, template.format, *values, **named)


@patient
@given(
    TEMPLATES | st.lists(st.sampled_from(PERCENTS), max_size=4).map("".join),
    VALUES | ARGUMENTS.map(tuple) | st.dictionaries(st.sampled_from(["a", "b"]), VALUES),
)
def test_percent_templates(template: str, values: Any) -> None:
    check(operate("Modulo", template, values, Allowance()), operator.mod, template, values)


@patient
@given(VALUES, st.text(alphabet="<>=^+- #0123456789,._bcdeEfFgGnosxX%", max_size=6))
def test_format_specifications(value: Any, spec: str) -> None:
    check(evaluate("f-string", [value, spec, None], Allowance()), format, value, spec)


@patient
@given(
    st.sampled_from(["split", "findall"]),
    st.text(alphabet="ab1()[]{}*+?|\\dws.^$-,", max_size=12),
    st.text(alphabet="ab1 ", max_size=40),
)
def test_patterns(name: str, pattern: str, text: str) -> None:
    check(evaluate(f"re.{name}", [pattern, text], Allowance()), getattr(re, name), pattern, text)


@patient
@given(st.text(alphabet="ab1()[]*+?|\\dw.^$", max_size=8), st.text(alphabet="\\1gab<>", max_size=4))
def test_substitutions(pattern: str, by: str) -> None:
    made = evaluate("re.sub", [pattern, by, "ab1ba11"], Allowance())
    check(made, re.sub, pattern, by, "ab1ba11")


KNOWN = [
    ("'{:>8} {a:.2f} {!r}'.format(12, 'x', a=1.5)", "str.format", ["{:>8} {a:.2f} {!r}", 12, "x"]),
    ("pow(2, 10)", "builtins.pow", [2, 10]),
    ("round(1.555, 2)", "builtins.round", [1.555, 2]),
    ("math.ceil(7 / 2)", "math.ceil", [3.5]),
    ("math.comb(10, 3)", "math.comb", [10, 3]),
    ("int('12', 8)", "builtins.int", ["12", 8]),
    ("'a_b'.split('_')", "str.split", ["a_b", "_"]),
    ("'_'.join('ab')", "str.join", ["_", "ab"]),
    ("re.split('(digits.*)', 'r1')", "re.split", [r"(\d.*)", "r12"]),
    ("re.sub('^module', '', text)", "re.sub", [r"^module\.", "", "module.bn.weight"]),
    ("str([1, 2])", "builtins.str", [[1, 2.5, "a"]]),
    ("sum of a vector", "numpy.sum", [[1, 2, 3]]),
    ("os.path.join", "os.path.join", ["a", "b.py"]),
]


@pytest.mark.parametrize(("name", "values"), [k[1:] for k in KNOWN], ids=[k[0] for k in KNOWN])
def test_what_model_code_computes_is_known(name: str, values: list[object]) -> None:
    assert not isinstance(
        evaluate(name, values, Allowance(), {"a": 1.5} if "{a" in str(values) else {}), Unknown
    )


USUAL = [name for name in OPERATORS if name not in ("Power", "LeftShift", "RightShift")]


@patient
@given(st.integers(-(2**60), 2**60), st.integers(1, 2**30), st.sampled_from(USUAL))
def test_arithmetic_on_numbers_of_usual_size_is_known(left: int, right: int, name: str) -> None:
    assert not isinstance(operate(name, left, right, Allowance()), Unknown)


def test_the_allowance_of_an_entry_point_is_used_up_and_renewed() -> None:
    allowance = Allowance()
    made = [operate("Multiply", [0], MOST_ITEMS, allowance) for _ in range(30)]
    known = [each for each in made if not isinstance(each, Unknown)]
    assert len(known) == ENTRY // MOST_ITEMS
    assert isinstance(operate("Add", [1], [2], allowance), list)
    allowance.renew()
    assert isinstance(operate("Multiply", [0], MOST_ITEMS, allowance), list)
