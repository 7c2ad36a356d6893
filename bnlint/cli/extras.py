"""What is needed for some commands only, and how to get it."""

from importlib.util import find_spec

from bnlint.errors import UsageError


def require(package: str, what: str, extra: str) -> None:
    """Refuse what cannot be done without a package that an extra brings.

    Raises:
        UsageError: it is not installed.
    """
    if find_spec(package) is None:
        raise UsageError(f'{what} needs {package}: pip install "bnlint[{extra}]"')
