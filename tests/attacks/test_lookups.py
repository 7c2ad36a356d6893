"""Programs in which one look-up or call stands for very many."""

import sys
from pathlib import Path

import pytest

from tests.attacks.limited import HEAD, TAIL, lint, survives

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")


def star_imports(count: int, names: str = "") -> dict[str, str]:
    """A script and modules each of which imports all names of all before it."""
    files = {
        "train.py": f"{HEAD}from p.m{count - 1} import *\nm = nn.BatchNorm2d(x0)\n{names}{TAIL}"
    }
    files["p/__init__.py"] = ""
    files["p/m0.py"] = HEAD + "x0 = 3\n"
    for number in range(1, count):
        lines = [f"from .m{earlier} import *\n" for earlier in range(number)]
        files[f"p/m{number}.py"] = "".join(lines) + f"x{number} = 1\n"
    return files


def test_star_imports_are_followed_once_each(tmp_path: Path) -> None:
    names = "".join(f"y{i} = nothere{i}\nz{i} = len([1])\n" for i in range(300))
    outcome = lint(tmp_path, star_imports(40, names))
    survives(outcome)
    assert "BN203" in outcome.rules


def test_star_imports_in_a_circle(tmp_path: Path) -> None:
    files = {
        "train.py": HEAD + "from a import *\nx = nothere\nm = width\n" + TAIL,
        "a.py": "from b import *\nfrom a import *\n",
        "b.py": "from c import *\nfrom a import *\n",
        "c.py": "from a import *\nwidth = 3\n",
    }
    outcome = lint(tmp_path, files)
    survives(outcome)
    assert "BN203" in outcome.rules


MANY = {
    "a forward of many layers": "m = nn.Sequential(*[nn.BatchNorm2d(3) for _ in range(1000)])\n"
    "m = nn.Sequential(m, *m, *m, *m)\n" + "m(torch.rand(2, 3, 4, 4))\n" * 3000,
    "arguments": f"m = nn.Sequential({'nn.BatchNorm2d(3), ' * 4000})\nm(torch.rand(2, 3, 4, 4))\n",
    "selectors": f"x = 1  # bnlint: ignore[{','.join(f'BN{i}' for i in range(20_000))}]\n",
    "comments": "# bnlint: ignore[BN101]\n" * 8000,
    "numbers": f"x = [{', '.join(map(str, range(30_000)))}]\n",
}


@pytest.mark.parametrize("body", MANY.values(), ids=MANY)
def test_what_is_long_takes_no_longer_than_it_is(tmp_path: Path, body: str) -> None:
    outcome = lint(tmp_path, {"train.py": HEAD + TAIL + body})
    survives(outcome)
    assert "BN203" in outcome.rules


DATASETS = {
    "of one another": "d = TensorDataset(torch.rand(9, 3))\n" + "d = ConcatDataset([d, d])\n" * 60,
    "of itself": "parts = [torch.rand(3)]\nd = ConcatDataset(parts)\nparts.append(d)\n",
    "in a long row": "d = TensorDataset(torch.rand(9, 3))\n" + "d = Subset(d, [0])\n" * 1200,
    "in huge batches": "d = TensorDataset(torch.rand(9, 3))\nn = 10**400\n",
}


@pytest.mark.parametrize("body", DATASETS.values(), ids=DATASETS)
def test_datasets_of_datasets_are_looked_into_once(tmp_path: Path, body: str) -> None:
    head = f"{HEAD}from torch.utils.data import *\nn = 1\nm = nn.BatchNorm1d(3)\n{body}"
    loops = "for x in DataLoader(d, batch_size=n):\n    m(x).sum().backward()\n" * 3
    outcome = lint(tmp_path, {"train.py": head + loops + TAIL})
    survives(outcome)
    assert "BN203" in outcome.rules


GROWING = {
    "extended by itself": "m.extend(m)\n" * 40,
    "added to itself": "m += m\n" * 40,
    "appended to": "m.append(nn.BatchNorm2d(3))\n" * 2500,
    "inserted into": "m.insert(0, nn.BatchNorm2d(3))\n" * 500,
}


@pytest.mark.parametrize("body", GROWING.values(), ids=GROWING)
def test_containers_that_grow(tmp_path: Path, body: str) -> None:
    head = HEAD + "m = nn.ModuleList([nn.BatchNorm2d(3)])\n"
    survives(lint(tmp_path, {"train.py": head + body + TAIL}), seconds=15)


def test_ancestors_are_listed_in_time(tmp_path: Path) -> None:
    classes = "".join(f"class A{i + 1}(A{i}):\n    x{i} = {i}\n" for i in range(1000))
    body = f"class A0:\n    pass\n{classes}A1000().nothere\n"
    outcome = lint(tmp_path, {"train.py": HEAD + body + TAIL})
    survives(outcome)
    assert "BN203" in outcome.rules


SEQUENCES = {
    "the same twice": "s = nn.Sequential(nn.BatchNorm2d(3))\n"
    + "s = nn.Sequential(s, s)\n" * 40
    + "s.train()\ns(torch.rand(2, 3, 4, 4))\n",
    "copies": "import copy\ns = nn.Sequential(nn.BatchNorm2d(3))\n"
    + "s = nn.Sequential(copy.deepcopy(s), copy.deepcopy(s))\n" * 40,
    "itself": "s = nn.Sequential(nn.BatchNorm2d(3))\ns.append(s)\ns.eval()\n"
    "for p in s.parameters():\n    p.requires_grad = False\ns(torch.rand(2, 3, 4, 4))\n",
    "a module that holds itself": "class N(nn.Module):\n    def __init__(self):\n"
    "        super().__init__()\n        self.me = self\n        self.bn = nn.BatchNorm2d(3)\n"
    "    def forward(self, x):\n        return self.me(self.me(x))\nn = N()\nn.eval()\n"
    "n(torch.rand(2, 3, 4, 4))\n",
    "classes": "class A0(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.bn = nn.BatchNorm2d(3)\n    def forward(self, x):\n        return self.bn(x)\n"
    + "".join(
        f"class A{i + 1}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.a, self.b = A{i}(), A{i}()\n    def forward(self, x):\n"
        "        return self.b(self.a(x))\n"
        for i in range(40)
    )
    + "m = A40()\nm.train()\ny = m(torch.rand(2, 3, 4, 4))\n",
}


@pytest.mark.parametrize("body", SEQUENCES.values(), ids=SEQUENCES)
def test_modules_that_are_many_paths_deep(tmp_path: Path, body: str) -> None:
    survives(lint(tmp_path, {"train.py": HEAD + TAIL + body}))
