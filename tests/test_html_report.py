"""The page of ``--format html``: sound, self-contained, usable without scripts, with enough contrast."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from bnlint.lint import engine
from bnlint.lint.engine import Result
from bnlint.report import FORMATS, graph_figure, html_style
from bnlint.style import Style
from tests.conftest import Run
from tests.test_ci_formats import TRAIN

Write = Callable[..., Path]
_EMPTY = {"meta", "br"}


@dataclass
class Page(HTMLParser):
    """A page as its elements; one that is closed wrongly fails."""

    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.open += [tag] if tag not in _EMPTY else []

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def of(self, name: str) -> list[str]:
        return [value for _, attrs in self.elements if (value := attrs.get(name)) is not None]


def page_of(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page


@pytest.fixture(scope="module")
def result() -> Result:
    hostile = TRAIN.replace("net = ", "# <script>alert(1)</script> & \x1b[31m\nnet = ")
    return engine.lint([engine.example(hostile, "a <b>.py")], engine.default_plan())


def test_it_shows_each_finding_with_its_code_evidence_and_fix(result: Result) -> None:
    text = FORMATS["html"](result, Style())
    page = page_of(text)
    for finding in result.findings:
        assert f"{finding.rule} {finding.name}" in page.text
        assert finding.message.replace("`", "") in page.text
        for item in finding.evidence:
            assert item.message.replace("`", "") in page.text
        assert finding.fix is None or finding.fix.title.replace("`", "") in page.text
    assert ("mark", {}) in page.elements
    assert "What was rehearsed" in page.text
    assert "a <b>.py" in page.text
    assert "net runs: train" in page.text


def test_nothing_is_loaded_or_run(result: Result) -> None:
    page = page_of(FORMATS["html"](result, Style()))
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form"}
    assert not page.of("src")
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert "url(" not in html_style.STYLE
    assert "\x1b" not in page.text


def test_headings_are_in_order_and_names_lead_somewhere(result: Result) -> None:
    page = page_of(FORMATS["html"](result, Style()))
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    names = page.of("id")
    assert len(names) == len({*names})
    inner = [link[1:] for link in page.of("href") if link.startswith("#")]
    assert {*inner, *page.of("aria-labelledby")} == {*names}
    assert page.elements[0] == ("html", {"lang": "en"})
    for tag, attributes in page.elements:
        if "tabindex" in attributes or tag == "nav":  # what can be scrolled, or jumped to
            assert attributes["aria-label"]
        assert tag != "th" or attributes["scope"] == "col"


@pytest.mark.parametrize("colours", [html_style.LIGHT, html_style.DARK], ids=["light", "dark"])
def test_text_has_contrast(colours: dict[str, str]) -> None:
    """WCAG 2.2, success criterion 1.4.3."""
    for ink, paper in html_style.PAIRS:
        light, dark = sorted((luminance(colours[ink]), luminance(colours[paper])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (ink, paper)


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_a_page_without_findings_is_one(project: Write, run: Run) -> None:
    project({"clean.py": "import torch\n"})
    printed = run("clean.py", "--format", "html")
    assert printed.status == 0
    assert "All clear: 1 file checked." in page_of(printed.out).text


def test_a_notebook_is_shown_by_cells(project: Write, run: Run) -> None:
    cell = '{"cell_type": "code", "source": "from torch import nn\\nnn.BatchNorm2d(8, momentum=0)"}'
    project({"a.ipynb": f'{{"cells": [{cell}], "nbformat": 4, "metadata": {{}}}}'})
    printed = run("a.ipynb", "--format", "html", "--output", "page.html")
    assert (printed.status, printed.out) == (1, "")
    assert "a.ipynb:cell 1" in page_of(Path("page.html").read_text()).text


MODEL = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8, momentum=0.9)
        self.b = nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.other = nn.BatchNorm2d(8)
    def forward(self, x):
        x = self.bn(self.a(x))
        return x + self.other(self.b(x).relu())
class Whole(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body
    def forward(self, x):
        return self.body(x)
net = Whole(Net())
"""


def test_models_are_drawn_with_the_layers_that_findings_are_about(project: Write, run: Run) -> None:
    project({"net.py": MODEL})
    page = page_of(run("net.py", "--format", "html").out)
    labels = [attrs["aria-label"] for tag, attrs in page.elements if tag == "svg"]
    assert labels == ["Whole, 7 operations; BN102 at body.bn"]
    assert "body.bn: BatchNorm2d  ← BN102" in page.text
    classes = [attrs["class"] for tag, attrs in page.elements if tag == "g"]
    assert classes == ["", "", "reported", "", "", "norm", ""]
    paths = [str(attrs["d"]) for tag, attrs in page.elements if tag == "path"]
    assert sum("H" in path for path in paths) == 1  # the shortcut goes round its branch


def test_a_deep_model_is_drawn_by_its_modules() -> None:
    blocks = MODEL.replace("Whole(Net())", "nn.Sequential(*[Whole(Net()) for _ in range(30)])")
    result = engine.lint([engine.example(blocks)], engine.default_plan())
    figure = next(f for f in graph_figure.drawn(result.graphs, []) if f[0].name == "Sequential")
    picture = graph_figure.svg(*figure)
    assert picture.count("<circle") == 1 + 30  # the input and the parts
    assert "181 operations" in picture
