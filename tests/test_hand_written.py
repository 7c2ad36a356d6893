"""Which layers are BatchNorm by what they compute, in whatever way it is written; each way is also run."""

from typing import cast

import pytest

from bnlint.facts.types.hand_written import RunningStatistic
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, is_training
from tests.rehearsing import HEAD, rehearse

LAYER = """
class Layer(nn.Module):
    def __init__(self, c=3):
        super().__init__()
        self.c = c
        self.register_buffer("kept", torch.zeros({kept}))
        self.last = torch.ones({kept})

    def forward(self, x):
        if not self.training:
            return x
{body}

model = nn.Sequential(nn.Conv2d(3, 3, 1), Layer())
model(torch.randn(4, 3, 5, 5))
"""
STATISTICS = {
    "x.mean((0, 2, 3))": "c",
    "x.mean([0, -1, -2])": "c",
    "x.mean(dim=(0, 2, 3), keepdim=True)": "1, c, 1, 1",
    "x.mean(0).mean(-1).mean(-1)": "c",
    "torch.mean(x, (0, 2, 3))": "c",
    "torch.mean(x, dim=[0, 2, 3], keepdim=True)": "1, c, 1, 1",
    "x.sum((0, 2, 3)) / (x.numel() / x.size(1))": "c",
    "x.view(x.size(0), x.size(1), -1).mean(2).mean(0)": "c",
    "x.flatten(2).mean((0, 2))": "c",
    "x.flatten(2).mean(-1).mean(0)": "c",
    "x.transpose(0, 1).contiguous().view(x.size(1), -1).mean(1)": "c",
    "x.transpose(1, 0).reshape(x.shape[1], -1).mean(-1)": "c",
    "x.transpose(0, 1).flatten(1).mean(dim=1)": "c",
    "x.permute(1, 0, 2, 3).reshape(self.c, -1).mean(1)": "c",
    "x.permute(0, 2, 3, 1).reshape(-1, self.c).mean(0)": "c",
    "x.permute([1, 2, 3, 0]).flatten(1, 2).flatten(1).mean(1)": "c",
    "torch.var_mean(x, (0, 2, 3))[1]": "c",
    "x.var((0, 2, 3), unbiased=False)": "c",
    "x.std(dim=(0, 2, 3))": "c",
    "x.pow(2).mean((0, 2, 3)) - x.mean((0, 2, 3)) ** 2": "c",
    "((x - x.mean((0, 2, 3), keepdim=True)) ** 2).mean((0, 2, 3))": "c",
    "x.mean(tuple(d for d in range(x.dim()) if d != 1))": "c",
    "x.mean()": "1",
    "torch.stack([part.mean((0, 2, 3)) for part in x.chunk(2)]).mean(0)": "c",
    "x.abs().mean((0, 2, 3)).clamp(min=1e-3)": "c",
    "x.double().mean((0, 2, 3)).to(x.dtype)": "c",
}
"""Statistics over all samples, and the sizes of what keeps them."""
OTHERS = {
    "x.mean((2, 3))": "4, c",
    "x.mean(1, keepdim=True)": "4, 1, 5, 5",
    "x.flatten(1).mean(1, keepdim=True)": "4, 1",
    "x.flatten(2).mean(-1)": "4, c",
    "x.transpose(0, 1).mean(0)": "4, 5, 5",
    "x.permute(1, 0, 2, 3).mean((0, 2))": "4, 5",
    "x.transpose(0, 1).flatten(2).mean(2)": "c, 4",
    "x[0].mean((1, 2))": "c",
    "x.detach()": "4, c, 5, 5",
    "torch.rand(self.c)": "c",
    "self.last": "c",
}
"""What is no statistic over all samples."""
AVERAGES = (
    "self.kept = 0.9 * self.kept + 0.1 * now",
    "self.kept = self.kept * 0.9 + now.detach() * 0.1",
    "self.kept = self.kept + 0.1 * (now - self.kept)",
    "self.kept = self.kept - 0.1 * (self.kept - now)",
    "self.kept = torch.lerp(self.kept, now, 0.1)",
    "self.kept = self.kept.lerp(now.data, 0.1)",
    "self.kept = torch.add(0.9 * self.kept, now, alpha=0.1)",
    "self.kept.mul_(0.9).add_(0.1 * now)",
    "self.kept.mul_(0.9).add_(now, alpha=0.1)",
    "self.kept.mul_(0.9)\n        self.kept.add_(0.1 * now)",
    "self.kept.data.mul_(0.9).add_(0.1 * now)",
    "self.kept.lerp_(now, 0.1)",
    "self.kept.copy_(0.9 * self.kept + 0.1 * now)",
    "self.kept.data.copy_(0.9 * self.kept.data + 0.1 * now.data)",
    "self.kept.data = 0.9 * self.kept.data + 0.1 * now.data",
    "self.kept *= 0.9\n        self.kept += 0.1 * now",
    "self.kept += 0.1 * (now - self.kept)",
    "self.kept[:] = 0.9 * self.kept + 0.1 * now",
    "self.kept[...] = 0.9 * self.kept[...] + 0.1 * now",
    "self.kept[:].mul_(0.9).add_(0.1 * now)",
    "for kept in (self.kept,):\n            kept.mul_(0.9).add_(0.1 * now)",
    "old = self.kept\n        self.kept = 0.9 * old + 0.1 * now",
    "with torch.no_grad():\n            self.kept = 0.9 * self.kept + 0.1 * now",
    "setattr(self, 'kept', 0.9 * getattr(self, 'kept') + 0.1 * now)",
)
REPLACEMENTS = (
    "self.kept = now",
    "self.kept.copy_(now)",
    "self.kept.data = now.data",
    "self.kept[:] = now",
    "self.kept = 0.9 * self.last + 0.1 * now",
    "self.kept = 0.9 * self.kept",
    "kept = 0.9 * self.kept + 0.1 * now",
)
"""What is done with a statistic without an average of it."""
NORMALISING = (
    "return (x - {m}) / ({m} + 2)",
    "return (x - {m}) * ({m} + 2)",
    "return x.sub({m}).div({m}.abs() + 1)",
    "return (x - {m}).mul(torch.rsqrt({m}.abs() + 1))",
    "scale = 1 / ({m}.abs() + 1)\n        return x * scale + (self.c - {m} * scale)",
    "y = x - {m}\n        y /= ({m}.abs() + 1).sqrt()\n        return y",
)
PASSING = (
    "return x",
    "return x - {m}",
    "return x / ({m}.abs() + 1)",
    "return (x - 0.5) / 0.2",
    "return (x - x.mean(1, keepdim=True)) / x.std(1, keepdim=True)",
)
"""What is done with a batch without normalising it by its statistic."""


