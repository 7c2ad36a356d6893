"""Many paths in one call, and any executor that shares them out."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import pytest

import bnlint
from bnlint.errors import UsageError

Write = Callable[..., Path]
MOMENTUM = "from torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"
REPOSITORIES = {
    "one/train.py": f"import nets\n{MOMENTUM}",
    "one/nets.py": MOMENTUM,
    "two/train.py": MOMENTUM,
    "two/tests/test_train.py": "import torch\nloader = torch.utils.data.DataLoader(data, 2)\n",
    "pyproject.toml": '[tool.bnlint]\nignore = ["BN102"]\n',
}


@contextmanager
def dask() -> Iterator[Executor]:
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        yield client.get_executor()


def spawned() -> Executor:
    return ProcessPoolExecutor(2, get_context("spawn"))


@pytest.mark.parametrize("made", [lambda: ThreadPoolExecutor(2), spawned, dask])
def test_the_findings_do_not_depend_on_the_executor(
    project: Write, made: Callable[[], Executor]
) -> None:
    root = project(REPOSITORIES)
    paths = [root / "one", root / "two"]
    alone = bnlint.lint_paths(paths)
    assert [finding.span.path for finding in alone] == [
        "one/nets.py",
        "one/train.py",
        "two/train.py",
    ]
    with made() as executor:
        assert bnlint.lint_paths(paths, executor=executor) == alone
        assert bnlint.lint_paths(paths[::-1], executor=executor) == alone


def test_which_rules(project: Write) -> None:
    project(REPOSITORIES)
    assert bnlint.lint_paths(["two"], select=["BN3"]) == []
    assert bnlint.lint_paths(["two"], ignore=["tensorflow-momentum"]) == []
    with pytest.raises(ValueError, match="BN999"):
        bnlint.lint_paths(["two"], select=["BN999"])


def test_a_path_that_is_not_there(project: Write) -> None:
    project(REPOSITORIES)
    with pytest.raises(UsageError, match="three"):
        bnlint.lint_paths(["three"])
