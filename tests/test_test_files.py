"""Which files only test, and what is not reported in them."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from bnlint import registry
from bnlint.lint.selection import is_test_file
from tests.test_cli import Run

Write = Callable[..., Path]
TRAINING = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder


def test_training():
    loader = DataLoader(ImageFolder("data"), batch_size=4)
    net = nn.Sequential(nn.Linear(20, 8), nn.BatchNorm1d(8, momentum=0.99))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
"""
LEFT_OUT = {"BN201", "BN501", "BN503"}
PROJECT = "[project]\nname = 'x'\n"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("tests/models.py", True),
        ("package/test/gpu/models.py", True),
        ("package/test_models.py", True),
        ("models_test.py", True),
        ("conftest.py", True),
        ("test.py", False),
        ("package/testing/models.py", False),
        ("latest/contest.py", False),
        ("package/tests.py", False),
    ],
)
def test_tests_are_known_by_their_paths(path: str, expected: bool) -> None:
    assert is_test_file(PurePosixPath(path)) is expected


def test_what_does_not_matter_in_tests() -> None:
    found = {rule.id for rule in registry.rules().values() if not rule.in_tests}
    assert found >= {"BN201", "BN204", "BN501", "BN503"}
    assert found.isdisjoint({"BN102", "BN301", "BN302", "BN303"})


def test_a_test_that_crashes_says_so_itself(project: Write, run: Run) -> None:
    refused = """\
import pytest
from torch import nn


def test_vectors_are_refused():
    net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm1d(8), nn.BatchNorm2d(9))
    with pytest.raises(TypeError):
        convert(net)
"""
    project({"tests/test_it.py": refused, "nets.py": refused, "pyproject.toml": PROJECT})
    crashes = {"BN202", "BN203"}
    for file, options, expected in (
        ("nets.py", (), crashes),
        ("tests", (), set()),
        ("tests", ("--lint-tests",), crashes),
    ):
        printed = run("--format", "concise", *options, file).out
        assert {rule for rule in crashes if f" {rule} " in printed} == expected


@pytest.mark.parametrize(
    ("file", "configuration", "options", "expected"),
    [
        ("train.py", "", (), LEFT_OUT | {"BN102"}),
        ("tests/train.py", "", (), {"BN102"}),
        ("test_train.py", "", (), {"BN102"}),
        ("tests/train.py", "[tool.bnlint]\nlint-tests = true\n", (), LEFT_OUT | {"BN102"}),
        ("tests/train.py", "[tool.bnlint]\nlint-tests = false\n", (), {"BN102"}),
        ("tests/train.py", "", ("--lint-tests",), LEFT_OUT | {"BN102"}),
    ],
)
def test_tests_are_left_alone_unless_the_configuration_says_otherwise(
    project: Write,
    run: Run,
    file: str,
    configuration: str,
    options: tuple[str, ...],
    expected: set[str],
) -> None:
    project({file: TRAINING, "pyproject.toml": PROJECT + configuration})
    printed = run("--format", "concise", *options, ".").out
    known = {"BN102", *LEFT_OUT}
    assert {rule for rule in known if f" {rule} " in printed} == expected


def test_a_loader_that_a_test_uses_is_not_reported_where_it_is_built(
    project: Write, run: Run
) -> None:
    module = TRAINING.replace('    loader = DataLoader(ImageFolder("data"), batch_size=4)\n', "")
    project(
        {
            "loaders.py": "from torch.utils.data import DataLoader\n"
            "from torchvision.datasets import ImageFolder\n"
            "def make(size=4):\n    return DataLoader(ImageFolder('data'), batch_size=size)\n",
            "test_it.py": module.replace("in loader", "in make()").replace(
                "import torch\n", "import torch\nfrom loaders import make\n", 1
            ),
            "pyproject.toml": PROJECT,
        }
    )
    assert " BN503 " in run("--format", "concise", "--lint-tests", ".").out
    assert " BN503 " not in run("--format", "concise", ".").out


def test_in_a_folder_called_tests_scripts_are_scripts(
    project: Write, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project({"tests/train.py": TRAINING})
    monkeypatch.chdir(root / "tests")
    assert " BN503 " in run("--format", "concise", "train.py").out
