"""Which files can matter: those that say ``torch``, and those that import such a file, also by computed names."""

import ast
import codecs
import re
import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

from bnlint.lint.files import LintTarget
from bnlint.source import Unreadable
from bnlint.source.decoding import decode_file
from bnlint.source.imports import ModuleFinder, modules_of
from bnlint.source.notebook import NOTEBOOK
from bnlint.source.regular import read_bytes

_WORD = b"torch"
_BY_NAME = re.compile(rb"\b(?:import_module|__import__)\b")
"""What may import a file that no import statement names."""
_IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*+(?:from[ \t]++(\.*+)[ \t]*+(?:(?!import\b)([\w.]++)[ \t]++)?+"
    r"import[ \t]*+(\([^()]*+\)|[^\r\n#;]*+)"
    r"|import[ \t]++([^\r\n#;]++))",
    re.MULTILINE,
)


def relevant(targets: Iterable[LintTarget]) -> list[LintTarget]:
    """Return the targets that have to be parsed, in their order.

    That is also a named file which Python itself cannot read, so that users are told.
    """
    every = list(targets)
    matter = _mattering(target.path.absolute() for target in every if target.content is None)
    return [
        target
        for target in every
        if target.content is not None
        or target.path.absolute() in matter
        or (target.named and not _compiles(target.path))
    ]


def _mattering(files: Iterable[Path]) -> set[Path]:
    """Follow the imports of files without the word, and go back from those with it."""
    importers: dict[Path, set[Path]] = defaultdict(set)
    waiting = list(dict.fromkeys(files))
    seen = set(waiting)
    matter: list[Path] = []
    modules = ModuleFinder()
    while waiting:
        file = waiting.pop()
        content = _content(file)
        if content is None or _says_torch(content) or _BY_NAME.search(content):
            matter.append(file)
            continue
        for imported in imported_files(file, text_of(content, file), modules):
            importers[imported].add(file)
            if imported not in seen:
                seen.add(imported)
                waiting.append(imported)
    found = set(matter)
    while matter:
        new = importers[matter.pop()] - found
        found |= new
        matter.extend(new)
    return found


def text_of(content: bytes, file: Path) -> str:
    """The text as far as it can be read: what cannot is reported when it is parsed."""
    try:
        return decode_file(content, file).text
    except Unreadable:
        return content.decode(errors="replace")


def imported_files(file: Path, text: str, modules: ModuleFinder) -> Iterator[Path]:
    """Yield the project files that the import statements of a text may execute."""
    for dots, module, members, imported in _IMPORT.findall(text):
        names = re.findall(r"[\w.]+", imported or members)
        meant = names if imported else [*modules_of(module, names)]
        for part in {part for name in meant for part in _with_packages(name)}:
            found = modules.locate(part, len(dots), file)
            if found is not None and found.suffix == ".py":
                yield found


def _with_packages(name: str) -> Iterator[str]:
    """Yield a dotted name and those of the packages around it, whose modules are executed first."""
    yield name
    while name := name.rpartition(".")[0]:
        yield name


def _says_torch(content: bytes) -> bool:
    """Also in UTF-16, which Python cannot read: users are told."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _WORD in content.replace(b"\0", b"")
    return _WORD in content


def _content(file: Path) -> bytes | None:
    try:
        return read_bytes(file)
    except OSError:
        return None


def _is_notebook(content: bytes, file: Path) -> bool:
    """What is no Python in a notebook is passed over, so that only the file itself can be wrong."""
    try:
        decode_file(content, file)
    except Unreadable:
        return False
    return True


def _compiles(file: Path) -> bool:
    """Whether Python's own parser accepts the file; much faster than building a tree."""
    content = _content(file)
    if content is None:
        return False
    if file.suffix == NOTEBOOK:
        return _is_notebook(content, file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content, str(file))
    except (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError):
        return False
    return True
