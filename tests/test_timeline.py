"""``bnlint timeline``: a rehearsal as text, as JSON and as a picture."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.rehearsing import HEAD

Write = Callable[[dict[str, str]], Path]
NETS = f"""{HEAD}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.bn(x)
"""
TRAIN = """import argparse
import torch
from torch import nn
from evaluate import validate
from nets import Net
parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--average", action="store_true")
args = parser.parse_args()
net = Net()
net = nn.DataParallel(net)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
train_loader = torch.utils.data.DataLoader(data, args.batch_size, shuffle=True)
net.train()
for epoch in range(9):
    for x, y in train_loader:
        loss = (net(x) - y).sum()
        loss.backward()
        optimizer.step()
    validate(net, val_loader)
    if loss < best:
        torch.save(net.state_dict(), "best.pt")
"""
EVALUATE = """import torch
def validate(model, loader):
    model.eval()
    with torch.no_grad():
        for x, y in loader:
            correct = (model(x).argmax(1) == y).sum()
"""
TIMELINE = """train.py
10  net = Net()                                      Net is built: 1 BatchNorm layer
11  net = nn.DataParallel(net)                       net becomes a DataParallel
14  net.train()                                      net -> train
15  for epoch in range(9):
16    for x, y in train_loader:                      train_loader, batches of 32 (--batch-size), shuffled
17      loss = (net(x) - y).sum()                    net runs: train, train_loader, batches of 32 (--batch-size), trained
18      loss.backward()                              backward into net
19      optimizer.step()                             optimizer step
20    validate(net, val_loader)                      in evaluate.py
 3      model.eval()                                 model -> eval  <- BN303 eval-not-restored
 5      for x, y in loader:
 5        for x, y in loader:                        loader is not known: `val_loader` is not defined in files that are read
 6        correct = (model(x).argmax(1) == y).sum()  model runs: eval, no gradients, measured
22    torch.save(net.state_dict(), "best.pt")        net is saved (if loss < best)
      from pass 2 on:
16    for x, y in train_loader:                      train_loader, batches of 32 (--batch-size), shuffled
17      loss = (net(x) - y).sum()                    net runs: eval, train_loader, batches of 32 (--batch-size), trained
"""
OPTIONS = f"""{HEAD}
import argparse
from pkg import build
from nets import Net
parser = argparse.ArgumentParser()
parser.add_argument("--freeze", action="store_true")
parser.add_argument("--arch", required=True)
args = parser.parse_args()
net = Net()
net.load_state_dict(torch.load("a.pt"))
net.bn.momentum = 0.5
if args.freeze:
    for parameter in net.parameters():
        parameter.requires_grad = False
teacher = getattr(build, args.arch)()
teacher.eval
teacher.eval()
net(torch.randn(2, 3, 8, 8))
nn.BatchNorm2d(3, 0.1)
"""
OPTIONS_TIMELINE = """train.py
15  net = Net()                              Net is built: 1 BatchNorm layer
16  net.load_state_dict(torch.load("a.pt"))  weights are loaded into net
17  net.bn.momentum = 0.5                    momentum of 1 BatchNorm layer = 0.5
22  teacher.eval                             teacher.eval is not called: there are no brackets  <- BN304 eval-not-called
23  teacher.eval()                           teacher is not known: `getattr(build, args.arch)`: the option `--arch` has no default; give it with `-- --arch ...`
24  net(torch.randn(2, 3, 8, 8))             net runs: train

train.py --freeze
15  net = Net()                              Net is built: 1 BatchNorm layer
16  net.load_state_dict(torch.load("a.pt"))  weights are loaded into net
17  net.bn.momentum = 0.5                    momentum of 1 BatchNorm layer = 0.5
19  for parameter in net.parameters():
20    parameter.requires_grad = False        all parameters of net are frozen
22  teacher.eval                             teacher.eval is not called: there are no brackets
23  teacher.eval()                           teacher is not known: `getattr(build, args.arch)`: the option `--arch` has no default; give it with `-- --arch ...`
24  net(torch.randn(2, 3, 8, 8))             net runs: train

Found besides:
  BN101 eps-given-by-position at train.py:25
"""


@pytest.fixture
def files(project: Write) -> None:
    project({"train.py": TRAIN, "evaluate.py": EVALUATE, "nets.py": NETS})


def test_a_script_in_order(files: None, run: Run) -> None:
    printed = run("timeline", "train.py")
    assert (printed.status, printed.err) == (0, "")
    assert printed.out == TIMELINE


def test_each_run_with_its_options_and_what_is_unknown(project: Write, run: Run) -> None:
    project({"train.py": OPTIONS, "nets.py": NETS})
    assert run("timeline", "train.py").out == OPTIONS_TIMELINE


def test_the_options_of_the_script_may_be_given(project: Write, run: Run) -> None:
    project({"train.py": OPTIONS, "nets.py": NETS})
    printed = run("timeline", "train.py", "--", "--arch", "a", "--freeze").out
    assert "all parameters of net are frozen" in printed
    assert "has no default" not in printed
    assert "train.py --freeze" not in printed


def test_what_nothing_calls(files: None, run: Run) -> None:
    printed = run("timeline", "evaluate.py").out
    assert printed.startswith("validate, which nothing calls\n") or printed == NOTHING


NOTHING = "Nothing is done with a model in these files.\n"


def test_nothing(project: Write, run: Run) -> None:
    project({"a.py": "import torch\n"})
    printed = run("timeline", "a.py")
    assert (printed.status, printed.out) == (0, NOTHING)


def test_a_run_that_is_too_long_says_so(
    files: None, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnlint.interpreter.entry_points.MAIN_STEPS", 100)
    monkeypatch.setattr("bnlint.interpreter.entry_points.MAIN_LINE_STEPS", 0)
    assert "It is too long: what comes after was not followed.\n" in run("timeline", "train.py").out


def test_for_programs(files: None, run: Run) -> None:
    (script,) = json.loads(run("timeline", "train.py", "--format", "json").out)
    assert (script["entry"], script["script"], script["complete"]) == ("train.py", True, True)
    events = script["events"]
    forward = next(event for event in events if event["kind"] == "Forward")
    assert forward["models"] == ["net"]
    assert (forward["mode"], forward["gradients"], forward["trained"]) == ("train", True, True)
    assert forward["batch"] == 32
    assert forward["loaders"] == [{"name": "train_loader", "path": "train.py", "line": 13}]
    assert [loop["line"] for loop in forward["loops"]] == [15, 16]
    switched = next(event for event in events if event["path"] == "evaluate.py")
    assert (switched["text"], switched["functions"]) == ("model -> eval", ["validate"])
    assert switched["findings"] == ["BN303"]
    saved = next(event for event in events if event["kind"] == "Stored")
    assert saved["conditions"] == [{"test": "loss < best", "holds": True}]


def test_a_picture(files: None, run: Run) -> None:
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        printed = run("timeline", "train.py", "--plot", name)
        assert (printed.status, printed.err) == (0, f"Wrote {name}.\n")
    one, two = (Path(name).read_bytes() for name in ("one.svg", "two.svg"))
    assert one == two
    assert one.startswith(b"<?xml")


def test_no_picture_of_nothing_and_none_of_another_kind(files: None, run: Run) -> None:
    pytest.importorskip("matplotlib")
    assert "must end in .svg, .png or .pdf" in run("timeline", "train.py", "--plot", "a.gif").err
    printed = run("timeline", "nets.py", "--plot", "a.svg")
    assert (printed.status, Path("a.svg").exists()) == (2, False)
    assert "nothing to plot" in printed.err
