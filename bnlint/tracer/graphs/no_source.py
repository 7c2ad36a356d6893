"""Sources that show code but let nobody edit it, and a stand-in for code that no file has."""

from collections.abc import Sequence

from bnlint.facts.types.site import Site, Source
from bnlint.finding import Edit, Span

PATH = "<no source>"


class Uneditable:
    """A source whose code only resembles what was executed, so that no edit of it is proven."""

    def __init__(self, source: Source | None = None) -> None:
        self._source = source

    @property
    def path(self) -> str:
        """The path of the file; a stand-in where there is none."""
        return PATH if self._source is None else self._source.path

    def span(self, node: object) -> Span:
        """Where a node stands; without a file all stand at one place."""
        if self._source is None:
            return Span(PATH, 0, 0, 1, 1, 1, 1)
        return self._source.span(node)

    def text(self, node: object) -> str:
        """The node's own source text."""
        return "" if self._source is None else self._source.text(node)

    def is_parameter(self, node: object) -> bool:
        """It is none."""
        return False

    def conditions(self, node: object) -> tuple[tuple[object, bool], ...]:
        """None are known."""
        return ()

    def means_the_same(self, expression: object, place: object) -> bool:
        """It is not known."""
        return False

    def replace(self, node: object, text: str) -> Edit | None:
        """No edit."""
        return None

    def add_argument(self, call: object, text: str) -> Edit | None:
        """No edit."""
        return None

    def remove_argument(self, call: object, argument: object) -> Edit | None:
        """No edit."""
        return None

    def insert_before(self, node: object, line: str) -> Edit | None:
        """No edit."""
        return None

    insert_after = insert_first = insert_last = insert_before

    def around(
        self, node: object, before: Sequence[str], after: str, caught: bool
    ) -> tuple[Edit, ...]:
        """No edits."""
        return ()

    def runs_at_once(self, node: object) -> bool:
        """Not known, so no."""
        return False

    def handlers(self, node: object) -> Sequence[object]:
        """Not known."""
        return ()

    def statement(self, node: object) -> object:
        """Not known, so the node itself."""
        return node

    def binds(self, node: object, name: str) -> bool:
        """Not known, so yes."""
        return True

    def condition_at(self, node: object, place: object) -> str | None:
        """Not known."""
        return None

    def mentions(self, text: str) -> bool:
        """Not known, so yes."""
        return True

    def calls(self, method: str) -> bool:
        """Not known, so yes."""
        return True


UNWRITTEN = Site(Uneditable(), None)
"""The site of whatever has none: classes typed into a prompt or made by ``exec``."""
