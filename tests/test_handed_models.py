"""A whole model that one script saves is what another one of its folder loads, in the mode in which it was saved."""

from pathlib import Path
from textwrap import dedent

import pytest

import bnlint
from bnlint.finding import Finding

MODEL = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU())
            self.head = nn.Linear(16, 3)

        def forward(self, x):
            return self.head(self.body(x))
"""
TRAIN = """
    import torch
    from torch import nn
    from model import Net

    data = torch.utils.data.TensorDataset(torch.randn(256, 8), torch.randint(3, (256,)))
    loader = torch.utils.data.DataLoader(data, 64, shuffle=True)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters())
    for epoch in range(10):
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x), y).backward()
            optimizer.step()
    torch.save(net, "net.pt")
"""
EVALUATE = """
    import torch
    from model import Net

    data = torch.utils.data.TensorDataset(torch.randn(256, 8), torch.randint(3, (256,)))
    loader = torch.utils.data.DataLoader(data, 64)
    net = torch.load("./net.pt", weights_only=False)
    with torch.no_grad():
        print(sum((net(x).argmax(1) == y).sum().item() for x, y in loader))
"""


def missing_eval(folder: Path, **scripts: str) -> list[Finding]:
    """What BN302 says of scripts, by their names, beside the model's file."""
    (folder / "pyproject.toml").touch()
    for name, code in {"model": MODEL, **scripts}.items():
        (folder / f"{name}.py").write_text(dedent(code))
    found = bnlint.lint_paths([folder])
    return [finding for finding in found if finding.rule == "BN302"]


@pytest.mark.parametrize("saver", ["train", "a_train"])
def test_a_model_that_another_script_saves_in_train_mode_comes_back_in_it(
    tmp_path: Path, saver: str
) -> None:
    (found,) = missing_eval(tmp_path, **{saver: TRAIN, "evaluate": EVALUATE})
    assert Path(found.span.path).name == "evaluate.py"
    assert f"it is loaded here in train mode, as `{saver}.py` saves it" in [
        note.message for note in found.evidence
    ]


LOOP = TRAIN.replace("    torch.save", "        if data.better():\n            torch.save")


def test_the_best_model_is_saved_again_and_again(tmp_path: Path) -> None:
    assert len(missing_eval(tmp_path, train=LOOP, evaluate=EVALUATE)) == 1


EVAL = "net.eval()\n    torch.save"


@pytest.mark.parametrize(
    "scripts",
    [
        {"train": TRAIN.replace("torch.save", EVAL), "evaluate": EVALUATE},
        {"train": TRAIN, "evaluate": EVALUATE.replace("with torch", "net.eval()\n    with torch")},
        {"train": TRAIN, "evaluate": EVALUATE.replace("net.pt", "best.pt")},
        {"train": TRAIN, "distill": TRAIN, "evaluate": EVALUATE},
        {"train": TRAIN.replace("(net, ", "(net.state_dict(), "), "evaluate": EVALUATE},
        {"train": TRAIN.replace("torch.save", "if data.kept:\n        net.eval()\n    torch.save")},
    ],
    ids=["in eval mode", "eval", "another file", "two savers", "weights", "in one mode or another"],
)
def test_what_is_loaded_is_in_eval_mode_or_not_known(
    tmp_path: Path, scripts: dict[str, str]
) -> None:
    assert not missing_eval(tmp_path, **{"evaluate": EVALUATE, **scripts})


def test_a_file_of_another_folder_is_another_file(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "evaluate.py").write_text(dedent(EVALUATE))
    assert not missing_eval(tmp_path, train=TRAIN)
