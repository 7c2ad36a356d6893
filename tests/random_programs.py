"""Small random programs that switch modes and gradients on, off and back, by construct.

Each program can be rehearsed, and executed with random answers of the functions that the rehearsal
does not know: ``flag``, ``number``, ``items`` and ``risky`` of a package that is not there.
"""

import random
from collections.abc import Callable
from textwrap import indent

HEAD = "from unknown import flag, items, number, risky, until\n"
PRELUDE = """
import contextlib, copy
a, b = Net(), Net()
box = {"net": a}
class Holder:
    pass
holder = Holder()
holder.net = a
class Quiet:
    def __enter__(self):
        a.eval()
    def __exit__(self, *exc):
        a.train()
@contextlib.contextmanager
def evaluating(net):
    net.eval()
    yield net
    net.train()
@torch.no_grad()
def silent(net):
    return net(x)
def run(net):
    return net(x)
def swap(net):
    if flag():
        return net.eval()
    return net.train()
def quit_early(net):
    if flag():
        return
    net.eval()
def walk(net):
    for v in items():
        if flag():
            return v
        net.train()
def produce(net):
    net.eval()
    for v in items():
        yield net(x)
def grads(on):
    torch.set_grad_enabled(on)
def down(net, n):
    if n == 0:
        net.eval()
        return
    down(net, n - 1)
"""
SWITCHES = ("a.eval()", "a.train()", "b.eval()", "a.train(flag())", "a.training = False")
CALLS = ("a(x)", "a(x)", "b(x)", "a(x).sum().backward()", "out = a(x)")
Body = Callable[[], str]


def _block(head: str, body: str) -> str:
    return f"{head}:\n{indent(body, '    ')}"


def _one_of(*texts: str) -> Callable[[random.Random, Body], str]:
    return lambda r, body: r.choice(texts)


def _around(*heads: str) -> Callable[[random.Random, Body], str]:
    return lambda r, body: _block(r.choice(heads), body())


def _chain(r: random.Random, body: Body) -> str:
    count = r.choice((1, 2, 9))
    tests = [_block(f"{'el' * bool(n)}if number() == {n}", body()) for n in range(count)]
    return "\n".join([*tests, *([_block("else", body())] if flip(r) else [])])


def _try(r: random.Random, body: Body) -> str:
    parts = [_block("try", f"{body()}\nrisky()\n{body()}")]
    handled = flip(r)
    if handled:
        parts.append(_block("except ValueError", body()))
        if flip(r):
            parts.append(_block("else", body()))
    if not handled or flip(r):
        parts.append(_block("finally", body()))
    return "\n".join(parts)


def _match(r: random.Random, body: Body) -> str:
    subject = r.choice(("number()", "(number(), 1)", "'val' if flag() else 'train'"))
    patterns = {
        "number()": ("0", "1 | 2", "n if flag()"),
        "(number(), 1)": ("(0, y)", "(1, 2)", "[1, *_]"),
    }.get(subject, ("'val'", "'train'", "str()"))
    cases = [_block(f"case {pattern}", body()) for pattern in patterns]
    if flip(r):
        cases.append(_block("case _", body()))
    return _block(f"match {subject}", "\n".join(cases))


def _counted(r: random.Random, body: Body) -> str:
    every = r.choice(("2", "3"))
    inner = f"steps += 1\n{_block(f'if steps % {every} == 0', body())}\n{body()}"
    return f"steps = 0\n{_block('for v in items()', inner)}"


def _until(r: random.Random, body: Body) -> str:
    return f"done = False\n{_block('while not done', body() + chr(10) + 'done = until()')}"


def flip(r: random.Random) -> bool:
    return r.random() < 0.5


