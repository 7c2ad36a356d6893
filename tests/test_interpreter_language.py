"""What each feature of the language means to a rehearsal, told by the layers that it builds."""

from pathlib import Path

import pytest

from bnlint import interpreter
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import NOT_KNOWN
from bnlint.source import Project, parse_text
from tests.rehearsing import (
    forwards,
    graph,
    modes,
    names,
    norms,
    ops,
    rehearse,
    rehearse_files,
    the_forward,
    widths,
)

FUNCTIONS = {
    "closure": (
        """
        def maker(width):
            def make():
                return nn.BatchNorm2d(width)
            return make
        maker(8)()
        """,
        [8],
    ),
    "nonlocal": (
        """
        def count():
            width = 4
            def double():
                nonlocal width
                width *= 2
            double()
            return nn.BatchNorm2d(width)
        count()
        """,
        [8],
    ),
    "global": (
        """
        WIDTH = 4
        def grow():
            global WIDTH
            WIDTH = 8
        grow()
        nn.BatchNorm2d(WIDTH)
        """,
        [8],
    ),
    "star arguments": (
        """
        def make(*widths, **options):
            return [nn.BatchNorm2d(w * options["times"]) for w in widths]
        make(*[1, 2], 3, **{"times": 2})
        """,
        [2, 4, 6],
    ),
    "defaults are evaluated where the function is defined": (
        """
        width = 8
        def make(width=width, *, times=2):
            return nn.BatchNorm2d(width * times)
        width = 3
        make()
        make(1, times=5)
        """,
        [16, 5],
    ),
    "positional-only parameters": (
        """
        def make(a, /, b, *, c):
            return nn.BatchNorm2d(a * 100 + b * 10 + c)
        make(1, b=2, c=3)
        """,
        [123],
    ),
    "lambda": ("make = lambda w, t=2: nn.BatchNorm2d(w * t)\nmake(4)", [8]),
    "recursion that ends": (
        """
        def power(n):
            return 1 if n == 0 else 2 * power(n - 1)
        nn.BatchNorm2d(power(5))
        """,
        [32],
    ),
    "partial": (
        """
        from functools import partial
        norm = partial(nn.BatchNorm2d, eps=1e-3)
        norm(8)
        partial(norm, 16)()
        """,
        [8, 16],
    ),
    "partial by its module": ("import functools\nfunctools.partial(nn.BatchNorm2d, 8)()", [8]),
    "decorator that wraps": (
        """
        import functools
        def twice(function):
            @functools.wraps(function)
            def wrapper(width):
                return function(2 * width)
            return wrapper
        @twice
        def make(width):
            return nn.BatchNorm2d(width)
        make(4)
        """,
        [8],
    ),
    "decorator with arguments": (
        """
        def times(number):
            def decorate(function):
                def wrapper(*args):
                    return function(*args) * number
                return wrapper
            return decorate
        @times(3)
        def width(w):
            return w
        nn.BatchNorm2d(width(4))
        """,
        [12],
    ),
    "unknown decorator": (
        """
        import somewhere
        @somewhere.register
        def make(width):
            return nn.BatchNorm2d(width)
        make(8)
        """,
        [8],
    ),
    "walrus": ("if (width := 8) > 4:\n    nn.BatchNorm2d(width)", [8]),
    "conditional expression": ("nn.BatchNorm2d(8 if 1 < 2 else 4)", [8]),
    "and, or, not": ("nn.BatchNorm2d((None or 8) if not (True and False) else 4)", [8]),
    "chained comparison": ("nn.BatchNorm2d(8 if 1 < 2 <= 2 else 4)", [8]),
    "arithmetic": ("nn.BatchNorm2d(int(2 ** 3 * 3 // 2 % 7 + 6 / 2))", [8]),
    "starred assignment": ("first, *rest = 1, 2, 8\nnn.BatchNorm2d(rest[-1])", [8]),
    "swap": ("a, b = 8, 4\na, b = b, a\nnn.BatchNorm2d(b)", [8]),
    "augmented assignment": ("a = 4\na *= 2\nnn.BatchNorm2d(a)", [8]),
    "annotated assignment": ("a: int = 8\nnn.BatchNorm2d(a)", [8]),
    "deleted name": ("a = 8\ndel a\nnn.BatchNorm2d(a)", [None]),
    "formatted key": ("w = {'conv1': 8}\nnn.BatchNorm2d(w[f'conv{1}'])", [8]),
    "percent format": ("w = {'conv1': 8}\nnn.BatchNorm2d(w['conv%d' % 1])", [8]),
    "string format": ("w = {'conv1': 8}\nnn.BatchNorm2d(w['conv{}'.format(1)])", [8]),
    "eval of a name": ("make = eval('nn.BatchNorm2d')\nmake(8)", [8]),
    "eval of a call": ("make = 'BatchNorm2d'\neval(f'nn.{make}(num_features=8)')", [8]),
    "exec of assignments": (
        """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                for i in range(2):
                    exec(f'self.bn{i + 1} = nn.BatchNorm2d(num_features={4 + 4 * i})')
        net = Net()
        exec("width = net.bn2.num_features; nn.BatchNorm2d(width)")
        """,
        [4, 8, 8],
    ),
    "exec of what is no assignment": (
        """
        width = 4
        exec("width = 8", {})
        exec("width = ")
        nn.BatchNorm2d(width)
        """,
        [4],
    ),
    "eval of a call with unpacked arguments": ("eval('nn.BatchNorm2d(*w)')", []),
    "operator module": ("import operator\nnn.BatchNorm2d(operator.mul(2, 4))", [8]),
    "ordered dictionary": (
        "from typing import OrderedDict\nnn.BatchNorm2d(OrderedDict({'w': 8})['w'])",
        [8],
    ),
    "chain of dictionaries": (
        "from collections import ChainMap\nw = ChainMap({'a': 8}, {'a': 4, 'b': 2})\n"
        "nn.BatchNorm2d(w['a'] * w['b'])",
        [16],
    ),
    "reduce": ("import functools\nnn.BatchNorm2d(functools.reduce(max, [1, 8, 2]))", [8]),
}

