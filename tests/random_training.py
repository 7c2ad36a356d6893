"""Random whole training scripts: models, loops, validations, modes right and wrong."""

from dataclasses import dataclass, field
from random import Random
from textwrap import indent

HEAD = """\
import argparse

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--freeze", action="store_true")
parser.add_argument("--quiet", action="store_true")
args = parser.parse_args()
train_set = TensorDataset(torch.randn(24, 4), torch.randint(3, (24,)))
val_set = TensorDataset(torch.randn(16, 4), torch.randint(3, (16,)))
train_loader = DataLoader(train_set, batch_size=8, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=8)


class Net(nn.Module):
    def __init__(self, width=6):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(4, width, bias=False), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.2)
        )
        self.head = nn.Linear(width, 3)

    def forward(self, inputs):
        return self.head(self.encoder(inputs))
"""
SOMETIMES = (
    "step % 2 == 0",
    "loss.item() > 1.1",
    "step > 0",
    "not args.quiet",
    "epoch == 1",
)
"""Conditions that hold at some steps, also after an epoch."""


def program(seed: int) -> str:
    """A script; it runs within a fraction of a second."""
    return _Writer(Random(seed)).script()


@dataclass(slots=True)
class _Writer:
    """Writes one script; ``functions`` stand before what calls them."""

    random: Random
    functions: list[str] = field(default_factory=list)
    method: bool = False

    def any_of(self, *choices: str) -> str:
        return self.random.choice(choices)

    def perhaps(self, chance: float, text: str) -> str:
        return text if self.random.random() < chance else ""

    def script(self) -> str:
        style = self.any_of("script", "script", "main", "class")
        self.method = style == "class"
        net = "self.net" if self.method else "net"
        body = self.training(net)
        match style:
            case "script":
                run = self.built("net") + body
            case "main":
                run = "def main():\n" + _in(self.built("net") + body) + "\n\nmain()\n"
            case _:
                start = self.built("self.net").replace("optimizer =", "self.optimizer =")
                run = (
                    "class Trainer:\n    def __init__(self):\n" + _in(_in(start)) + "\n"
                    "    def fit(self):\n" + _in(_in(body)) + "\n\nTrainer().fit()\n"
                )
        return HEAD + "\n\n" + "\n\n".join([*self.functions, run])

    def built(self, net: str) -> str:
        """The model, what is frozen of it, and the optimizer."""
        frozen = self.any_of(
            *("", "", "", "", ""),
            f"{net}.encoder.requires_grad_(False)\n",
            f"if args.freeze:\n    {net}.encoder.requires_grad_(False)\n",
            f"if not args.freeze:\n    for parameter in {net}.encoder.parameters():\n"
            "        parameter.requires_grad = False\n",
        )
        start = self.any_of("", "", "", f"{net}.eval()\n", f"{net}.encoder[3].eval()\n")
        optimizer = "optimizer = torch.optim.SGD"
        return f"{net} = Net()\n{frozen}{start}{optimizer}({net}.parameters(), lr=0.1)\n"

    def training(self, net: str) -> str:
        """The loop over epochs with its validations."""
        before = self.perhaps(0.25, self.validation(net)) + self.perhaps(0.4, f"{net}.train()\n")
        inside = self.perhaps(0.5, self.sometimes(self.validation(net)))
        steps = self.epoch(net, inside)
        epoch = self.perhaps(0.4, f"{net}.train()\n") + steps
        epoch += self.perhaps(
            0.7, self.any_of(self.validation(net), self.sometimes(self.validation(net)))
        )
        after = self.perhaps(0.4, self.perhaps(0.5, f"{net}.eval()\n") + self.validation(net))
        counted = self.any_of(
            "for epoch in range(3):\n" + _in(epoch),
            "for epoch in range(3):\n" + _in(epoch),
            "epoch, done = 0, False\nwhile not done:\n"
            + _in(epoch + "epoch += 1\ndone = epoch > 2 or loss.item() < 0.1\n"),
            "epoch = 0\nwhile True:\n" + _in(epoch + "epoch += 1\nif epoch == 3:\n    break\n"),
        )
        return before + "step = 0\n" + counted + after

    def epoch(self, net: str, inside: str) -> str:
        """The loop over steps, here or in a function."""
        optimizer = "self.optimizer" if self.method else "optimizer"
        mode = self.perhaps(0.15, f"{net}.train()\n")
        step = (
            f"{mode}loss = nn.functional.cross_entropy({net}(inputs), labels)\n"
            f"{optimizer}.zero_grad()\nloss.backward()\n{optimizer}.step()\n"
        )
        loop = "for inputs, labels in train_loader:\n"
        if inside or self.method or self.random.random() < 0.6:
            return loop + _in(step + inside + "step += 1\n")
        mode = self.perhaps(0.5, "model.train()\n")
        code = step.replace(f"{net}.train()\n", "").replace(f"{net}(", "model(")
        self.functions.append(
            "def train_epoch(model, loader, optimizer):\n"
            + _in(mode + "for inputs, labels in loader:\n" + _in(code) + "return loss\n")
        )
        return f"loss = train_epoch({net}, train_loader, optimizer)\nstep += 1\n"

    def sometimes(self, text: str) -> str:
        return f"if {self.any_of(*SOMETIMES)}:\n" + _in(text) if text else ""

    def validation(self, net: str) -> str:
        """An evaluation in place, or a call of a function that evaluates."""
        if self.random.random() < 0.3:
            return self.switched(net, self.evaluation(net, "val_loader", "hits = 0\n", ""))
        name = f"validate_{len(self.functions)}"
        loader = self.any_of("val_loader", "val_loader", "train_loader")
        call = f"{name}({net}, {loader})"
        model = self.any_of("model", "network")
        last = self.any_of("return hits\n", "return hits\n", "print(hits)\n")
        body = self.switched(model, self.evaluation(model, "loader", "hits = 0\n", "return hits\n"))
        no_grad = self.perhaps(0.2, "@torch.no_grad()\n")
        self.functions.append(f"{no_grad}def {name}({model}, loader):\n" + _in(body + last))
        if self.random.random() < 0.15:
            return f"try:\n    print({call})\nexcept RuntimeError as error:\n    print(error)\n"
        return self.any_of(f"print({call})\n", f"score = {call}\n", f"{call}\n")

    def switched(self, net: str, evaluation: str) -> str:
        """An evaluation with the mode switched rightly, wrongly or not at all."""
        match self.any_of("not", "not", "not", "eval", "both", "kept", "train"):
            case "not":
                return evaluation
            case "eval":
                return f"{net}.eval()\n{evaluation}"
            case "both":
                return f"{net}.eval()\n{evaluation}{net}.train()\n"
            case "train":
                return f"{net}.train(False)\n{evaluation}{net}.train(True)\n"
        return f"was = {net}.training\n{net}.eval()\ntry:\n{_in(evaluation)}finally:\n    {net}.train(was)\n"

    def evaluation(self, net: str, loader: str, start: str, leave: str) -> str:
        """A loop over a loader that counts right answers."""
        count = f"({net}(inputs).argmax(1) == labels).sum().item()"
        if self.random.random() < 0.2:
            total = f"hits = sum({count} for inputs, labels in {loader})\n"
            return f"with torch.no_grad():\n{_in(total)}"
        extra = self.any_of(
            *("", "", ""),
            "if hits > 100:\n    break\n",
            "if len(labels) < 8:\n    continue\n",
            *([f"if hits > 3:\n    {leave}"] if leave else []),
        )
        if self.random.random() < 0.15:
            self.functions.append(
                "def predict(some, inputs):\n    with torch.no_grad():\n"
                "        return some(inputs).argmax(1)\n"
            )
            count = f"(predict({net}, inputs) == labels).sum().item()"
        elif self.random.random() < 0.2:
            count = f"({net}.forward(inputs).argmax(1) == labels).sum().item()"
        loop = f"{start}for inputs, labels in {loader}:\n" + _in(f"hits += {count}\n{extra}")
        return f"with torch.no_grad():\n{_in(loop)}" if self.random.random() < 0.7 else loop


def _in(text: str) -> str:
    return indent(text, "    ")
