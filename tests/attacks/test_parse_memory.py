"""LibCST takes kilobytes for each byte of some code; what would take too many is not parsed."""

import sys
from pathlib import Path

import pytest

from bnlint.source import parse_memory
from tests.attacks.limited import HEAD, lint, survives

MOST = parse_memory.MOST
SHAPES = {
    "calls": "f(1)\n" * 300_000,
    "calls in calls": ("f(" * 60 + "1" + ")" * 60 + "\n") * 500,
    "lists in lists": ("[" * 60 + "1" + "]" * 60 + "\n") * 2_000,
    "signs": ("-" * 600 + "1\n") * 2_000,
    "lambdas": ("lambda a: " * 300 + "1\n") * 500,
    "one list": "[" + "1," * 600_000 + "]\n",
    "formatted strings": "f'" + "{f(1)}" * 250_000 + "'\n",
    "short lines": "x\n" * 500_000,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")
def test_code_that_takes_too_much_memory_is_refused_in_one_line(shape: str, tmp_path: Path) -> None:
    outcome = lint(tmp_path, {"train.py": HEAD + SHAPES[shape]})
    survives(outcome)
    assert outcome.rules == ["BN000"]
    assert any(why in outcome.messages[0] for why in ("GB of memory", "too deeply"))
    assert parse_memory.estimate(SHAPES[shape]) > MOST


def test_brackets_in_the_text_of_a_formatted_string_end_with_it() -> None:
    assert parse_memory.estimate("x = f'{a} ({b}'\n" * 3_000) < MOST / 10


def test_the_estimate_grows_with_depth() -> None:
    flat = parse_memory.estimate("f(1)\n" * 600)
    deep = parse_memory.estimate(("f(" * 60 + "1" + ")" * 60 + "\n") * 10)
    assert deep > 5 * flat


def test_a_text_of_long_comments_and_strings_is_cheap() -> None:
    assert parse_memory.estimate("# f(f(f(1)))\nx = '" + "(" * 3_000_000 + "'\n") < MOST / 1000


def test_ordinary_large_code_is_read() -> None:
    line = "    OpInfo('add', dtypes=all_types(torch.bool, torch.half), sample_inputs=partial(f, n=3)),\n"
    text = "ops = [\n" + line * 5_000 + "]\n"
    assert len(text) > 400_000
    assert parse_memory.estimate(text) < MOST