COLLECTIONS = {
    "list comprehension": ("[nn.BatchNorm2d(w) for w in (4, 8, 16) if w > 4]", [8, 16]),
    "nested comprehension": (
        "[nn.BatchNorm2d(a + b) for a in (1, 2) for b in (10, 20)]",
        [11, 21, 12, 22],
    ),
    "dict comprehension": ("w = {n: n * 2 for n in range(5)}\nnn.BatchNorm2d(w[4])", [8]),
    "set comprehension": ("nn.BatchNorm2d(len({n % 8 for n in range(20)}))", [8]),
    "generator expression": ("nn.BatchNorm2d(sum(n for n in range(5)))", [10]),
    "generator function": (
        """
        def widths():
            yield 4
            yield from (8, 16)
        for w in widths():
            nn.BatchNorm2d(w)
        """,
        [4, 8, 16],
    ),
    "generator function with a loop": (
        """
        def widths(n):
            for i in range(n):
                yield 2 ** i
        nn.Sequential(*(nn.BatchNorm2d(w) for w in widths(3)))
        """,
        [1, 2, 4],
    ),
    "enumerate and zip": (
        "[nn.BatchNorm2d(i + a + b) for i, (a, b) in enumerate(zip([10, 20], [1, 2]), 1)]",
        [12, 24],
    ),
    "map and filter": ("list(map(nn.BatchNorm2d, filter(lambda w: w > 4, [4, 8])))", [8]),
    "sorted by a key": ("nn.BatchNorm2d(sorted([3, 1, 8], key=lambda w: -w)[0])", [8]),
    "sort in place": ("w = [4, 8, 2]\nw.sort(reverse=True)\nnn.BatchNorm2d(w[0])", [8]),
    "sort in place by a key": ("w = [4, 8]\nw.sort(key=abs)\nnn.BatchNorm2d(w[0])", [None]),
    "items of a set": ("for w in {'b' * 4, 'a' * 2}:\n    nn.BatchNorm2d(len(w))", [2, 4]),
    "slices": ("w = [1, 2, 4, 8, 16]\n[nn.BatchNorm2d(v) for v in w[-2:0:-2]]", [8, 2]),
    "dict methods": (
        """
        w = dict(a=1)
        w.update({"b": 2}, c=3)
        w.setdefault("d", 4)
        for name, value in w.items():
            nn.BatchNorm2d(value)
        nn.BatchNorm2d(w.get("e", 5))
        nn.BatchNorm2d(w.pop("a"))
        """,
        [1, 2, 3, 4, 5, 1],
    ),
    "list methods": (
        """
        w = [4]
        w.append(8)
        w.extend((16, 32))
        w.insert(0, 2)
        w.pop()
        w += [64]
        [nn.BatchNorm2d(v) for v in w]
        """,
        [2, 4, 8, 16, 64],
    ),
    "unpacking into displays": (
        "w = [*range(2), *(8,)]\nv = {**{'a': 4}, 'b': 5}\n[nn.BatchNorm2d(n) for n in (*w, *v.values())]",
        [0, 1, 8, 4, 5],
    ),
    "aliases of one list": ("a = []\nb = a\nb.append(8)\nnn.BatchNorm2d(a[0])", [8]),
    "a copied list is another": ("a = [8]\nb = list(a)\nb[0] = 4\nnn.BatchNorm2d(a[0])", [8]),
    "product": (
        "import itertools\n[nn.BatchNorm2d(a * b) for a, b in itertools.product((1, 2), (3, 4))]",
        [3, 4, 6, 8],
    ),
    "while loop that counts down": (
        "w, n = 1, 3\nwhile n:\n    w, n = w * 2, n - 1\nnn.BatchNorm2d(w)",
        [8],
    ),
    "an unknown part of nothing": (
        """
        def make(*args, **kwargs):
            kwargs.update(dict(zip(["width"], args[unknown():])))
            return nn.BatchNorm2d(**kwargs)
        make(num_features=8)
        """,
        [8],
    ),
    "while loop": ("w = 1\nwhile w < 8:\n    w *= 2\nnn.BatchNorm2d(w)", [8]),
    "loop with else": (
        "for w in (1, 2):\n    if w > 5:\n        break\nelse:\n    w = 8\nnn.BatchNorm2d(w)",
        [8],
    ),
    "break": ("for w in (4, 8, 16):\n    if w == 8:\n        break\nnn.BatchNorm2d(w)", [8]),
    "continue": ("for w in (4, 8):\n    if w < 8:\n        continue\n    nn.BatchNorm2d(w)", [8]),
}

