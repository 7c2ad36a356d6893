"""Lines out of a pipe, up to a size: whoever writes without end is not listened to any longer."""

from dataclasses import dataclass, field

MOST_BYTES = 32 << 20
"""Of all that one job may say; the largest models need a tenth of it."""
MOST_LINES = 10_000


@dataclass(slots=True)
class LineBuffer:
    """Splits what comes into lines."""

    left: int = MOST_BYTES
    lines_left: int = MOST_LINES
    _rest: bytearray = field(default_factory=bytearray)

    @property
    def flooded(self) -> bool:
        """Whether more came than may come; then there are no lines any more."""
        return self.left < 0 or self.lines_left < 0

    def take(self, chunk: bytes) -> list[bytes]:
        """Return the lines that a chunk completes, without their ends."""
        self.left -= len(chunk)
        self.lines_left -= chunk.count(b"\n")
        if self.flooded:
            self._rest.clear()
            return []
        *lines, rest = chunk.split(b"\n")
        whole = []
        for line in lines:
            whole.append(bytes(self._rest + line))
            self._rest.clear()
        self._rest += rest
        return whole
