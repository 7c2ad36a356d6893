"""Functions and classes of Python itself, and numpy's arithmetic."""
