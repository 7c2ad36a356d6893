"""What a few lines can make long or many costs in proportion, or ends with the steps of its entry point."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.attacks.limited import HEAD, TAIL, lint, run, survives
from tests.pace import is_within

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

MOMENTUM = "nn.BatchNorm2d(3, momentum=0.9)"
PAIR = "nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)"
LONG = "import q\na = [q.x] * 90000\n"
"""A list of data that is not known."""

GIVEN = {
    "to what is not read": LONG + "q.f(a)\n" * 200,
    "as items": LONG + "q.f(*a)\nprint(*a)\n" * 30,
    "to layers": LONG + "nn.Linear(a, a)\nnn.BatchNorm2d(3)(a)\n" * 100,
    "to a module": LONG + "m = nn.Module()\n" + "m.a = a\n" * 200,
    "in dicts": LONG + "d = {str(i): a[:] for i in range(20)}\n" + "q.f(d)\n" * 60,
    "in lists": LONG + "b = [[q.x] * 1000 for i in range(1000)]\n" + "q.f(b)\n" * 60,
    "functions": "import q\na = [print] * 90000\n" + "q.f(a)\n" * 200,
    "tensors": "import q\na = [torch.rand(3)] * 90000\n" + "q.f(a)\ntorch.stack(a)\n" * 60,
    "modules": "import q\na = [nn.Linear(2, 3)] * 90000\n" + "q.f(a)\n" * 30,
    "split": LONG + "from torch.utils.data import random_split\n" + "random_split(a, a)\n" * 30,
    "datasets": LONG + "from torch.utils.data import TensorDataset\n" + "TensorDataset(*a)\n" * 30,
    "to contexts": LONG + "with q.f(a):\n    pass\nassert q.f(a)\nq.f(a).x = a\n" * 60,
}


def test_what_is_given_is_paid_for(tmp_path: Path) -> None:
    scripts = {f"{name.replace(' ', '_')}.py": HEAD + body for name, body in GIVEN.items()}
    outcome = lint(tmp_path, scripts, ".", seconds=20 * len(GIVEN), wall=100 * len(GIVEN))
    survives(outcome, seconds=6 * len(GIVEN))


def on_one_line(count: int) -> str:
    """One number at many layers would be one finding."""
    return "; ".join(MOMENTUM.replace("0.9", f"0.{9000 + i}") for i in range(count)) + "\n"


def in_one_model(count: int) -> str:
    return f"nn.Sequential({', '.join([PAIR] * count)})(torch.rand(2, 8, 99, 99))\n"


def in_many_models(count: int) -> str:
    return "".join(
        f"m{i} = nn.Sequential({PAIR})\nm{i}(torch.rand(2, 8, 9, 9))\n" for i in range(count)
    )


def behind_exits(count: int) -> str:
    return f"import q\nassert q.x\nm = nn.Sequential({PAIR})\nm(torch.rand(2, 8, 9, 9))\n" * count


MANY: Mapping[str, tuple[Callable[[int], str], str]] = {
    "on one line": (on_one_line, "BN102"),
    "in one model": (in_one_model, "BN201"),
    "in many models": (in_many_models, "BN201"),
    "behind exits": (behind_exits, "BN201"),
}
NUMBER = 600


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("form", ["text", "json"])
def test_many_findings_take_time_in_proportion(tmp_path: Path, name: str, form: str) -> None:
    make, rule = MANY[name]
    (tmp_path / "train.py").write_text(HEAD + make(NUMBER))
    outcome = run(tmp_path, "train.py", "--format", form)
    assert outcome.status in (0, 1), outcome.err
    assert outcome.out.count(f"bnlint explain {rule}" if form == "text" else f'"{rule}"') == NUMBER
    assert is_within(outcome.seconds, 15)


def test_a_place_in_a_long_line_is_shown(tmp_path: Path) -> None:
    before = "x = '" + "é\t字" * 20_000 + "'; "
    (tmp_path / "train.py").write_text(HEAD + before + MOMENTUM + "; y = '" + "a" * 50_000 + "'\n")
    outcome = run(tmp_path, "train.py")
    code = next(line for line in outcome.out.splitlines() if "momentum=0.9" in line and "…" in line)
    carets = next(line for line in outcome.out.splitlines() if "^" in line)
    assert len(code) < 400
    assert carets.count("^") == len("0.9")


@pytest.mark.parametrize(
    "end", [f"{MOMENTUM}; x = 1\n", f"x = 1; m = {MOMENTUM}\n", f"m: q = {MOMENTUM}\n"]
)
def test_a_line_of_several_statements_is_a_script(tmp_path: Path, end: str) -> None:
    outcome = lint(tmp_path, {"train.py": HEAD + end})
    assert outcome.rules == ["BN102"]


def test_the_end_of_a_script_is_reached_behind_long_data(tmp_path: Path) -> None:
    outcome = lint(tmp_path, {"train.py": HEAD + LONG + "q.f(a)\n" * 100 + TAIL})
    assert outcome.rules == ["BN203"]
    assert is_within(outcome.seconds, 10)


def test_modules_that_may_be_below_others_by_many_ways(tmp_path: Path) -> None:
    code = (
        "m = nn.Sequential(nn.BatchNorm2d(3))\ndef wrap(parent):\n"
        "    for name, child in parent.named_children():\n"
        "        setattr(parent, name, nn.Sequential(child, child))\n        wrap(child)\n"
        "wrap(m)\nfor i in '1' * 60:\n    for name, child in list(m.named_modules()):\n"
        "        m.add_module(name + 'x', child)\n"
    )
    outcome = lint(tmp_path, {"train.py": HEAD + TAIL + code + "m.eval()\nm.train()\n" * 20})
    survives(outcome)
    assert outcome.rules == ["BN203"]
