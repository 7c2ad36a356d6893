"""What the rehearsal says of itself: what it understood, and what it did not, and why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint.facts.passes.accounting import account_of
from bnlint.facts.types.account import Account
from bnlint.report.json_schema import schema
from tests.conftest import Run
from tests.rehearsing import rehearse, rehearse_files

Write = Callable[[dict[str, str]], Path]
LOOPS = """
train_loader = DataLoader(data, 64, shuffle=True)
for epoch in range(3):
    net.train()
    for x, y in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    net.eval()
    with torch.no_grad():
        for x, y in DataLoader(held_out, 64):
            correct = (net(x).argmax(1) == y).sum()
"""
SGD = "optimizer = optim.SGD(net.parameters(), 0.1)\n"


def account(code: str) -> Account:
    return account_of(rehearse(code, net=True))


def counts(told: Account) -> tuple[int, ...]:
    parts = (told.scripts, told.models, told.training_loops, told.evaluations, told.not_understood)
    return tuple(map(len, parts))


def reasons(code: str) -> list[tuple[str, str]]:
    """The names of what is not understood, and why."""
    return [(gap.name, gap.reason) for gap in account(code).not_understood]


def test_a_script_that_is_understood() -> None:
    assert counts(account(f"net = Net()\n{SGD}{LOOPS}")) == (1, 1, 1, 1, 0)


def test_a_model_is_counted_where_it_is_built_whatever_is_tried() -> None:
    code = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--freeze", action="store_true")
    net = Net()
    critics = [Net() for _ in range(3)]
    whole = nn.Sequential(net, nn.ReLU())
    linear = nn.Sequential(nn.Linear(3, 3))
    if parser.parse_args().freeze:
        net.bn.requires_grad_(False)
    """
    assert [model.type for model in account(code).models] == ["Net", "Sequential"]


@pytest.mark.parametrize(
    ("step", "loops"),
    [
        ("optimizer.step()", 1),
        ("torch.amp.GradScaler().step(optimizer)", 1),
        ("LARC(optimizer).step()", 1),
        ("x.grad", 0),
    ],
)
def test_what_is_a_training_loop(step: str, loops: int) -> None:
    code = f"from apex import LARC\nnet = Net()\n{SGD}for x, y in DataLoader(data, 8):\n"
    code += f"    F.cross_entropy(net(x), y).backward()\n    {step}\n"
    assert len(account(code).training_loops) == loops


def test_a_loop_that_steps_is_no_evaluation_though_it_measures() -> None:
    code = f"""
net = Net()
{SGD}
for x, y in DataLoader(data, 8):
    out = net(x)
    F.cross_entropy(out, y).backward()
    optimizer.step()
    accuracy = (out.argmax(1) == y).sum()
"""
    assert counts(account(code))[2:4] == (1, 0)


def test_functions_that_nothing_calls_are_not_counted() -> None:
    told = account("def main(cfg):\n    net = cfg.build()\n    net.eval()\n    Net()(cfg.x)\n")
    assert counts(told) == (1, 0, 0, 0, 0)


BUILDS = {
    "an option without default": (
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--arch', required=True)\n"
        "args = p.parse_args()\nnet = getattr(zoo, args.arch)()\n",
        "`getattr(zoo, args.arch)`: the option `--arch` has no default; give it with `-- --arch ...`",
    ),
    "a file": (
        "import yaml\ncfg = yaml.safe_load(open('a.yaml'))\nnet = getattr(zoo, cfg['name'])()\n",
        "the file `a.yaml` is not there, or cannot be read",
    ),
    "a file whose name is not known": (
        "import json, sys\nwith open(sys.argv[1]) as file:\n    cfg = json.load(file)\n"
        "net = getattr(zoo, cfg['name'])()\n",
        "`sys.argv[1]`",
    ),
    "a package": (
        "from mmpkg import build\nnet = build('resnet')\n",
        "the code of `mmpkg.build` is not read",
    ),
    "a class of a package": (
        "from mmpkg.nets import UNet\nnet = UNet(3).cuda()\n",
        "the code of `mmpkg.nets.UNet` is not read",
    ),
    "a base class": (
        "from gone import Base\nclass A(Base):\n    pass\nclass B(missing):\n    pass\nnet = B()\n",
        "a base class of `B` is not defined in files that are read",
    ),
    "a name": ("net = backbone()\n", "`backbone` is not defined in files that are read"),
    "an imported model": (
        "from pkg.models import net\nnet.train(True)\n",
        "`pkg.models.net` is outside of what is read",
    ),
    "a whole model in a file": (
        "net = torch.load('a.pt')\n",
        "`torch.load()` reads it from a file",
    ),
    "the environment": (
        "import os\nnet = getattr(zoo, os.environ.get('A'))()\n",
        "`os.environ.get()` reads it from the environment",
    ),
    "a condition": (
        "import u\nbuild = u.one if u.c() else u.other\nnet = build()\n",
        "which one it is depends on a condition that is not known",
    ),
    "through functions": (
        "def get(name):\n    return getattr(nn, name)()\ndef make(args):\n    return get(args.name)\n"
        "from cfg import args\nnet = make(args).cuda()\n",
        "cfg.args",
    ),
}


