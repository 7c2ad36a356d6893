"""How much Python's own operations may do while code is read."""

from dataclasses import dataclass

MOST_BITS = 4096
"""Of a whole number, about 1,200 digits."""
LONGEST_TEXT = 100_000
"""Characters of a string, or bytes, that operations take or give."""
MOST_ITEMS = 100_000
"""Items of a list, tuple, set or dict that operations give."""
HEAVIEST = 200_000
"""Weight of a value, shared parts counted as often as they occur."""
ENTRY = 2_000_000
"""Weight of all that one entry point works on or builds."""
RUN = 20_000_000
"""The same for all entry points of a run, and for each file more."""
FILE = 200_000
FREE = 64
"""What is no heavier costs nothing: the step of the expression that asks for it pays."""


class TooLarge(Exception):
    """An operation would take or give more than it may."""


class NotPlain(Exception):
    """A value is not wholly known, or nothing that Python's operations should see."""


def require(condition: bool) -> None:
    """Raise :class:`TooLarge` unless a bound is kept."""
    if not condition:
        raise TooLarge


def small(number: int) -> int:
    """A whole number of at most :data:`MOST_BITS`; raises :class:`TooLarge`."""
    require(number.bit_length() <= MOST_BITS)
    return number


@dataclass(slots=True)
class Allowance:
    """What is left of the weight for an entry point and for the run."""

    run: int = RUN
    entry: int = ENTRY

    def renew(self) -> None:
        """Begin an entry point."""
        self.entry = min(ENTRY, self.run)

    def takes(self, weight: int) -> bool:
        """Whether so much may be built or worked on; if so, it is taken off."""
        if weight <= FREE:
            return True
        if weight > HEAVIEST or weight > self.entry:
            return False
        self.entry -= weight
        self.run -= weight
        return True

    def lose(self, weight: int) -> None:
        """Take off what was worked on in vain."""
        if weight > FREE:
            self.entry = max(0, self.entry - weight)
            self.run -= weight

    def spend(self, weight: int) -> None:
        """Take a weight off; raises :class:`TooLarge`."""
        if weight > FREE and not self.takes(weight):
            raise TooLarge

    def build(self, items: int) -> None:
        """Take off the items of a new container; raises :class:`TooLarge`."""
        if items > FREE and (items > MOST_ITEMS or not self.takes(items)):
            raise TooLarge
