"""Jupyter notebooks as one program: the code cells in order, each below a line that names it.

What is no Python (``%magics``, ``!commands``, ``help?``) stays in the text, so that offsets and what is
written back are those of the notebook; :func:`python` has the code of the same length that is parsed.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from bnlint.source.unreadable import Unreadable

NOTEBOOK = ".ipynb"
"""The suffix of their names."""
_MARK = re.compile(r"^# %%\[cell (\d+)\]$", re.MULTILINE)
_CODE_MAGICS = "time timeit capture prun"
"""Cell magics below which Python stands; as line magics they run the statement behind them."""
_WHOLE_CELL = re.compile(r"%%(\w+)")
_TIMED = re.compile(
    rf"^([ \t]*)(%(?:{'|'.join(_CODE_MAGICS.split())})[ \t]+)(?=[\w(])", re.MULTILINE
)
_ASSIGNED = re.compile(r"^([ \t]*[\w., \t]+=[ \t]*)([!%][^\r\n]*)", re.MULTILINE)
_LINE = re.compile(r"^([ \t]*)((?:[!%]|\?+\w)[^\r\n]*|[\w.]+\?+[ \t]*$)", re.MULTILINE)
_INDENTS = (1, 2, 4, None)


def text_of(raw: bytes) -> str:
    """The code of a notebook; raises :class:`Unreadable`."""
    cells = [*_code_cells(_loaded(raw))]
    sources = [_source(cell) for _, cell in cells]
    if any(map(_MARK.search, sources)):
        raise Unreadable("a cell has a line that bnlint uses to tell cells apart: `# %%[cell N]`")
    numbers = (number for number, _ in cells)
    return "".join(
        f"# %%[cell {number}]\n{source.rstrip()}\n"
        for number, source in zip(numbers, sources, strict=True)
    )


def rewritten(raw: bytes, text: str) -> bytes:
    """The notebook with the code of ``text`` in its cells, and everything else as it was.

    Raises ``ValueError`` where cells are missing, or the file is formatted so that this cannot be.
    """
    notebook = _loaded(raw)
    form = next(form for form in _forms(raw) if _dumped(notebook, *form) == raw)
    changed = {number: source for number, source, _ in cells_of(text)}
    for number, cell in _code_cells(notebook):
        source, before = changed.pop(number, ""), _source(cell)
        if source != f"{before.rstrip()}\n":
            _put(cell, source.removesuffix("\n") + before[len(before.rstrip()) :])
    if changed:
        raise ValueError("the text has cells that the notebook does not have")
    return _dumped(notebook, *form)


def cells_of(text: str) -> Iterator[tuple[int, str, int]]:
    """The number of each cell, its source with a line end, and the offset at which it begins."""
    marks = [*_MARK.finditer(text)]
    for mark, following in zip_longest(marks, marks[1:]):
        start, end = mark.end() + 1, following.start() if following else len(text)
        yield int(mark[1]), text[start:end], start


def python(text: str) -> str:
    """The Python in a text of cells, of the same length and with the same lines."""
    pieces, done = [], 0
    for _, source, start in cells_of(text):
        pieces += [text[done:start], _python_of_cell(source)]
        done = start + len(source)
    return "".join([*pieces, text[done:]])


def _python_of_cell(source: str) -> str:
    """The cell itself where it is Python; else without magics, and nothing if that is none either."""
    if _is_python(source):
        return source
    whole = _WHOLE_CELL.match(source.lstrip())
    if whole is not None and whole[1] in _CODE_MAGICS.split():
        source = source.replace("%%", "# ", 1)
    elif whole is not None:
        return _commented(source)
    source = _TIMED.sub(lambda found: f"{found[1]}{'if 1:'.ljust(len(found[2]))}", source)
    source = _ASSIGNED.sub(lambda found: f"{found[1]}{'_'.ljust(len(found[2]))}", source)
    source = _LINE.sub(lambda found: f"{found[1]}{'0'.ljust(len(found[2]))}", source)
    return source if _is_python(source) else _commented(source)


def _is_python(source: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(source)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _commented(source: str) -> str:
    return re.sub(r"^[^\n]", "#", source, flags=re.MULTILINE)


def _loaded(raw: bytes) -> Any:
    try:
        notebook = json.loads(raw)
        if not isinstance(notebook["cells"], list):
            raise TypeError
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Unreadable("the file is no notebook of version 4: it has no list of cells") from None
    return notebook


def _code_cells(notebook: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The cells of code, with their places among all cells, from 1."""
    for number, cell in enumerate(notebook["cells"], 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            yield number, cell


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    if not all(isinstance(line, str) for line in lines):
        raise Unreadable("a cell of the notebook has no text")
    return "".join(lines).replace("\r\n", "\n").replace("\r", "\n")


def _put(cell: dict[str, Any], source: str) -> None:
    if isinstance(cell["source"], list):
        cell["source"] = re.findall(r"[^\n]*\n|[^\n]+", source)
    else:
        cell["source"] = source


def _forms(raw: bytes) -> Iterator[tuple[int | None, bool, bytes]]:
    """How JSON may be written: indentation, in ASCII alone or not, and what stands behind it."""
    end = raw[len(raw.rstrip()) :]
    for indent in _INDENTS:
        yield from ((indent, ascii_only, end) for ascii_only in (False, True))
    raise ValueError("the notebook is formatted in a way that cannot be kept")


def _dumped(notebook: Any, indent: int | None, ascii_only: bool, end: bytes) -> bytes:
    text = json.dumps(notebook, indent=indent, ensure_ascii=ascii_only)
    return text.encode("utf-8", errors="surrogatepass") + end
