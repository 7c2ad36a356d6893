"""Which torch is linted for, and what depends on it."""

import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from bnlint.config import parse
from bnlint.errors import UsageError
from bnlint.rule import Settings
from bnlint.torch_version import installed, is_before, release
from tests.conftest import Run

Write = Callable[..., Path]
IMPORTS = "import torch\nfrom torch import nn\n"
NET = IMPORTS + "net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))\n"
SCRIPTS = {
    "BN106": NET
    + "net.eval()\nnet[1].track_running_stats = False\nprint(net(torch.load('x.pt')))\n",
    "BN313": NET + "torch.ao.quantization.fuse_modules(net, [['0', '1']])\n",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2.4", "2.4"),
        ("2.10.1+cpu", "2.10"),
        ("2.13.0a0+git1", "2.13"),
        ("2", None),
        ("two", None),
        ("2.1234", None),
    ],
)
def test_the_first_two_numbers_count(text: str, found: str | None) -> None:
    assert release(text) == found


def test_releases_are_compared_by_numbers() -> None:
    assert is_before("2.4", "2.10")
    assert not is_before("2.10", "2.10")


def test_the_default_is_the_installed_one() -> None:
    try:
        expected = release(version("torch"))
    except PackageNotFoundError:
        expected = None
    assert installed() == Settings().torch_version == expected


def test_where_none_is_known_none_is_old() -> None:
    assert not Settings(torch_version=None).torch_is_before("1.6")


@pytest.mark.parametrize(("rule", "first"), [("BN106", "1.6"), ("BN313", "1.11")])
def test_findings_that_cannot_occur_are_silent(
    rule: str, first: str, project: Write, run: Run
) -> None:
    major, minor = map(int, first.split("."))
    project({"train.py": SCRIPTS[rule]})
    for named, silent in ((f"{major}.{minor - 1}", True), (first, False)):
        done = run("train.py", "--select", rule, "--torch-version", named, "--no-cache")
        assert done.status == (not silent)


@pytest.mark.parametrize(
    ("rule", "first"), [("BN106", "1.6"), ("BN313", "1.11"), ("BN401", "2.0"), ("BN707", "1.6")]
)
def test_messages_say_from_which_version(rule: str, first: str, project: Write, run: Run) -> None:
    project({"train.py": example_of(rule)})
    asked = ("train.py", "--select", rule, "--no-cache", "--torch-version")
    assert first in run(*asked, "2.13").out
    major, minor = first.split(".")
    before = f"{major}.{int(minor) - 1}" if minor != "0" else "1.13"
    assert run(*asked, "2.13").out != run(*asked, before).out


def example_of(rule: str) -> str:
    """The first example of what a rule reports, from its page."""
    page = (Path(__file__).parents[1] / "rules" / f"{rule}.md").read_text(encoding="utf-8")
    found = re.search(r"## Bad.*?```python[^\n]*\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def test_the_option_goes_before_the_table(project: Write, run: Run) -> None:
    table = '[tool.bnlint]\ntorch-version = "1.5.1"\n'
    project({"pyproject.toml": table, "train.py": SCRIPTS["BN106"]})
    assert run("train.py", "--select", "BN106").status == 0
    assert run("train.py", "--select", "BN106", "--torch-version", "2.4").status == 1
    assert 'torch-version = "1.5"' in run("train.py", "--show-settings").out


def test_what_is_no_version_is_refused(run: Run, project: Write) -> None:
    project({"train.py": NET})
    done = run("train.py", "--torch-version", "new")
    assert (done.status, done.err) == (
        2,
        "error: `--torch-version` must be a version such as 2.4\n",
    )


def test_a_number_is_no_version() -> None:
    """``2.10`` without quotes would be 2.1."""
    with pytest.raises(UsageError, match="must be a string such as"):
        parse({"torch-version": 2.1}, Path(), "pyproject.toml")
