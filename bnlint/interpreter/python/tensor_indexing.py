"""Items and parts of tensors."""

from dataclasses import replace

import libcst as cst

from bnlint.facts.shapes.indexing import indexed
from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import NOT_KNOWN
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import SOME_SLICE, Tensor, Value
from bnlint.interpreter.torch.shape_axes import axes_of_shape, shape_of_axes


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
            drawn=isinstance(key, Tensor) and key.drawn,
        )
    shape, keeps_batch = _indexed_shape(value, key)
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


def _indexed_shape(value: Tensor, key: Value) -> tuple[Shape, bool]:
    shape = value.shape
    if shape.sizes and isinstance(key, int):
        return Shape(sizes=shape.sizes[1:]), False
    keys = key if isinstance(key, tuple) else (key,)
    keeps_batch = keys[0] == slice(None) or keys[0] is ... or _mixes(keys[0], value)
    plain = tuple(slice(NOT_KNOWN, None) if k is SOME_SLICE else k for k in keys)
    return shape_of_axes(indexed(axes_of_shape(shape), plain)), keeps_batch


def _mixes(key: Value, value: Tensor) -> bool:
    """Whether an index brings the samples of a batch into another order: a permutation of their numbers."""
    if not isinstance(key, Tensor) or not (key.drawn and key.made_up):
        return False
    return key.batch is not None and key.batch == value.batch