CONSTRUCTS: dict[str, Callable[[random.Random, Body], str]] = {
    "if": _around("if flag()", "if number() == 1", "if flag() and flag()", "if not flag()"),
    "if else": lambda r, body: f"{_block('if flag()', body())}\n{_block('else', body())}",
    "elif": _chain,
    "while": _around("while flag()"),
    "until": _until,
    "endless": lambda r, b: _block("while True", f"{b()}\nif until():\n    break\n{b()}"),
    "for": _around("for v in items()", "for v in range(3)", "for v in range(17)"),
    "counter": _counted,
    "no_grad": _around("with torch.no_grad()", "with torch.enable_grad()"),
    "grad if": _around("with torch.set_grad_enabled(flag())", "with torch.inference_mode(flag())"),
    "set_grad": _one_of("torch.set_grad_enabled(False)", "torch.set_grad_enabled(True)"),
    "set_grad in function": _one_of("grads(False)", "grads(True)", "grads(flag())"),
    "wrapped": _one_of(
        "silent(a)",
        "torch.no_grad()(run)(a)",
        "quiet = torch.no_grad()(run) if flag() else run\nquiet(a)",
        "torch.set_grad_enabled(False)(run)(a)",
    ),
    "managers": _around("with Quiet()", "with evaluating(a)", "with evaluating(b) as c"),
    "try": _try,
    "match": _match,
    "comprehension": _one_of(
        "[a.eval() for v in [1, 2] if flag()]",
        "[net(x) for net in (a, b) if flag()]",
        "{v: a.train() for v in items() if flag()}",
        "all(net.eval() for net in [a, b])",
    ),
    "and or": _one_of("flag() and a.eval()", "flag() or a.train()", "a.eval() if flag() else 0"),
    "functions": _one_of(
        "swap(a)", "swap(b)(x)", "quit_early(a)", "walk(a)", "down(a, 2)", "run(b)", "grads(True)"
    ),
    "generator": _one_of("for y in produce(a):\n    b(x)", "list(produce(a))"),
    "choice": _one_of(
        "(a if flag() else b).eval()",
        "net = a if flag() else b\nnet.eval()\nnet(x)",
        "net = Net() if flag() else a\nnet.eval()\nnet(x)",
        "for net in (a, b):\n    net.eval()\n    net(x)",
        "net = torch.nn.DataParallel(a) if flag() else a\nnet.eval()\nnet(x)",
    ),
    "absence": _one_of(
        "if flag():\n    holder.other = b\ngetattr(holder, 'other', a).eval()",
        "if flag():\n    box['other'] = b\nbox.get('other', a).eval()",
        "if flag():\n    holder.mark = 1\nif hasattr(holder, 'mark'):\n    a.eval()",
        "if flag():\n    box['other'] = b\nfor net in box.values():\n    net.eval()",
    ),
    "containers": _one_of(
        "holder.net.eval()",
        "box['net'].train()",
        "nets = [a]\nif flag():\n    nets.append(b)\nfor net in nets:\n    net.eval()",
        "c = copy.deepcopy(a)\nc.eval()\nc(x)",
        "if flag():\n    holder.net = b\nholder.net.eval()",
    ),
    "walrus": _one_of("if (on := flag()):\n    a.train(on)", "a.train(mode := flag())"),
    "lambda": _one_of("(lambda net: net.eval())(a)", "f = lambda: a.train()\nif flag():\n    f()"),
    "loss": _one_of(
        "loss = a(x).sum()\nif flag():\n    loss.backward()",
        "loss = a(x).sum()\nfor v in items():\n    if flag():\n        continue\n    b(x)",
        "losses = []\nlosses.append(a(x))\nif flag():\n    sum(losses).sum().backward()",
        "torch.stack([a(x), b(x)]).sum().backward()",
    ),
    "exit": _one_of("pass"),
}
"""Constructs by name; ``exit`` is replaced by an exit that is allowed where it stands."""
LOOPS = frozenset({"while", "until", "endless", "for", "counter"})
COMMON = ("if", "if else")
DEEPEST = 3
MOST_LINES = 60


def _body(r: random.Random, names: tuple[str, ...], depth: int, loop: bool) -> str:
    return "\n".join(_part(r, names, depth, loop) for _ in range(r.randint(1, 3)))


def _part(r: random.Random, names: tuple[str, ...], depth: int, loop: bool) -> str:
    name = r.choice((*names, "simple", "simple", "simple"))
    if name == "simple" or depth > DEEPEST:
        return r.choice((*SWITCHES, *CALLS))
    if name == "exit":
        leave = r.choice(("continue", "break", "return")) if loop else "return"
        return _block("if flag()", leave)
    inside = loop or name in LOOPS
    return CONSTRUCTS[name](r, lambda: _body(r, names, depth + 1, inside))


def program(seed: int, *constructs: str) -> str | None:
    """A random program in which some constructs prevail; ``None`` where it would be too long."""
    r = random.Random(seed)
    names = (*COMMON, *constructs, *constructs)
    text = f"{_body(r, names, 0, loop=False)}\na(x)\nb(x)"
    if text.count("\n") > MOST_LINES:
        return None
    return f"{HEAD}{PRELUDE}def go():\n{indent(text, '    ')}\ngo()\na(x)\n"