def statistics(
    statistic: str, kept: str, update: str = AVERAGES[0], use: str = NORMALISING[0]
) -> tuple[RunningStatistic, ...]:
    """The running statistics of a layer, which is really run first."""
    shape = ".view(1, -1, 1, 1)" if kept == "c" else ""
    lines = [f"now = {statistic}", update, use.format(m=f"now{shape}")]
    body = "\n".join(f"        {line}" for line in lines)
    code = LAYER.format(kept=kept, body=body)
    torch = pytest.importorskip("torch")
    if kept in ("c", "1, c, 1, 1", "1"):
        torch.manual_seed(0)
        exec(compile(HEAD + code, "layer.py", "exec"), {"__name__": "__main__"})
    found = rehearse(code).graphs[0].hand_written
    return found[0].statistics if found else cast(tuple[RunningStatistic, ...], ())


@pytest.mark.parametrize("statistic", STATISTICS)
def test_a_statistic_over_all_samples(statistic: str) -> None:
    (found,) = statistics(statistic, STATISTICS[statistic])
    assert found.name == "kept" and found.registered


@pytest.mark.parametrize("value", OTHERS)
def test_what_is_none(value: str) -> None:
    assert not statistics(value, OTHERS[value])


@pytest.mark.parametrize("update", AVERAGES)
def test_a_running_average(update: str) -> None:
    (found,) = statistics("x.mean((0, 2, 3))", "c", update)
    assert found.name == "kept"


@pytest.mark.parametrize("update", REPLACEMENTS)
def test_no_average_is_kept(update: str) -> None:
    assert not statistics("x.mean((0, 2, 3))", "c", update)


@pytest.mark.parametrize("use", NORMALISING)
def test_a_batch_is_normalised(use: str) -> None:
    assert statistics("x.mean((0, 2, 3))", "c", use=use)


@pytest.mark.parametrize("use", PASSING)
def test_a_batch_is_not_normalised(use: str) -> None:
    assert not statistics("x.mean((0, 2, 3))", "c", use=use)


@pytest.mark.parametrize("update", AVERAGES)
def test_whether_the_graph_is_kept_is_what_torch_says(update: str) -> None:
    torch = pytest.importorskip("torch")
    body = f"        now = x.mean((0, 2, 3))\n        {update}\n"
    body += "        m = now[None, :, None, None]\n        return (x - m) / (m + 2)"
    code = LAYER.format(kept="c", body=body)
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(HEAD + code, "layer.py", "exec"), names)
    model = cast("torch.nn.Sequential", names["model"])  # type: ignore[name-defined]
    model(torch.randn(4, 3, 5, 5))
    (found,) = rehearse(code).graphs[0].hand_written
    kept = cast("torch.Tensor", model[1].kept)  # type: ignore[name-defined]
    assert found.statistics[0].keeps_graph is kept.requires_grad


@pytest.mark.parametrize(
    ("body", "tracks"), [("if not self.training: return x", Known.YES), ("pass", Known.UNKNOWN)]
)
def test_a_forward_has_the_state_of_the_layer(body: str, tracks: Known) -> None:
    layer = LAYER.replace("if not self.training:\n            return x", body)
    average = "now = x.mean((0, 2, 3))\n        self.kept.lerp_(now, 0.1)"
    shifted = "return (x - now[:, None, None]) / (now[:, None, None] ** 2 + 1).sqrt()"
    written = f"        {average}\n        {shifted}"
    found = rehearse(layer.format(kept="c", body=written) + "model.eval()\nmodel(torch.zeros(1))")
    trained, evaluated = (event for run in found.runs for event in run.of_type(Forward))
    ((state,), (other,)) = trained.norms, evaluated.norms
    assert state.own is not None
    assert (state.own.class_name, state.name, state.tracks) == ("Layer", "1", tracks)
    assert (is_training(state.mode), is_training(other.mode)) == (Known.YES, Known.NO)
    assert trained.model.has_batchnorm is Known.YES
    assert [layer.name for layer in trained.model.batch_norms] == ["1"]


def test_other_layers_that_keep_tensors_have_none() -> None:
    layer = LAYER.format(kept="c", body="        self.kept = x.sum()\n        return x + self.kept")
    (forward,) = (event for run in rehearse(layer).runs for event in run.of_type(Forward))
    assert forward.norms == ()
    assert forward.model.has_batchnorm is Known.NO
