"""Tables of names are written as words in a text."""


def words(text: str) -> tuple[str, ...]:
    """The words of a text."""
    return tuple(text.split())
