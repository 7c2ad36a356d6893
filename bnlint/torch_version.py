"""Which torch is linted for: the version that a user names, else the installed one."""

import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

_VERSION = re.compile(r"(\d{1,3})\.(\d{1,3})(?![\d])")
_ASSIGNED = re.compile(r"^__version__ = ['\"]([^'\"]+)", re.MULTILINE)


def release(version: str) -> str | None:
    """``2.4`` of ``2.4`` and of ``2.4.1+cpu``; ``None`` of what is no version."""
    found = _VERSION.match(version)
    return None if found is None else f"{int(found[1])}.{int(found[2])}"


def is_before(version: str, other: str) -> bool:
    """Whether one release is older than another."""
    one, two = (tuple(map(int, text.split("."))) for text in (version, other))
    return one < two


@cache
def installed() -> str | None:
    """The release of the torch that is installed beside bnlint, ``2.4``, without importing it."""
    try:
        spec = find_spec("torch")
        if spec is None or spec.origin is None:
            return None
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None
    assigned = _ASSIGNED.search(text)
    return None if assigned is None else release(assigned[1])
