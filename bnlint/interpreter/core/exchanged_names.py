"""Names of torch.nn that a program has set to something of its own."""

from dataclasses import dataclass, field

from bnlint.facts.types.kind import Kind
from bnlint.interpreter.core.heap import Heap
from bnlint.interpreter.core.values import Library, Value
from bnlint.vocabulary.layers import KINDS, bare_name


@dataclass(slots=True, eq=False)
class ExchangedNames:
    """What ``nn.BatchNorm2d = ...`` leaves behind: for whoever asks for the name from then on."""

    values: dict[str, Value] = field(default_factory=dict)
    """In the heap."""

    def begin(self, heap: Heap) -> None:
        """Forget what another script has set."""
        self.values = {}
        heap.new(self.values)

    def put(self, heap: Heap, path: str, value: Value) -> None:
        """Set a name; to what it stands for anyway, that gives it back."""
        if value == Library(path):
            heap.remove(self.values, path)
        else:
            heap.put(self.values, path, value)

    def has_batchnorm(self) -> bool:
        """Whether what other packages take for BatchNorm may be something else."""
        return any(KINDS.get(bare_name(path) or "") is Kind.BATCH_NORM for path in self.values)
