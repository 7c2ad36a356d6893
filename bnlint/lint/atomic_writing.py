"""Write changed files: all of them or none, each at once, everything but the text kept."""

import os
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType

from bnlint.errors import UsageError
from bnlint.immutable import immutable
from bnlint.lint.fixer import Change
from bnlint.source.decoding import encode_file
from bnlint.source.notebook import NOTEBOOK
from bnlint.source.regular import read_bytes

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

SUFFIX = ".bnlint-new"
"""How temporary files end, so that those of a run that was killed are found."""
_LONGEST = 100
"""Characters of a file's own name in that of its temporary file, since names have a limit."""


@immutable
class _Prepared:
    """A file, what it holds, and its new text beside it; ``lock`` tells others that we live."""

    file: Path
    original: bytes
    temporary: Path
    lock: int
    notes: tuple[str, ...]


def encoded(change: Change, original: bytes) -> bytes:
    """Return the new text as bytes, in the file's encoding and with its byte order mark."""
    return _encoded(change, change.after, original)


def as_stored(change: Change) -> tuple[str, str]:
    """A file's text before and after a change as it is stored: a notebook's is JSON."""
    if change.before.file.suffix != NOTEBOOK:
        return change.before.content, change.after
    original = read_bytes(change.before.file)
    return original.decode(), encoded(change, original).decode()


def write(changes: Sequence[Change]) -> list[str]:
    """Replace the files, and say what of them could not be kept.

    Raises :class:`UsageError` and leaves all as they were when one resists.
    """
    prepared: list[_Prepared] = []
    for folder in {os.path.dirname(os.path.realpath(change.before.file)) for change in changes}:
        _sweep(folder)
    try:
        for change in changes:
            prepared.append(_prepare(change))
        _replace_all(prepared)
    finally:
        for item in prepared:
            item.temporary.unlink(missing_ok=True)
            os.close(item.lock)
    return [note for item in prepared for note in item.notes]


def write_text(file: Path, text: str) -> None:
    """Write a report: a file at once, a pipe or device as it is; raises :class:`UsageError`."""
    content = text.encode("utf-8", errors="backslashreplace")
    try:
        if file.exists() and not file.is_file():
            file.write_bytes(content)
        else:
            target = Path(os.path.realpath(file))
            os.replace(_temporary(target, content), target)
    except OSError as error:
        raise _not_written(str(file), error) from None


def _encoded(change: Change, text: str, original: bytes) -> bytes:
    before = change.before
    return encode_file(text, before.decoded, original, before.file)


def _prepare(change: Change) -> _Prepared:
    """Write the new text beside the file, behind symlinks, with its mode and owner."""
    file = Path(os.path.realpath(change.before.file))
    name = change.before.path
    try:
        original = file.read_bytes()
        if original != _encoded(change, change.before.content, original):
            raise UsageError(f"`{name}` has changed since it was read; nothing was written")
        if not os.access(file, os.W_OK):
            raise PermissionError(13, "Permission denied")
        notes = tuple(_lost(file, name))
        temporary = _temporary(file, encoded(change, original))
        lock = _locked(temporary)
    except OSError as error:
        raise _not_written(name, error) from None
    except UnicodeEncodeError:
        encoding = change.before.encoding
        raise UsageError(f"`{name}` is {encoding}, which cannot hold the fixed text") from None
    return _Prepared(file, original, temporary, lock, notes)


def _lost(file: Path, name: str) -> Iterator[str]:
    """Say what replacing a file cannot keep."""
    if file.stat().st_nlink > 1:
        yield f"`{name}` had other names (hard links), which keep the old text"


def _locked(temporary: Path) -> int:
    """Open a file and lock it for as long as this process lives, where there are locks."""
    handle = os.open(temporary, os.O_RDONLY if fcntl is not None else os.O_RDWR)
    if fcntl is not None:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return handle


def _sweep(folder: str) -> None:
    """Remove the temporary files of runs that were killed: nobody holds a lock on them any more."""
    if fcntl is None:
        return
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if not (entry.name.startswith(".") and entry.name.endswith(SUFFIX)):
                continue
            with suppress(OSError):
                handle = os.open(entry.path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(entry.path)
                finally:
                    os.close(handle)


def _temporary(file: Path, content: bytes) -> Path:
    import tempfile

    handle, name = tempfile.mkstemp(
        dir=file.parent, prefix=f".{file.name[:_LONGEST]}.", suffix=SUFFIX
    )
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        if file.exists():
            _keep_mode_and_owner(file, name)
        else:
            os.chmod(name, 0o666 & ~_umask())
    except BaseException:
        os.unlink(name)
        raise
    return Path(name)


def _keep_mode_and_owner(file: Path, name: str) -> None:
    status = file.stat()
    os.chmod(name, stat.S_IMODE(status.st_mode))
    with suppress(OSError, AttributeError):
        os.chown(name, status.st_uid, status.st_gid)
        os.chmod(name, stat.S_IMODE(status.st_mode))
    for attribute in os.listxattr(file) if hasattr(os, "listxattr") else ():
        with suppress(OSError):  # those of the system are not for everybody
            os.setxattr(name, attribute, os.getxattr(file, attribute))


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _replace_all(prepared: Iterable[_Prepared]) -> None:
    done: list[_Prepared] = []
    for item in prepared:
        try:
            os.replace(item.temporary, item.file)
        except OSError as error:
            for earlier in done:
                os.replace(_temporary(earlier.file, earlier.original), earlier.file)
            raise _not_written(str(item.file), error) from None
        done.append(item)


def _not_written(name: str, error: OSError) -> UsageError:
    why = (error.strerror or str(error)).lower()
    return UsageError(f"cannot write `{name}`: {why}; nothing was changed")
