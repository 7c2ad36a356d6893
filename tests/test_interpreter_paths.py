"""Paths: what a rehearsal knows after conditions, loops, jumps, recursion and too much work."""

import pytest

from bnlint.facts.types.loader_events import LoaderIterated
from bnlint.facts.types.run import Forward, OptimizerStep
from bnlint.interpreter.core.heap import Heap
from bnlint.interpreter.core.joins import join_values
from bnlint.interpreter.core.tape import Tape
from bnlint.interpreter.core.values import Choice, Library, Unknown, Value
from tests import pace
from tests.rehearsing import (
    events,
    forwards,
    main_run,
    mode_name,
    modes,
    modes_by_line,
    ops,
    passes,
    rehearse,
    widths,
)

# -- the heap -------------------------------------------------------------------------------------


def changed(heap: Heap, names: dict[str, object], items: list[object], marks: set[object]) -> None:
    heap.put(names, "a", 2)
    for container in (items, marks):
        heap.touch(container)
    items.append("more")
    marks.add("more")


def test_restoring_a_snapshot_brings_back_all_contents_in_the_same_containers() -> None:
    heap, names, items, marks = Heap(), {"a": 1}, [1], {1}
    before = heap.snapshot()
    changed(heap, names, items, marks)
    assert (names, items, marks) == ({"a": 2}, [1, "more"], {1, "more"})
    heap.restore(before)
    assert (names, items, marks) == ({"a": 1}, [1], {1})


def test_snapshots_within_snapshots() -> None:
    heap, names = Heap(), {"a": 1}
    outer = heap.snapshot()
    heap.put(names, "a", 2)
    inner = heap.snapshot()
    heap.put(names, "a", 3)
    heap.put(names, "b", 3)
    heap.restore(inner)
    assert names == {"a": 2}
    heap.restore(outer)
    assert names == {"a": 1}


def test_a_later_snapshot_may_be_left_after_an_earlier_one() -> None:
    heap, names = Heap(), {"a": 1}
    first = heap.snapshot()
    heap.put(names, "a", 2)
    second = heap.snapshot()
    heap.restore(first)
    assert names == {"a": 1}
    heap.restore(second)
    assert names == {"a": 2}


def test_merging_joins_only_what_has_changed() -> None:
    heap, names, other = Heap(), {"a": 1}, {"x": 1}
    joined: list[object] = []

    def join(saved: object, present: object) -> dict[object, object]:
        joined.append((saved, dict(present)))  # type: ignore[call-overload]
        return {"a": "either"}

    before = heap.snapshot()
    heap.put(names, "a", 2)
    heap.merge(before, join)  # type: ignore[arg-type]
    assert joined == [({"a": 1}, {"a": 2})]
    assert (names, other) == ({"a": "either"}, {"x": 1})


def test_a_dropped_snapshot_costs_nothing_more() -> None:
    heap, names = Heap(), {"a": 1}
    before = heap.snapshot()
    heap.drop(before)
    heap.put(names, "a", 2)
    assert before.saved == {}


def test_restoring_another_structure_is_a_new_structure() -> None:
    heap = Heap()
    before = heap.snapshot()
    heap.structure += 1
    seen = heap.structure
    heap.restore(before)
    assert heap.structure not in (before.structure, seen)


# -- conditions -----------------------------------------------------------------------------------

