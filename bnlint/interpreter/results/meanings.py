"""What the tensors within a layer's forward are to the batch: one by one for its samples, or over all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bnlint.facts.shapes.elementwise import OF_EACH_NUMBER
from bnlint.facts.shapes.reshaping import SIZE_OF_FIRST
from bnlint.facts.types.kind import ARITHMETIC, Kind
from bnlint.immutable import immutable
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import Op
from bnlint.interpreter.core.values import State, Value
from bnlint.interpreter.torch.modules import children
from bnlint.interpreter.torch.parameters import names_of
from bnlint.vocabulary.operations import GRADIENT_CUTS

SOMEWHERE = -1
"""The place of an axis that is not known."""
AVERAGING = frozenset("mean sum var std var_mean std_mean nanmean nansum norm vector_norm".split())
"""Reductions that give statistics."""
_LAYERS = frozenset(
    {Kind.CONV, Kind.LINEAR, Kind.BATCH_NORM, Kind.INSTANCE_NORM, Kind.OTHER_NORM, Kind.PAD}
    | {Kind.ACTIVATION, Kind.DROPOUT, Kind.MAX_POOL, Kind.AVG_POOL, Kind.UPSAMPLE, Kind.PASS}
)
"""Kinds of operations that treat the samples of their first input one by one."""
_ELEMENTWISE = ARITHMETIC | {Kind.PHI}
_SPLITTING = frozenset({"chunk", "split", "tensor_split"})
_REPLACING = frozenset({"copy_", "set_", "setitem"})
"""Operations in place after which nothing is left of what was there."""


@immutable
class Meaning:
    """What a tensor is to the forward of a layer.

    ``samples`` is the axis that counts the samples of the batch, alone or together with others,
    ``SOMEWHERE`` if it is not known which, ``None`` if there is none.
    """

    samples: int | None = None
    statistic: bool = False
    """Whether it is computed from all samples together, and has no axis for them."""
    states: frozenset[State] = frozenset()
    """What the layer kept from earlier forwards and is in it, where it has no axis for samples."""
    learnt: bool = False
    """Whether a gradient goes through it to parameters."""
    carried: bool = False
    """Whether a gradient's graph of what was kept goes on in it."""

    @property
    def is_of_batch(self) -> bool:
        """Whether it is a statistic of this batch or of earlier ones."""
        return self.samples is None and (self.statistic or bool(self.states))


def meanings(ops: Sequence[Op], first: int, last: int, layer: Instance) -> Mapping[int, Meaning]:
    """The outputs of a layer's operations ``first`` to ``last``, and of those that these begin with.

    A layer without others in it, whose forward is executed by itself, is taken to be meant for the
    inside of a network, where parameters come before it.
    """
    found: dict[int, Meaning] = {}
    for index in range(first, last):
        op = ops[index]
        for source in op.inputs:
            if source not in found:
                found[source] = Meaning(0, learnt=_is_learnt(ops, source))
        if op.kind is Kind.INPUT:
            found[index] = Meaning(0, learnt=not children(layer))
        else:
            found[index] = _meaning(op, ops, found)
    return found


def _is_learnt(ops: Sequence[Op], source: int) -> bool:
    """Whether parameters come before an operation."""
    pending, seen = [source], {source}
    while pending:
        op = ops[pending.pop()]
        if op.kind in (Kind.PARAMETER, Kind.UNKNOWN) or (
            op.layer is not None and names_of(op.layer)
        ):
            return True
        fresh = [index for index in op.inputs if index not in seen]
        seen.update(fresh)
        pending += fresh
    return False


def _meaning(op: Op, ops: Sequence[Op], found: Mapping[int, Meaning]) -> Meaning:
    if op.kind is Kind.PARAMETER:
        return Meaning(learnt=op.grad)
    replaced = op.name in _REPLACING and not op.states and len(op.inputs) > 1
    inputs = op.inputs[1:] if replaced else op.inputs
    made = _of_operation(op, ops, inputs, found)
    if not op.grad or op.name.rstrip("_") in GRADIENT_CUTS:
        made = replace(made, learnt=False, carried=False)
    return made


def _of_operation(
    op: Op, ops: Sequence[Op], inputs: Sequence[int], found: Mapping[int, Meaning]
) -> Meaning:
    given = [found[index] for index in inputs]
    states = () if op.name in _REPLACING else op.states
    over_all = Meaning(
        None,
        any(meaning.statistic for meaning in given),
        frozenset(states).union(*(meaning.states for meaning in given)),
        any(meaning.learnt for meaning in given),
        bool(states) or any(meaning.carried for meaning in given),
    )
    if all(meaning.samples is None for meaning in given):
        return over_all
    axis = _axis(op, ops, inputs, given)
    if op.kind is Kind.REDUCE and axis is None:
        return replace(over_all, statistic=True)
    return Meaning(axis, learnt=over_all.learnt, carried=over_all.carried)


