"""Python files as LibCST reads them, and the modules of a project that they import."""

from bnlint.source.file import SourceFile, parse_text, read
from bnlint.source.imports import Project
from bnlint.source.unreadable import Unreadable

__all__ = ["Project", "SourceFile", "Unreadable", "parse_text", "read"]
