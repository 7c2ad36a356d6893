"""Messages are whole, alike sentences: a capital first, no period last."""

import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from bnlint import pages, registry
from bnlint.finding import Finding
from bnlint.lint import engine
from tests.traced_examples import traced

DOUBLED = re.compile(r"[.,;:]\s*[.,;:]|\s[.,;:]|  |\(\)(?!`)|``")


def findings(rule_id: str, folder: Path) -> Iterator[Finding]:
    for example in pages.parse(pages.text(rule_id)).of("Bad"):
        if example.trace is not None:
            yield from traced(example, rule_id, folder)
            continue
        yield from engine.lint_text(example.code, rules=[registry.rules()[rule_id]])


@pytest.mark.parametrize("rule_id", registry.rules())
def test_messages_read_alike(rule_id: str, tmp_path: Path) -> None:
    found = list(findings(rule_id, tmp_path))
    assert found
    for finding in found:
        titles = [finding.fix.title] if finding.fix else []
        for text in (finding.message, *titles):
            assert text[0].isupper() or text[0] == "`", text
        for text in (finding.message, *titles, *(item.message for item in finding.evidence)):
            assert not text.endswith((".", ";", ",", ":")), text
            assert not DOUBLED.search(re.sub(r"`[^`]*`|\"[^\"]*\"", "code", text)), text
            assert text.count("`") % 2 == 0, text


LOOSE = """
from torch import nn

model = nn.Sequential(
    nn.Conv2d(3, 64, kernel_size=3, padding=1),
    nn.BatchNorm2d(64),
    nn.Conv2d(
        64, 64, 3
    ),
    nn.BatchNorm2d(64),
    nn.BatchNorm2d(32),
)
"""


def test_layers_without_a_name_are_called_by_the_code_that_builds_them() -> None:
    texts = [finding.message for finding in engine.lint_text(LOOSE)]
    starts = [
        "The bias of `nn.Conv2d(3, 64, kernel_size=3, padding=1)` does nothing:"
        " `nn.BatchNorm2d(64)` in line 6 subtracts",
        "The bias of `nn.Conv2d` does nothing: `nn.BatchNorm2d(64)` in line 10 subtracts",
        "`nn.BatchNorm2d(32)` is built for 32 channels but gets 64",
    ]
    for text, start in zip(texts, starts, strict=True):
        assert text.startswith(start)
    assert texts[0].endswith("(checkpoints then lack its `bias`)")


LAST_BATCH = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 20), torch.randint(3, (256,)))
loader, test_loader = DataLoader(data, 64, shuffle=True), DataLoader(data, 64)
net = nn.Sequential(nn.Linear(20, 3, bias=False), nn.BatchNorm1d(3, momentum={momentum}))
optimizer = torch.optim.Adam(net.parameters())
for inputs, labels in loader:
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(inputs), labels).backward()
    optimizer.step()
{mode}
with torch.no_grad():
    for inputs, labels in test_loader:
        print((net(inputs).argmax(1) == labels).sum())
"""
USELESS = (
    "eval mode would not help yet, since `momentum=1` keeps the statistics of the last training"
)


@pytest.mark.parametrize("mode", ["", "net.train()"])
@pytest.mark.parametrize(("momentum", "expected"), [(1, True), (1.0, True), (0.2, False)])
def test_eval_mode_is_no_remedy_where_it_knows_the_last_batch_alone(
    mode: str, momentum: float, expected: bool
) -> None:
    code = LAST_BATCH.format(momentum=momentum, mode=mode)
    (text,) = [f.message for f in engine.lint_text(code) if f.rule == "BN301"]
    assert (USELESS in text) == expected


SHARED = """
import torch
from torch import nn


class Block(nn.Sequential):
    def __init__(self, widths, norm=lambda width: nn.BatchNorm2d(width)):
        super().__init__()
        for number, width in enumerate(widths):
            self.add_module(f"norm{number}", norm(width))


