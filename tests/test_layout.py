"""What the dimensions of tensors in a forward stand for, by reading the code."""

from dataclasses import replace
from math import prod
from pathlib import Path
from textwrap import indent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.facts.passes.model_graphs.layout import axes_of
from bnlint.facts.shapes.axes import Axes, Axis, Role
from bnlint.facts.shapes.indexing import indexed
from bnlint.facts.shapes.reshaping import regrouped
from bnlint.facts.types.graph import Shape
from bnlint.interpreter import graph_of

LETTERS = {Role.SAMPLES: "N", Role.FEATURES: "C", Role.POSITIONS: "P", None: "?"}
LAYERS = """
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.conv1d = nn.Conv1d(3, 8, 3)
        self.point = nn.Conv2d(8, 16, 1)
        self.wide = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.transposed = nn.ConvTranspose2d(8, 16, 4, 2, 1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.pool7 = nn.AdaptiveAvgPool2d((7, 5))
        self.halve = nn.MaxPool2d(2)
        self.linear = nn.Linear(8, 4)
        self.bn = nn.BatchNorm2d(8)
        self.lstm = nn.LSTM(3, 6, batch_first=True)
        self.both = nn.GRU(3, 6, batch_first=True, bidirectional=True)
        self.time_first = nn.LSTM(3, 6)
        self.cell = nn.LSTMCell(8, 6)
        self.words = nn.Embedding(100, 5)
        self.bags = nn.EmbeddingBag(100, 5)
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 2)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x):
"""


def described(axes: Axes) -> str:
    """``N C8 P1 P1``; ``...`` stands for further dimensions."""
    parts = [LETTERS[axis.role] + str(axis.size or "") for axis in axes.known]
    return " ".join([*parts, *(() if axes.whole else ("...",))])


