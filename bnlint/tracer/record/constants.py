"""Which tensors hold one number throughout, told from the functions that made and filled them.

Tensors on the meta device hold nothing that could be looked at.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.nn.parameter import is_lazy

from bnlint.tracer.record.tensors import memory_of, tensors_in

LARGEST = 1 << 16
"""Elements of the largest tensor that is looked through."""

_UNWRITTEN = frozenset({"empty", "empty_like", "empty_strided", "empty_permuted", "new_empty"})
_MADE: Mapping[str, float] = {
    "zeros": 0.0,
    "zeros_like": 0.0,
    "new_zeros": 0.0,
    "zero_": 0.0,
    "ones": 1.0,
    "ones_like": 1.0,
    "new_ones": 1.0,
}
_FILLED = {"fill_": "value", "constant_": "val"}
_COPIED = frozenset({"clone", "copy_", "to", "type", "float", "double", "half", "bfloat16", "cpu"})
_WHOLE = (slice(None), ...)

Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]


class Constants:
    """What is known of each piece of memory: its number, or ``None`` if it may hold several.

    Memory that nothing is known of was never written to, as far as anybody heard.
    """

    def __init__(self) -> None:
        self._numbers: dict[int, float | None] = {}

    def of(self, tensor: Tensor) -> float | None:
        """The number that a tensor holds throughout, ``None`` if it is not known to hold one."""
        if is_lazy(tensor) or memory_of(tensor) not in self._numbers:
            return None
        number = self._numbers[memory_of(tensor)]
        if number is None and not tensor.is_meta and 0 < tensor.numel() <= LARGEST:
            return _number_in(tensor)
        return number

    def keep(self, tensor: Tensor, number: float | None) -> None:
        """Note that ``tensor`` holds a number, or that nothing is known of it."""
        if number is None:
            self._numbers.pop(memory_of(tensor), None)
        else:
            self._numbers[memory_of(tensor)] = number

    def forget(self, tensors: Iterable[Tensor]) -> None:
        """Note that tensors may hold several numbers."""
        self._numbers.update(dict.fromkeys(map(memory_of, tensors)))

    def hear(
        self,
        function: Callable[..., Any],
        args: Arguments,
        kwargs: Keywords,
        output: object,
        changed: Iterable[Tensor],
    ) -> None:
        """Take in that a function of torch has run; ``changed`` are tensors that it wrote to."""
        name = str(getattr(function, "__name__", ""))
        for tensor in changed:
            number = self._number_from(name, args, kwargs) if _is_whole(tensor) else None
            self._numbers[memory_of(tensor)] = number
        given = {memory_of(tensor) for tensor in tensors_in((args, kwargs)) if not is_lazy(tensor)}
        for tensor in tensors_in(output):
            if is_lazy(tensor) or memory_of(tensor) in given:
                continue
            if name in _UNWRITTEN:
                self._numbers.pop(memory_of(tensor), None)
            else:
                self._numbers[memory_of(tensor)] = self._number_from(name, args, kwargs)

    def _number_from(self, name: str, args: Arguments, kwargs: Keywords) -> float | None:
        if name in _MADE:
            return _MADE[name]
        if name in _FILLED:
            return _as_number(args[1] if len(args) > 1 else kwargs.get(_FILLED[name]))
        if name in ("full", "full_like", "new_full"):
            at = 2 if name == "new_full" else 1
            return _as_number(args[at] if len(args) > at else kwargs.get("fill_value"))
        if name in _COPIED:
            source = args[-1] if name == "copy_" else args[0]
            return self.of(source) if isinstance(source, Tensor) else None
        if name == "__setitem__" and any(args[1] is whole or args[1] == whole for whole in _WHOLE):
            return _as_number(args[2])
        return None


def _is_whole(tensor: Tensor) -> bool:
    """Whether a tensor is all of its memory and no view of a part."""
    return tensor.numel() * tensor.element_size() == tensor.untyped_storage().nbytes()


def _as_number(value: object) -> float | None:
    if isinstance(value, Tensor):
        return None if value.is_meta or value.numel() != 1 else float(value)
    return float(value) if isinstance(value, int | float) else None


def _number_in(tensor: Tensor) -> float | None:
    values = tensor.detach()
    first = values.flatten()[0]
    same = not values.is_complex() and bool((values == first).all())
    return float(first) if same else None
