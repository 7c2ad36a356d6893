"""Which rules a word means: an id (``BN301``), the start of ids (``BN3``), a name or ``ALL``."""

import re

ALL = 0
EXACT = 100

_START_OF_ID = re.compile(r"BN\d{0,3}", re.IGNORECASE)


def weight(selector: str, rule_id: str, name: str) -> int | None:
    """Return how specifically the selector means a rule, ``None`` if it does not mean it.

    ``ALL`` weighs nothing, the start of an id as many as it has characters, a whole id or a name
    the most, so that ``--select BN301 --ignore BN3`` leaves BN301.
    """
    if selector.upper() == "ALL":
        return ALL
    if selector.upper() == rule_id or selector == name:
        return EXACT
    if _START_OF_ID.fullmatch(selector) and rule_id.startswith(selector.upper()):
        return len(selector)
    return None


def means(selector: str, rule_id: str, name: str) -> bool:
    """Whether the selector means the rule."""
    return weight(selector, rule_id, name) is not None
