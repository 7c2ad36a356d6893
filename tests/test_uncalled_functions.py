"""Functions are judged by their callers, wherever these are; without any, only what is likely is said."""

from dataclasses import replace
from pathlib import Path

import pytest

from bnlint.finding import Finding
from bnlint.lint import engine
from bnlint.lint.files import Patterns, find

HEAD = "import torch\nfrom torch import nn\nfrom torch.utils.data import DataLoader\n"


def found(code: str) -> list[str]:
    """The rules that say something of a file, where it is likely, and where it is proven."""
    plan = replace(engine.default_plan(), likely=True)
    return _told(engine.lint([engine.example(HEAD + code, "library.py")], plan).findings)


def found_in(folder: Path, files: dict[str, str]) -> list[str]:
    for name, code in {"pyproject.toml": "", **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code, encoding="utf-8")
    targets = find([str(folder)], Patterns.of(folder, ())).targets
    return _told(engine.lint(targets, replace(engine.default_plan(), likely=True)).findings)


def _told(findings: "tuple[Finding, ...]") -> list[str]:
    return [f"{'likely ' * finding.likely}{finding.rule}" for finding in findings]


EVALUATE = """
def evaluate(model, loader):
    correct = 0
    with torch.no_grad():
        for x, y in loader:
            correct += (model(x).argmax(1) == y).sum().item()
    return correct
"""
TRAINER = """
class Trainer:
    def __init__(self, net, loader):
        self.net, self.loader = net, loader
    @torch.no_grad()
    def outputs(self):
        return [self.net(x) for x, _ in self.loader]
"""
FIT = """
def fit(model, optimizer, train, test):
    {before}
    for epoch in range(9):
        for x, y in train:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        {switch}
        with torch.no_grad():
            for x, y in test:
                print((model(x).argmax(1) == y).sum().item())
"""
LIKELY = {
    "an evaluation": (EVALUATE, ["BN301"]),
    "a helper runs the model": (
        "def run(net, x):\n    return net(x)\n"
        "@torch.inference_mode()\ndef predict(network, loader):\n"
        "    return torch.cat([run(network, x) for x in loader])\n",
        ["BN301"],
    ),
    "a method, of a model that the object was given": (TRAINER, ["BN301"]),
    "after training": (FIT.format(before="model.train()", switch="pass"), ["BN301"]),
    "eval mode is never ended": (
        FIT.format(before="model.train()", switch="model.eval()"),
        ["BN303"],
    ),
}


@pytest.mark.parametrize("kind", LIKELY)
def test_what_a_function_that_nothing_calls_leaves_to_its_callers(kind: str) -> None:
    code, rules = LIKELY[kind]
    assert found(code) == [f"likely {rule}" for rule in rules]
    assert engine.lint_text(HEAD + code) == []


def test_the_function_and_the_model_are_named() -> None:
    plan = replace(engine.default_plan(), likely=True)
    (finding,) = engine.lint([engine.example(HEAD + EVALUATE, "library.py")], plan).findings
    assert "`evaluate` evaluates `model` without calling `model.eval()`" in finding.message
    assert "nothing that calls `evaluate` was found" in finding.message
    assert finding.fix is None


LOOP = "with torch.no_grad():\n        for x, y in loader:\n            {body}\n"
SILENT = {
    "it calls eval()": f"def f(model, loader):\n    model.eval()\n    {LOOP}",
    "it calls train()": f"def f(model, loader):\n    model.train()\n    {LOOP}",
    "a callee that is not at hand may": (
        f"from elsewhere import frozen\ndef f(model, loader):\n    frozen(model)\n    {LOOP}"
    ),
    "on some path": f"def f(model, loader, e):\n    if e:\n        model.eval()\n    {LOOP}",
    "it asks for the mode": f"def f(model, loader):\n    assert not model.training\n    {LOOP}",
    "it is about the statistics": (
        f"def f(model, loader):\n    for m in model.modules():\n        m.momentum = None\n    {LOOP}"
    ),
    "gradients are on": "def f(model, loader):\n    for x, y in loader:\n        print(model(x).argmax(1) == y)\n",
    "it is no model": f"def f(transform, loader):\n    {LOOP}".replace("model", "transform"),
    "the model has a default": f"def f(loader, model=None):\n    {LOOP}",
    "noise is looked at": (
        "@torch.no_grad()\ndef f(generator, writer):\n    for i in range(9):\n"
        "        writer.save(generator(torch.randn(8, 100)).numpy())\n"
    ),
    "steps are taken": (
        "@torch.no_grad()\ndef f(model, x):\n    for t in range(99):\n        x = x - model(x, t)\n"
        "    return x\n"
    ),
    "it is asked several times": (
        "@torch.no_grad()\ndef f(model, loader):\n    for x in loader:\n        for _ in range(9):\n"
        "            print(model(x).argmax(1).item())\n"
    ),
    "a teacher in the step": (
        "def f(model, teacher, loader, optimizer):\n    for x, y in loader:\n"
        "        with torch.no_grad():\n            wanted = teacher(x)\n"
        "        nn.functional.mse_loss(model(x), wanted).backward()\n        optimizer.step()\n"
    ),
    "some file calls it": f"{EVALUATE}def main(args):\n    args.run(evaluate(args.net, args.data))\n",
    "eval mode is ended": FIT.format(before="pass", switch="model.eval()").replace(
        "        for x, y in train:\n", "        model.train()\n        for x, y in train:\n"
    ),
}


@pytest.mark.parametrize("kind", SILENT)
def test_what_is_not_even_likely(kind: str) -> None:
    assert found(SILENT[kind].format(body="print((model(x).argmax(1) == y).sum().item())")) == []


LIBRARY = {
    "engine/__init__.py": "from .evaluation import evaluate\nfrom .loop import Runner\n",
    "engine/evaluation.py": HEAD + EVALUATE,
    "engine/loop.py": f"""{HEAD}
class Runner:
    def __init__(self, net, optimizer, after_epoch):
        self.net, self.optimizer, self.after_epoch = net, optimizer, after_epoch
    def run(self, train, test):
        for epoch in range(9):
            self.net.train()
            for x, y in train:
                self.optimizer.zero_grad()
                nn.functional.cross_entropy(self.net(x), y).backward()
                self.optimizer.step()
            print(self.after_epoch(self.net, test))
""",
}
CALLER = f"""{HEAD}
import engine
from torchvision import datasets, models
net = models.{{model}}()
optimizer = torch.optim.SGD(net.parameters(), 0.1)
train = DataLoader(datasets.CIFAR10("data", train=True), batch_size=32, shuffle=True)
test = DataLoader(datasets.CIFAR10("data", train=False), batch_size=32)
engine.Runner(net, optimizer, after_epoch=engine.evaluate).run(train, test)
"""


@pytest.mark.parametrize(("model", "expected"), [("resnet18", ["BN301"]), ("alexnet", [])])
def test_a_caller_in_any_file_decides(model: str, expected: list[str], tmp_path: Path) -> None:
    """Also one that hands a function over, from a package that only passes it on."""
    files = {**LIBRARY, "main.py": CALLER.format(model=model)}
    assert found_in(tmp_path, files) == expected


def test_without_the_caller_it_is_likely(tmp_path: Path) -> None:
    assert found_in(tmp_path, LIBRARY) == ["likely BN301"]
