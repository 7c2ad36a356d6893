"""Python files as LibCST reads them, and the modules of a project that they import.

LibCST takes longer to import than a small file to read, so it is left until something is parsed.
"""

from typing import TYPE_CHECKING

from bnlint.source.project import Project
from bnlint.source.text_file import TextFile
from bnlint.source.unreadable import Unreadable

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile, parse_text, parsed, read

__all__ = ["Project", "SourceFile", "TextFile", "Unreadable", "parse_text", "parsed", "read"]


def __getattr__(name: str) -> object:
    """Import what needs LibCST when it is first asked for."""
    if name in __all__:
        from bnlint.source import file

        return getattr(file, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