BRANCHES = {
    "one arm": ("if c:\n    net.eval()", "unknown"),
    "both arms agree": ("if c:\n    net.eval()\nelse:\n    net.eval()", "eval"),
    "the arms differ": ("if c:\n    net.eval()\nelse:\n    net.train()", "unknown"),
    "then set again": ("if c:\n    net.eval()\nnet.eval()", "eval"),
    "nothing changes": ("if c:\n    print()\nelse:\n    x = 1", "train"),
    "a known condition": ("if 1 > 2:\n    net.eval()", "train"),
    "all of a chain": (
        "if c:\n    net.eval()\nelif d:\n    net.eval()\nelse:\n    net.eval()",
        "eval",
    ),
    "a chain without else": ("if c:\n    net.eval()\nelif d:\n    net.eval()", "unknown"),
    "nested arms": (
        "if c:\n    if d:\n        net.eval()\n    else:\n        net.eval()\nelse:\n    net.eval()",
        "eval",
    ),
    "a nested arm": ("if c:\n    if d:\n        net.eval()", "unknown"),
    "an arm that raises": ("if c:\n    net.eval()\n    raise ValueError", "train"),
    "the other arm raises": ("if c:\n    net.eval()\nelse:\n    raise ValueError", "eval"),
    "an arm that exits": ("import sys\nif c:\n    net.eval()\n    sys.exit()", "train"),
    "an assertion": ("assert c\nnet.eval()", "eval"),
    "a conditional expression": ("net.eval() if c else net.train()", "unknown"),
    "and": ("c and net.eval()", "unknown"),
    "or that is decided": ("True or net.eval()", "train"),
    "a method of an unknown choice": ("mode = net.eval if c else net.eval\nmode()", "eval"),
    "try that may not fail": ("try:\n    net.eval()\nexcept ValueError:\n    pass", "eval"),
    "finally": ("try:\n    f()\nfinally:\n    net.eval()", "eval"),
    "with": ("with unknown():\n    net.eval()", "eval"),
    "an unknown loop that may change it": ("for i in c:\n    net.eval()", "eval"),
    "an empty loop": ("for i in []:\n    net.eval()", "train"),
    "a loop that never runs": ("while False:\n    net.eval()", "train"),
    "break in one arm": (
        "for i in c:\n    net.train()\n    if d:\n        net.eval()\n        break",
        "unknown",
    ),
    "break in every pass": ("while True:\n    net.eval()\n    break\n    net.train()", "eval"),
    "continue in one arm": (
        "for i in c:\n    net.eval()\n    if d:\n        continue\n    net.train()",
        "unknown",
    ),
    "continue before the change": (
        "for i in c:\n    net.train()\n    continue\n    net.eval()",
        "train",
    ),
    "the else of a loop that may break": (
        "for i in c:\n    if d:\n        break\nelse:\n    net.eval()",
        "unknown",
    ),
    "a break in an inner loop": (
        "for i in c:\n    for j in d:\n        net.eval()\n        break\n    net.train()",
        "train",
    ),
}


@pytest.mark.parametrize(("code", "expected"), BRANCHES.values(), ids=BRANCHES)
def test_the_mode_behind_a_branch(code: str, expected: str) -> None:
    head = "import unknown_package\nc, d = unknown_package.c, unknown_package.d()\nc = d.c\nnet = Net()\n"
    assert modes(rehearse(head + code + "\nnet(x)\n", net=True)) == [expected]


FUNCTIONS = {
    "return in one arm": ("if c():\n        return\n    net.eval()", "unknown"),
    "return in the arm that changes": ("if c():\n        net.eval()\n        return", "unknown"),
    "return in both arms": (
        "if c():\n        net.eval()\n        return 1\n    net.eval()\n    return 2",
        "eval",
    ),
    "what follows a return is not executed": ("return\n    net.eval()", "train"),
    "raise in one arm": ("if c():\n        raise ValueError\n    net.eval()", "eval"),
    "return in a loop": (
        "for i in c():\n        if i:\n            net.eval()\n            return",
        "unknown",
    ),
    "return within with": (
        "with c():\n        net.eval()\n        return\n    net.train()",
        "eval",
    ),
    "return in try": (
        "try:\n        return\n    finally:\n        net.eval()",
        "eval",
    ),
    "nested returns": (
        "if c():\n        if d():\n            net.eval()\n            return\n"
        "        net.eval()\n        return\n    net.eval()",
        "eval",
    ),
}