@pytest.mark.parametrize("kind", BUILDS)
def test_why_a_model_is_not_known(kind: str) -> None:
    code, reason = BUILDS[kind]
    ((name, said),) = reasons(f"{code}net.eval()\nnet(torch.randn(2, 3, 8, 8))\n")
    assert name == "net"
    assert reason in said


def test_a_wrapped_model_that_is_not_known() -> None:
    code = "from pkg import build\nnet = nn.DataParallel(build())\nnet.eval()\n"
    assert reasons(code) == [("build()", "the code of `pkg.build` is not read")]


def test_a_part_that_is_not_known() -> None:
    code = """
    from pkg import backbone
    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = backbone()
            self.bn = nn.BatchNorm1d(8)
        def forward(self, x):
            return self.bn(self.body(x))
    net = Head().eval()
    net(torch.randn(2, 8))
    """
    (event,) = account(code).not_understood
    assert (event.name, event.owner) == ("self.body", "Head")
    assert event.reason == "the code of `pkg.backbone` is not read"


def test_a_part_that_is_not_known_and_whose_forward_is_called_by_name() -> None:
    code = """
    from pkg import backbone
    class Head(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = backbone()
        def forward(self, x):
            return self.body.forward(x)
    net = Head().eval()
    net(torch.randn(2, 8))
    """
    (event,) = account(code).not_understood
    assert (event.name, event.owner) == ("self.body", "Head")


@pytest.mark.parametrize(
    ("base", "made", "called", "told"),
    [
        ("nn.Module", "pkg.Layer()", "body", ["self.body"]),
        ("nn.Module", "Cut()", "body", []),
        ("nn.Module", "torchaudio.transforms.MelSpectrogram()", "body", []),
        ("torch_geometric.nn.MessagePassing", "nn.ReLU()", "propagate", []),
    ],
)
def test_what_a_model_calls_of_its_own(base: str, made: str, called: str, told: list[str]) -> None:
    code = f"""
    import pkg, torch_geometric.nn, torchaudio
    class Cut(torch.autograd.Function):
        pass
    class Head({base}):
        def __init__(self):
            super().__init__()
            self.bn = nn.BatchNorm1d(8)
            self.body = {made}
        def forward(self, x):
            return self.bn(self.{called}(x))
    net = Head().eval()
    net(torch.randn(2, 8))
    """
    found = account(code)
    assert [model.type for model in found.models] == ["Head"]
    assert [gap.name for gap in found.not_understood] == told


def test_what_describes_models_is_none() -> None:
    code = """
    from torchvision import models
    weights = models.get_weight("ResNet50_Weights.DEFAULT")
    print(models.ResNet50_Weights.DEFAULT.transforms()(x), weights.transforms()(x))
    """
    assert reasons(code) == []


def test_data_that_is_not_known_matters_where_it_is_trained_on() -> None:
    loop = "for step, x in enumerate(batches):\n    loss = net(x).sum()\n"
    unknown = f"from pkg import batches\nnet = Net()\n{SGD}{loop}"
    learnt = f"{unknown}    loss.backward()\n    optimizer.step()\n"
    assert [name for name, _ in reasons(learnt)] == ["batches"]
    assert reasons(unknown) == []
    assert reasons(learnt.replace("enumerate(batches)", "enumerate(range(9))")) == []