CLASSES = {
    "property": (
        """
        class Config:
            def __init__(self):
                self.base = 4
            @property
            def width(self):
                return self.base * 2
            @width.setter
            def width(self, value):
                self.base = value
        config = Config()
        nn.BatchNorm2d(config.width)
        config.width = 8
        nn.BatchNorm2d(config.width)
        """,
        [8, 16],
    ),
    "dataclass": (
        """
        from dataclasses import dataclass, field
        @dataclass
        class Base:
            depth: int
        @dataclass
        class Config(Base):
            width: int = 4
            widths: list = field(default_factory=lambda: [16])
            def __post_init__(self):
                self.total = self.width + self.depth
        config = Config(1, width=7)
        nn.BatchNorm2d(config.total)
        nn.BatchNorm2d(config.widths[0])
        """,
        [8, 16],
    ),
    "a class that derives from a dataclass": (
        """
        from dataclasses import dataclass
        @dataclass
        class Base:
            depth: int
            width: int = 4
            def __post_init__(self):
                self.total = self.width * self.depth
        class Plain(Base):
            name: str
        class Own(Base):
            def __init__(self, depth):
                super().__init__(depth, width=8)
                self.half = self.total // 2
        nn.BatchNorm2d(Plain(2).total)
        nn.BatchNorm2d(Own(2).half)
        """,
        [8, 8],
    ),
    "named tuple": (
        """
        from typing import NamedTuple
        class Block(NamedTuple):
            width: int
            depth: int = 2
        block = Block(8)
        width, depth = block
        nn.BatchNorm2d(block.width * depth)
        """,
        [16],
    ),
    "class attribute": (
        "class A:\n    width = 4\nclass B(A):\n    pass\nA.width = 8\nnn.BatchNorm2d(B().width)",
        [8],
    ),
    "static and class methods": (
        """
        class Make:
            width = 4
            @staticmethod
            def norm(width):
                return nn.BatchNorm2d(width)
            @classmethod
            def default(cls):
                return cls.norm(cls.width)
        class Wide(Make):
            width = 8
        Wide.default()
        Make().norm(2)
        """,
        [8, 2],
    ),
    "super in a diamond": (
        """
        class A:
            def width(self):
                return 1
        class B(A):
            def width(self):
                return super().width() + 10
        class C(A):
            def width(self):
                return super().width() + 100
        class D(B, C):
            def width(self):
                return super(D, self).width() + 1000
        nn.BatchNorm2d(D().width())
        """,
        [1111],
    ),
    "__getattr__": (
        """
        class Config(dict):
            def __getattr__(self, name):
                return 8
        nn.BatchNorm2d(Config().width)
        """,
        [8],
    ),
    "__call__ and __getitem__": (
        """
        class Maker:
            def __call__(self, width):
                return nn.BatchNorm2d(width)
            def __getitem__(self, key):
                return key * 2
        make = Maker()
        make(make[4])
        """,
        [8],
    ),
    "__setitem__, __contains__ and __delitem__": (
        """
        class Registry:
            def __init__(self):
                self.known = {"plain": 2}
            def __setitem__(self, key, value):
                self.known[key] = value * 2
            def __delitem__(self, key):
                del self.known[key]
            def __getitem__(self, key):
                return self.known[key]
            def __contains__(self, key):
                return key in self.known
            def register(self, key):
                def add(value):
                    self[key] = value
                    return value
                return add
        registry = Registry()
        registry["wide"] = 4
        registry.register("deep")(8)
        del registry["plain"]
        nn.BatchNorm2d(registry["wide"] if "wide" in registry else 1)
        nn.BatchNorm2d(registry["deep"])
        nn.BatchNorm2d(3 if "plain" not in registry else 1)
        """,
        [8, 16, 3],
    ),
    "setattr and getattr": (
        """
        class Config: pass
        config = Config()
        setattr(config, "width", 8)
        nn.BatchNorm2d(getattr(config, "width"))
        nn.BatchNorm2d(getattr(config, "depth", 2))
        nn.BatchNorm2d(1 if hasattr(config, "depth") else 3)
        """,
        [8, 2, 3],
    ),
    "isinstance": (
        """
        def pair(x):
            return x if isinstance(x, (tuple, list)) else (x, x)
        nn.BatchNorm2d(pair(8)[1])
        nn.BatchNorm2d(pair((1, 4))[1])
        """,
        [8, 4],
    ),
    "isinstance of a package's constant": (
        """
        import logging
        def checked(level):
            if not isinstance(level, int):
                raise ValueError(level)
            return 8
        nn.BatchNorm2d(checked(getattr(logging, "INFO")))
        """,
        [8],
    ),
    "isinstance of a package's class": (
        """
        def width(layer):
            return 4 if isinstance(layer, (int, str)) else 8
        nn.BatchNorm2d(width(nn.ReLU))
        """,
        [8],
    ),
    "isinstance of what an unknown object has": (
        """
        import sys
        config = sys.stdin
        nn.BatchNorm2d(4 if isinstance(config.width.first, int) else 8)
        nn.BatchNorm2d(4 if isinstance(make().width, int) else 8)
        """,
        [None, None],
    ),
    "locals": (
        """
        def build(width=8, name="bn", **more):
            config = locals()
            config.update(config["more"])
            del config["more"]
            width = 4
            return nn.BatchNorm2d(config["width"]), nn.BatchNorm2d(config.get("depth", 5))
        build()
        build(depth=6)
        """,
        [8, 5, 8, 6],
    ),
    "instances do not share attributes": (
        """
        class Config:
            def __init__(self, width):
                self.width = width
        a, b = Config(4), Config(8)
        nn.BatchNorm2d(b.width)
        """,
        [8],
    ),
    "decorated class": (
        """
        REGISTRY = {}
        def register(name):
            def decorate(cls):
                REGISTRY[name] = cls
                return cls
            return decorate
        @register("net")
        class Net(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.bn = nn.BatchNorm2d(width)
        REGISTRY["net"](8)
        """,
        [8],
    ),
    "registry object": (
        """
        class Registry:
            def __init__(self):
                self.made = {}
            def register(self, function):
                self.made[function.__name__] = function
                return function
            def build(self, name, **options):
                return self.made[name](**options)
        MODELS = Registry()
        @MODELS.register
        def net(width):
            return nn.BatchNorm2d(width)
        MODELS.build("net", width=8)
        """,
        [8],
    ),
    "dict of classes": (
        """
        class Small(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.bn = nn.BatchNorm2d(width)
        class Large(Small):
            def __init__(self, width):
                super().__init__(2 * width)
        NETS = {"small": Small}
        NETS.update(large=Large)
        def create(name, **options):
            return NETS[name](**options)
        create("large", width=4)
        create("small", width=4)
        """,
        [8, 4],
    ),
    "enum keys do not crash": (
        """
        from enum import Enum
        class Kind(Enum):
            BN = "bn"
            GN = "gn"
        def norm(kind, width):
            if kind == Kind.BN:
                return nn.BatchNorm2d(width)
            return nn.GroupNorm(2, width)
        norm(Kind.BN, 8)
        """,
        [8],
    ),
}

