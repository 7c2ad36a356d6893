"""Which random numbers tensors hold, told from the functions that filled them.

Tensors on the meta device hold nothing that could be measured.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.nn.parameter import is_lazy

from bnlint.facts.types.initialisation import Draw, draw_by
from bnlint.tracer.record.tensors import memory_of

_COPIES = frozenset({"clone", "to", "type", "float", "double", "half", "bfloat16", "cpu"})
_PLAIN = (int, float, str)
_FACTORS = frozenset({"mul_", "__imul__", "div_", "__itruediv__"})


class Draws:
    """What each piece of memory was filled with last; nothing is known of memory that is missing."""

    def __init__(self) -> None:
        self._found: dict[int, Draw] = {}

    def of(self, tensor: Tensor) -> Draw | None:
        """The random numbers that a tensor holds, ``None`` if that is not known."""
        return None if is_lazy(tensor) else self._found.get(memory_of(tensor))

    def keep(self, tensor: Tensor, draw: Draw | None) -> None:
        """Note what a tensor holds."""
        self._found.pop(memory_of(tensor), None)
        if draw is not None:
            self._found[memory_of(tensor)] = draw

    def forget(self, tensors: Iterable[Tensor]) -> None:
        """Note that tensors may hold anything."""
        for tensor in tensors:
            self.keep(tensor, None)

    def hear(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        output: object,
        changed: Iterable[Tensor],
    ) -> None:
        """Take in that a function of torch has run; ``changed`` are tensors that it wrote to."""
        name = str(getattr(function, "__name__", ""))
        for tensor in changed:
            self.keep(tensor, self._written(name, tensor, args, kwargs))
        source = args[0] if args else None
        if name in _COPIES and isinstance(output, Tensor) and isinstance(source, Tensor):
            self.keep(output, self.of(source))

    def _written(
        self, name: str, tensor: Tensor, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Draw | None:
        if tensor.numel() * tensor.element_size() != tensor.untyped_storage().nbytes():
            return None  # a view of a part
        if name == "copy_":
            return self.of(args[1]) if len(args) > 1 and isinstance(args[1], Tensor) else None
        if name in _FACTORS:
            return self._multiplied(name, tensor, args[1] if len(args) > 1 else None)
        positional = args if "tensor" in kwargs else args[1:]
        found = draw_by(name, positional, kwargs)
        plain = found is not None and all(isinstance(v, _PLAIN) for v in found.given.values())
        return found if plain else None

    def _multiplied(self, name: str, tensor: Tensor, factor: object) -> Draw | None:
        before = self.of(tensor)
        if before is None or not isinstance(factor, int | float) or not factor:
            return None
        number = float(factor)
        return before.times(number if name in ("mul_", "__imul__") else 1 / number)
