"""Why a file could not be read, in one line that its author understands."""

import re
import warnings

_SAID = "invalid syntax"
PYTHON_2 = "Python 2 syntax: "
"""How the message for what only Python 2 reads begins."""
_PYTHON_2 = (
    (re.compile(r"^\s*print\b(?!\s*[(=.,)\]])\s*\S"), "`print` is a function in Python 3"),
    (re.compile(r"^\s*exec\b(?!\s*[(=.,)\]])\s*\S"), "`exec` is a function in Python 3"),
    (re.compile(r"^\s*except\b[^#:]*,\s*\w+\s*:"), "write `except Error as name`"),
    (re.compile(r"^\s*raise\s+[\w.]+\s*,"), "write `raise Error(message)`"),
    (re.compile(r"<>"), "write `!=` for `<>`"),
    (re.compile(r"`[^`]+`"), "write `repr(x)` for backticks"),
    (re.compile(r"\b\d+[lL]\b"), "Python 3 integers have no `L`"),
    (re.compile(r"\b0\d+\b"), "octal numbers are written `0o17`"),
    (re.compile(r"\b[uU][rR]['\"]"), "Python 3 strings have no prefix `ur`"),
    (re.compile(r"^\s*def\b.*[(,]\s*\("), "Python 3 parameters are not unpacked"),
    (re.compile(r"\blambda\s*\("), "Python 3 parameters are not unpacked"),
)
_MIXED = re.compile(r"^(?: +\t|\t+ )[ \t]*[^\s#]", re.MULTILINE)
"""Indentation of both tabs and spaces."""


class Unreadable(Exception):
    """A file that cannot be linted; ``line`` and ``column`` count from 1."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message, line, column)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return self.message


def of_operating_system(error: OSError) -> Unreadable:
    """Say why the system would not hand the file over."""
    match error:
        case FileNotFoundError():
            return Unreadable("no such file")
        case IsADirectoryError():
            return Unreadable("is a directory, not a file")
        case PermissionError():
            return Unreadable("permission to read the file was denied")
        case _:
            reason = error.strerror or str(error)
            return Unreadable(f"cannot be read: {reason[:1].lower()}{reason[1:]}")


def of_syntax(text: str, message: str, line: int, column: int) -> Unreadable:
    """Say what is wrong with ``text``, which the parser refused with ``message``.

    Python's own compiler is asked first, since its words are the ones that users know.
    """
    said = _compiler_error(text)
    if said is None:
        return _beyond_libcst(text, message, line, column)
    message, line, column = said
    lines = re.split(r"\r\n?|\n", text)
    at_fault = lines[line - 1] if 0 < line <= len(lines) else ""
    for pattern, advice in _PYTHON_2:
        if pattern.search(at_fault):
            return Unreadable(f"{PYTHON_2}{advice}", line, column)
    return Unreadable(message if _SAID in message else f"{_SAID}: {message}", line, column)


def _beyond_libcst(text: str, message: str, line: int, column: int) -> Unreadable:
    """Say what Python reads and LibCST does not: most often tabs among the spaces of indentation."""
    mixed = _MIXED.search(text) if "dedent" in message else None
    if mixed is not None:
        line, column = text.count("\n", 0, mixed.start()) + 1, 1
        message = "indentation of tabs and spaces together; indent with spaces alone"
    return Unreadable(f"LibCST cannot parse this code: {message}", line, column)


def _compiler_error(text: str) -> tuple[str, int, int] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "<source>", "exec", dont_inherit=True, optimize=0)
    except SyntaxError as error:
        message = " ".join(error.msg.split())
        return message, max(error.lineno or 1, 1), max(error.offset or 1, 1)
    except (ValueError, MemoryError, RecursionError, OverflowError):
        return None
    return None
