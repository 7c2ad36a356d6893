"""Turn what was found into text, in one of several formats."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import cast

from bnlint.lint.engine import Result
from bnlint.style import Style

Render = Callable[[Result, Style], str]


def _rendered_by(module: str) -> Render:
    """What a module renders; it is loaded for the first report alone."""

    def render(result: Result, style: Style) -> str:
        return cast(Render, import_module(f"bnlint.report.{module}").render)(result, style)

    return render


FORMATS: Mapping[str, Render] = {
    name: _rendered_by(name)
    for name in ("text", "concise", "json", "github", "gitlab", "html", "junit", "sarif")
}
"""The formats that users may ask for, each a function from what was found to a whole report."""
