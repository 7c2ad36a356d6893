"""The pytest plug-in, in runs of pytest of its own."""

import sys
from importlib.util import find_spec

import pytest

from tests.conftest import ROOT

pytest_plugins = ["pytester"]
MODEL = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, bias=False)
        self.norm = nn.BatchNorm2d(8, momentum=0.99)

    def forward(self, x):
        return self.norm(self.conv(x))
"""
TRAIN = """\
import torch
from model import Net

net = Net()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for x, y in torch.load("data.pt"):
    torch.nn.functional.cross_entropy(net(x), y).backward()
    optimizer.step()
"""
OWN_TEST = "def test_nothing():\n    pass\n"


@pytest.fixture
def files(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
) -> pytest.Pytester:
    if not pytestconfig.pluginmanager.has_plugin("bnlint"):  # installed before it had one
        pytester.plugins.append("bnlint.pytest_plugin")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    pytester.makepyfile(model=MODEL, train=TRAIN, test_own=OWN_TEST, plain="x = 1\n")
    pytester.makeini("[pytest]\n")
    return pytester


def test_it_is_off_and_light_unless_asked_for(files: pytest.Pytester) -> None:
    files.makepyfile(
        test_own="import sys\n\n\ndef test_light():\n"
        "    assert 'bnlint.pytest_plugin' in sys.modules\n"
        "    assert not {'libcst', 'click', 'torch', 'bnlint.api'} & set(sys.modules)\n"
    )
    outcome = files.runpytest_subprocess()
    outcome.assert_outcomes(passed=1)
    outcome.stdout.no_fnmatch_line("*BN102*")


def test_files_are_items_that_fail_with_their_findings(files: pytest.Pytester) -> None:
    outcome = files.runpytest_subprocess("--bnlint", "-v")
    outcome.assert_outcomes(passed=2, failed=1)
    outcome.stdout.fnmatch_lines(["model.py::bnlint FAILED*", "train.py::bnlint PASSED*"])
    outcome.stdout.fnmatch_lines(
        [
            "BN102*momentum=0.99*",
            "*--> model.py:8:*",
            "*8 |         self.norm = nn.BatchNorm2d(8, momentum=0.99)",
        ]
    )
    outcome.stdout.no_fnmatch_line("*Traceback*")
    outcome.stdout.no_fnmatch_line("*plain.py*")


def test_a_script_can_be_named_and_is_not_run(files: pytest.Pytester) -> None:
    for name in ("__init__", "model"):
        files.makepyfile(**{f"package/{name}": f"{MODEL}\nopen('ran', 'w').close()\n"})
    outcome = files.runpytest_subprocess("--bnlint", "package/model.py::bnlint")
    outcome.assert_outcomes(failed=1)
    assert not (files.path / "ran").exists()


def test_a_test_that_is_named_runs_and_is_linted(files: pytest.Pytester) -> None:
    files.makepyfile(test_own=f"# of torch\n{OWN_TEST}")
    files.runpytest_subprocess("--bnlint", "test_own.py").assert_outcomes(passed=2)


def test_what_is_found_beside_the_files_is_told_with_the_one_that_proves_it(
    files: pytest.Pytester,
) -> None:
    outcome = files.runpytest_subprocess("--bnlint", "train.py")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*--> model.py:8:*"])


def test_the_projects_table_counts(files: pytest.Pytester) -> None:
    files.makepyprojecttoml('[tool.bnlint]\nexclude = ["train.py"]\nfail-on = "error"\n')
    outcome = files.runpytest_subprocess("--bnlint", "-rP")
    outcome.assert_outcomes(passed=2)
    outcome.stdout.fnmatch_lines(["*Captured bnlint call*", "BN102*"])


def test_the_baseline_counts(files: pytest.Pytester) -> None:
    command = [sys.executable, "-m", "bnlint", "model.py", "--write-baseline", "known.json"]
    assert files.run(*command).ret == 0
    files.makepyprojecttoml('[tool.bnlint]\nbaseline = "known.json"\n')
    files.runpytest_subprocess("--bnlint").assert_outcomes(passed=3)


def test_a_mistake_in_the_table_is_one_line(files: pytest.Pytester) -> None:
    files.makepyprojecttoml('[tool.bnlint]\nselect = ["BN999"]\n')
    outcome = files.runpytest_subprocess("--bnlint")
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["ERROR: bnlint: unknown rule `BN999`*"])


LIVE = """\
from model import Net
from torch import nn


def test_negated(check_model):
    assert not check_model(Net(), input_size=(2, 3, 8, 8))


def test_compared(check_model):
    assert check_model(Net(), input_size=(2, 3, 8, 8)) == []


def test_clean(check_model):
    assert not check_model(Net(), input_size=(2, 3, 8, 8), ignore=["BN102"])
    assert not check_model(Net(), input_size=(2, 3, 8, 8), fail_on="error")


def test_table(check_model):
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
    assert not check_model(net, input_size=(2, 3, 8, 8), fail_on="advice")
    assert check_model(net, input_size=(2, 3, 8, 8), select=["BN201"], fail_on="advice")
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")
def test_a_live_model_shows_its_findings(files: pytest.Pytester) -> None:
    files.makepyfile(test_own=LIVE)
    files.makepyprojecttoml('[tool.bnlint]\nignore = ["bias-before-batchnorm"]\n')
    outcome = files.runpytest_subprocess()
    outcome.assert_outcomes(passed=2, failed=2)
    outcome.stdout.fnmatch_lines(
        [
            "E*assert not [[]BN102 tensorflow-momentum at model.py:8[]]",
            "*Captured bnlint call*",
            "*--> model.py:8:*",
            "E*[[]BN102 tensorflow-momentum at model.py:8[]] == [[][]]",
            "E*--> model.py:8:*",
        ]
    )
