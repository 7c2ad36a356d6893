"""Python's own operations on known values: an allow-list, bounded before anything is computed.

Nothing else in the interpreter computes with values of the code that is read. What an operation gets
is plain (no value of the interpreter's own, no origins of numbers), what it may take and give is
limited, and whatever it raises makes its result unknown.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bnlint.interpreter.core.values import Unknown, Value
from bnlint.interpreter.evaluation.allowance import FREE, Allowance
from bnlint.interpreter.evaluation.formatting import format_one, shown
from bnlint.interpreter.evaluation.numbers import BUILTINS, MATH
from bnlint.interpreter.evaluation.operators import compared, contains, negated, operate
from bnlint.interpreter.evaluation.patterns import PATTERNS
from bnlint.interpreter.evaluation.plain import admitted, fits, plain
from bnlint.interpreter.evaluation.sequences import (
    change,
    changes,
    extreme,
    is_key,
    item_of,
    ordered,
    rows,
    set_of,
)
from bnlint.interpreter.evaluation.texts import METHODS as TEXT_METHODS
from bnlint.interpreter.evaluation.texts import PATHS, text_of
from bnlint.interpreter.evaluation.vectors import METHODS as VECTOR_METHODS
from bnlint.interpreter.evaluation.vectors import NUMPY, as_type


def _named(package: str, functions: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    return {f"{package}.{name}": function for name, function in functions.items()}


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_named("builtins", BUILTINS),
    "builtins.str": text_of,
    "builtins.repr": lambda value: shown(value, repr),
    "f-string": format_one,
    "builtins.frozenset": frozenset,
    **_named("math", MATH),
    **_named("re", PATTERNS),
    **_named("os.path", PATHS),
    **_named("numpy", NUMPY),
    **_named("str", TEXT_METHODS),
    **_named("numpy.ndarray", {**VECTOR_METHODS, "astype": as_type}),
    "list.index": lambda items, *rest: operator.index(items.index(*rest)),
    "list.count": lambda items, value: items.count(value),
}
"""What is called by name; ``str.`` and ``list.`` stand for ``bytes`` and ``tuple``, too."""


FEW_PARTS = FREE // 2
"""Parts of a formatted string that weigh nothing if they are short."""


def evaluate(
    name: str,
    values: Sequence[Value],
    allowance: Allowance,
    keywords: Mapping[str, Value] | None = None,
) -> Value:
    """What a function gives, or a method whose receiver comes first; else unknown."""
    function = FUNCTIONS.get(name)
    if function is None:
        return Unknown(f"{name}()")
    try:
        given = [plain(value, allowance) for value in values]
        if not keywords:
            return admitted(function(*given), allowance)
        named = {key: plain(value, allowance) for key, value in keywords.items()}
        return admitted(function(*given, **named), allowance)
    except Exception:
        return Unknown(f"{name}()")


def in_one(texts: list[str], allowance: Allowance) -> str | None:
    """The parts of a formatted string as one; ``None`` where it is too long."""
    if len(texts) <= FEW_PARTS and sum(map(len, texts)) <= FREE:
        return "".join(texts)
    joined = evaluate("str.join", ["", texts], allowance)
    return joined if isinstance(joined, str) else None


__all__ = [
    "FUNCTIONS",
    "Allowance",
    "change",
    "changes",
    "compared",
    "contains",
    "evaluate",
    "extreme",
    "fits",
    "in_one",
    "is_key",
    "item_of",
    "negated",
    "operate",
    "ordered",
    "rows",
    "set_of",
]
