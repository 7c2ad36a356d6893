"""Items and parts of tensors."""

from dataclasses import replace

import libcst as cst

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import SOME_SLICE, Tensor, Value


def index_tensor(m: Machine, value: Tensor, key: Value, node: cst.CSTNode, scope: Scope) -> Value:
    """``value[key]`` of a tensor."""
    if key == 0 and _is_number_of(node):
        m.journal.measure([value])
    if value.whole:
        return Tensor(
            -1,
            Shape(),
            value.depends,
            value.grads,
            value.loaders,
            value.batch,
            whole=isinstance(key, str),
        )
    shape, keeps_batch = _indexed_shape(value.shape, key)
    site = m.site(node, scope)
    constants = {"key": key}
    made = m.tape.tensor(
        Kind.SPLIT, "getitem", [value], site, constants=constants, shape=shape, batch=keeps_batch
    )
    lone = key is None or (isinstance(key, tuple) and None in key)
    made = replace(made, state=value.state, single=value.single and not lone)
    return replace(made, drawn=True) if isinstance(key, Tensor) and key.drawn else made


def _is_number_of(node: cst.CSTNode) -> bool:
    """Whether ``loss.data[0]`` is written, which was what ``loss.item()`` is now."""
    owner = node.value if isinstance(node, cst.Subscript) else None
    return isinstance(owner, cst.Attribute) and owner.attr.value == "data"


def _indexed_shape(shape: Shape, key: Value) -> tuple[Shape, bool]:
    if shape.sizes and isinstance(key, int):
        return Shape(sizes=shape.sizes[1:]), False
    keys = key if isinstance(key, tuple) else (key,)
    full = slice(None, None, None)
    keeps_batch = keys[0] == full or keys[0] is ...
    if shape.rank is None or not all(k is None or _is_plain_key(k) for k in keys):
        return Shape(), keeps_batch
    added = sum(k is None for k in keys)
    removed = sum(isinstance(k, int) for k in keys)
    channels = None if added or shape.channels_last else _indexed_channels(shape.channels, keys)
    return Shape(shape.rank + added - removed, None, channels), keeps_batch


def _is_plain_key(key: Value) -> bool:
    return key is SOME_SLICE or (isinstance(key, int | slice) and not isinstance(key, bool))


def _indexed_channels(channels: int | None, keys: tuple[Value, ...]) -> int | None:
    if channels is None or isinstance(keys[0], int):
        return None
    taken = keys[1] if len(keys) > 1 else slice(None)
    return len(range(channels)[taken]) if isinstance(taken, slice) else None
