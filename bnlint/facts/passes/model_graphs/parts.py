"""Which tensors are parts of one: samples of a batch, frames of a clip, but not groups of channels."""

from itertools import zip_longest

from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN

SINGLE = frozenset({"unbind", "select"})
"""Operations that take single positions of a dimension, which is gone then."""


def stands_for_many(graph: ModelGraph, call: Call) -> bool:
    """Whether a call takes any one of several parts of a tensor, as in a loop over them."""
    return call.kind is Kind.SPLIT and _is_unknown(_key(graph, call))


def are_parts_of_one(graph: ModelGraph, first: Call, again: Call) -> bool:
    """Whether two calls take parts of one tensor along its samples, or single positions of it."""
    whole, split = _taken_from(graph, first)
    other, split_again = _taken_from(graph, again)
    if whole is None or whole is not other:
        return False
    if split.op == split_again.op == "getitem":
        return _differ_by_position(_key(graph, first), _key(graph, again))
    return all(
        _differ_by_position(_key(graph, call), ()) if call.op == "getitem" else _along_samples(call)
        for call in (split, split_again)
    )


def _taken_from(graph: ModelGraph, call: Call) -> tuple[Call | None, Call]:
    """The tensor that a call takes a part of, and the operation that says which."""
    if call.kind is not Kind.SPLIT or not call.inputs:
        return None, call
    source = graph.calls[call.inputs[0]]
    if call.op != "getitem" or not _splits(source) or not source.inputs:
        return source, call
    return graph.calls[source.inputs[0]], source


def _splits(call: Call) -> bool:
    return call.kind is Kind.SPLIT and call.op != "getitem"


def _along_samples(split: Call) -> bool:
    """Whether an operation that splits goes along dimension 0, or may."""
    dim = split.arguments.get("dim")
    return split.op in SINGLE or dim is None or dim.value in (0, NOT_KNOWN)


def _key(graph: ModelGraph, call: Call) -> object:
    """What an indexing takes: ``None`` for any part of what was split."""
    key = call.arguments.get("key")
    value = key.value if key is not None else NOT_KNOWN
    split = bool(call.inputs) and _splits(graph.calls[call.inputs[0]])
    return NOT_KNOWN if value is None and split else value


def _is_unknown(key: object) -> bool:
    return key is NOT_KNOWN or (isinstance(key, tuple) and NOT_KNOWN in key)


def _differ_by_position(key: object, other: object) -> bool:
    """Whether two keys differ in single positions, or in slices of dimension 0, alone."""
    if _is_unknown(key) or _is_unknown(other):
        return True
    ours, theirs = (k if isinstance(k, tuple) else (k,) for k in (key, other))
    return all(
        one == two or (isinstance(one, int) and isinstance(two, int)) or number == 0
        for number, (one, two) in enumerate(zip_longest(ours, theirs))
    )