def layout(folder: Path, forward: str) -> str:
    """What the value that a forward ends with is."""
    *before, last = forward.strip().split("; ")
    body = "\n".join([*before, f"return {last}"])
    file = folder / "model.py"
    file.write_text(LAYERS + indent(body, " " * 8) + "\n")
    graph = graph_of(file, "Net()")
    (output,) = graph.outputs
    return described(axes_of(graph)[output])


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("x", "N ..."),
        ("self.conv(x)", "N C8 P P"),
        ("self.conv1d(x)", "N C8 P"),
        ("self.bn(x)", "N ?8 ? ?"),
        ("self.linear(x)", "N ..."),
        ("F.relu(self.bn(self.conv(x)))", "N C8 P P"),
        ("self.pool(self.conv(x))", "N C8 P1 P1"),
        ("F.adaptive_avg_pool2d(self.conv(x), 1)", "N C8 P1 P1"),
        ("F.adaptive_max_pool2d(self.conv(x), output_size=(1, 1))", "N C8 P1 P1"),
        ("self.pool(x)", "N ? P1 P1"),
        ("self.pool7(self.conv(x))", "N C8 P7 P5"),
        ("self.halve(self.conv(x))", "N C8 P P"),
        ("self.halve(self.pool7(self.conv(x)))", "N C8 P3 P2"),
        ("F.max_pool2d(self.pool7(self.conv(x)), 3, 2)", "N C8 P3 P2"),
        ("F.avg_pool2d(self.conv(x), self.conv(x).size()[2:])", "N C8 P P"),
        ("self.point(self.pool(self.conv(x)))", "N C16 P1 P1"),
        ("self.wide(self.pool7(self.conv(x)))", "N C16 P4 P3"),
        ("self.transposed(self.pool(self.conv(x)))", "N C16 P P"),
        ("F.interpolate(self.pool(self.conv(x)), scale_factor=4)", "N C8 P P"),
        ("F.pad(self.pool(self.conv(x)), (1, 1, 1, 1))", "N C P P"),
    ],
)
def test_convolutions_and_pooling(tmp_path: Path, forward: str, expected: str) -> None:
    assert layout(tmp_path, forward) == expected


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("self.conv(x).mean((2, 3))", "N C8"),
        ("self.conv(x).mean([-1, -2], keepdim=True)", "N C8 P1 P1"),
        ("self.conv(x).mean(3).mean(2)", "N C8"),
        ("torch.amax(self.conv(x), (2, 3))", "N C8"),
        ("self.conv(x).mean(1, keepdim=True)", "N C1 P P"),
        ("torch.max(self.conv1d(x), 2)[0]", "N C8"),
        ("self.conv(x).mean(0)", "C8 P P"),
        ("self.conv(x).mean()", "..."),
        ("x.mean(2)", "N ..."),
        ("x.mean((0, 2))", "..."),
    ],
)
def test_means_and_maxima(tmp_path: Path, forward: str, expected: str) -> None:
    assert layout(tmp_path, forward) == expected


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("torch.flatten(self.pool(self.conv(x)), 1)", "N C8"),
        ("self.conv(x).flatten(1)", "N C"),
        ("self.conv(x).flatten(2)", "N C8 P"),
        ("self.conv(x).flatten(0, 1)", "? P P"),
        ("x.flatten(1)", "N C"),
        ("nn.Flatten()(self.pool7(self.conv(x)))", "N C280"),
        ("self.pool(self.conv(x)).view(x.size(0), -1)", "N C8"),
        ("self.pool(self.conv(x)).view(x.shape[0], 8)", "N C8"),
        ("b, c, h, w = x.size(); self.pool(self.conv(x)).view(b, -1)", "N C8"),
        ("b, c = x.shape[:2]; self.pool(self.conv(x)).view(b, -1)", "? ?"),
        ("y = self.conv(x); b, c, h, w = y.shape; self.pool(y).view(b, c)", "N C8"),
        ("self.pool(self.conv(x)).view(-1, 8)", "N C8"),
        ("self.pool(self.conv(x)).reshape((-1, 8))", "N C8"),
        ("self.pool(self.conv(x)).view(-1, 4)", "? ?4"),
        ("self.conv(x).view(-1, 8)", "? ?8"),
        ("x.view(-1, 3, 32, 32)", "? ?3 ?32 ?32"),
        ("b, t, c, h, w = x.shape; self.conv(x.view(b * t, c, h, w))", "? C8 P P"),
        ("b, t, c, h, w = x.shape; self.conv(x.flatten(0, 1))", "? C8 P P"),
        ("x.view(x.size(0), -1)", "N C"),
        ("self.conv(x).mean((1, 2, 3)).view(x.size(0))", "?"),
        ("x.view(-1)", "?"),
        ("x.view(())", "..."),
        ("y = self.conv(x); b, c, h, w = y.size(); y.view(b, c, -1)", "N C8 P"),
        ("self.pool(self.conv(x)).view(-1, 8).view(-1, 8, 1, 1)", "N C8 P1 P1"),
        ("self.pool(self.conv(x)).squeeze(-1).squeeze(-1)", "N C8"),
        ("self.pool(self.conv(x)).squeeze(3).squeeze(2)", "N C8"),
        ("self.pool(self.conv(x)).squeeze()", "..."),
        ("self.conv(x).mean((2, 3))[:, :, None, None]", "N C8 P1 P1"),
        ("self.conv(x).mean((2, 3)).unsqueeze(-1)", "N C8 P1"),
        ("self.pool(self.conv(x))[:, :, 0, 0]", "N C8"),
        ("self.conv(x)[..., 0]", "N C8 P"),
        ("self.conv(x)[0]", "C8 P P"),
        ("self.conv(x)[:2]", "? C8 P P"),
        ("self.conv(x)[:, :4]", "N C4 P P"),
        ("x[:, 0]", "N ..."),
        ("y = self.conv(x); self.pool(y).expand(-1, -1, y.size(2), 4)", "? ? ? ?"),
        ("self.pool(self.conv(x)).expand(-1, -1, 5, 4)", "N C8 P5 P4"),
        ("y = self.conv(x); self.pool(y).expand_as(y)", "N C8 P P"),
        ("self.pool(self.conv(x)).repeat(2, 1, 1, 1)", "? C8 P1 P1"),
        ("F.pixel_shuffle(self.conv(x), 2)", "N C2 P P"),
    ],
)
def test_views(tmp_path: Path, forward: str, expected: str) -> None:
    assert layout(tmp_path, forward) == expected


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("self.lstm(x)[0]", "N P C6"),
        ("out, (h, c) = self.lstm(x); out", "N P C6"),
        ("out, _ = self.both(x); out", "N P C12"),
        ("out, _ = self.lstm(x); out[:, -1]", "N C6"),
        ("out, _ = self.lstm(x); out[:, -1, :]", "N C6"),
        ("out, _ = self.lstm(x); out.mean(1)", "N C6"),
        ("out, _ = self.lstm(x); out.reshape(-1, 6)", "? ?6"),
        ("out, _ = self.lstm(x); out.contiguous().view(-1, out.size(2))", "? ?"),
        ("self.time_first(x)[0]", "..."),
        ("self.time_first(self.conv1d(x).permute(2, 0, 1))[0]", "P N C6"),
        ("self.lstm(torch.nn.utils.rnn.pack_sequence([x]))[0]", "..."),
        ("self.lstm(x)[0].data", "..."),
        ("self.cell(self.conv(x).mean((2, 3)))[0]", "N C6"),
        ("self.linear(self.lstm(x)[0])", "N P C4"),
        ("self.words(x)", "N ..."),
        ("self.words(x.view(x.size(0), -1))", "N P C5"),
        ("self.bags(x)", "? C5"),
        ("self.attention(x, x, x)[0]", "N P C4"),
        ("y, weights = self.attention(x, x, x); y", "N P C4"),
        ("self.encoder(self.linear(self.lstm(x)[0]))", "N P C4"),
        ("self.lstm(x)[0].transpose(1, 2)", "N C6 P"),
        ("self.lstm(x)[0].permute(0, 2, 1)", "N C6 P"),
        ("torch.permute(self.lstm(x)[0], (0, 2, 1))", "N C6 P"),
        ("self.lstm(x)[0].mT", "N C6 P"),
        ("self.time_first(self.conv1d(x).permute(2, 0, 1))[0].permute(1, 2, 0)", "N C6 P"),
        ("self.conv(x).permute(0, 2, 3, 1)", "N P P C8"),
        ("self.conv(x).flatten(2).transpose(-1, -2)", "N P C8"),
        ("self.linear(self.conv(x))", "N C8 P P4"),
        ("self.linear(self.conv(x).permute(0, 2, 3, 1))", "N P P C4"),
    ],
)
def test_sequences(tmp_path: Path, forward: str, expected: str) -> None:
    assert layout(tmp_path, forward) == expected


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("self.conv(x) * self.pool(self.conv(x))", "N C8 P P"),
        ("self.pool(self.conv(x)) * 2", "N C8 P1 P1"),
        ("self.pool(self.conv(x)) * self.scale", "N C8 P P"),
        ("y = self.pool(self.conv(x)); y + self.pool(self.bn(self.conv(x)))", "N C8 P1 P1"),
        ("self.pool(self.conv(x)) + x", "N ..."),
        ("torch.cat([self.pool(self.conv(x)), self.pool(self.conv(x))], 1)", "N C16 P1 P1"),
        ("torch.cat([self.pool(self.conv(x)), self.pool(self.conv(x))])", "? C8 P1 P1"),
        ("torch.cat([self.conv(x), self.conv(x)], 2)", "N C8 P P"),
        ("a, b = self.pool(self.conv(x)).chunk(2, 1); a", "N C P1 P1"),
        ("a, b = self.conv1d(x).unbind(2); a", "N C8"),
        ("a, b = torch.unbind(self.conv1d(x)); a", "C8 P"),
        ("self.conv(x).select(3, 0)", "N C8 P"),
        ("torch.hsplit(self.conv(x), 2)", "..."),
        ("F.normalize(self.conv(x).mean((2, 3)), dim=1)", "N C8"),
        ("y = self.pool(self.conv(x)); y = self.point(y) if y.sum() > 0 else y; y", "N C P1 P1"),
        ("torch.roll(x, 1)", "..."),
        ("unknown(self.conv(x))", "..."),
    ],
)
def test_several_tensors(tmp_path: Path, forward: str, expected: str) -> None:
    assert layout(tmp_path, forward) == expected