PROGRAMS = FUNCTIONS | COLLECTIONS | CLASSES


@pytest.mark.parametrize(("code", "expected"), PROGRAMS.values(), ids=PROGRAMS)
def test_language(code: str, expected: list[object]) -> None:
    assert widths(rehearse(code)) == expected


# -- statements -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "layers"),
    [
        ("", 1),
        ("from somewhere import *\n", 0),
        ("from flax import linen as nn\n", 0),
        ("def nn(): pass\n", 0),
    ],
)
def test_customary_names_that_nothing_binds_are_torchs(start: str, layers: int) -> None:
    """A cell of a notebook that was saved as a file still lacks its imports."""
    code = (
        start
        + """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(8)

    def forward(self, x):
        return torch.relu(self.norm(x))

net = Net()
"""
    )
    file = parse_text(code, "net.py", Path("/bnlint-example/net.py"))
    found = interpreter.rehearse([file], Project({file.file: file}))
    assert len(norms(found)) == layers


def test_the_except_branch_of_an_import_that_succeeds_is_not_taken() -> None:
    code = """
    try:
        from torch.nn import BatchNorm2d
        width = 8
    except ImportError:
        width = 4
    BatchNorm2d(width)
    """
    assert widths(rehearse(code)) == [8]


def test_a_raise_goes_to_the_handler_and_finally_always_runs() -> None:
    code = """
    width = 1
    try:
        raise ValueError
        width = 100
    except ValueError:
        width *= 2
    else:
        width = 100
    finally:
        width *= 4
    nn.BatchNorm2d(width)
    """
    assert widths(rehearse(code)) == [8]


def test_code_behind_an_exit_is_not_executed() -> None:
    code = """
    import sys
    nn.BatchNorm2d(8)
    sys.exit(0)
    nn.BatchNorm2d(16)
    """
    assert widths(rehearse(code)) == [8]


