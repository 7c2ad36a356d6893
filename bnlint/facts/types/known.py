"""Three-valued answers."""

from collections.abc import Iterable
from enum import Enum


class Known(Enum):
    """The answer to a question about a program that was read and not run.

    A default rule speaks only on ``YES``.
    """

    __hash__ = object.__hash__  # Enum's own is Python code

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @classmethod
    def of(cls, value: bool | None) -> "Known":
        """``True`` is yes, ``False`` is no, ``None`` is unknown."""
        return cls.UNKNOWN if value is None else cls.YES if value else cls.NO


def any_of(answers: Iterable[Known]) -> Known:
    """Yes if one answer is yes; no if all are no (also of nothing); else unknown."""
    joined = Known.NO
    for answer in answers:
        if answer is Known.YES:
            return answer
        if answer is Known.UNKNOWN:
            joined = answer
    return joined
