"""Which files only test: there batches are small, loaders made up, and biases nobody's concern."""

from pathlib import PurePath

FOLDERS = frozenset({"test", "tests"})


def is_test(path: PurePath) -> bool:
    """Whether a file, by its path within the project, is one of its tests."""
    name = path.name
    named = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    return named or not FOLDERS.isdisjoint(path.parts[:-1])