@pytest.mark.parametrize(
    "code",
    [
        """
        match 8:
            case int(width) if width > 4:
                nn.BatchNorm2d(width)
            case _:
                pass
        """,
        "async def f():\n    async with a as b:\n        return await b\nf()",
        "async def f(xs):\n    async for x in xs:\n        yield [y async for y in x]\nf([])",
        "try:\n    pass\nexcept* ValueError:\n    pass",
        "x = 1_000j + 0x_ff + 1e400\nnn.BatchNorm2d(8)",
        "def f[T](x: T) -> T:\n    return x\ntype A = int\nf(1)",
        "class A(metaclass=type): pass\nA()\nclass B(A, flag=True): pass\nB().x.y[0](1)",
        "a = b = []\na[0:0] = [1]\na[5], (b, *c) = 1, (2, 3)\ndel a[0], b, a.x\nprint(a @ b)",
        "def f():\n    return f\nf()()()()\nclass C:\n    def __init__(self):\n        C()\nC()",
        "from . import x\nfrom .. import *\nfrom ...... import y\nimport a.b.c as d\nd.e()",
        "self.x = 1\nx.y.z = 2\nf().g = 3\n()[0]\n{}[0]\n''[0]\n(1)(2)\n[](3)\n{}()\nNone.x()",
        "a = [a for a in a]\nb = {b: b for b in b}\nlambda: (yield)\nd = {[]: 1, **None}\n{*1}",
        "x = [1]\nx.append(x)\ny = {}\ny['y'] = y\nprint(x == x, y == y, str(x), x + x)",
        "1 / 0\n1 << 10 ** 9\n'a' * 10 ** 12\n[0] * 10 ** 12\nlist(range(10 ** 12))\n9 ** 9 ** 9",
        "def f(*, a, b=1, **k): pass\nf(1, 2, 3, a=1, *[1], **{1: 2})\nf(**f())\nf(*f)",
        "net = nn.Module()\nnet.a = net\nnet(1)\nnet.train()\nnet.eval()\nnet.apply(print)",
        "nn.Sequential(*[])(1)\nnn.ModuleList(5)\nnn.ModuleDict([1])\nnn.Conv2d()\nnn.BatchNorm2d()",
        "nn.Sequential(nn.ReLU())[5]\nnn.ModuleList()[0:9:-1]\ndel nn.ModuleList()[3]",
    ],
)
def test_odd_code_does_no_harm(code: str) -> None:
    rehearsal = rehearse(code + "\n")
    assert all(run.complete for run in rehearsal.runs)


# -- with -----------------------------------------------------------------------------------------


def test_no_grad_as_a_statement_and_as_a_decorator() -> None:
    code = """
    net = Net()
    with torch.no_grad():
        net(x)
        with torch.enable_grad():
            net(x)
        net(x)
    net(x)
    @torch.no_grad()
    def predict(x):
        return net(x)
    @torch.inference_mode()
    def infer(x):
        return net(x)
    predict(x)
    infer(x)
    torch.set_grad_enabled(False)
    net(x)
    """
    no, yes = Known.NO, Known.YES
    grads = [event.grad for event in forwards(rehearse(code, net=True))]
    assert grads == [no, yes, no, yes, no, no, no]


@pytest.mark.parametrize("condition", ["phase == 'train'", "False"])
def test_set_grad_enabled_takes_its_condition(condition: str) -> None:
    code = f"""
    net, phase = Net(), "val"
    with torch.set_grad_enabled({condition}):
        net(x)
    """
    assert the_forward(rehearse(code, net=True)).grad is Known.NO


def test_a_generator_context_manager_runs_around_the_body() -> None:
    code = """
    from contextlib import contextmanager
    @contextmanager
    def evaluating(model):
        was = model.training
        try:
            model.eval()
            with torch.no_grad():
                yield model
        finally:
            model.train(was)
    net = Net()
    with evaluating(net) as model:
        model(x)
    net(x)
    """
    rehearsal = rehearse(code, net=True)
    assert modes(rehearsal) == ["eval", "train"]
    assert [event.grad for event in forwards(rehearsal)] == [Known.NO, Known.YES]


def test_a_context_manager_with_methods_runs_around_the_body() -> None:
    code = """
    class Evaluating:
        def __init__(self, model):
            self.model = model
        def __enter__(self):
            self.model.eval()
            return self.model
        def __exit__(self, *error):
            self.model.train()
    net = Net()
    with Evaluating(net) as model:
        model(x)
    net(x)
    """
    assert modes(rehearse(code, net=True)) == ["eval", "train"]


def test_several_managers_in_one_statement_and_one_that_is_not_known() -> None:
    code = """
    net = Net()
    with unknown() as u, torch.no_grad(), open("f") as f:
        net(x)
    """
    assert the_forward(rehearse(code, net=True)).grad is Known.NO


def test_a_return_within_with_is_a_return() -> None:
    code = """
    def width():
        with torch.no_grad():
            return 8
        return 4
    nn.BatchNorm2d(width())
    """
    assert widths(rehearse(code)) == [8]


# -- modules --------------------------------------------------------------------------------------


def test_super_reaches_along_the_resolution_order_of_modules() -> None:
    code = """
    class Base(nn.Module):
        def __init__(self, width=4):
            super().__init__()
            self.bn = nn.BatchNorm2d(width)
    class Mixin:
        def forward(self, x):
            return F.relu(self.bn(x))
    class Net(Mixin, Base):
        def __init__(self):
            super(Net, self).__init__(8)
    Net()
    """
    rehearsal = rehearse(code)
    assert [layer.channels for layer in graph(rehearsal).of_kind(Kind.BATCH_NORM)] == [8]
    assert ops(rehearsal) == ["BatchNorm2d", "relu"]