class Net(nn.Module):
    def __init__(self, widths, count):
        super().__init__()
        self.blocks = nn.ModuleList([Block(widths)])
        norm = nn.BatchNorm2d(8)
        self.tail = nn.Sequential(nn.Conv2d(8, 8, 1, bias=False), norm, nn.Conv2d(8, 8, 1), norm)
        self.middle = nn.BatchNorm2d(8)
        self.convs = nn.ModuleList(nn.Conv2d(8, 8, 1, bias=False) for _ in range(3))

    def forward(self, x, y):
        for conv in self.convs:
            x = conv(x).relu()
            x = self.middle(x)
        x = self.blocks[0](x)
        x = self.blocks[0](x + y)
        return self.tail(x)
"""


def test_what_runs_again_is_called_by_where_it_is() -> None:
    found = [finding for finding in engine.lint_text(SHARED) if finding.rule == "BN206"]
    starts = {finding.message.partition(" in the same")[0] for finding in found}
    assert starts == {
        "`tail.1`, which is also `tail.3`, runs again",
        "`middle` runs again",
        "`nn.BatchNorm2d(width)` in `blocks.0` (and 1 more) runs again",
    }
    (looped,) = (finding for finding in found if finding.layer == "middle")
    assert [(note.span.line, note.message) for note in looped.evidence] == [
        (23, "each pass of this loop calls it")
    ]


def test_a_call_is_told_only_of_what_was_there_before_it() -> None:
    code = LAST_BATCH.format(momentum=0.1, mode="")
    body = [f"    {line}" for line in code[code.index("data =") :].splitlines()]
    inside = code[: code.index("data =")] + "\n".join(["def main():", *body, "main()"])
    (found,) = (finding for finding in engine.lint_text(inside) if finding.rule == "BN301")
    assert [note.message for note in found.evidence] == ["built here, in train mode"]


def test_a_method_is_called_by_the_class_that_has_it() -> None:
    code = """
from torch import nn


class Base(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(20, 32, bias=False), nn.BatchNorm1d(32))

    def forward(self, inputs):
        return self.body(inputs)

    def train(self, mode=True):
        super().train(mode)


class Special(Base):
    pass


net = Special()
"""
    (finding,) = engine.lint_text(code, rules=[registry.rules()["BN309"]])
    assert finding.message.startswith("`Base.train` returns nothing")


def test_networks_that_a_dict_holds_are_called_by_their_keys() -> None:
    code = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

data = TensorDataset(torch.randn(256, 20), torch.randint(3, (256,)))
nets = {}
nets["body"] = nn.Sequential(nn.Linear(20, 32, bias=False), nn.BatchNorm1d(32))
nets["head"] = nn.Sequential(nn.Linear(32, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
optimizer = torch.optim.SGD([p for net in nets.values() for p in net.parameters()], lr=0.1)
for epoch in range(10):
    for net in nets.values():
        net.train()
    for inputs, labels in DataLoader(data, batch_size=64, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        nn.functional.cross_entropy(nets["head"](nets["body"](inputs)), labels).backward()
        optimizer.step()
    nets["body"].eval()
    with torch.no_grad():
        for inputs, labels in DataLoader(data, batch_size=64):
            print((nets["head"](nets["body"](inputs)).argmax(1) == labels).sum().item())
"""
    (found,) = engine.lint_text(code)
    assert found.rule == "BN306"
    assert '`nets["body"]` is put into eval mode' in found.message
    assert 'call `nets["head"].eval()` as well' in found.message


def test_a_network_that_runs_on_its_own_output_may_share_it() -> None:
    code = """
    from torch import nn

    class Refine(nn.Module):
        def __init__(self, steps=3):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.BatchNorm1d(8))
            self.steps = steps

        def forward(self, x):
            for _ in range(self.steps):
                x = x + self.net(x)
            return x

    net = Refine()
    """
    (found,) = (f for f in engine.lint_text(dedent(code)) if f.rule == "BN206")
    assert "GroupNorm or LayerNorm" in found.message


