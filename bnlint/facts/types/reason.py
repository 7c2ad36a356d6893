"""Why something is not known."""

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class Reason:
    """Why something is not known: the first cause of it.

    ``words`` say it, ``""`` where only the code does; ``code`` is that which leads to the cause,
    ``place`` where the cause stands.
    """

    words: str
    code: Site | None = None
    place: Site | None = None

    @property
    def text(self) -> str:
        """The reason in a line, with the code as far as it is short."""
        code = _shortened(self.code.text) if self.code is not None else ""
        if not self.words:
            return f"`{code}` is not known" if code else "it is not known"
        return f"`{code}`: {self.words}" if code and code not in self.words else self.words


_LONGEST_CODE = 48


def _shortened(code: str) -> str:
    line = " ".join(code.split())
    return line if len(line) <= _LONGEST_CODE else f"{line[: _LONGEST_CODE - 3]}..."