def test_children_set_by_setattr_add_module_and_indexing() -> None:
    code = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            for i in range(2):
                setattr(self, f"bn{i}", nn.BatchNorm2d(2 ** i))
            self.add_module("bn2", nn.BatchNorm2d(4))
            self.blocks = nn.ModuleDict({"a": nn.ReLU()})
            self.blocks["b"] = nn.BatchNorm2d(8)
            self.list = nn.ModuleList([nn.BatchNorm2d(16)])
            self.list.append(nn.BatchNorm2d(32))
            self.list += [nn.BatchNorm2d(64)]
            self.register_buffer("mean", torch.zeros(3))
            self.hidden = [nn.BatchNorm2d(128)]
        def forward(self, x):
            for i in range(3):
                x = getattr(self, "bn%d" % i)(x)
            for bn in self.list:
                x = bn(x)
            return self.blocks["b"](x - self.mean)
    Net()
    """
    rehearsal = rehearse(code)
    assert widths(rehearsal)[:7] == [1, 2, 4, 8, 16, 32, 64]
    assert [c.layer.name for c in graph(rehearsal).calls if c.layer is not None] == [
        "bn0",
        "bn1",
        "bn2",
        "list.0",
        "list.1",
        "list.2",
        "blocks.b",
    ]


def test_layers_replaced_in_a_loop_over_named_modules() -> None:
    code = """
    net = Net()
    for name, module in net.named_modules():
        if isinstance(module, nn.BatchNorm2d):
            setattr(net, name, nn.BatchNorm2d(99))
    """
    rehearsal = rehearse(code, net=True)
    assert [layer.channels for layer in graph(rehearsal).layers if layer.name == "bn"] == [99]


def test_apply_reaches_every_layer() -> None:
    code = """
    def init(module):
        if isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 0)
        elif isinstance(module, nn.Conv2d):
            module.weight.data.zero_()
    Net().apply(init)
    """
    (norm,) = norms(rehearse(code, net=True))
    assert norm.initial == {"weight": 0.0}


DEEP = """
def zero(module):
    if isinstance(module, nn.BatchNorm2d):
        nn.init.constant_(module.weight, 0)
    {step}
net = nn.BatchNorm2d(8)
for _ in range(24):
    net = nn.Sequential(net)
net.apply(zero)
"""


@pytest.mark.parametrize(
    "step",
    [
        "for child in module.children(): zero(child)",
        "for name, child in module.named_children(): zero(child)",
        "for name, child in module._modules.items(): zero(child)",
        "if len(list(module.children())) > 9: zero(module[0])",
    ],
)
def test_apply_with_a_function_that_goes_down_by_itself_reaches_every_layer(step: str) -> None:
    (norm,) = norms(rehearse(DEEP.format(step=step)))
    assert norm.initial == {"weight": 0.0}


def test_modules_loops_set_what_they_name() -> None:
    code = """
    net = Net()
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.weight.data.fill_(0.5)
            m.bias.data.zero_()
            m.momentum = 0.01
    """
    (norm,) = norms(rehearse(code, net=True))
    assert norm.initial == {"weight": 0.5, "bias": 0.0}
    assert norm.assigned["momentum"].value == 0.01


def test_forward_defined_by_assignment_or_called_by_another_name() -> None:
    code = """
    class Net(nn.Module):
        def __init__(self, fast):
            super().__init__()
            self.bn = nn.BatchNorm2d(8)
            self.forward = self.quick if fast else self.slow
        def quick(self, x):
            return self.bn(x)
        def slow(self, x):
            return F.relu(self.bn(x))
    Net(False)(torch.randn(2, 8, 4, 4))
    """
    assert ops(rehearse(code)) == ["BatchNorm2d", "relu"]


def test_norm_layers_handed_over_as_classes_and_partials() -> None:
    code = """
    from functools import partial
    class Block(nn.Module):
        def __init__(self, width, norm_layer=None):
            super().__init__()
            if norm_layer is None:
                norm_layer = nn.BatchNorm2d
            self.bn = norm_layer(width)
    Block(8)
    Block(16, partial(nn.BatchNorm2d, momentum=0.01))
    Block(32, norm_layer=nn.GroupNorm)
    """
    assert [(n.channels, n.arguments["momentum"].value) for n in norms(rehearse(code))] == [
        (8, 0.1),
        (16, 0.01),
    ]


def test_a_make_layer_function_builds_stages() -> None:
    code = """
    class Block(nn.Module):
        expansion = 4
        def __init__(self, inplanes, planes):
            super().__init__()
            self.bn = nn.BatchNorm2d(planes * self.expansion)
        def forward(self, x):
            return self.bn(x)
    class Net(nn.Module):
        def __init__(self, block, layers):
            super().__init__()
            self.inplanes = 64
            self.layer1 = self._make_layer(block, 64, layers[0])
            self.layer2 = self._make_layer(block, 128, layers[1])
        def _make_layer(self, block, planes, blocks):
            layers = [block(self.inplanes, planes)]
            self.inplanes = planes * block.expansion
            for _ in range(1, blocks):
                layers.append(block(self.inplanes, planes))
            return nn.Sequential(*layers)
        def forward(self, x):
            return self.layer2(self.layer1(x))
    Net(Block, [2, 1])
    """
    rehearsal = rehearse(code)
    assert widths(rehearsal) == [256, 256, 512]
    assert [n for n in names(rehearsal) if n.endswith("bn")] == [
        "layer1.0.bn",
        "layer1.1.bn",
        "layer2.0.bn",
    ]


def test_a_deep_copy_is_a_model_of_its_own() -> None:
    code = """
    import copy
    net = Net()
    teacher = copy.deepcopy(net)
    teacher.eval()
    net(x)
    teacher(x)
    """
    assert modes(rehearse(code, net=True)) == ["train", "eval"]


# -- imports --------------------------------------------------------------------------------------

NETS = """
class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.bn = nn.BatchNorm2d(width)

