"""Measured signals of small networks against theory, and what measuring leaves alone."""

import math
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from statistics import median
from typing import Any

import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

from benchmarks.preactivation import VARIANTS, Network, Variant  # noqa: E402
from bnlint.facts.types.signal import Signal  # noqa: E402
from bnlint.facts.wording.signal_verdict import SignalPattern, verdict  # noqa: E402
from bnlint.tracer.record.ways import record  # noqa: E402
from bnlint.tracer.signal.measuring import measure, noise  # noqa: E402

BLOCKS = (4, 6, 5)
SIZE = (16, 3, 32, 32)


@pytest.fixture(autouse=True)
def same_weights() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)


def measured(model: nn.Module, *inputs: Tensor) -> Signal:
    return measure(model, inputs, record(model, inputs))


def of_variant(variant: Variant, blocks: tuple[int, ...] = BLOCKS) -> Signal:
    return measured(Network(variant, blocks), noise(SIZE))


def by_stage(signal: Signal) -> list[list[float]]:
    return [
        [block.variance for block in signal.blocks if block.stage == stage]
        for stage in range(1, len(BLOCKS) + 1)
    ]


# -- theory ------------------------------------------------------------------------------------

THEORY = {
    "BN-ReLU-conv, He": (VARIANTS["BN-ReLU-conv, He"], 1 - 1 / math.pi),
    "ReLU-BN-conv, gain 1": (VARIANTS["ReLU-BN-conv, gain 1"], 1.0),
    "ReLU-BN-conv, He": (Variant("ReLU BN"), 2.0),
    "BN-ReLU-conv, gain 1": (Variant("BN ReLU", gain=1.0), (1 - 1 / math.pi) / 2),
}


@pytest.mark.parametrize("name", THEORY)
def test_branches_have_the_variance_of_theory(name: str) -> None:
    variant, expected = THEORY[name]
    signal = of_variant(variant)
    assert len(signal.blocks) == sum(BLOCKS)
    assert median(b.branch_variance for b in signal.blocks) == pytest.approx(expected, rel=0.05)
    for block in signal.blocks:
        assert block.branch_variance == pytest.approx(expected, rel=0.15)
        assert block.expected_branch == pytest.approx(expected, rel=0.15)
        assert block.variance == pytest.approx(block.expected, rel=0.08)
        assert block.variance == pytest.approx(block.skip_variance + block.branch_variance, rel=0.1)


@pytest.mark.parametrize("name", THEORY)
def test_variance_grows_linearly_in_a_stage_and_is_reset_at_transitions(name: str) -> None:
    variant, slope = THEORY[name]
    signal = of_variant(variant)
    assert [b.stage for b in signal.blocks] == [1] * 4 + [2] * 6 + [3] * 5
    assert [i for i, b in enumerate(signal.blocks) if b.transition] == [0, 4, 10]
    for stage in by_stage(signal):
        for number, variance in enumerate(stage):
            assert variance == pytest.approx(slope * (number + 2), rel=0.1)
    judged = verdict(signal)
    assert judged.pattern is SignalPattern.HEALTHY
    assert "grows linearly within the stages and is reset at 2 transitions" in judged.text


def test_means_add_up_behind_relu_but_not_behind_batchnorm() -> None:
    shifted = of_variant(VARIANTS["BN-ReLU-conv, He"]).blocks
    centred = of_variant(VARIANTS["ReLU-BN-conv, gain 1"]).blocks
    assert [block.squared_mean / block.variance > 0.3 for block in shifted] == [True] * 15
    assert all(block.squared_mean < 0.02 for block in centred)


def test_without_normalisation_the_signal_explodes() -> None:
    signal = of_variant(VARIANTS["no normalisation, He"], (8, 8))
    judged = verdict(signal)
    assert judged.pattern is SignalPattern.EXPLODES
    assert signal.blocks[-1].variance > 1000
    assert all(block.expected is None for block in signal.blocks)
    assert not signal.normalizer_free


def test_a_normalizer_free_network_is_like_one_that_ends_in_batchnorm() -> None:
    variant = replace(VARIANTS["normalizer-free, Scaled WS"], padding="circular")
    signal = of_variant(variant)
    assert signal.normalizer_free
    for block in signal.blocks:
        assert block.expected_branch == 1
        assert block.branch_variance == pytest.approx(1, rel=0.3)
        assert block.variance == pytest.approx(block.expected, rel=0.2)
        assert block.squared_mean < 0.15
    assert [stage[-1] > 3 * stage[0] / 2 for stage in by_stage(signal)] == [True] * 3
    assert verdict(signal).pattern is SignalPattern.HEALTHY


def test_small_branches_of_a_normalizer_free_network_hardly_grow() -> None:
    signal = of_variant(Variant("ReLU", alpha=0.2, standardised=True, padding="circular"))
    last = [block for block in signal.blocks if block.stage == 3][-1]
    assert last.expected == pytest.approx(1 + 5 * 0.04)
    assert last.variance == pytest.approx(1 + 5 * 0.04, rel=0.15)
    assert {round(block.alpha, 6) for block in signal.blocks} == {0.2}
    assert [round(block.beta**2, 3) for block in signal.blocks[:6]] == [
        1,
        1.04,
        1.08,
        1.12,
        1.16,
        1.04,
    ]


