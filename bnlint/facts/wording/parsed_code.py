"""The syntax trees of pieces of code, of which only the text is at hand."""

import ast

_NOT_PARSED = (SyntaxError, ValueError, RecursionError, MemoryError)
"""What Python's own parser raises for code that it cannot hold."""


def expression(code: str) -> ast.expr | None:
    """The tree of an expression; ``None`` if it is none."""
    try:
        return ast.parse(code.strip(), mode="eval").body
    except _NOT_PARSED:
        return None


def statements(code: str) -> list[ast.stmt]:
    """The trees of statements; none if one of them is none."""
    try:
        return ast.parse(code).body
    except _NOT_PARSED:
        return []
