"""Claims against executions: random programs, rehearsed and run, construct by construct.

What a rehearsal assumes, and what the executions therefore keep to: a ``for`` loop over something
of unknown length has at least two passes, a program does not end by an exception that nobody
catches, and functions that are not known leave the modes of models alone that they are not given.
"""

import os
import warnings

import pytest

from tests.claims_oracle import judge
from tests.random_programs import CONSTRUCTS, program

PROGRAMS = int(os.environ.get("BNLINT_CLAIMS_PROGRAMS", "6"))
"""Programs for each construct, and for each pair of one with the next."""


@pytest.mark.parametrize("construct", CONSTRUCTS)
@pytest.mark.filterwarnings("ignore")
def test_claims_cover_executions(construct: str) -> None:
    _judge_all(construct)


@pytest.mark.parametrize("first", CONSTRUCTS)
def test_claims_about_two_constructs_cover_executions(first: str) -> None:
    names = list(CONSTRUCTS)
    second = names[(names.index(first) + 7) % len(names)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _judge_all(first, second)


def _judge_all(*constructs: str) -> None:
    judged = 0
    for seed in range(PROGRAMS):
        code = program(seed, *constructs)
        if code is not None:
            judged += 1
            verdict = judge(code)
            assert verdict.holds, f"{code}\n{verdict}"
    assert judged


def test_the_oracle_notices_claims_that_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bnlint.interpreter.core.machine.Heap.merge", lambda self, state, *_: None)
    code = program(0, "if") or ""
    texts = [program(seed, "if", "if else") for seed in range(8)]
    assert not all(judge(text).holds for text in [*texts, code] if text is not None)