@pytest.mark.parametrize(("body", "expected"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_the_mode_behind_a_function(body: str, expected: str) -> None:
    code = f"import u\nc = d = u.u\nnet = Net()\ndef f():\n    {body}\nf()\nnet(x)\n"
    assert modes(rehearse(code, net=True)) == [expected]


TAKEN_APART = {
    "by names": "count, net = f()",
    "by its position": "net = f()[1]",
    "later": "made = f()\nif d:\n    print(made)\n_, net = made",
}


@pytest.mark.parametrize("taken", TAKEN_APART.values(), ids=TAKEN_APART)
@pytest.mark.parametrize("given", ["0, net", "[0, net]"])
def test_nothing_is_not_taken_apart(given: str, taken: str) -> None:
    """A program that goes on got what the function gives where it does not give up."""
    code = f"""
import u
c = d = u.u
def f():
    if c():
        return
    net = Net()
    net.eval()
    return {given}
{taken}
net(x)
"""
    assert modes(rehearse(code, net=True)) == ["eval"]


VALUES = {
    "whether a list that may have grown is empty": (
        "a, w = [], 4\nif c:\n    a.append(1)\nif a:\n    w = 8",
        [None],
    ),
    "an attribute of something unknown": ("w = 4\nif c.flag:\n    w = 8", [None]),
    "an attribute that a third party's module has": ("w = 4\nif u.FLAG:\n    w = 8", [None]),
    "a setting of a third party": ("w = 4\nif u.flags.MODE == 'a':\n    w = 8", [None]),
    "a setting among others": ("w = 4\nif u.flags.MODE in ('a', 'b'):\n    w = 8", [None]),
    "a setting that may be None": ("w = 4\nif u.cfg.mode is None:\n    w = 8", [None]),
    "an attribute of an object of a third party": ("w = 4\nif u.Cfg().mode:\n    w = 8", [None]),
    "a class is true": ("w = 8\nif not nn.ReLU or not u.Norm:\n    w = 4", [8]),
    "a class is not None": ("w = 8\nif nn.ReLU is None or u.Norm is None:\n    w = 4", [8]),
    "a class is no string": ("w = 8\nif nn.ReLU == 'relu':\n    w = 4", [8]),
    "the same on both paths": ("w = 8 if c else 8", [8]),
    "different": ("w = 4\nif c:\n    w = 8", [None]),
    "set on one path only": ("if c:\n    w = 8", [8]),
    "an entry of a list": ("a = [8, 1]\nif c:\n    a[1] = 2\nw = a[0]", [8]),
    "a changed entry": ("a = [8, 1]\nif c:\n    a[1] = 2\nw = a[1]", [None]),
    "the start of a list that grows": ("a = [8]\nif c:\n    a.append(1)\nw = a[0]", [8]),
    "the length of a list that grows": ("a = [8]\nif c:\n    a.append(1)\nw = len(a)", [None]),
    "an entry of a dict": ("a = {'w': 8}\nif c:\n    a['v'] = 1\nw = a['w']", [8]),
    "an attribute": ("class A: w = 4\na = A()\na.w = 4\nif c:\n    a.w = 8\nw = a.w", [None]),
    "a returned value": ("def f():\n    if c:\n        return 4\n    return 8\nw = f()", [None]),
    "one path ends": ("w = 8\nif c:\n    w = 4\n    raise ValueError", [8]),
    "an unknown key": ("a = {'a': 8, 'b': 8}\nw = a[c]", [8]),
}


@pytest.mark.parametrize(("code", "expected"), VALUES.values(), ids=VALUES)
def test_the_value_behind_a_branch(code: str, expected: list[object]) -> None:
    assert widths(rehearse(f"import u\nc = u.c()\n{code}\nnn.BatchNorm2d(w)\n")) == expected


def test_a_model_that_depends_on_a_condition_is_each_of_them() -> None:
    code = """
    import u
    net = Net(4) if u.c() else Net(8)
    net.eval()
    net(x)
    """
    rehearsal = rehearse(code, net=True)
    assert modes(rehearsal) == ["eval", "eval"]
    assert [event.context.certain for event in forwards(rehearsal)] == [False, False]


def test_what_a_condition_decides_is_not_certain() -> None:
    code = """
    import u
    net = Net()
    net(a)
    if u.c():
        net(b)
        if True:
            net(c)
    net(d)
    """
    certain = {e.site.text: e.context.certain for e in forwards(rehearse(code, net=True))}
    assert certain == {"net(a)": True, "net(b)": False, "net(c)": False, "net(d)": True}


def test_both_paths_of_a_forward_meet_again() -> None:
    code = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(8, 8, 1), nn.BatchNorm2d(8)
        def forward(self, x, deep):
            if deep:
                x = self.a(x)
            return self.b(x)
    """
    assert ops(rehearse(code)) == ["Conv2d", "phi", "BatchNorm2d"]


# -- loops ----------------------------------------------------------------------------------------


def test_what_the_first_pass_leaves_is_there_in_the_second() -> None:
    code = """
    net = Net()
    for epoch in range(100):
        for batch in loader:
            net(batch)
        net.eval()
        net(test)
    """
    rehearsal = rehearse(code, net=True)
    found = modes_by_line(rehearsal)
    assert found == {"net(batch)": {"train", "eval"}, "net(test)": {"eval"}}
    numbers = {p[0] for p in passes(rehearsal)}
    assert numbers == {1, 2}


def test_what_sets_the_mode_in_each_pass_holds_in_each() -> None:
    code = """
    net = Net()
    while True:
        net.train()
        net(batch)
        net.eval()
        net(test)
        if stop():
            break
    net(last)
    """
    found = modes_by_line(rehearse(code, net=True))
    assert found == {"net(batch)": {"train"}, "net(test)": {"eval"}, "net(last)": {"eval"}}


def test_the_context_names_the_loops_from_the_outside_in() -> None:
    code = """
    net = Net()
    for epoch in range(3):
        for batch in loader:
            net(batch)
    """
    rehearsal = rehearse(code, net=True)
    assert passes(rehearsal)[:2] == [(1, 1), (1, 2)]
    loops = forwards(rehearsal)[0].context.loops
    assert [loop.site.text.split()[1] for loop in loops] == ["epoch", "batch"]


def test_a_few_items_are_executed_one_by_one() -> None:
    code = """
    for width in (4, 8, 16):
        net = Net(width)
        net(x)
    """
    rehearsal = rehearse(code, net=True)
    assert passes(rehearsal) == [(1,), (2,), (3,)]
    assert [e.model.batch_norms[0].channels for e in forwards(rehearsal)] == [4, 8, 16]


@pytest.mark.parametrize(
    "iterable", ["range(10 ** 9)", "range(50)", "list(range(50))", "u.items()"]
)
def test_a_loop_of_steps_has_two_passes(iterable: str) -> None:
    code = f"""
    import u
    net, optimizer = Net(), u.optimizer()
    for step in {iterable}:
        net(x)
        print(step)
    """
    rehearsal = rehearse(code, net=True)
    assert passes(rehearsal) == [(1,), (2,)]


def test_a_counter_is_not_known_in_a_loop_that_stands_for_many() -> None:
    code = """
    import u
    net, step = Net(), 0
    for batch in u.loader():
        step += 1
        if step == 1:
            net.eval()
        net(batch)
    """
    assert set(modes(rehearse(code, net=True))) == {"unknown"}


def test_the_epoch_is_not_known() -> None:
    code = """
    net = Net()
    for epoch in range(90):
        if epoch == 5:
            net.eval()
        net(x)
    """
    assert set(modes(rehearse(code, net=True))) == {"unknown"}


def test_a_long_loop_that_builds_is_executed_in_full() -> None:
    code = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.blocks = nn.ModuleList()
            for i in range(100):
                self.blocks.append(nn.BatchNorm2d(i + 1))
        def forward(self, x):
            for block in self.blocks:
                x = block(x)
            return x
    Net()
    """
    rehearsal = rehearse(code)
    assert widths(rehearsal) == list(range(1, 101))
    assert len(ops(rehearsal)) == 100


def test_events_in_a_loop_come_in_their_order() -> None:
    code = """
    net = Net()
    optimizer = optim.SGD(net.parameters(), 0.1)
    loader = DataLoader(data, 8)
    for x, y in loader:
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    """
    rehearsal = rehearse(code, net=True)
    one = ["Forward", "Backward", "OptimizerStep"]
    assert list(events(rehearsal)) == ["ModelBuilt", "LoaderIterated", *one, *one]
    orders = [event.order for event in main_run(rehearsal).events]
    assert orders == sorted(orders)


# -- too much -------------------------------------------------------------------------------------

ENDLESS = {
    "itself": "def f():\n    f()\nf()",
    "each other": "def f():\n    g()\ndef g():\n    f()\nf()",
    "under a condition": "import u\ndef f(n):\n    if u.c():\n        return f(n + 1) + f(n)\nf(0)",
    "in a loop": "import u\ndef f():\n    for i in u.c():\n        f()\nf()",
    "a property": "class A:\n    @property\n    def a(self):\n        return self.a\nA().a",
    "getattr": "class A:\n    def __getattr__(self, n):\n        return getattr(self, n + n)\nA().a",
    "a module": "class A(nn.Module):\n    def forward(self, x):\n        return self(x)\nA()(x)",
    "a constructor": "class A(nn.Module):\n    def __init__(self):\n        self.a = A()\nA()",
    "train": "class A(nn.Module):\n    def train(self, m=True):\n        return self.train(m)\nA().train()",
    "a generator": "def f():\n    yield from f()\nfor i in f():\n    pass",
    "a lambda": "f = lambda g: g(g)\nf(f)",
    "many branches": "def f(n):\n    return f(n - 1) + f(n - 2) if n > 1 else n\nf(40)",
    "itertools": "import itertools\nfor i in itertools.count():\n    pass\nlist(itertools.cycle([1]))",
    "a number that grows": "n = 9\nfor i in range(60):\n    n = n * n\nn = [n] + [n]\n"
    "def f(n):\n    return f(n + n)\nf('n')\nf([1])\nf(9)",
    "while": "i = 0\nwhile i < 10 ** 9:\n    i += 1",
    "while with a list": "a = [1]\nwhile a:\n    a.append(a)",
    "for over what grows": "a = [1]\nfor i in a:\n    a.append(i)",
    "deep nesting of loops": "\n".join(f"{'  ' * i}for i{i} in range(60):" for i in range(12))
    + "\n"
    + "  " * 12
    + "f = i0",
    "a comprehension of comprehensions": "[[[[i for i in range(60)] for j in range(60)] "
    "for k in range(60)] for l in range(60)]",
    "a long product": "import itertools\nfor i in itertools.product(range(99), repeat=5):\n    pass",
}


@pytest.mark.parametrize("code", ENDLESS.values(), ids=ENDLESS)
def test_what_never_ends_ends_here(code: str) -> None:
    with pace.within(10):
        rehearsal = rehearse(f"net = Net()\nnet(x)\n{code}\n", net=True)
    assert modes(rehearsal)[0] == "train"


def test_recursion_that_ends_keeps_what_it_did() -> None:
    code = """
    net = Net()
    def down(n):
        if n == 0:
            net.eval()
            return
        down(n - 1)
    down(20)
    net(x)
    """
    assert modes(rehearse(code, net=True)) == ["eval"]


def test_a_tree_of_which_nothing_is_known_is_gone_down_once() -> None:
    code = """
    import unknown
    net = Net()
    def convert(part):
        for name in unknown.names(part):
            unknown.exchange(part, name)
        for child in unknown.parts(part):
            convert(child)
        for child in part.others():
            convert(child)
    convert(unknown.tree())
    net.eval()
    net(x)
    """
    rehearsal = rehearse(code, net=True)
    assert main_run(rehearsal).complete
    assert modes(rehearsal) == ["eval"]


def test_too_many_steps_make_an_incomplete_run() -> None:
    code = """
    class Large(nn.Module):
        def __init__(self):
            super().__init__()
            for i in range(1000):
                for j in range(1000):
                    k = i * j
    net = Net()
    net(x)
    Large()
    net.eval()
    net(y)
    """
    run = main_run(rehearse(code, net=True))
    assert not run.complete
    assert [mode_name(event.mode) for event in run.of_type(Forward)] == ["train"]


def test_a_run_that_is_too_long_leaves_those_before_it_alone() -> None:
    code = """
    def short():
        net = Net()
        net.eval()
        net(x)
    def long():
        net = Net()
        net.train()
        net(x)
        [[[[0 for i in range(60)] for j in range(60)] for k in range(60)] for l in range(60)]
    """
    runs = {run.entry: run for run in rehearse(code, net=True).runs}
    assert not runs["long"].complete
    assert runs["short"].complete
    assert [mode_name(e.mode) for e in runs["short"].of_type(Forward)] == ["eval"]


def test_a_chain_of_forty_alternatives() -> None:
    arms = "".join(f"elif name == '{i}':\n    net = Net({i})\n" for i in range(1, 41))
    code = (
        f"import u\nname = u.name()\nif name == '0':\n    net = Net(99)\n{arms}net.eval()\nnet(x)\n"
    )
    with pace.within(5):
        rehearsal = rehearse(code, net=True)
    assert set(modes(rehearsal)) <= {"eval", "unknown"}


def test_forty_conditions_in_a_row() -> None:
    arms = "".join(f"if name == '{i}':\n    width = {i}\n" for i in range(40))
    code = f"import u\nname, width = u.name(), 8\n{arms}net = Net(width)\nnet(x)\n"
    assert modes(rehearse(code, net=True)) == ["train"]


def test_twenty_conditions_within_each_other() -> None:
    text = "import u\nnet = Net()\n"
    for depth in range(20):
        text += "    " * depth + "if u.c():\n"
    text += "    " * 20 + "net.eval()\nnet(x)\n"
    assert modes(rehearse(text, net=True)) == ["unknown"]


def test_deeply_nested_expressions_and_long_chains_of_calls() -> None:
    total = " + ".join(["1"] * 500)
    calls = "".join(f"def f{i}(n):\n    return f{i + 1}(n)\n" for i in range(50))
    code = f"{calls}def f50(n):\n    return n\nnn.BatchNorm2d(f0({total}))\n"
    assert widths(rehearse(code)) == [500]


def test_a_loop_in_a_loop_in_a_loop_has_few_passes() -> None:
    code = """
    net, optimizer = Net(), optim.SGD([], 0.1)
    for seed in range(10):
        for epoch in range(10):
            for batch in DataLoader(data):
                net(batch)
                optimizer.step()
    """
    run = main_run(rehearse(code, net=True))
    assert len(list(run.of_type(OptimizerStep))) <= 8
    assert len(list(run.of_type(LoaderIterated))) <= 4
    assert run.complete


def test_however_often_it_is_not_known_a_choice_stays_small() -> None:
    layers = Library("torch.nn.ReLU"), Library("torch.nn.GELU")
    joined: Value = Choice(layers)
    for _ in range(100):
        joined = join_values(Tape(), joined, Unknown())
    assert isinstance(joined, Choice)
    assert joined.known == layers
    assert len(joined.values) == len(layers) + 1
