"""Folders that scripts add to ``sys.path`` by name."""

import re
from collections.abc import Iterator
from itertools import islice

_CHANGED = re.compile(r"sys\.path\.(?:append|insert|extend)\b|sys\.path\s*(?:\+=|\[|=)")
_WRITTEN = re.compile(r"""(["'])([\w./-]*[A-Za-z][\w./-]*)\1""")
_MOST = 32
"""Names of one file that are looked at."""


def added_folders(content: str) -> tuple[tuple[str, ...], ...]:
    """The folders that the lines about paths name, if code changes ``sys.path``.

    Each is the parts of a path without leading dots: where ``"/home/me/project/lib"`` lies on this
    machine, and what ``join(here, "..", "lib")`` starts from, is for the caller to find out.
    """
    if "sys.path" not in content or not _CHANGED.search(content):
        return ()
    return tuple(dict.fromkeys(islice(_named(content), _MOST)))


def _named(content: str) -> Iterator[tuple[str, ...]]:
    for line in content.splitlines():
        if "path" in line or "dir" in line:
            for match in _WRITTEN.finditer(line):
                parts = tuple(part for part in match[2].split("/") if part.strip("."))
                if parts:
                    yield parts