def test_an_optimizer_that_is_not_known_matters_where_no_other_steps() -> None:
    loop = "for x in DataLoader(data, 8):\n    net(x).sum().backward()\n    wrapped.step()\n"
    code = f"from apex import LARC\nnet = Net()\n{SGD}wrapped = LARC(optimizer)\n{loop}"
    assert [name for name, _ in reasons(code)] == ["wrapped"]
    assert reasons(f"{code}    optimizer.step()\n") == []


def test_the_same_cause_is_told_once() -> None:
    code = "from pkg import build\nnet = build()\nfor _ in range(3):\n    net.train()\n    net.eval()\nnet.parameters()\n"
    assert len(reasons(code)) == 1


def test_the_place_is_that_of_the_use_and_of_the_cause(tmp_path: Path) -> None:
    files = {
        "train.py": "from build import make\nnet = make()\n\nnet.eval()\n",
        "build.py": "# pads\n\nimport pkg\ndef make():\n    return pkg.create()\n",
    }
    (gap,) = account_of(rehearse_files(tmp_path, files)).not_understood
    assert gap.cause is not None
    assert (gap.cause.line, gap.cause.column) == (5, 12)
    assert gap.cause.path.endswith("build.py")


SCRIPT = """import torch
from torch import nn
from pkg import build, draw

net = nn.Sequential(nn.BatchNorm2d(8), nn.ReLU())
net.eval()
with torch.no_grad():
    net(draw())
for number in range(2):
    one, two, three = build(1), build(2), build(3)
    one.eval(), two.eval(), three.eval()
"""


def test_the_last_lines_of_a_report(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT})
    assert run("train.py").out == (
        "All clear: 1 file checked.\n"
        "Rehearsed 1 script: 1 model with BatchNorm, no training loop, 1 evaluation.\n"
        "Not understood: `one` at train.py:11 (the code of `pkg.build` is not read, train.py:10);"
        " `two` at train.py:11 (the code of `pkg.build` is not read, train.py:10); and 1 more,"
        " which -v lists.\n"
    )


def test_all_of_it_on_request(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT})
    assert run("train.py", "-v").out.splitlines()[2:] == [
        "  script: train.py",
        "  model with BatchNorm: Sequential (train.py:5)",
        "  evaluation: train.py:8",
        "Not understood:",
        "  `one` at train.py:11 (the code of `pkg.build` is not read, train.py:10)",
        "  `two` at train.py:11 (the code of `pkg.build` is not read, train.py:10)",
        "  `three` at train.py:11 (the code of `pkg.build` is not read, train.py:10)",
    ]


def test_nothing_but_findings_on_request(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT, "bad.py": "from torch import nn\nnn.BatchNorm2d(8, 0.1)\n"})
    assert run("train.py", "-q").out == ""
    (line,) = run("bad.py", "-q", "--format", "concise").out.splitlines()
    assert line.startswith("bad.py:2:")


def test_the_summary(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT, "bad.py": "from torch import nn\nnn.BatchNorm2d(8, 0.1)\n"})
    printed = run(".", "--summary", "summary.json", "--format", "json")
    assert len(json.loads(printed.out)) == 1
    told = json.loads(Path("summary.json").read_text(encoding="utf-8"))
    assert told["files"] == {"checked": 2, "read": 2}
    assert (told["findings"], told["rules"]) == (
        {"advice": 0, "warning": 0, "error": 1},
        {"BN101": 1},
    )
    assert told["models"] == [{"class": "Sequential", "path": "train.py", "line": 5}]
    assert (told["training_loops"], told["evaluations"]) == ([], [{"path": "train.py", "line": 8}])
    assert [gap["name"] for gap in told["not_understood"]] == ["one", "two", "three"]
    assert told["not_understood"][0]["cause"] == {"path": "train.py", "line": 10}
    assert told["seconds"]["rehearsing"] > 0


def test_a_summary_needs_a_place(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT})
    printed = run("train.py", "--summary", "gone/summary.json")
    assert (printed.status, printed.out) == (2, "")
    assert "there is no folder `gone`" in printed.err


def test_the_documentation_has_the_keys_of_the_summary() -> None:
    page = (Path(__file__).parents[1] / "docs" / "output.md").read_text(encoding="utf-8")
    assert all(f"`{key}`" in page for key in schema("summary")["required"])


STARS = """
from numpy.random import *
from math import *
net = helper.build(3)
net.eval()
"""