def small(**options):
    return Net(**options)
"""
IMPORTS: dict[str, dict[str, str]] = {
    "import of a name": {"train.py": "from nets import Net\nNet()", "nets.py": NETS},
    "import of a module": {"train.py": "import nets\nnets.small()", "nets.py": NETS},
    "import under another name": {
        "train.py": "import nets as n\nn.small(width=8)",
        "nets.py": NETS,
    },
    "star": {"train.py": "from nets import *\nsmall()", "nets.py": NETS},
    "dotted module": {
        "train.py": "import a.nets\na.nets.Net()",
        "a/__init__.py": "",
        "a/nets.py": NETS,
    },
    "namespace folder": {"train.py": "from a.nets import Net\nNet()", "a/nets.py": NETS},
    "re-export": {
        "train.py": "from a import Net\nNet()",
        "a/__init__.py": "from .nets import Net",
        "a/nets.py": NETS,
    },
    "re-export of stars": {
        "train.py": "import a\na.small()",
        "a/__init__.py": "from .b import *",
        "a/b/__init__.py": "from .nets import *",
        "a/b/nets.py": NETS,
    },
    "relative import of the parent": {
        "train.py": "from a.b.make import make\nmake()",
        "a/__init__.py": "",
        "a/nets.py": NETS,
        "a/b/__init__.py": "",
        "a/b/make.py": "from ..nets import Net\ndef make():\n    return Net()",
    },
    "models.__dict__": {
        "train.py": "import models\narch = 'small'\nmodels.__dict__[arch]()",
        "models/__init__.py": "from .nets import *",
        "models/nets.py": NETS,
    },
    "getattr of a module": {
        "train.py": "import nets\ngetattr(nets, 'sm' + 'all')()",
        "nets.py": NETS,
    },
    "__getattribute__ of a module": {
        "train.py": "import importlib\nimportlib.import_module('a.nets').__getattribute__('sm' + 'all')()",
        "a/nets.py": NETS,
    },
    "globals": {
        "train.py": "from nets import *\nfrom nets import small\nglobals()['small']()",
        "nets.py": NETS,
    },
    "import_module": {
        "train.py": "import importlib\nimportlib.import_module('a.nets').Net()",
        "a/nets.py": NETS,
    },
    "import_module of another package": {
        "train.py": "import importlib\nimportlib.import_module('.nets', package='a').Net()",
        "a/__init__.py": "",
        "a/nets.py": NETS,
    },
    "__import__": {
        "train.py": "module = __import__('a.nets')\nfor part in ['nets', 'Net']:\n    module = getattr(module, part)\nmodule()",
        "a/nets.py": NETS,
    },
    "sys.modules": {
        "train.py": "import sys\n__import__('a.nets')\ngetattr(sys.modules['a.nets'], 'Net')()",
        "a/nets.py": NETS,
    },
    "sys.modules of the module itself": {
        "train.py": "import sys\nfrom nets import Net\ngetattr(sys.modules[__name__], 'Net')()",
        "nets.py": NETS,
    },
    "a module's name is set": {
        "train.py": "import nets\nimport settings\nsettings.WIDTH = 8\nnets.make()",
        "settings.py": "WIDTH = 4",
        "nets.py": "import settings\ndef make():\n    return nn.BatchNorm2d(settings.WIDTH)",
    },
    "import in a function": {
        "train.py": "def make():\n    from nets import Net\n    return Net()\nmake()",
        "nets.py": NETS,
    },
    "circular": {
        "train.py": "import a\na.make()",
        "a.py": "import b\nWIDTH = 8\ndef make():\n    return b.make()",
        "b.py": "import a\nimport nets\ndef make():\n    return nets.Net(a.WIDTH)",
        "nets.py": NETS,
    },
    "fallback": {
        "train.py": "try:\n    from a.nets import Net\nexcept ImportError:\n    from nets import Net\nNet()",
        "a/nets.py": NETS,
    },
    "dict of another file": {
        "train.py": "from a import create\ncreate('net')",
        "a.py": "import nets\nNETS = {}\nNETS.update({'net': nets.Net})\n"
        "def create(name):\n    return NETS[name]()",
        "nets.py": NETS,
    },
    "constant of another file": {
        "train.py": "from config import WIDTH\nimport nets\nnets.Net(WIDTH)",
        "config.py": "BASE = 4\nWIDTH = BASE * 2",
        "nets.py": NETS,
    },
}


@pytest.mark.parametrize("files", IMPORTS.values(), ids=IMPORTS)
def test_imports(tmp_path: Path, files: dict[str, str]) -> None:
    assert widths(rehearse_files(tmp_path, files)) == [8]


UNKNOWN_KEYS = """
import sys
class Client:
    def __init__(self, width):
        self.width = width
