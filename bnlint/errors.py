"""What keeps bnlint from running at all."""

from collections.abc import Iterable


class UsageError(Exception):
    """Bad usage or configuration, in one line that says what to change; exit status 2."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean `...`?`` for the most similar known word, or nothing."""
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""