def test_axes_of_another_rank_are_not_known() -> None:
    one = Axes((Axis(Role.SAMPLES), Axis(Role.FEATURES)), True)
    assert described(one.extended(3)) == "? ? ?"
    assert described(one.extended(2)) == "N C"
    assert described(one.leading.extended(2)) == "N ?"


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.data())
def test_what_a_view_keeps_has_its_size(before: list[int], data: st.DataObject) -> None:
    after = data.draw(factors_of(prod(before)))
    sizes = [axis_size if data.draw(st.booleans()) else None for axis_size in before[1:]]
    roles = data.draw(st.lists(st.sampled_from([*Role][1:]), min_size=3, max_size=3))
    behind = (Axis(role, size) for role, size in zip(roles, sizes, strict=False))
    axes = Axes((Axis(Role.SAMPLES), *behind), True)
    made = regrouped(axes, before, after)
    assert made.rank == len(after)
    for axis, size in zip(made.known, after, strict=True):
        assert axis.size in (None, size)
        assert axis.role is not Role.SAMPLES or size == before[0]


@st.composite
def factors_of(draw: st.DrawFn, number: int) -> list[int]:
    """Sizes with a given product, some of them 1."""
    sizes = []
    for _ in range(draw(st.integers(0, 3))):
        sizes.append(draw(st.sampled_from([n for n in range(1, number + 1) if number % n == 0])))
        number //= sizes[-1]
    return [*sizes, number]


ITEMS = st.one_of(
    st.none(), st.just(...), st.integers(-1, 0), st.just(slice(None)), st.just(slice(0, 1))
)


@settings(deadline=None)  # the first one imports torch
@given(st.lists(st.integers(1, 3), max_size=4), st.lists(ITEMS, max_size=4).map(tuple))
def test_an_index_leaves_as_many_dimensions_as_torch_says(
    sizes: list[int], key: tuple[object, ...]
) -> None:
    torch = pytest.importorskip("torch")
    axes = Axes(tuple(Axis(None, size) for size in sizes), True)
    try:
        expected = torch.empty(sizes)[key].shape
    except IndexError:
        return
    if key.count(...) > 1:
        return
    made = indexed(axes, key)
    assert made.rank == len(expected)
    assert all(a.size in (None, n) for a, n in zip(made.known, expected, strict=True))


def test_what_a_trace_measured_is_right(tmp_path: Path) -> None:
    file = tmp_path / "model.py"
    file.write_text(LAYERS + "        return self.pool(self.conv(x))\n")
    graph = graph_of(file, "Net()")
    conv = next(call for call in graph.calls if call.op == "Conv2d")
    for sizes, expected in (((2, 8, 4, 4), "N C8 P P"), ((2, 9, 4, 4), "? ? ? ?")):
        measured = replace(conv, shape=Shape(4, sizes=sizes))
        calls = tuple(measured if call is conv else call for call in graph.calls)
        traced = replace(graph, calls=calls)
        assert described(axes_of(traced)[conv.index]) == expected
