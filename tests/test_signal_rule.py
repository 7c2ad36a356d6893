"""BN808 on graphs that carry a signal."""

import math
from dataclasses import replace
from typing import Any

import pytest

from bnlint.checks.bn808_exploding_signal import RULE
from bnlint.facts.types.graph import Graphs
from bnlint.facts.types.signal import Signal
from bnlint.finding import Finding
from tests.rehearsing import graph, rehearse
from tests.signals import geometric, linear, signal

CODE = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        return x + self.conv(x)  # here

class Down(Block):
    def forward(self, x):
        return self.conv(x) + x  # there

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.Sequential(*[Block() for _ in range(8)], *[Down() for _ in range(8)])

    def forward(self, x):
        return self.blocks(x)

model = Net()
"""


def findings(measured: Signal | None, **fields: Any) -> list[Finding]:
    read = graph(rehearse(CODE))
    assert RULE.graph_check is not None
    return list(RULE.graph_check(Graphs([replace(read, signal=measured, **fields)])))


def line_of(mark: str) -> int:
    (source,) = {call.site.source for call in graph(rehearse(CODE)).calls if call.site}
    lines: list[str] = source.content.splitlines()  # type: ignore[attr-defined]
    return next(number for number, line in enumerate(lines, 1) if line.endswith(mark))


def test_an_explosion_is_reported_once_where_it_begins() -> None:
    (finding,) = findings(signal(geometric(16, 1.9, start=1.5)))
    assert finding.message == (
        "The signal of `Net` explodes: its variance, measured, grows by a factor of 1.9 per block"
        " over 16 blocks, from 1.5 in `blocks.0` to 23000 in `blocks.15`; normalise each residual"
        " branch, start it at zero, or scale it and its input"
    )
    assert finding.span.line == line_of("# here")
    assert [(e.span.line, e.message) for e in finding.evidence] == [
        (line_of("# there"), "it grows here, too")
    ]
    assert finding.layer == "blocks.0"


def test_an_overflow_is_said() -> None:
    (finding,) = findings(signal([*geometric(12, 100.0), math.inf]))
    assert "`blocks.11`, and overflows in `blocks.12`; normalise" in finding.message


SILENT: dict[str, Signal | None] = {
    "not measured": None,
    "no blocks": signal([]),
    "linear": signal(linear(200)),
    "identity": signal([1.0] * 16, branch=0.0),
    "an overflow alone": signal([*linear(6), math.nan]),
    "few blocks": signal(geometric(7, 5.0)),
}


@pytest.mark.parametrize("case", SILENT)
def test_anything_else_is_silent(case: str) -> None:
    assert findings(SILENT[case]) == []


def test_published_weights_are_not_judged() -> None:
    assert findings(signal(geometric(16, 1.9)), pretrained=True) == []


def test_blocks_that_the_graph_does_not_know_are_reported_at_the_model() -> None:
    measured = signal(geometric(16, 1.9))
    blocks = tuple(replace(block, addition=99) for block in measured.blocks)
    (finding,) = findings(replace(measured, blocks=blocks))
    assert finding.span.line == line_of("model = Net()")


def test_the_rule_reads_what_tracing_measured() -> None:
    torch = pytest.importorskip("torch")
    from bnlint.tracer.record.ways import record
    from bnlint.tracer.signal.measuring import measure, noise

    read = graph(rehearse(CODE))
    torch.manual_seed(0)
    model = built()
    for layer in model.modules():
        if hasattr(layer, "weight"):
            torch.nn.init.kaiming_normal_(layer.weight)
    x = noise((4, 4, 8, 8))
    measured = measure(model, (x,), record(model, (x,)))
    additions = [call for call in read.calls if call.op == "add"]
    assert [block.addition for block in measured.blocks] == list(range(len(additions)))
    (finding,) = findings(measured)
    assert finding.span.line == line_of("# here")


def built() -> Any:
    from torch import nn

    names: dict[str, Any] = {"nn": nn, "__name__": "example"}
    exec(CODE, names)
    return names["model"]
