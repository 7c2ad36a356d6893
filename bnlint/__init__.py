"""bnlint finds BatchNorm pitfalls in PyTorch code without running it."""

TYPE_CHECKING = False  # `python -m bnlint` would look for `typing` in the working directory
if TYPE_CHECKING:
    from bnlint.api import assert_clean, check_model, lint_paths, signal_propagation, trace_model

__version__ = "0.1.0"
__all__ = [
    "__version__",
    "assert_clean",
    "check_model",
    "lint_paths",
    "signal_propagation",
    "trace_model",
]
_OF_IPYTHON = ("load_ipython_extension", "unload_ipython_extension")
"""What ``%load_ext bnlint`` asks for."""


def __getattr__(name: str) -> object:
    """Import the functions when they are first asked for."""
    if name in __all__:
        from bnlint import api

        return getattr(api, name)
    if name in _OF_IPYTHON:
        from bnlint import ipython_extension

        return getattr(ipython_extension, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
