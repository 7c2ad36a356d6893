"""Pictures that look alike, in one of several formats; the same content gives the same file."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bnlint.errors import UsageError
from bnlint.visible import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("svg", "png", "pdf")
"""The endings that a picture's name may have."""

NEEDS_MATPLOTLIB = "`--plot` needs matplotlib, which is not installed: `pip install matplotlib`"
INK = "#222222"
LONGEST_LABEL = 40
"""Characters of a name."""
_STYLE: dict[Any, Any] = {  # the keys' type differs between versions of matplotlib
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.edgecolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "svg.hashsalt": "bnlint",
    "svg.fonttype": "path",
    "path.simplify": True,
}


def require_ending(path: Path) -> str:
    """Return the format that a picture's name says; raises :class:`UsageError` if it says none."""
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise UsageError(f"`{path}` must end in .svg, .png or .pdf")
    return ending


def save_picture(draw: Callable[[], "Figure"], path: Path) -> None:
    """Draw and write; raises :class:`UsageError` for another ending and without matplotlib."""
    ending = require_ending(path)
    try:
        from matplotlib import rc_context
    except ImportError:
        raise UsageError(NEEDS_MATPLOTLIB) from None
    with rc_context(_STYLE), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a letter that the font lacks is a box, or there is no room
        metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[ending]
        draw().savefig(path, format=ending, dpi=200, metadata=metadata)


def label(text: str) -> str:
    """Return a name that others gave as it is drawn: visible, not too long, and no formula."""
    shown = visible(text)
    shown = shown if len(shown) <= LONGEST_LABEL else f"{shown[: LONGEST_LABEL - 3]}..."
    return shown.replace("$", r"\$")
