"""How many values each BatchNorm normalises, by reading the code and by tracing."""

from dataclasses import replace
from functools import cache
from textwrap import indent

import pytest

import bnlint
from bnlint.checks import (
    bn204_one_value_per_channel,
    bn205_batchnorm_over_wrong_axis,
    bn501_tiny_normalization_batch,
)
from bnlint.facts.passes.model_graphs.values_per_channel import fewest, populations
from bnlint.facts.types.graph import ModelGraph
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.facts.types.run import Forward
from bnlint.rule import Settings
from tests.rehearsing import rehearse

MODEL = """
class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 2, 1)
        self.stem_norm = nn.BatchNorm2d(8)
        self.conv = nn.Conv2d(8, 8, 3, 4, 1)
        self.conv_norm = nn.BatchNorm2d(8)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 4)
        self.fc_norm = {norm}

    def forward(self, x):
        x = self.stem_norm(self.stem(x)).relu()
        x = self.conv_norm(self.conv(x)).relu()
        return self.fc_norm(self.fc(self.pool(x).flatten(1)))
"""
TRAINING = """
loader = DataLoader(data, batch_size={batch}, shuffle=True)
net = {net}
for inputs, labels in loader:
    F.cross_entropy(net(inputs), labels).backward()
"""
WITH_HEAD = MODEL.format(norm="nn.BatchNorm1d(4)")
WITHOUT = MODEL.format(norm="nn.Identity()")


def trained(model: str, batch: int = 4, net: str = "Deep()") -> Rehearsal:
    return rehearse(model + TRAINING.format(batch=batch, net=net))


def described(graph: ModelGraph) -> dict[str, tuple[int, ...]]:
    return {found.layer.name: found.positions for found in populations(graph)}


@cache
def traced(model: str, size: tuple[int, ...] | None) -> ModelGraph:
    torch = pytest.importorskip("torch")
    names = {"torch": torch, "nn": torch.nn}
    exec(model, names)
    return bnlint.trace_model(names["Deep"](), input_size=size)


def with_trace(rehearsal: Rehearsal, graph: ModelGraph) -> Rehearsal:
    (run,) = rehearsal.runs
    (identity,) = run.read
    return replace(rehearsal, runs=(replace(run, traced={identity: graph}),))


def message(rehearsal: Rehearsal) -> str:
    (run,) = rehearsal.runs
    (found,) = bn501_tiny_normalization_batch.check(run, Settings())
    return found.message


def test_reading_knows_positions_behind_a_global_pooling() -> None:
    (run,) = trained(WITH_HEAD).runs
    (graph,) = run.read.values()
    assert described(graph) == {"fc_norm": ()}
    (found,) = populations(graph)
    assert found.values == 1
    assert found.source is not None
    assert found.source.op == "AdaptiveAvgPool2d"


def test_a_guessed_input_tells_no_more() -> None:
    assert described(traced(WITH_HEAD, None)) == {"fc_norm": ()}


def test_a_given_input_tells_all_sizes() -> None:
    graph = traced(WITH_HEAD, (2, 3, 32, 32))
    assert described(graph) == {"stem_norm": (16, 16), "conv_norm": (4, 4), "fc_norm": ()}


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        (WITHOUT, (2, 3, 32, 32), "conv_norm"),
        (WITHOUT, None, None),
        (WITH_HEAD, None, "fc_norm"),
        (WITH_HEAD, (2, 3, 32, 32), "fc_norm"),
    ],
)
def test_the_fewest_are_known_where_all_are_or_one_has_one(
    model: str, size: tuple[int, ...] | None, expected: str | None
) -> None:
    (run,) = with_trace(trained(model), traced(model, size)).runs
    found = fewest(run, next(run.of_type(Forward)))
    assert (found.layer.name if found else None) == expected


def test_a_trace_does_not_make_a_condition_certain() -> None:
    guarded = WITH_HEAD.replace(
        "return self.fc_norm(self.fc(self.pool(x).flatten(1)))",
        "x = self.fc(self.pool(x).flatten(1))\n"
        "        if x.size(0) > 1:\n            x = self.fc_norm(x)\n        return x",
    )
    (run,) = with_trace(trained(guarded, 1), traced(guarded, None)).runs
    assert not list(bn204_one_value_per_channel.check_batches(run, Settings()))
    (run,) = with_trace(trained(WITH_HEAD, 1), traced(WITH_HEAD, None)).runs
    assert list(bn204_one_value_per_channel.check_batches(run, Settings()))


def test_the_layer_with_the_fewest_values_is_named() -> None:
    rehearsal = with_trace(trained(WITHOUT), traced(WITHOUT, (2, 3, 32, 32)))
    assert (
        "is trained on batches of 4, and its `conv_norm` normalises 4 x 4 x 4 = 64 values per channel:"
        in message(rehearsal)
    )


def test_a_guessed_input_says_nothing_of_positions() -> None:
    rehearsal = with_trace(trained(WITHOUT), traced(WITHOUT, None))
    assert "is trained on batches of 4: statistics" in message(rehearsal)


def test_a_vector_has_as_many_values_as_there_are_samples() -> None:
    assert "of 4, and its `fc_norm` normalises 4 values per channel:" in message(trained(WITH_HEAD))


def test_what_the_other_rule_says_is_not_said_twice() -> None:
    rehearsal = trained(WITH_HEAD, batch=2)
    assert "is trained on batches of 2: statistics" in message(rehearsal)
    (run,) = rehearsal.runs
    (found,) = bn204_one_value_per_channel.check_batches(run, Settings())
    assert found.layer == "fc_norm"


def test_a_guessed_batch_is_nobody_s() -> None:
    guessed, given = traced(WITH_HEAD, None), traced(WITH_HEAD, (2, 3, 32, 32))
    assert not list(bn204_one_value_per_channel.check_traces([guessed]))
    (found,) = bn204_one_value_per_channel.check_traces([given])
    assert "`fc_norm` gets 2 values per channel of an input of 2x3x32x32" in found.message


def test_a_guessed_length_is_not_quoted() -> None:
    model = """
class Deep(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(8, 6, batch_first=True)
        self.norm = nn.BatchNorm1d(6)

    def forward(self, x):
        return self.norm(self.lstm(x)[0])
"""
    (guessed,) = bn205_batchnorm_over_wrong_axis.check([traced(model, None)])
    assert "notices only where there are not 6 positions" in guessed.message
    (given,) = bn205_batchnorm_over_wrong_axis.check([traced(model, (4, 7, 8))])
    assert 'torch raises "running_mean should contain 7 elements not 6"' in given.message


def test_the_devices_share_the_batch() -> None:
    net = "nn.DataParallel(Deep(), device_ids=[0, 1, 2, 3])"
    said = message(with_trace(trained(WITHOUT, 16, net), traced(WITHOUT, (2, 3, 32, 32))))
    assert (
        "batches of 16, 4 on each of DataParallel's 4 devices, and its `conv_norm` normalises"
        " 4 x 4 x 4 = 64 values" in said
    )


def test_a_single_device_shares_with_none() -> None:
    said = message(trained(WITHOUT, 4, "nn.DataParallel(Deep(), device_ids=[0])"))
    assert "batches of 4: statistics of so few samples" in said


def test_a_layer_under_a_condition_is_left_out() -> None:
    body = "if x.sum() > 0:\n    x = self.norm(x)\nreturn x"
    model = (
        "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.norm = nn.BatchNorm1d(8)\n    def forward(self, x):\n"
        "        x = x.flatten(1)\n" + indent(body, " " * 8)
    )
    (graph,) = rehearse(model + "\nNet()\n").graphs
    assert described(graph) == {}
