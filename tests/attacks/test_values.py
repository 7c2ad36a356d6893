"""Values that grow, nest, raise or look into the linter: none of them costs it more than a moment.

The scripts of one group are linted together, so that a group fails by time or memory; each script
must reach its last line, where there is a problem to find.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.attacks.limited import HEAD, TAIL, lint, run, survives

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

DOUBLING = 40

HUGE_NUMBERS = {
    "factorial": "import math\ny = math.factorial(10**8)\n",
    "comb": "import math\ny = math.comb(10**7, 10**6)\nz = math.perm(10**7, 10**6)\n",
    "prod": "import math\ny = math.prod(range(1, 10**7))\nz = math.lcm(*range(1, 10**5))\n",
    "pow": "y = pow(10, 10**9)\nz = pow(10**60, 10**60, 7**60)\n",
    "power": "y = 10**10**8\nz = 2**(10**9)\nw = 10**4000\nfor i in range(9):\n    w = w ** 2\n",
    "shift": "y = 1 << 10**10\n",
    "round": "y = round(10**60, -10**9)\n",
    "squares": "x = 10**60\n" + "x = x * x + x\n" * 300,
    "from text": "y = int('9' * 100000)\nz = float('1' * 10**5)\nw = complex('1' * 10**5)\n",
    "literal": f"x = 0x{'f' * 100_000}\nm = nn.BatchNorm2d(3, momentum=x)\nprint(f'{{x}}')\n",
    "sizes": f"f = 10**1200\nm = nn.Sequential(nn.Conv2d(3, f, 1), {'nn.PixelUnshuffle(f), ' * 4}"
    "nn.BatchNorm2d(3))\nm(torch.rand(2, 3, 8, 8))\n",
    "vector": "import numpy as np\ny = np.array([10]) ** 10**9\nz = np.arange(10**10)\n"
    "w = np.linspace(0, 1, 10**10)\nv = np.prod(np.arange(1, 10**5))\n",
}
LONG_TEXTS = {
    "repeat": "y = 'a' * 10**12\nz = b'a' * 10**10\nw = 'x'.__mul__(10**12)\n",
    "pad": "y = 'a'.ljust(10**9)\nz = 'a'.zfill(10**9)\nw = 'a'.center(10**9)\n"
    "v = 'a'.rjust(10**9)\nu = '\\t'.expandtabs(10**9)\n",
    "format": "y = '{:999999999}'.format(1)\nz = f'{1:999999999}'\nw = f'{1:>{10**9}}'\n"
    "v = '{:{}}'.format(1, 10**9)\nu = '{:.999999999f}'.format(1.5)\n",
    "percent": "y = '%999999999d' % 1\nz = '%*d' % (999999999, 1)\nw = '%.999999999f' % 1.5\n"
    "v = '%(x)999999999s' % {'x': 1}\n",
    "f-string": "a = 'lol'\n" + "a = f'{a}{a}'\n" * DOUBLING,
    "formatted": "a = 'lol'\n" + "a = '{0}{0}'.format(a)\n" * DOUBLING,
    "percents": "a = 'lol'\n" + "a = '%s%s' % (a, a)\n" * DOUBLING,
    "joined": "a = 'lol'\n" + "a = a.join([a, a])\n" * DOUBLING,
    "replaced": "a = 'l'\n" + "a = a.replace('l', 'll')\n" * DOUBLING,
    "added": "a = 'lol'\n" + "a = a + a\na += a\n" * DOUBLING,
    "paths": "import os\na = 'lol'\n" + "a = os.path.join(a, a)\n" * DOUBLING,
    "searches": "a = 'a' * 90000\nb = 'b' + 'a' * 45000\n"
    + "a.rfind(b)\na.strip(b)\na.count(b)\na.rsplit(b)\nb in a\n" * 50,
    "regex": "import re\ny = re.findall('(a+)+$', 'a' * 40 + 'b')\n"
    "z = re.sub('(a|a)*b', '', 'a' * 40)\nw = re.split('a?' * 40 + 'a' * 40, 'a' * 40)\n"
    "v = re.findall('(a|a)' * 30 + 'b', 'a' * 30)\nu = re.findall('a*a*a*a*a*b', 'a' * 5000)\n",
}
LARGE_CONTAINERS = {
    "ranges": "y = frozenset(range(10**9))\nz = list(range(10**9))\nw = set(range(10**9))\n"
    "v = sum(range(10**10))\nu = max(range(10**10))\nt = sorted(range(10**9))\ns = [*range(10**9)]\n"
    "r = 0.5 in range(10**10)\nq = range(10**10)[::2]\n",
    "repeat": "y = [0] * 10**9\nz = (0,) * 10**9\n",
    "many": "def f(n):\n    return [n] * 90000\n" + "".join(f"a{i} = f({i})\n" for i in range(900)),
    "copies": "import copy\nb = [0] * 90000\n"
    + "".join(f"a{i} = b[:]\nc{i} = copy.deepcopy(b)\n" for i in range(900)),
    "star": "a = [1]\n" + "a = [*a, *a]\n" * DOUBLING,
    "extend": "a = [1]\n" + "a.extend(a)\na += a\n" * DOUBLING + "b = len(a)\n",
    "arguments": "a = [1]\ndef f(*a):\n    return [*a, *a]\n" + "a = f(*a, *a)\n" * DOUBLING,
    "dicts": "a = {i: i for i in range(900)}\n" + "a = {**a, **{-k: 1 for k in a}}\n" * 20,
    "products": "import itertools\ny = list(itertools.product(range(100), repeat=10**7))\n"
    "z = list(itertools.permutations(range(20)))\nw = list(itertools.combinations('ab', 10**9))\n"
    "v = list(itertools.repeat(1, 10**9))\nu = list(itertools.accumulate(['a' * 9999] * 1000))\n",
    "rows": "a = [0] * 90000\ny = list(zip(*[a] * 900))\n",
    "loops": "def g(a):\n    yield from a\n    yield from a\na = [0] * 90000\nb = 0\n"
    "for i in range(60):\n    for j in range(15):\n        b = sum(a) + a[-1] + len(a) + max(a)\n"
    "        c = list(g(a))\n        d = any(a)\n        e = [*enumerate(a)]\n"
    "        for k in a:\n            b = k\n",
    "branches": "import sys\na = [0] * 90000\n"
    + "".join(f"if sys.argv[{i}]:\n    a[{i}] = {i}\n    a[-{i}] = a\n" for i in range(600)),
    "in vain": "import torch\na = [0] * 900 + [torch]\nb = [a] * 90\n"
    + "b == [1]\nsorted(b)\na == [1]\nmax(a)\nb in [[1]]\n" * 300,
    "arguments that are long": "a = [0] * 90000\n" + "nn.Conv2d(3, a, 3)\n" * 150,
    "sums": "a = [[0] * 900] * 900\ny = sum(a, [])\nz = sum(y, [])\n",
}
NESTED = {
    "known": "a = [1] * 30\n" + "a = [a] * 30\n" * 6 + "b = a == 1\nc = nn.Conv2d(3, a, 3)\n",
    "contained": "a, b = ['lol'], ['lol']\n"
    + "a = [a, a]\nb = [b, b]\n" * DOUBLING
    + "c = a in [b]\n",
    "compared": "a, b = ['lol'], ['lol']\n"
    + "a = [a, a]\nb = [b, b]\n" * DOUBLING
    + "c = a == b\n",
    "hashed": "a = ('lol',) * 10\n" + "a = (a,) * 10\n" * 25 + "d = {a: 1}\ns = {a}\nh = a in d\n",
    "index": "a, b = ['lol'], ['lol']\n"
    + "a = [a, a]\nb = [b, b]\n" * DOUBLING
    + "c = [a]\nc.index(b)\nc.count(b)\nc.remove(b)\n",
    "copied": "import copy\na = ['lol']\n" + "a = [a, a]\n" * DOUBLING + "b = copy.deepcopy(a)\n",
    "shown": "a = ['lol']\n" + "a = [a, a]\n" * DOUBLING + "b = str(a)\nc = f'{a}'\nd = '%s' % a\n",
    "given": "class N(nn.Module):\n    def forward(self, x):\n        return x\nn = N()\na = [1] * 900\n"
    "a = [a] * 900\na = [a] * 900\nn(a)\nn.x = a\nlen(a)\ntorch.cat(a)\ncallable(a)\n",
    "tensors": "a = [torch.rand(3)]\n" + "a = [a, a]\n" * DOUBLING + "torch.tensor(a)\n"
    "b = []\nb.append(b)\ntorch.tensor(b)\n",
    "holds itself": "import copy\na = []\na.append(a)\nb = copy.deepcopy(a)\nc = a == b\nd = str(a)\n"
    "e = a in a\nf = {'x': 1}\nf['x'] = f\ng = copy.deepcopy(f)\nh = f == g\ni = f'{f}'\n"
    "j = sorted([a, b])\nk = nn.Conv2d(3, a, 3)\nl = sum(a, [])\n",
}
ERRORS = {
    "slice": "a = [1, 2][::0]\nb = 'ab'[::0]\nc = [1]\ndel c[::0]\nd = (1,)[10**30]\n",
    "range": "for i in range(int(1e19)):\n    nn.BatchNorm2d(3)\nb = len(range(10**30))\n"
    "from tqdm import trange\nfor i in trange(1, 5, 0):\n    pass\n",
    "regex": "import re\na = re.sub('a', r'\\1', 'abc')\nb = re.findall('(', 'abc')\n"
    "c = re.split('[[a]', 'abc')\nd = re.findall('a', 'a', 128)\n",
    "hash": "if [1] in {}:\n    pass\nz = set([[1]])\ny = {(1, []): 2}\nx = frozenset([[1]])\n"
    "w = {}.get([])\nv = {}\nv[([],)] = 1\nv.setdefault([], 1)\nu = {**{}}[[]]\n",
    "format": "a = f'{-1:c}'\nb = '{:.2f}'.format(10**315)\nc = f'{10**400:.2f}'\nd = '%c' % -1\n"
    "e = '{:,.2f}'.format('x')\nf = '{'.format(1)\ng = '{x!z}'.format(x=1)\nh = '%' % 1\n",
    "width": "a = 'a'.ljust(10**30)\nb = 'a' * 10**30\nc = [0] * 10**30\nd = 'a'.zfill(-10**30)\n",
    "numbers": "a = int(1e400)\nb = int(float('nan'))\nc = 1 // 0\nd = 1.0 % 0\ne = 1 << -1\n"
    "f = divmod(1, 0)\ng = chr(-1)\nh = ord('ab')\ni = int('x', 99)\nj = round(1.5, 10**30)\n",
    "kinds": "import numpy as np\na = np.array([3.0, 4.0])\nfor kind in (eval, open, input, exit):\n"
    "    a.astype(kind)\nb = a.astype(open)\nc = a.astype(input)\nd = a.astype(exit)\n",
}


def scripts(group: Mapping[str, str]) -> dict[str, str]:
    """Each as a file of its own, with a problem at its end."""
    return {f"{name.replace(' ', '_')}.py": HEAD + body + TAIL for name, body in group.items()}


@pytest.mark.parametrize(
    "group",
    [HUGE_NUMBERS, LONG_TEXTS, LARGE_CONTAINERS, NESTED, ERRORS],
    ids=["huge numbers", "long texts", "large containers", "nested", "errors"],
)
def test_the_linter_survives(tmp_path: Path, group: Mapping[str, str]) -> None:
    outcome = lint(tmp_path, scripts(group), ".", seconds=12 * len(group))
    survives(outcome, seconds=4 * len(group))
    ends = [m for m in outcome.messages if "is built for 9 channels but gets 8" in m]
    assert len(ends) == len(group), outcome.messages


LEAK = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.name = NAME
        self.add_module(self.name, nn.BatchNorm2d(9))

    def forward(self, x):
        return getattr(self, self.name)(self.conv(x))

Net()(torch.rand(2, 3, 8, 8))
"""
WAY = "site.source.__class__.__init__.__globals__[os].environ[SECRET]"


@pytest.mark.parametrize(
    "name",
    [
        f"'{{0.{WAY}}}'.format(1)",
        f"'{{x.{WAY}}}'.format(x=1)",
        f"'{{x.{WAY}}}'.format_map({{'x': 1}})",
        f"'{{0[0].{WAY}}}'.format([1])",
        f"'{{:{{0.{WAY}}}}}'.format(1)",
        f"f'{{1:{{\"{{0.{WAY}}}\".format(1)}}}}'",
        f"str.format('{{0.{WAY}}}', 1)",
        f"''.join(map('{{0.{WAY}}}'.format, [1]))",
        "'x'.__getattribute__('__class__').__name__",
        "'x'.__format__.__self__.__class__.__name__",
    ],
)
def test_no_text_of_the_linter_reaches_its_report(tmp_path: Path, name: str) -> None:
    (tmp_path / "net.py").write_text(HEAD + LEAK.replace("NAME", name))
    secret = {"SECRET": "sesame"}
    for form in ("text", "json"):
        outcome = run(tmp_path, "net.py", "--format", form, environment=secret)
        assert "sesame" not in outcome.out + outcome.err
        assert outcome.status in (0, 1)
        assert "BN003" not in outcome.out
