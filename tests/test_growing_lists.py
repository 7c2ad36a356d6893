"""Lists that grow in loops of which two passes stand for all: their items are known, not how many."""

import pytest

from tests.rehearsing import rehearse, widths

MANY, ONE = [None], [4]
ADDED = {
    "tuples": "for i in c:\n    a.append((i, i))",
    "named tuples": "for i in c:\n    a.append(Sample(i, i))",
    "tensors": "for i in c:\n    a.append(torch.randn(4))",
    "tuples of known values": "for i in c:\n    a.append((1, 2))",
    "several": "for i in c:\n    a.extend([(1, 2), (3, 4)])",
    "by a method": "for i in c:\n    memory.push(i, i)\na = memory.items",
    "by a function": "def add(x):\n    a.append((x, x))\nfor i in c:\n    add(i)",
    "in an inner loop": "for i in c:\n    for j in (1, 2):\n        a.append((i, j))",
    "numbers, by a function": "def add(x):\n    a.append(x)\nfor i in c:\n    add(1)",
    "into places that are not known": "n = 0\nfor i in c:\n    a.append(None)\n    a[n] = i, i\n"
    "    n = (n + 1) % 9",
    "and sorted": "for i in c:\n    a.append((i, i))\na.sort()",
}
PRELUDE = """
import collections, u
Sample = collections.namedtuple("Sample", "x y")
class Memory:
    def __init__(self):
        self.items = []
    def push(self, *values):
        self.items.append(Sample(*values))
memory, a, c = Memory(), [], u.c()
"""


@pytest.mark.parametrize("code", ADDED.values(), ids=list(ADDED))
def test_nobody_knows_how_many_items_a_loop_adds(code: str) -> None:
    wide = "\nnn.BatchNorm2d(8 if len(a) > 9 else 4)"
    assert widths(rehearse(PRELUDE + code + wide)) == MANY


@pytest.mark.parametrize("code", ADDED.values(), ids=list(ADDED))
def test_what_waits_for_enough_items_happens(code: str) -> None:
    waiting = f"while u.c():\n    {code.replace(chr(10), chr(10) + '    ')}\n    "
    waiting += "if len(a) >= 64:\n        nn.BatchNorm2d(8)"
    assert set(widths(rehearse(PRELUDE + waiting))) == {8}


ITEMS = {
    "the first": ("a.append((8, i))", "a[0][0]", [8]),
    "the last": ("a.append((8, i))", "a[-1][0]", [8]),
    "all": ("a.append((8, i))", "max(w for w, _ in a)", [8]),
    "one at random": ("a.append((8, i))", "a[u.c()][0]", [8]),
    "the second": ("a.append((8, i))", "a[1][0]", [None]),
    "the second of two in the first pass": (
        "a.append((4, i))\n    a.append((8, i))",
        "a[1][0]",
        [8],
    ),
}


@pytest.mark.parametrize(("body", "item", "expected"), ITEMS.values(), ids=list(ITEMS))
def test_the_items_of_a_list_that_grows(body: str, item: str, expected: list[object]) -> None:
    code = f"{PRELUDE}for i in c:\n    {body}\nnn.BatchNorm2d({item})"
    assert widths(rehearse(code)) == expected


COUNTED = {
    "of a pass": "for i in c:\n    a = []\n    a.append((i, i))",
    "of a function": "def f(x):\n    a = []\n    a.append((x, x))\n    return a\nfor i in c:\n    a = f(i)",
    "of a loop over known items": "for i in (1, 2, 3):\n    a.append((i, i))",
    "of a pass, in a loop over known items": "for i in c:\n    a = []\n    for j in (1, 2):\n"
    "        a.append((i, j))",
    "of an object of a pass": "for i in c:\n    memory = Memory()\n    memory.push(i, i)\n"
    "    a = memory.items",
}


@pytest.mark.parametrize("code", COUNTED.values(), ids=list(COUNTED))
def test_lists_that_do_not_grow_from_pass_to_pass_are_counted(code: str) -> None:
    wide = "\nnn.BatchNorm2d(8 if len(a) > 9 else 4)"
    assert widths(rehearse(PRELUDE + code + wide)) == ONE
