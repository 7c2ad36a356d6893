"""From bytes to text as PEP 263 tells, with the encoding kept for writing the file back."""

import codecs
import io
import tokenize
from pathlib import Path

from bnlint.immutable import immutable
from bnlint.source import notebook
from bnlint.source.unreadable import Unreadable

_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@immutable
class Decoded:
    """Text without its byte order mark, and how to turn it into bytes again."""

    text: str
    encoding: str = "utf-8"
    bom: bool = False


def decode_file(raw: bytes, file: Path) -> Decoded:
    """Decode what is in a file, also a notebook's code; raises :class:`Unreadable`."""
    return Decoded(notebook.text_of(raw)) if file.suffix == notebook.NOTEBOOK else decode(raw)


def encode_file(text: str, decoded: Decoded, raw: bytes, file: Path) -> bytes:
    """The bytes of a file that held ``raw`` and is to hold other text.

    Raises:
        UnicodeError: the file's encoding lacks a character.
        ValueError: a notebook that cannot be written so that all else stays as it is.
    """
    if file.suffix == notebook.NOTEBOOK:
        return notebook.rewritten(raw, text)
    return (codecs.BOM_UTF8 if decoded.bom else b"") + text.encode(decoded.encoding)


def decode(raw: bytes) -> Decoded:
    """Decode a Python file; raises :class:`Unreadable`."""
    if b"\0" in raw:
        raise _binary(raw)
    encoding = _declared(raw)
    bom = raw.startswith(codecs.BOM_UTF8)
    if bom:
        raw, encoding = raw.removeprefix(codecs.BOM_UTF8), "utf-8"
    try:
        return Decoded(raw.decode(encoding), encoding, bom)
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        raise Unreadable(_not_encoded(encoding), line, column) from None
    except (UnicodeError, LookupError):
        raise Unreadable(_not_encoded(encoding)) from None


def _declared(raw: bytes) -> str:
    try:
        return tokenize.detect_encoding(io.BytesIO(raw).readline)[0]
    except SyntaxError as error:
        message = str(error.msg)
        if "unknown encoding" in message:
            raise Unreadable(f"the file declares an {message}") from None
        if "encoding problem" in message:
            raise Unreadable("the file has a UTF-8 mark but declares another encoding") from None
        raise Unreadable(_not_encoded("utf-8"), *_first_not_utf8(raw)) from None


def _first_not_utf8(raw: bytes) -> tuple[int, int]:
    for number, line in enumerate(raw.split(b"\n"), 1):
        try:
            line.decode("utf-8")
        except UnicodeDecodeError as error:
            return number, error.start + 1
    return 1, 1


def _binary(raw: bytes) -> Unreadable:
    if raw.startswith(_WIDE_MARKS):
        return Unreadable("the file is UTF-16; Python reads UTF-8, so save it as UTF-8")
    before = raw[: raw.index(b"\0")]
    line = before.count(b"\n") + 1
    column = len(before) - (before.rfind(b"\n") + 1) + 1
    return Unreadable("the file has NUL bytes, so it is not Python text", line, column)


def _not_encoded(encoding: str) -> str:
    name = "UTF-8" if encoding.startswith("utf-8") else encoding
    declare = "; declare its encoding in the first line" if name == "UTF-8" else ""
    return f"the file is not valid {name}{declare}"