LIGHTNING = """
import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10
from torchvision.models import resnet18

class Finetuned(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.model = resnet18()
    def forward(self, x):
        return self.model(x)
    def training_step(self, batch, index):
        x, y = batch
        return nn.functional.cross_entropy(self(x), y)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)

train_loader = DataLoader(CIFAR10("data"), batch_size=3)
L.Trainer().fit(Finetuned(), train_loader)
"""


def test_who_is_only_called_self_is_called_by_the_class() -> None:
    rules = [registry.rules()[rule] for rule in ("BN501", "BN503")]
    told = {finding.rule: finding.message for finding in engine.lint_text(LIGHTNING, rules=rules)}
    assert told.keys() >= {"BN501", "BN503"}
    for message in (told["BN501"], told["BN503"]):
        assert "`Finetuned`" in message
        assert "`self`" not in message


FROZEN = """
import torch
from torch import nn
from torchvision.models import resnet18

net = resnet18(pretrained=True)
for parameter in net.parameters():
    parameter.requires_grad = False
image = torch.randn(4, 3, 224, 224, requires_grad=True)
optimizer = torch.optim.Adam([image], lr=0.1)
{switch}
for step in range(100):
    optimizer.zero_grad()
    net(image)[:, 7].sum().backward()
    optimizer.step()
"""


@pytest.mark.parametrize(("switch", "when"), [("", ""), ("net.train()", " after every `train()`")])
def test_a_frozen_model_is_not_said_to_train(switch: str, when: str) -> None:
    code = FROZEN.format(switch=switch)
    (found,) = engine.lint_text(code, rules=[registry.rules()["BN701"]])
    assert found.message.endswith(f"call `net.eval()`{when}")
    assert not any("trains" in item.message for item in found.evidence)


FROZEN_BUT_A_PART = """
import torch
from torch import nn

class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(8)
        self.features = nn.Sequential(nn.Linear(8, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU())
        self.gru = nn.GRU(16, 16)

    def forward(self, x):
        return self.gru(self.features(self.norm(x)).unsqueeze(0))[0]

net = Reader()
for parameter in net.parameters():
    parameter.requires_grad = False
for parameter in net.gru.parameters():
    parameter.requires_grad = True
optimizer = torch.optim.Adam(net.gru.parameters())
for x in loader:
    net(x).sum().backward()
    optimizer.step()
"""


def test_eval_mode_is_no_remedy_for_what_is_trained_beside_frozen_layers() -> None:
    """A GRU in eval mode has no backward with cuDNN."""
    (found,) = engine.lint_text(FROZEN_BUT_A_PART, rules=[registry.rules()["BN701"]])
    assert found.message.endswith("call `eval()` on these layers")


UNSHUFFLED = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder

loader = DataLoader(ImageFolder("faces"), batch_size=64, drop_last=True)
net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8))
optimizer = torch.optim.Adam(net.parameters())
for epoch in range(9):
    for {target}:
        net(x).mean().backward()
        optimizer.step()
"""


@pytest.mark.parametrize(
    ("target", "severity", "said"),
    [
        ("x, y in loader", "warning", "lists one class after the other"),
        ("_, x in loader", "warning", "lists one class after the other"),
        ("x, _ in loader", "advice", "whose classes the loop leaves unread"),
        ("step, (x, _) in enumerate(loader)", "advice", "whose classes the loop leaves unread"),
        ("step, [x, _y] in enumerate(loader)", "advice", "whose classes the loop leaves unread"),
    ],
)
def test_a_folder_whose_classes_are_not_read_may_have_one(
    target: str, severity: str, said: str
) -> None:
    code = UNSHUFFLED.format(target=target)
    (found,) = engine.lint_text(code, rules=[registry.rules()["BN503"]])
    assert found.severity.label == severity
    assert said in found.message
