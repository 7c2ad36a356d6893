"""Which files are scripts, and what is taken for granted of options that they may be given."""

from pathlib import Path

import pytest

from bnlint.interpreter.prefilter import is_script
from bnlint.source import parse_text
from tests.rehearsing import rehearse, widths

CONFIGURED = {
    "replaced": "config = dataclasses.replace(Config(), **overrides)",
    "one field replaced": "config = dataclasses.replace(Config(1), width=5)",
    "built from options": "config = Config(**overrides)",
}


@pytest.mark.parametrize("code", CONFIGURED.values(), ids=CONFIGURED)
def test_a_dataclass_keeps_its_defaults_whatever_may_be_given(code: str) -> None:
    text = f"""
import dataclasses
import json

overrides = json.load(open("config.json"))

@dataclasses.dataclass
class Config:
    width: int = 5

{code}
net = Net(config.width)
net(torch.rand(2, 3, 8, 8))
"""
    assert widths(rehearse(text, net=True)) == [5]


SCRIPTS = {
    "a try": "try:\n    train()\nexcept KeyboardInterrupt:\n    pass",
    "an if": "if torch.cuda.is_available():\n    train()",
    "an else": "if torch.cuda.is_available():\n    pass\nelse:\n    train()",
    "a tuple": "a, b = train(), 1",
    "a semicolon": "a = 1; train()",
    "a comprehension": "done = [train() for _ in range(3)]",
    "a finally": "try:\n    a = 1\nfinally:\n    train()",
}
NO_SCRIPTS = {
    "imports that may fail": "try:\n    import apex\nexcept ImportError:\n    apex = None",
    "definitions that depend": "if torch.cuda.is_available():\n    size = 1",
    "a table": "SIZES = {'a': 1}",
    "a function that calls": "run = lambda: train()",
}


def is_run(code: str) -> bool:
    text = (
        f"import torch\ndef train():\n    net = torch.nn.BatchNorm1d(3)\n    net.eval()\n{code}\n"
    )
    return is_script(parse_text(text, "train.py", Path("train.py")))


@pytest.mark.parametrize("code", SCRIPTS.values(), ids=SCRIPTS)
def test_what_calls_something_when_it_is_run_is_a_script(code: str) -> None:
    assert is_run(code)


@pytest.mark.parametrize("code", NO_SCRIPTS.values(), ids=NO_SCRIPTS)
def test_what_only_defines_is_none(code: str) -> None:
    assert not is_run(code)
