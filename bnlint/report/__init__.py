"""Turn what was found into text, in one of several formats."""

from collections.abc import Callable, Mapping

from bnlint.lint.engine import Result
from bnlint.report import concise, github, gitlab, html, json, junit, sarif, text
from bnlint.style import Style

FORMATS: Mapping[str, Callable[[Result, Style], str]] = {
    "text": text.render,
    "concise": concise.render,
    "json": json.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "html": html.render,
    "junit": junit.render,
    "sarif": sarif.render,
}
"""The formats that users may ask for, each a function from what was found to a whole report."""