def test_a_star_import_is_not_blamed_for_what_it_does_not_bring() -> None:
    (gap,) = account_of(rehearse(STARS)).not_understood
    assert gap.reason == "`helper.build(3)`: `helper` is not defined in files that are read"


CHOSEN = """
import sys
class One(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(4)
    def forward(self, x):
        return self.bn(x)
class Other(One):
    pass
{chosen}
optimizer = optim.SGD(net.parameters(), 0.1)
for x, y in DataLoader(data, 64, shuffle=True):
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
net.eval()
"""


@pytest.mark.parametrize(
    "chosen",
    [
        "Net = One if torch.cuda.is_available() else Other\nnet = Net()",
        "if sys.argv[1:]:\n    Net = One\nelse:\n    Net = Other\nnet = Net()",
        'net = {"one": One, "other": Other}[sys.argv[1]]()',
    ],
)
def test_a_class_that_a_condition_chooses_is_one_of_them(chosen: str) -> None:
    told = account_of(rehearse(CHOSEN.format(chosen=chosen)))
    assert sorted(model.type for model in told.models) == ["One", "Other"]
    assert (told.not_understood, len(told.training_loops)) == ((), 1)


BARS = f"""
from tqdm import tqdm
net = Net()
{SGD}
loader = DataLoader(data, 64, shuffle=True)
{{bar}}
    optimizer.zero_grad()
    F.cross_entropy(net(x), y).backward()
    optimizer.step()
    bar.set_postfix(loss=1)
"""


@pytest.mark.parametrize(
    "bar",
    [
        "bar = tqdm(loader)\nfor x, y in bar:",
        "with tqdm(loader, unit='batch') as bar:\n  for x, y in bar:",
        "bar = tqdm(enumerate(loader), total=9)\nfor number, (x, y) in bar:",
    ],
)
def test_a_progress_bar_is_no_data_of_its_own(bar: str) -> None:
    code = BARS.format(bar=bar)
    if "with" in bar:
        head, body = code.split("for x, y in bar:")
        code = head + "for x, y in bar:" + body.replace("\n    ", "\n      ")
    told = account_of(rehearse(code, net=True))
    assert (told.not_understood, len(told.training_loops)) == ((), 1)


@pytest.mark.parametrize("batches", ["batches", "batches.training"])
def test_a_progress_bar_over_what_is_not_known_names_that(batches: str) -> None:
    code = BARS.format(bar=f"bar = tqdm({batches})\nfor x, y in bar:")
    (gap,) = account_of(rehearse(code, net=True)).not_understood
    assert "`batches` is not defined" in gap.reason


FIT = """
import pytorch_lightning as pl
class Lit(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    def training_step(self, batch, number):
        x, y = batch
        return F.mse_loss(self.net(x), y)
    def configure_optimizers(self):
        return optim.SGD(self.parameters(), 0.1)
trainer = pl.Trainer(max_epochs=3)
trainer.fit({given})
"""


@pytest.mark.parametrize("given", ["Lit(), DataLoader(data, 64, shuffle=True)", "Lit(), loader"])
def test_what_a_framework_fits_is_a_training_loop(given: str) -> None:
    (span,) = account_of(rehearse(FIT.format(given=given))).training_loops
    assert span.end - span.start == len(f"trainer.fit({given})")


@pytest.mark.parametrize("number", [6_000, 30_000])
def test_a_configuration_that_is_too_large_is_said_to_be(tmp_path: Path, number: int) -> None:
    code = "import yaml\nwith open('c.yaml') as f:\n    cfg = yaml.safe_load(f)\nnet = cfg['net']\nnet.eval()\n"
    text = "".join(f"key{count}: {{a: {count}, b: [1, 2]}}\n" for count in range(number))
    told = account_of(rehearse_files(tmp_path, {"train.py": code, "c.yaml": "#\n" + text}))
    (gap,) = told.not_understood
    assert gap.reason.endswith("c.yaml` is too large to be read")


def test_a_configuration_that_is_malformed_is_said_to_be(tmp_path: Path) -> None:
    code = "import yaml\nwith open('c.yaml') as f:\n    cfg = yaml.safe_load(f)\nnet = cfg['net']\nnet.eval()\n"
    told = account_of(rehearse_files(tmp_path, {"train.py": code, "c.yaml": "# x\na: [1\n"}))
    (gap,) = told.not_understood
    assert gap.reason.endswith("c.yaml` is not the data that its name promises")
