"""Every fix of every page and case, applied and really run: it heals, and breaks nothing."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bnlint.pages import Example
from tests import fixing
from tests.fixing import Fixed
from tests.test_pages import PAGES, label, rule_of

pytest.importorskip("torch")

from tests import mode_recorder
from tests.healing import harms
from tests.mode_recorder import Record

OPTION = re.compile(r'add_argument\("(--[\w-]+)", action="store_true"')
FEWEST = 0.6
"""The part of the fixes that must be run, so that reasons not to do so stay rare."""


def programs() -> list[object]:
    return [
        pytest.param(path, example, id=label(path, example))
        for path, page in PAGES.items()
        for example in page.of("Bad")
        if example.trace is None
    ]


def fixed(path: Path, example: Example) -> Fixed:
    return fixing.fix(example.code, rule_of(path).id)


@cache
def recorded(code: str, folder: Path, *arguments: str) -> Record:
    return mode_recorder.run(code, folder, *arguments)


def command_lines(code: str) -> Iterator[tuple[str, ...]]:
    """The default options, and each flag by itself."""
    yield ()
    yield from ((option,) for option in OPTION.findall(code))


@pytest.mark.parametrize(("path", "example"), programs())
def test_a_fix_heals(path: Path, example: Example, tmp_path: Path) -> None:
    done = fixed(path, example)
    if done.after == done.before:
        return
    compile(done.after, "fixed", "exec")
    fixed_by_rule = [f for f in done.left if f.rule == rule_of(path).id and f.fix is not None]
    assert not [f for f in fixed_by_rule if f.fix.applicability in fixing.LEVELS]
    for arguments in command_lines(done.before):
        before = recorded(done.before, tmp_path, *arguments)
        if before.error is not None:
            pytest.skip(f"does not run: {before.failure}")
        after = recorded(done.after, tmp_path, *arguments)
        assert not list(harms(before, after, (done.before, done.after), done.findings))


def test_most_fixes_are_run(tmp_path: Path) -> None:
    ran = Counter(
        recorded(done.before, tmp_path).error is None
        for path, page in PAGES.items()
        for example in page.of("Bad")
        if example.trace is None and (done := fixed(path, example)).after != done.before
    )
    assert ran[True] >= FEWEST * ran.total(), ran


TRAINS_AND_VALIDATES = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

train_set = TensorDataset(torch.randn(64, 4), torch.randint(3, (64,)))
val_set = TensorDataset(torch.randn(64, 4), torch.randint(3, (64,)))
train_loader = DataLoader(train_set, batch_size=32, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=32)
net = nn.Sequential(nn.Linear(4, 8, bias=False), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(net.parameters(), 0.1)


def validate(model):
    with torch.no_grad():
        for inputs, labels in val_loader:
            print((model(inputs).argmax(1) == labels).sum().item())


for epoch in range(3):
    for inputs, labels in train_loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(inputs), labels).backward()
        optimizer.step()
    validate(net)
"""
LOOP = "        for inputs, labels in val_loader:\n"


def harms_of(after: str, tmp_path: Path) -> list[str]:
    code = TRAINS_AND_VALIDATES, after
    records = [mode_recorder.run(text, tmp_path) for text in code]
    assert records[0].error is None
    assert any(step.trained for step in records[0].steps)
    findings = fixing.fix(TRAINS_AND_VALIDATES).findings
    assert [finding.rule for finding in findings] == ["BN301"]
    return list(dict.fromkeys(harms(records[0], records[1], code, findings)))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("        model.eval()\n", "line 24 trains layer 0 in eval mode"),
        ("        model[2].eval()\n", "line 24 trains layer 1 in eval mode"),
        ("        model = torch.compiler.nothing\n", "fails with AttributeError"),
        (
            "        for p in model.parameters(): p.requires_grad = False\n",
            "fails with RuntimeError",
        ),
        ("", "is still evaluated in train mode"),
    ],
)
def test_a_harmful_fix_is_seen(line: str, complaint: str, tmp_path: Path) -> None:
    found = harms_of(TRAINS_AND_VALIDATES.replace(LOOP, line + LOOP), tmp_path)
    assert any(complaint in harm for harm in found), found


def test_an_evaluation_that_loses_its_eval_mode_is_seen(tmp_path: Path) -> None:
    before = TRAINS_AND_VALIDATES.replace(LOOP, "        model.eval()\n" + LOOP)
    after = TRAINS_AND_VALIDATES.replace(LOOP, "        model.train()\n" + LOOP)
    records = [mode_recorder.run(text, tmp_path) for text in (before, after)]
    assert any("evaluates layer 0 in train mode" in h for h in harms(*records, (before, after), []))


def test_the_right_fix_is_not_blamed(tmp_path: Path) -> None:
    assert harms_of(fixing.fix(TRAINS_AND_VALIDATES).after, tmp_path) == []
