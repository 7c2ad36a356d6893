"""The layers of a rehearsal that are BatchNorm by what they compute, as far as their forwards were executed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bnlint.facts.types.hand_written import HandWritten
from bnlint.facts.types.known import Known
from bnlint.interpreter.core.journal import Journal, Named, NormRecord
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import Tape
from bnlint.interpreter.results.hand_written_norms import hand_written


@dataclass(slots=True, eq=False)
class OwnNorms:
    """Looks at a layer again when forwards have written more of what it keeps."""

    tape: Tape
    journal: Journal
    _known: dict[Instance, tuple[int, HandWritten | None]] = field(default_factory=dict)

    def of(self, layer: Instance) -> HandWritten | None:
        """What is known of a layer by now; ``None`` if it is no BatchNorm of the project's own."""
        writes = len(self.journal.states.writes.get(layer, ()))
        if writes == 0:
            return None
        if layer not in self._known or self._known[layer][0] != writes:
            made = hand_written(layer, self.journal.states, self.tape)
            self._known[layer] = writes, made
        return self._known[layer][1]

    def recognised(self, records: Iterable[NormRecord]) -> Iterator[tuple[NormRecord, HandWritten]]:
        """The states of those layers; the mode says nothing of one that never asks for it."""
        for record in records:
            own = self.of(record.instance)
            if own is not None:
                record.tracks = Known.YES if own.asks_mode else Known.UNKNOWN
                yield record, own

    def among(self, parts: Iterable[Named]) -> list[Named]:
        """Those of a model's parts that are such layers."""
        if not self.journal.states.writes:
            return []
        return [part for part in parts if self.of(part.module) is not None]
