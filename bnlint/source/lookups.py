"""What a lint asks of the file system beside the Python files that it reads, and what it is answered.

Findings hold as long as the same questions have the same answers.
"""

import os
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path

from bnlint.immutable import immutable
from bnlint.source.listing import DIRECTORY, FILE, scan
from bnlint.source.regular import read_bytes


class Question(StrEnum):
    """What is asked about a path."""

    ENTRIES = "entries"
    KINDS = "kinds"
    IS_FILE = "file"
    IS_FOLDER = "folder"
    CONTENT = "content"


@immutable
class Lookup:
    """One question, and what stands for its answer; ``names`` are the entries that it is about."""

    question: Question
    path: str
    answer: str
    names: tuple[str, ...] = ()


def asked_again(lookup: Lookup) -> Lookup:
    """The same question, with the answer that it has now."""
    question, path = lookup.question, lookup.path
    match question:
        case Question.ENTRIES:
            return entries(path, scan(path))
        case Question.KINDS:
            return kinds(path, lookup.names, scan(path))
        case Question.IS_FILE:
            return Lookup(question, path, str(os.path.isfile(path)))
        case Question.IS_FOLDER:
            return Lookup(question, path, str(os.path.isdir(path)))
    return content(path)


def kinds(path: str, names: Iterable[str], found: Mapping[str, bool]) -> Lookup:
    """Which of some names a folder has, and whether they are folders."""
    told = tuple(sorted(names))
    answer = "".join(_LETTERS[found.get(name)] for name in told)
    return Lookup(Question.KINDS, path, answer, told)


_LETTERS = {FILE: "f", DIRECTORY: "d", None: "-"}


def entries(path: str, names: Mapping[str, bool]) -> Lookup:
    """All of a folder's entries that code may lie in: programs write other files as they run."""
    told = sorted(n for n, kind in names.items() if kind is not FILE or n.endswith(".py"))
    told = [name for name in told if not name.startswith((".", "__pycache__"))]
    return Lookup(Question.ENTRIES, path, digest("\0".join(told).encode(errors="surrogatepass")))


def content(path: Path | str) -> Lookup:
    """What is in a file; nothing where it cannot be read."""
    try:
        answer = digest(read_bytes(path))
    except OSError:
        answer = ""
    return Lookup(Question.CONTENT, str(path), answer)


def digest(content: bytes) -> str:
    """A short name of some bytes that no others have."""
    import hashlib

    return hashlib.sha256(content).hexdigest()