found = {{}}
for word in sys.argv:
    found[word] = {value}
{use}
"""


@pytest.mark.parametrize(
    ("value", "use"),
    [
        ("1", "for word in found:\n    nn.BatchNorm2d(8)"),
        ("[]", "if found:\n    nn.BatchNorm2d(8)"),
        ("Client(8)", "nn.BatchNorm2d(found[sys.argv[1]].width)"),
        ("Client(8)", "for client in found.values():\n    nn.BatchNorm2d(client.width)"),
    ],
)
def test_what_is_stored_under_keys_that_are_not_known(value: str, use: str) -> None:
    assert set(widths(rehearse(UNKNOWN_KEYS.format(value=value, use=use)))) == {8}


HIDDEN_ITEMS = ("found[unknown()] = 4", "found.update(unknown())", "found[unknown()] = unknown()")


@pytest.mark.parametrize("fill", HIDDEN_ITEMS)
@pytest.mark.parametrize(
    "read",
    [
        *("found.get('c', 8)", "found.get(unknown(), 8)", "found.pop('c', 8)"),
        *("found.setdefault('c', 8)", "[found.setdefault('c', 8), found['c']][1]"),
    ],
)
def test_a_default_is_not_given_where_the_key_may_be_there(fill: str, read: str) -> None:
    code = "from elsewhere import unknown\nfound = {'a': 16}\n%snn.BatchNorm2d(" + read + ")\n"
    assert widths(rehearse(code % "")) == ([None] if "unknown" in read else [8])
    assert widths(rehearse(code % f"{fill}\n")) == [None]


def test_a_name_of_a_module_that_one_path_sets_is_not_known(tmp_path: Path) -> None:
    files = {
        "train.py": "import sys, settings\nif len(sys.argv) > 1:\n    settings.WIDTH = 4\n"
        "nn.BatchNorm2d(settings.WIDTH)\nnn.BatchNorm2d(settings.DEPTH)",
        "settings.py": "WIDTH = 8\nDEPTH = 2",
    }
    assert widths(rehearse_files(tmp_path, files)) == [None, 2]


def test_a_missing_module_and_a_broken_one_are_not_known(tmp_path: Path) -> None:
    files = {
        "train.py": "import missing, broken\nfrom missing.a import b\nb(missing.c, broken.d)\n"
        "nn.BatchNorm2d(8)",
        "broken.py": "def (:",
    }
    assert widths(rehearse_files(tmp_path, files)) == [8]


def test_an_imported_file_does_not_run_its_main_part(tmp_path: Path) -> None:
    files = {
        "train.py": "from nets import Net\nNet()",
        "nets.py": NETS + "\nif __name__ == '__main__':\n    Net(99)",
    }
    assert widths(rehearse_files(tmp_path, files)) == [8]
    assert widths(rehearse_files(tmp_path, files, "nets.py")) == [99]


# -- command lines --------------------------------------------------------------------------------


def test_an_option_has_its_default_and_says_where_it_is_from() -> None:
    code = """
    import argparse
    parser = argparse.ArgumentParser()
    group = parser.add_argument_group("model")
    parser.add_argument("-w", "--base-width", type=int, default=8)
    group.add_argument("--momentum", default="0.2", type=float)
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--eps", dest="epsilon", default=1e-3)
    parser.add_argument("--depth", type=int, required=True)
    parser.set_defaults(affine=False)
    args, rest = parser.parse_known_args()
    if args.wide:
        nn.Conv2d(1, 1, 1)
    nn.BatchNorm2d(args.base_width, args.epsilon, args.momentum, args.affine)
    nn.BatchNorm2d(args.depth)
    """
    first, second = norms(rehearse(code))
    width = first.arguments["num_features"]
    assert width.value == 8
    assert width.option == "--base-width"
    assert width.origin is not None
    assert width.origin.span.line == 11
    assert width.site is not None
    assert width.site.text == "args.base_width"
    assert [first.arguments[n].value for n in ("eps", "momentum", "affine")] == [1e-3, 0.2, False]
    assert second.arguments["num_features"].value is NOT_KNOWN


def test_a_constant_says_where_it_was_written(tmp_path: Path) -> None:
    files = {
        "train.py": "from config import EPS\nnn.BatchNorm2d(8, EPS)",
        "config.py": "EPS = 1e-3",
    }
    (norm,) = norms(rehearse_files(tmp_path, files))
    origin = norm.arguments["eps"].origin
    assert origin is not None
    assert (origin.path.endswith("config.py"), origin.text) == (True, "1e-3")


def test_a_string_that_only_python_2_reads_is_not_known() -> None:
    assert widths(rehearse("'''R = X\\U'''\nnn.BatchNorm2d(8)\n")) == [8]


@pytest.mark.parametrize("other", ["torchvision.transforms", "torch", "numpy"])
def test_a_package_brings_its_own_name_whatever_else_is_imported(other: str) -> None:
    code = f"from tqdm import *\nfrom {other} import *\nnet = Net()\nfor i in tqdm([1, 2]):\n    net(x)\n"
    assert len(modes(rehearse(code, net=True))) == 2


def test_what_a_later_package_may_bring_hides_what_an_earlier_file_has(tmp_path: Path) -> None:
    code = "from own import *\nfrom torch.nn import *\nSequential(BatchNorm2d(3))\n"
    files = {"train.py": code, "own.py": "#\ndef BatchNorm2d(number):\n    return None\n"}
    assert widths(rehearse_files(tmp_path, files)) == [3]
