"""Which files can be written back so that nothing but a fix differs, and why the others cannot."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bnlint.source import Unreadable
from bnlint.source.decoding import decode_file, encode_file
from bnlint.source.notebook import NOTEBOOK
from bnlint.source.regular import read_bytes


@dataclass(slots=True)
class Writable:
    """Whether a file may be changed by ``may_change``, and can be; ``obstacles`` say why not."""

    may_change: Callable[[Path], bool]
    obstacles: dict[Path, str] = field(default_factory=dict)
    _asked: set[Path] = field(default_factory=set)

    def __call__(self, file: Path) -> bool:
        """Answer for one file; the file system is asked once."""
        if not self.may_change(file):
            return False
        if file not in self._asked:
            self._asked.add(file)
            reason = obstacle(file)
            if reason is not None:
                self.obstacles[file] = reason
        return file not in self.obstacles


def obstacle(file: Path) -> str | None:
    """Why a file that was read cannot be written back; ``None`` if it can."""
    try:
        raw = read_bytes(file)
        decoded = decode_file(raw, file)
        same = encode_file(decoded.text, decoded, raw, file) == raw
    except OSError as error:
        return (error.strerror or str(error)).lower()
    except (Unreadable, ValueError):
        same = False
    if not same:
        how = "as JSON" if file.suffix == NOTEBOOK else "in its encoding"
        return f"reading and writing it {how} does not give the same bytes"
    real = os.path.realpath(file)
    if not os.access(real, os.W_OK):
        return "permission to write the file is denied"
    if not os.access(os.path.dirname(real), os.W_OK):
        return "permission to write in its folder is denied"
    return None
