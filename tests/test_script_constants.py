"""Constants of a script that choose what it does: which other values are tried."""

import pytest

from bnlint.facts.wording.run_options import in_words, title
from tests.rehearsing import rehearse

SETUP = """
class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 3)
    def forward(self, x):
        return self.fc(x)
"""
CHAIN = """
if name == "plain":
    net = Plain()
elif name == "normed":
    net = Net()
else:
    raise ValueError(name)
net(x)
"""


def tried(code: str) -> list[tuple[str, ...]]:
    """The constants of each execution in which some are edited."""
    return [run.options for run in rehearse(SETUP + code, net=True).runs if run.options]


@pytest.mark.parametrize(
    "chosen",
    [
        CHAIN,
        "TABLE = {'plain': Plain, 'normed': Net}\nTABLE[name]()(x)",
        "def make(kind):\n    return Net() if kind == 'normed' else Plain()\nmake(name)(x)",
        "def make(kind):\n    return Net() if kind == 'normed' else Plain()\nmake(kind=name)(x)",
    ],
)
def test_a_string_that_names_a_model_without_batchnorm_is_tried_as_one_with_it(chosen: str) -> None:
    assert tried('name = "plain"\n' + chosen) == [('name = "normed"',)]


def test_so_is_one_after_the_script_has_asked_for_its_name() -> None:
    lines = ('name = "plain"\n' + CHAIN).strip().splitlines()
    code = "\n".join(("if __name__ == '__main__':", *(f"    {line}" for line in lines)))
    assert tried(code) == [('name = "normed"',)]


@pytest.mark.parametrize(
    "bound",
    [
        'name = "plain"\nname = "other"\n',
        'name = "plain"\nfor name in ("plain", "other"): pass\n',
        'name = "plain"\ndef change():\n    global name\n    name = "other"\n',
        'for _ in range(3):\n    name = "plain"\n',
        'def main():\n    return "plain"\nname = main()\n',
        'name = "models/plain.pth"\n',
    ],
)
def test_what_is_bound_again_or_is_no_choice_is_no_constant(bound: str) -> None:
    assert tried(bound + CHAIN) == []


def test_a_constant_that_chooses_a_model_with_batchnorm_is_enough() -> None:
    assert tried('name = "normed"\n' + CHAIN) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("net.eval()", [("flag = True",)]),
        ("for p in net.parameters(): p.requires_grad = False", [("flag = True",)]),
        ("print(net)", []),
    ],
)
def test_a_switch_is_tried_that_does_something_with_batchnorm(
    body: str, expected: list[tuple[str, ...]]
) -> None:
    assert tried(f"flag = False\nnet = Net()\nif flag:\n    {body}\nnet(x)\n") == expected
    assert tried(f"flag = True\nnet = Net()\nif flag:\n    {body}\nnet(x)\n") == []
    off = [("flag = False",) for _ in expected]
    assert tried(f"flag = True\nnet = Net()\nif not flag:\n    {body}\nnet(x)\n") == off
    other = "print(net)\nelse"
    assert tried(f"flag = True\nnet = Net()\nif flag:\n    {other}:\n    {body}\nnet(x)\n") == off


def test_a_switch_that_matters_only_with_another_one_is_not_tried() -> None:
    code = "sync = False\nmany = False\nnet = Net()\nif {}:\n    net.eval()\nnet(x)\n"
    assert tried(code.format("sync and many")) == []
    assert tried(code.format("sync or many")) == [("sync = True",), ("many = True",)]
    assert tried(code.format("sync and torch.cuda.is_available()")) == [("sync = True",)]


def test_a_constant_that_is_called_freeze_is_tried_only_as_what_freezes() -> None:
    code = "freeze = {}\nnet = Net()\nnet.train(not freeze)\nsize = 8 if freeze else 16\nnet(x)\n"
    assert tried(code.format(False)) == [("freeze = True",)]
    assert tried(code.format(True)) == []


def test_options_of_the_command_line_go_first() -> None:
    options = "import argparse\nparser = argparse.ArgumentParser()\n"
    options += "".join(f"parser.add_argument('--{n}', action='store_true')\n" for n in "abc")
    code = options + "args = parser.parse_args()\nfrozen = False\nnet = Net()\n"
    body = "".join(f"if args.{name}:\n    net.eval()\n" for name in "ab")
    body += "if frozen:\n    net.eval()\n"
    assert tried(code + body) == [("--a",), ("--b",)]
    assert tried(code + body.replace("args.b", "args.d")) == [("--a",), ("frozen = True",)]


def test_a_constant_may_be_the_default_of_an_option() -> None:
    code = "import argparse\nname = 'plain'\nparser = argparse.ArgumentParser()\n"
    code += "parser.add_argument('--net', default=name)\nname_of = parser.parse_args().net\n"
    assert tried(code + CHAIN.replace("name ==", "name_of ==")) == [("--net normed",)]


FREEZING = """
class Frozen(Net):
    def freeze(self):
        for p in self.parameters():
            p.requires_grad = False
class Other(Net):
    def freeze(self):
        for p in self.bn.parameters():
            p.requires_grad = False
TABLE = {"frozen": Frozen, "other": Other}
name = "frozen"
net = TABLE[name]()
"""


def test_another_model_is_tried_that_freezes_parts_of_itself_in_its_own_way() -> None:
    assert tried(FREEZING + "net.freeze()\nnet(x)\n") == [('name = "other"',)]
    assert tried(FREEZING + "net(x)\n") == []
    assert tried(FREEZING.replace("class Other(Net)", "class Other(Plain)") + "net.freeze()") == []


def test_in_words() -> None:
    both = ("--arch resnet18", "--freeze", 'backbone = "vgg"')
    assert in_words(both) == '`--arch resnet18 --freeze` and `backbone = "vgg"`'
    assert in_words(both[2:]) == '`backbone = "vgg"`'
    assert title("train.py", both) == 'train.py --arch resnet18 --freeze, backbone = "vgg"'
