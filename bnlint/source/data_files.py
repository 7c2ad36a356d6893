"""Files of a project that hold data, configurations and documents, never code that is executed."""

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bnlint.source import lookups
from bnlint.source.lookups import Lookup, Question
from bnlint.source.regular import read_bytes

SUFFIXES = frozenset(".yaml .yml .json .toml .ini .cfg .conf .config".split())
DOCUMENTS = frozenset({".md", ".sh"})
LARGEST = 256 << 10
"""Bytes of a file that is read."""
MOST = 8 << 20
"""Bytes of all files that are read in one lint."""


class DataFiles:
    """The data files that a program reads, each at most once."""

    def __init__(self) -> None:
        self._texts: dict[Path, str | None] = {}
        self._left = MOST
        self._too_large: set[Path] = set()
        self._answers: dict[tuple[Question, str], bool] = {}

    def find(self, name: str, folders: Sequence[Path], root: Path) -> Path | None:
        """The file that a path means from the first of some folders where there is one.

        It lies in ``root``, also behind symbolic links; what lies elsewhere is not even looked at.
        """
        if "\0" in name or len(name) > 4096:
            return None
        for folder in folders:
            file = Path(os.path.normpath(os.path.join(folder, name)))
            if file.is_relative_to(root) and self._asked(Question.IS_FILE, file, os.path.isfile):
                real, inside = os.path.realpath(file), os.path.realpath(root)
                return file if Path(real).is_relative_to(inside) else None
        return None

    def is_folder(self, path: Path) -> bool:
        """Whether there is such a folder."""
        return self._asked(Question.IS_FOLDER, path, os.path.isdir)

    def _asked(self, question: Question, path: Path, ask: Callable[[Path], bool]) -> bool:
        key = question, str(path)
        if key not in self._answers:
            self._answers[key] = ask(path)
        return self._answers[key]

    def lookups(self) -> Iterator[Lookup]:
        """What was asked, and the answers."""
        for (question, path), answer in self._answers.items():
            yield Lookup(question, path, str(answer))
        for file in self._texts:
            yield lookups.content(file)

    def text(self, file: Path) -> str | None:
        """What is in a small regular file of a kind that holds data, else ``None``."""
        if file not in self._texts:
            known = file.suffix.lower() in SUFFIXES | DOCUMENTS
            self._texts[file] = self._read(file) if known else None
        return self._texts[file]

    def is_too_large(self, file: Path) -> bool:
        """Whether it was not read since it, or all that was read before, is too large."""
        return file in self._too_large

    def _read(self, file: Path) -> str | None:
        try:
            content = read_bytes(file, min(LARGEST, self._left))
            self._left -= len(content)
            return content.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return None
        except OSError as error:
            if error.errno == errno.EFBIG:
                self._too_large.add(file)
            return None