def test_means_shift_in_a_normalizer_free_network_without_centred_weights() -> None:
    assert verdict(of_variant(VARIANTS["normalizer-free, He"])).pattern is SignalPattern.MEAN_SHIFT


# -- what is measured --------------------------------------------------------------------------


class Sum(nn.Module):
    """A convolution, and a sum as a function makes it."""

    def __init__(self, add: Callable[[Tensor, Tensor], Tensor], layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer
        self.add = add

    def forward(self, x: Tensor) -> Tensor:
        return self.add(x, self.layer(x))


ADDITIONS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], float, float]] = {
    "plus": (lambda x, f: x + f, 1, 1),
    "in place on the branch": (lambda x, f: f.add_(x), 1, 1),
    "in place on the skip": (lambda x, f: x.clone().add_(f), 1, 1),
    "alpha": (lambda x, f: torch.add(x, f, alpha=3), 1, 3),
    "alpha of the skip": (lambda x, f: torch.add(f, x, alpha=3), 3, 1),
    "scaled": (lambda x, f: x + 0.5 * f, 1, 0.5),
    "scaled skip": (lambda x, f: 2 * x + f, 2, 1),
}
LAYERS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "2 dimensions": (nn.Linear(6, 6), (50, 6)),
    "3 dimensions": (nn.Conv1d(6, 6, 3, padding=1), (5, 6, 20)),
    "4 dimensions": (nn.Conv2d(6, 6, 3, padding=1), (5, 6, 8, 8)),
    "5 dimensions": (nn.Conv3d(6, 6, 3, padding=1), (5, 6, 4, 4, 4)),
    "channels last": (nn.Linear(6, 6), (5, 20, 6)),
    "images with channels last": (nn.Linear(6, 6), (5, 4, 5, 6)),
}


def channel_moments(tensor: Tensor, dimension: int) -> tuple[float, float]:
    """The squared mean and the variance, written out anew."""
    channels = [channel.double() for channel in tensor.detach().unbind(dimension)]
    means = [float(channel.mean()) for channel in channels]
    variances = [float((c**2).mean() - c.mean() ** 2) for c in channels]
    count = len(channels)
    return sum(mean**2 for mean in means) / count, sum(variances) / count


