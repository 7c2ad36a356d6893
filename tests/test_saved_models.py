"""Whole models that come back from a file: what they are, and in which mode."""

from pathlib import Path

import pytest

from tests.rehearsing import forwards, modes, rehearse

LOADED = {
    "as saved": ("torch.save(net, 'a.pt')", "train"),
    "saved in eval mode": ("net.eval()\ntorch.save(net, 'a.pt')", "eval"),
    "switched afterwards": ("torch.save(net, 'a.pt')\nnet.eval()", "train"),
    "of a wrapper's module": (
        "p = nn.DataParallel(net)\np.eval()\ntorch.save(p.module, 'a.pt')",
        "eval",
    ),
    "moved first": ("net.eval()\ntorch.save(net.cpu(), 'a.pt')", "eval"),
    "the last one": ("torch.save(net, 'a.pt')\nnet.eval()\ntorch.save(net, 'a.pt')", "eval"),
    "on one path in another mode": (
        "torch.save(net, 'a.pt')\nif u.c():\n    net.eval()\n    torch.save(net, 'a.pt')",
        "eval or train",
    ),
    "if at all": ("if u.c():\n    net.eval()\n    torch.save(net, 'a.pt')", "eval"),
    "weights beside it": (
        "torch.save(net, 'a.pt')\ntorch.save({'net': net.state_dict()}, u.path)\n"
        "torch.save(net.state_dict(), u.path)",
        "train",
    ),
    "a path of pathlib": ("import pathlib\ntorch.save(net, pathlib.Path('a.pt'))", "train"),
}
NOT_KNOWN = {
    "another file": "torch.save(net, 'b.pt')",
    "weights": "torch.save(net.state_dict(), 'a.pt')",
    "weights in the end": "torch.save(net, 'a.pt')\ntorch.save(net.state_dict(), 'a.pt')",
    "a file that may be the same": "torch.save(net, 'a.pt')\ntorch.save(Net(), u.path)",
    "something unknown in it": "torch.save(net, 'a.pt')\ntorch.save(u.net, u.path)",
    "nothing": "",
}
SCRIPT = "import u\nnet = Net()\n{code}\nagain = torch.load('a.pt')\nagain(x)\n"


@pytest.mark.parametrize(("code", "expected"), LOADED.values(), ids=LOADED)
def test_a_model_comes_back_in_the_mode_that_it_was_saved_in(code: str, expected: str) -> None:
    rehearsal = rehearse(SCRIPT.format(code=code), net=True)
    assert " or ".join(modes(rehearsal)) == expected
    assert all(len(f.model.batch_norms) == 1 for f in forwards(rehearsal))


@pytest.mark.parametrize("code", NOT_KNOWN.values(), ids=NOT_KNOWN)
def test_what_else_a_file_may_hold_is_not_known(code: str) -> None:
    assert modes(rehearse(SCRIPT.format(code=code), net=True)) == []


def test_the_model_that_comes_back_is_another_one() -> None:
    code = "again = torch.load('a.pt')\nagain.eval()\nnet(x)\n"
    assert modes(rehearse(f"net = Net()\ntorch.save(net, 'a.pt')\n{code}", net=True)) == ["train"]


@pytest.mark.parametrize("training", [True, False])
def test_torch_keeps_the_mode_of_whole_models(training: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.nn.BatchNorm2d(4).train(training), tmp_path / "a.pt")
    assert torch.load(tmp_path / "a.pt", weights_only=False).training is training
