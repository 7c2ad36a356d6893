"""Read regular files below a size, whatever else a name may lead to: a pipe, a device, gigabytes."""

import errno
import os
import stat
from pathlib import Path

LARGEST = 4 << 20
"""Bytes of a Python file that are read; LibCST makes a hundred times as many of them."""

_OPENING = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
LARGEST_NOTEBOOK = 32 << 20
"""Bytes of a notebook that are read, most of which are what its cells have put out."""


def read_bytes(path: Path | str, most: int | None = None, *, through_links: bool = True) -> bytes:
    """Return what is in a regular file of at most ``most`` bytes: what one of Python may have.

    Raises ``OSError`` at once for anything else, with a ``strerror`` that says what it is.
    """
    if most is None:
        most = LARGEST_NOTEBOOK if str(path).endswith(".ipynb") else LARGEST
    try:
        _require_regular(os.stat(path, follow_symlinks=through_links), most)
        links = 0 if through_links else _NO_LINK
        file = os.open(path, _OPENING | _NEVER_WAIT | links)
    except ValueError:  # a NUL, or a character that no file name has
        raise OSError(errno.EINVAL, "it has a name that no file can have") from None
    with os.fdopen(file, "rb") as stream:
        _require_regular(os.fstat(file), most)  # it may have been replaced in between
        content = stream.read(most + 1)
    if len(content) > most:
        raise _too_large(most)
    return content


def _require_regular(status: os.stat_result, most: int) -> None:
    kind = stat.S_IFMT(status.st_mode)
    if kind == stat.S_IFDIR:
        raise OSError(errno.EISDIR, "it is a directory")
    if kind != stat.S_IFREG:
        raise OSError(errno.EINVAL, f"it is {_KINDS.get(kind, 'no regular file')}")
    if status.st_size > most:
        raise _too_large(most)


def _too_large(most: int) -> OSError:
    size = f"{most >> 20} MB" if most >> 20 else f"{most >> 10} kB"
    return OSError(errno.EFBIG, f"it is larger than {size}")


_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
