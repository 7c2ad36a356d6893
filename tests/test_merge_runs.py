"""What a rule says of a program whose runs disagree."""

from dataclasses import replace

import pytest

from bnlint import registry
from bnlint.facts.types.run import Run
from bnlint.finding import Finding
from bnlint.lint import engine
from bnlint.lint.merge_runs import merged_runs
from bnlint.rule import Holds
from tests.rehearsing import rehearse

BATCHES = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10


def fit(size):
    loader = DataLoader(CIFAR10("."), size, shuffle=True, drop_last=True)
    net = nn.Sequential(nn.Flatten(), nn.Linear(3072, 8, bias=False), nn.BatchNorm1d(8))
    for x, y in loader:
        nn.functional.cross_entropy(net(x), y).backward()


"""
FROZEN = """\
import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models

parser = argparse.ArgumentParser()
parser.add_argument("--freeze", action="store_true")
args = parser.parse_args()
net = models.resnet18(pretrained=True)
if args.freeze:
    for name in ("conv1", "bn1", "layer1"):
        pass
    for p in net.parameters():
        p.requires_grad = False
net.fc = nn.Linear(512, 10)
loader = DataLoader(datasets.ImageFolder("."), 64, shuffle=True)
for x, y in loader:
    nn.functional.cross_entropy(net(x), y).backward()
"""


def runs(code: str) -> tuple[Run, ...]:
    return rehearse(code).runs


def answers(rule_id: str, code: str, *others: str) -> list[tuple[Run, list[Finding]]]:
    """What a rule says of the runs of one program, some of them entered by further calls."""
    rule = registry.rules()[rule_id]
    assert rule.run_check is not None
    settings = engine.default_plan().settings
    return [(run, [*rule.run_check(run, settings)]) for run in runs(code)]


def test_a_finding_on_any_run_is_reported_and_one_on_all_runs_only_if_they_agree() -> None:
    said = answers("BN501", BATCHES + "fit(4)\n")
    (run, (finding,)) = next((run, found) for run, found in said if found)
    silent: list[tuple[Run, list[Finding]]] = [(run, [finding]), (run, [])]
    assert [*merged_runs(silent, Holds.ON_ANY_RUN)] == [finding]
    assert [*merged_runs(silent, Holds.ON_ALL_RUNS)] == []
    assert [*merged_runs([(run, [finding])], Holds.ON_ALL_RUNS)] == [finding]


def test_what_holds_without_options_is_not_doubted_for_those_that_were_tried() -> None:
    said = answers("BN501", BATCHES + "fit(4)\n")
    (run, (finding,)) = next((run, found) for run, found in said if found)
    tried = replace(run, options=("--sync-bn",))
    usual: list[tuple[Run, list[Finding]]] = [(run, [finding]), (tried, [])]
    assert [*merged_runs(usual, Holds.ON_ALL_RUNS)] == [finding]
    assert [*merged_runs([(run, []), (tried, [finding])], Holds.ON_ALL_RUNS)] == []


def test_a_run_that_does_not_come_to_the_place_has_no_say() -> None:
    said = answers("BN501", BATCHES + "fit(4)\n")
    (run, (finding,)) = next((run, found) for run, found in said if found)
    elsewhere = Run("other.py", True, ())
    assert [*merged_runs([(elsewhere, []), (run, [finding])], Holds.ON_ALL_RUNS)] == [finding]


CHOSEN = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import FakeData

kind = "plain"
layers = [nn.Conv2d(3, 8, 3), nn.ReLU()]
if kind == "normed":
    layers.insert(1, nn.BatchNorm2d(8))
net = nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(10))
loader = DataLoader(FakeData(), 2, shuffle=True, drop_last=True)
for x, y in loader:
    nn.functional.cross_entropy(net(x), y).backward()
"""


def test_a_run_whose_models_have_no_batchnorm_has_no_say() -> None:
    (finding,) = engine.lint_text(CHOSEN)
    assert finding.rule == "BN501"
    assert finding.message.startswith('With `kind = "normed"`, BatchNorm in `net` is trained on')


@pytest.mark.parametrize("name", ["norm", "norm_layer", "BN", "use_bn"])
def test_it_has_where_the_normalisation_itself_is_chosen(name: str) -> None:
    assert engine.lint_text(CHOSEN.replace("kind", name)) == []


def test_what_only_an_option_brings_about_says_so() -> None:
    found = [f for f in engine.lint_text(FROZEN) if f.rule == "BN701"]
    assert [f.message.partition(",")[0] for f in found] == ["With `--freeze`"]
    always = FROZEN.replace("if args.freeze:", "if True:")
    found = [f for f in engine.lint_text(always) if f.rule == "BN701"]
    assert [f.message[:10] for f in found] == ["Parameters"]


FOUR_CALLS = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 3, bias=False) for _ in range(4))
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        a = self.norm(self.convs[0](x))
        b = self.norm(self.convs[1](a))
        c = self.norm(self.convs[2](b))
        return self.norm(self.convs[3](c))


net = Net()
"""
FOUR_PARTS = """\
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models

net = models.resnet18(pretrained=True)
for p in net.conv1.parameters():
    p.requires_grad = False
net.bn1.requires_grad_(False)
net.layer1.requires_grad_(False)
net.requires_grad_(False)
net.fc = nn.Linear(512, 10)


def fit(loader):
    for x, y in loader:
        nn.functional.cross_entropy(net(x), y).backward()


loader = DataLoader(datasets.ImageFolder("."), 64)
fit(loader)
fit(loader)
"""


def test_a_layer_that_is_called_four_times_is_one_problem() -> None:
    (finding,) = [f for f in engine.lint_text(FOUR_CALLS) if f.rule == "BN206"]
    assert finding.span.line == 12
    assert {item.span.line for item in finding.evidence} == {11, 13, 14}


def test_a_part_that_is_frozen_in_four_lines_and_a_loader_that_is_used_twice_are_one() -> None:
    found = [f.rule for f in engine.lint_text(FOUR_PARTS)]
    assert sorted(found) == ["BN503", "BN701"]
