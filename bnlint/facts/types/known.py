"""Three-valued answers."""

from collections.abc import Iterable
from enum import Enum


class Known(Enum):
    """The answer to a question about a program that was read and not run.

    A default rule speaks only on ``YES``.
    """

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, value: bool | None) -> "Known":
        """``True`` is yes, ``False`` is no, ``None`` is unknown."""
        return cls.UNKNOWN if value is None else cls.YES if value else cls.NO


def any_of(answers: Iterable[Known]) -> Known:
    """Yes if one answer is yes; no if all are no (also of nothing); else unknown."""
    seen = set(answers)
    if Known.YES in seen:
        return Known.YES
    return Known.UNKNOWN if Known.UNKNOWN in seen else Known.NO


def all_of(answers: Iterable[Known]) -> Known:
    """No if one answer is no; yes if all are yes (also of nothing); else unknown."""
    seen = set(answers)
    if Known.NO in seen:
        return Known.NO
    return Known.UNKNOWN if Known.UNKNOWN in seen else Known.YES
