"""A script that refuses an option's default is only called with another one, which is not known."""

import pytest

from bnlint.facts.types.run import Forward
from tests.rehearsing import main_run, rehearse

DECLARED = """
import argparse, sys
parser = argparse.ArgumentParser()
parser.add_argument("--checkpoint", {default})
parser.add_argument("--evaluate", action="store_true")
parser.add_argument("--train", action="store_true")
args = parser.parse_args()
"""
USE = """
net = Net()
net(torch.randn(2, 3, 8, 8))
if args.checkpoint:
    net(torch.ones(2, 3, 8, 8))
"""
REFUSED = {
    "raise": "if not args.checkpoint:\n    raise ValueError('which?')\n",
    "exit": "if not args.checkpoint:\n    print('which?')\n    sys.exit(1)\n",
    "error": "if not args.checkpoint:\n    parser.error('which?')\n",
    "else": "if args.checkpoint:\n    print(args.checkpoint)\nelse:\n    raise ValueError('which?')\n",
    "a function of all": (
        "def check(args):\n    if not args.checkpoint:\n        raise ValueError\ncheck(args)\n"
    ),
}
DEFAULTS = {"None": "default=None", "empty": "default=''", "zero": "default=0, type=int"}


def runs_of_model(code: str) -> list[str]:
    """The inputs of the models that a script runs, by their code."""
    return [event.site.text for event in main_run(rehearse(code, net=True)).of_type(Forward)]


@pytest.mark.parametrize("default", DEFAULTS.values(), ids=DEFAULTS)
@pytest.mark.parametrize("refused", REFUSED.values(), ids=REFUSED)
def test_what_comes_after_is_followed(refused: str, default: str) -> None:
    code = DECLARED.format(default=default) + refused + USE
    assert runs_of_model(code) == ["net(torch.randn(2, 3, 8, 8))", "net(torch.ones(2, 3, 8, 8))"]


def test_no_option_at_all_is_refused() -> None:
    refused = "if args.checkpoint is None:\n    raise ValueError('which?')\n"
    assert len(runs_of_model(DECLARED.format(default="default=None") + refused + USE)) == 2
    assert len(runs_of_model(DECLARED.format(default="default=''") + refused + USE)) == 1


def test_a_function_that_gets_the_default_refuses_it() -> None:
    refused = (
        "def check(path):\n    if not path:\n        raise ValueError\ncheck(args.checkpoint)\n"
    )
    code = DECLARED.format(default="default=''") + refused + USE
    assert runs_of_model(code) == ["net(torch.randn(2, 3, 8, 8))"]


def test_one_of_several_switches_has_to_be_given() -> None:
    code = DECLARED.format(default="default=None") + (
        "if not (args.evaluate or args.train):\n    raise ValueError('do what?')\nnet = Net()\n"
        "if args.train:\n    net(torch.randn(2, 3, 8, 8))\nif args.evaluate:\n    net.eval()(torch.zeros(2, 3, 8, 8))\n"
    )
    assert len(runs_of_model(code)) == 2


def test_a_value_that_no_branch_takes() -> None:
    code = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--size", default="2.0x")
class Sized(Net):
    def __init__(self, size):
        super().__init__()
        if size == "small":
            self.body = nn.BatchNorm2d(3)
        elif size == "large":
            self.body = nn.BatchNorm2d(3)
        else:
            raise NotImplementedError
    def forward(self, x):
        return self.body(x)
net = Sized(parser.parse_args().size)
net(torch.randn(2, 3, 8, 8))
"""
    (forward,) = main_run(rehearse(code, net=True)).of_type(Forward)
    assert {norm.name for norm in forward.norms} == {"bn", "body"}


KEPT = {
    "a default that is taken": "if args.evaluate:\n    raise ValueError\n",
    "a branch that goes on": "if not args.checkpoint:\n    print('from scratch')\n",
    "a value of the script's own": "ready = 0\nif not ready:\n    args.train = False\n",
}


@pytest.mark.parametrize("kept", KEPT.values(), ids=KEPT)
def test_other_defaults_stay(kept: str) -> None:
    assert runs_of_model(DECLARED.format(default="default=None") + kept + USE) == [
        "net(torch.randn(2, 3, 8, 8))"
    ]


def test_a_mode_in_which_the_script_does_something_is_taken() -> None:
    code = DECLARED.format(default="default=None") + (
        "parser.add_argument('--mode', default='test')\nmode = parser.parse_args().mode\n"
        "if mode == 'test':\n    Net()(torch.zeros(2, 3, 8, 8))\n    sys.exit()\n"
    )
    (forward,) = main_run(rehearse(code, net=True)).of_type(Forward)
    assert forward.context.certain


def test_a_program_that_ends_for_another_reason_ends() -> None:
    code = DECLARED.format(default="default=None") + "done = True\nif done:\n    sys.exit()\n" + USE
    assert not [run for run in rehearse(code, net=True).runs if run.main]