@pytest.mark.parametrize("shape", LAYERS)
@pytest.mark.parametrize("form", ADDITIONS)
def test_skip_branch_and_sum_are_measured_in_each_form(form: str, shape: str) -> None:
    add, skip_factor, branch_factor = ADDITIONS[form]
    layer, size = LAYERS[shape]
    layer = deepcopy(layer)
    x = noise(size) + 0.3
    (block,) = measured(Sum(add, layer), x).blocks
    last = isinstance(layer, nn.Linear)
    skip, branch = skip_factor * x, branch_factor * layer(x)
    dimension = -1 if last else 1
    total = channel_moments(skip + branch, dimension)
    assert (block.squared_mean, block.variance) == pytest.approx(total, rel=1e-4)
    assert block.skip_variance == pytest.approx(channel_moments(skip, dimension)[1], rel=1e-4)
    assert block.branch_variance == pytest.approx(channel_moments(branch, dimension)[1], rel=1e-4)
    assert (block.channels, block.samples) == (6, x.numel() // 6)
    assert block.channels_last == (last and len(size) > 2)


class ConvNeXtBlock(nn.Module):
    """Linear layers on permuted images: the channels are in dimension 1 again at the sum."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(6, 6, 3, padding=1, groups=6)
        self.norm = nn.LayerNorm(6)
        self.linear = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        out = self.depthwise(x).permute(0, 2, 3, 1)
        return x + self.linear(self.norm(out)).permute(0, 3, 1, 2)


class Patches(nn.Module):
    """An image cut into tokens, and a layer on them."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 10, 4, stride=4)
        self.norm = nn.LayerNorm(10)
        self.linear = nn.Linear(10, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.patches(x).flatten(2).transpose(1, 2)
        return x + self.linear(self.norm(x))


def test_channels_are_followed_through_permutations() -> None:
    (block,) = measured(ConvNeXtBlock(), noise((4, 6, 5, 5))).blocks
    assert (block.channels, block.samples, block.channels_last) == (6, 100, False)
    (block,) = measured(Patches(), noise((4, 3, 16, 16))).blocks
    assert (block.channels, block.samples, block.channels_last) == (10, 64, True)


def test_attention_is_a_branch() -> None:
    class Encoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(8)
            self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x: Tensor) -> Tensor:
            h = self.norm(x)
            return x + self.attention(h, h, h)[0]

    (block,) = measured(Encoder(), noise((4, 7, 8))).blocks
    assert (block.channels, block.samples, block.channels_last) == (8, 28, True)
    assert block.normalised


def test_an_activation_in_place_counts_before_the_sum() -> None:
    class PreActivation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU(inplace=True)
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            x = x * 1.0
            return x + self.conv(self.relu(x))

    x = noise((8, 4, 8, 8))
    (block,) = measured(PreActivation(), x).blocks
    assert block.skip_variance == pytest.approx(channel_moments(x.relu(), 1)[1], rel=1e-4)


def test_places_are_where_the_sums_are_written() -> None:
    (block,) = measured(Patches(), noise((4, 3, 16, 16))).blocks
    assert block.path == __file__
    source = open(__file__, encoding="utf-8").read().splitlines()  # noqa: SIM115
    assert source[(block.line or 0) - 1].strip() == "return x + self.linear(self.norm(x))"


# -- inf and nan -------------------------------------------------------------------------------


def test_overflow_is_a_result() -> None:
    class Huge(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            layers = [nn.Conv2d(4, 4, 3, padding=1) for _ in range(20)]
            self.layers = nn.ModuleList(layers)
            for layer in layers:
                nn.init.normal_(layer.weight, std=100.0)

        def forward(self, x: Tensor) -> Tensor:
            for layer in self.layers:
                x = x + layer(x)
            return x

    signal = measured(Huge(), noise((2, 4, 6, 6)))
    variances = [block.variance for block in signal.blocks]
    assert max(value for value in variances if math.isfinite(value)) > 1e38
    assert not math.isfinite(variances[-1])
    judged = verdict(signal)
    assert judged.pattern is SignalPattern.EXPLODES
    assert "and overflows in `layers." in judged.text


def test_a_failing_operation_leaves_the_blocks_before_it() -> None:
    class Stops(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = x + self.conv(x)
            return x.view(-1, 12)

    model = Stops()
    recording = record(model, (noise((2, 3, 2, 2)),))
    signal = measure(model, (noise((2, 3, 3, 3)),), recording)
    assert len(signal.blocks) == 1
    assert signal.problems[0].startswith("the measurement stopped: ")


# -- what is left alone ------------------------------------------------------------------------


class Noisy(nn.Module):
    """Has running statistics, dropout, a frozen part, and a buffer that it writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.dropout = nn.Dropout(0.5)
        self.register_buffer("seen", torch.zeros(1))
        self.norm.eval()

    def forward(self, x: Tensor) -> Tensor:
        self.seen += 1
        return x + self.dropout(self.norm(self.conv(x)))


def test_a_model_comes_back_as_it_was() -> None:
    model = Noisy()
    before = deepcopy(model.state_dict())
    modes = {name: module.training for name, module in model.named_modules()}
    tensors = {
        name: id(tensor) for name, tensor in [*model.named_parameters(), *model.named_buffers()]
    }
    x = noise((4, 3, 8, 8))
    given, state = x.clone(), torch.get_rng_state()
    measured(model, x)
    assert torch.equal(x, given)
    assert torch.equal(torch.get_rng_state(), state)
    assert {name: module.training for name, module in model.named_modules()} == modes
    assert tensors == {
        name: id(tensor) for name, tensor in [*model.named_parameters(), *model.named_buffers()]
    }
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    assert all(parameter.grad is None for parameter in model.parameters())


def test_an_input_that_the_model_overwrites_is_left_alone() -> None:
    class Overwrites(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 3, 1)

        def forward(self, x: Tensor) -> Tensor:
            out = self.conv(x)
            x += out
            return x

    x = noise((4, 3, 8, 8))
    given = x.clone()
    measured(Overwrites(), x)
    assert torch.equal(x, given)


def test_the_same_model_gives_the_same_signal() -> None:
    model = Noisy()
    first = measured(model, noise((4, 3, 8, 8)))
    torch.manual_seed(7)
    assert measured(model, noise((4, 3, 8, 8))) == first


def test_batches_are_normalised_by_their_own_statistics_though_the_model_is_in_eval_mode() -> None:
    model = Network(VARIANTS["BN-ReLU-conv, He"], (2,)).eval()
    signal = measured(model, 5 * noise(SIZE))
    assert signal.blocks[0].branch_variance == pytest.approx(0.68, rel=0.15)


def test_noise_is_the_same_each_time_and_integers_are_zero() -> None:
    assert torch.equal(noise((4, 5)), noise((4, 5)))
    assert noise((2,), torch.int64).tolist() == [0, 0]
    assert float(noise((100, 100)).var()) == pytest.approx(1, rel=0.05)


def test_inputs_without_data_become_noise() -> None:
    model = Network(VARIANTS["BN-ReLU-conv, He"], (2,))
    recording = record(model, (noise(SIZE),))
    fed: Any = torch.zeros(SIZE, device="meta")
    assert measure(model, (fed,), recording) == measure(model, (noise(SIZE),), recording)
    assert measure(model, (fed,), recording).inputs == ("16x3x32x32 float32",)


def test_a_model_without_data_is_refused() -> None:
    with torch.device("meta"):
        model = Network(VARIANTS["BN-ReLU-conv, He"], (2,))
    recording = record(model, (torch.zeros(SIZE, device="meta"),))
    with pytest.raises(ValueError, match=r"`stem.weight` is on the meta device"):
        measure(model, (noise(SIZE),), recording)