def _axis(op: Op, ops: Sequence[Op], inputs: Sequence[int], given: Sequence[Meaning]) -> int | None:
    """Where an operation's output counts samples, some of whose inputs do."""
    first = given[0]
    if op.kind in _ELEMENTWISE or op.name.rstrip("_") in OF_EACH_NUMBER:
        places = {meaning.samples for meaning in given} - {None}
        return places.pop() if len(places) == 1 else SOMEWHERE
    if first.samples is None or first.samples == SOMEWHERE:
        return None if op.kind is Kind.REDUCE and _reduces_all(op) else SOMEWHERE
    if op.kind in _LAYERS:
        return first.samples
    rank = ops[inputs[0]].shape.rank
    match op.kind:
        case Kind.REDUCE:
            return _after_reduce(op, first.samples, rank)
        case Kind.PERMUTE:
            return _after_permute(op, first.samples, rank)
        case Kind.RESHAPE:
            return _after_reshape(op, first.samples)
        case Kind.SPLIT:
            if _SPLITTING.intersection((op.name, ops[inputs[0]].name)):
                return first.samples
            key = op.constants.get("key")
            whole = key[:1] == (slice(None),) if isinstance(key, tuple) else key is ...
            return first.samples if whole and first.samples == 0 else SOMEWHERE
    return SOMEWHERE


def _reduces_all(op: Op) -> bool:
    return op.name in AVERAGING and "dim" not in op.constants


def _after_reduce(op: Op, samples: int, rank: int | None) -> int | None:
    """Where samples are counted after a reduction; nowhere if it goes over them."""
    dim = op.constants.get("dim")
    if op.name not in AVERAGING:
        return SOMEWHERE
    if dim is None or isinstance(dim, bool):
        return None
    dims = _places(dim if isinstance(dim, tuple | list) else (dim,), rank, samples)
    if dims is None:
        return None if op.name in ("mean", "var", "std", "var_mean", "std_mean") else SOMEWHERE
    if samples in dims:
        return None
    keeps = op.constants.get("keepdim", False) is True
    return samples if keeps else samples - sum(dim < samples for dim in dims)


def _places(dims: Iterable[Value], rank: int | None, samples: int) -> set[int] | None:
    """Dimensions counted from the first one; those from behind are none of ``samples`` if that is 0."""
    found = set()
    for dim in dims:
        if not isinstance(dim, int):
            return None
        if dim < 0 and rank is None and samples > 0:
            return None
        behind = samples + 1 if rank is None else rank + dim
        found.add(dim if dim >= 0 else behind)
    return found


def _after_permute(op: Op, samples: int, rank: int | None) -> int:
    if op.name.startswith("permute"):
        dims = op.constants.get("shape", op.constants.get("dims"))
        order = list(dims) if isinstance(dims, tuple | list) else []
        return order.index(samples) if samples in order else SOMEWHERE
    if op.name in ("T", "t", "t_", "mT", "H"):
        return {0: 1, 1: 0}.get(samples, SOMEWHERE) if op.name.startswith("t") else SOMEWHERE
    if not op.name.startswith(("transpose", "swap")):
        return samples if op.name.startswith(("flip", "roll")) else SOMEWHERE
    pair = [op.constants.get("dim0"), op.constants.get("dim1")]
    numbers = [rank + d if isinstance(d, int) and d < 0 and rank else d for d in pair]
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        return SOMEWHERE
    first, second = numbers
    moved = {first: second, second: first}.get(samples, samples)
    return moved if isinstance(moved, int) else SOMEWHERE


def _after_reshape(op: Op, samples: int) -> int:
    name = op.name.rstrip("_")
    match name:
        case "view" | "reshape":
            return _after_view(op.constants.get("shape"), samples)
        case "flatten":
            start, end = op.constants.get("start_dim", 0), op.constants.get("end_dim", -1)
            if not isinstance(start, int) or not isinstance(end, int) or start < 0:
                return SOMEWHERE
            return samples - (end - start) if 0 <= end < samples else min(start, samples)
        case "unsqueeze":
            dim = op.constants.get("dim")
            return samples + (0 <= dim <= samples) if isinstance(dim, int) else SOMEWHERE
        case "squeeze":
            dim = op.constants.get("dim")
            later = isinstance(dim, int) and (dim > samples or dim < 0)
            return samples if later or samples == 0 else SOMEWHERE
        case "expand_as" | "expand" | "unflatten":
            return samples if samples == 0 else SOMEWHERE
    return SOMEWHERE


def _after_view(sizes: Value, samples: int) -> int:
    """``view(n, channels, -1)``, ``view(-1, channels)`` and, of channels first, ``view(channels, -1)``."""
    if not isinstance(sizes, tuple | list) or not sizes:
        return SOMEWHERE
    if samples == 0:
        return 0 if sizes[0] is SIZE_OF_FIRST or sizes[0] == -1 else SOMEWHERE
    return 1 if samples == 1 and len(sizes) == 2 and sizes[1] == -1 else SOMEWHERE
