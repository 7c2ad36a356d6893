"""Residual additions in torch.fx graphs: found in all forms, and what is known of them."""

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402

from bnlint.tracer.record.ways import record  # noqa: E402
from bnlint.tracer.signal.blocks import block_names  # noqa: E402
from bnlint.tracer.signal.residuals import Addition, GraphFlow, is_transition, stages  # noqa: E402
from bnlint.tracer.signal.scaling import (  # noqa: E402
    alpha_and_beta,
    is_normalised,
    is_normalizer_free,
    operand_factor,
)


class Net(nn.Module):
    """Runs a function on its input and on itself."""

    def __init__(self, forward: Callable[["Net", Tensor], Tensor]) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)
        self.other = nn.Conv2d(4, 4, 3, padding=1)
        self.skip = nn.Conv2d(4, 4, 1)
        self.project = nn.Conv2d(4, 6, 1)
        self.widen = nn.Conv2d(4, 6, 3, padding=1)
        self.wide = nn.Conv2d(6, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.linear = nn.Linear(8, 8)
        self.gate = nn.Conv2d(4, 4, 1)
        self.weight = nn.Parameter(torch.randn(4, 4, 3, 3))
        self.run = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def found(forward: Callable[[Net, Tensor], Tensor]) -> tuple[GraphFlow, tuple[Addition, ...]]:
    flow = GraphFlow(record(Net(forward), (torch.randn(2, 4, 8, 8),)).module)
    return flow, flow.additions()


def in_place(net: Net, x: Tensor) -> Tensor:
    out = net.conv(x)
    out += x
    return out


def on_the_skip(net: Net, x: Tensor) -> Tensor:
    out = net.conv(x)
    x = x.clone()
    x += out
    return x


FORMS: dict[str, Callable[[Net, Tensor], Tensor]] = {
    "plus": lambda net, x: x + net.conv(x),
    "branch first": lambda net, x: net.conv(x) + x,
    "in place": in_place,
    "in place on the skip": on_the_skip,
    "torch.add": lambda net, x: torch.add(x, net.conv(x)),
    "by keyword": lambda net, x: torch.add(x, other=net.conv(x)),
    "method": lambda net, x: x.add(net.conv(x)),
    "method in place": lambda net, x: net.conv(x).add_(x),
    "with alpha": lambda net, x: torch.add(x, net.conv(x), alpha=0.5),
    "scaled": lambda net, x: x + 0.5 * net.conv(x),
    "sum": lambda net, x: sum([x, net.conv(x)]),  # type: ignore[arg-type,return-value]
    "linear": lambda net, x: x + net.linear(x),
    "functional": lambda net, x: x + nn.functional.conv2d(x, net.weight, padding=1),
    "deeper branch": lambda net, x: net.project(x) + net.widen(net.conv(x).relu()),
}


@pytest.mark.parametrize("form", FORMS)
def test_an_addition_is_found_in_each_form(form: str) -> None:
    flow, additions = found(FORMS[form])
    (addition,) = additions
    assert len(flow.learning(addition.branch_path)) > len(flow.learning(addition.skip_path))
    assert is_transition(flow, addition) == (form == "deeper branch")
    assert addition.previous is None


OTHERS: dict[str, Callable[[Net, Tensor], Tensor]] = {
    "concatenation": lambda net, x: torch.cat([x, net.conv(x)], 1),
    "a constant": lambda net, x: net.conv(x) + 1,
    "a parameter": lambda net, x: net.conv(x) + net.weight[0, :, :1, :1],
    "no layer": lambda net, x: x + x.relu(),
    "two equal branches": lambda net, x: net.conv(x) + net.other(x),
    "product": lambda net, x: x * net.conv(x),
    "a shorter path that learns and changes no shape": (
        lambda net, x: net.skip(x) + net.other(net.conv(x).relu())
    ),
    "a gated input": lambda net, x: x * net.gate(x).sigmoid() + net.other(net.conv(x)),
    "an input behind an activation": lambda net, x: x.relu() + net.conv(x),
}


@pytest.mark.parametrize("form", OTHERS)
def test_other_operations_are_none(form: str) -> None:
    assert found(OTHERS[form])[1] == ()


def test_a_projection_beside_a_branch_with_sums_of_its_own_joins_levels() -> None:
    def forward(net: Net, x: Tensor) -> Tensor:
        return net.project(x) + net.wide(net.project(x + net.conv(x)))

    _, (inner,) = found(forward)
    assert inner.number == 0


def test_the_layers_of_a_weight_are_not_those_of_the_branch() -> None:
    def standardised(net: Net, x: Tensor) -> Tensor:
        weight = nn.functional.batch_norm(
            net.weight.reshape(1, 4, -1), None, None, training=True, momentum=0.0
        ).reshape(4, 4, 3, 3)
        return x + nn.functional.conv2d(x, weight * 1.7, padding=1) * 0.2

    flow, (addition,) = found(standardised)
    assert not is_normalised(flow, addition)
    assert alpha_and_beta(flow, addition) == pytest.approx((0.2, 1.0))


def test_additions_follow_each_other() -> None:
    def forward(net: Net, x: Tensor) -> Tensor:
        x = x + net.conv(x.relu())
        x = net.norm(x)
        x = x + net.other(x)
        x = net.skip(x)
        return x + net.conv(x)

    flow, additions = found(forward)
    assert [addition.previous for addition in additions] == [None, 0, 1]
    assert stages(flow, additions) == [1, 1, 2]
    assert [addition.number for addition in additions] == [0, 1, 2]


def test_a_transition_begins_a_stage() -> None:
    def forward(net: Net, x: Tensor) -> Tensor:
        x = x + net.conv(x)
        x = net.project(x) + net.widen(net.conv(x))
        return x + net.wide(x)

    flow, additions = found(forward)
    assert stages(flow, additions) == [1, 2, 2]


def test_alpha_of_torch_add_belongs_to_its_second_operand() -> None:
    _, (addition,) = found(lambda net, x: torch.add(net.conv(x), x, alpha=3))
    assert operand_factor(addition.add, addition.skip) == 3
    assert operand_factor(addition.add, addition.branch) == 1


CONSTANTS: dict[str, tuple[Callable[[Net, Tensor], Tensor], tuple[float, float]]] = {
    "none": (lambda net, x: x + net.conv(x), (1, 1)),
    "alpha": (lambda net, x: x + net.conv(x) * 0.2, (0.2, 1)),
    "alpha before": (lambda net, x: x + 0.2 * net.conv(x), (0.2, 1)),
    "alpha by division": (lambda net, x: x + net.conv(x) / 5, (0.2, 1)),
    "alpha of torch.add": (lambda net, x: torch.add(x, net.conv(x), alpha=0.2), (0.2, 1)),
    "beta": (lambda net, x: x + net.conv((x / 4).relu()), (1, 4)),
    "beta as a product": (lambda net, x: x + net.conv(x.relu() * 0.25), (1, 4)),
    "beta before the fork": (
        lambda net, x: (lambda h: net.project(h) + net.widen(net.conv(h)))(x.relu() / 4),
        (1, 4),
    ),
    "squeeze and excite": (
        lambda net, x: (lambda h: x + h * net.gate(h).sigmoid() * 2 * 0.2)(net.conv(x)),
        (0.2, 1),
    ),
    "within the branch": (lambda net, x: x + net.other(net.conv(x) * 7), (1, 1)),
}


@pytest.mark.parametrize("case", CONSTANTS)
def test_the_constants_of_a_block(case: str) -> None:
    forward, expected = CONSTANTS[case]
    flow, (addition,) = found(forward)
    assert alpha_and_beta(flow, addition) == pytest.approx(expected)


def test_betas_that_differ_make_a_network_normalizer_free() -> None:
    def forward(betas: tuple[float, ...]) -> Callable[[Net, Tensor], Tensor]:
        def run(net: Net, x: Tensor) -> Tensor:
            for beta in betas:
                x = x + net.conv(x / beta)
            return x

        return run

    for betas, expected in {(1.0, 1.4, 1.7): True, (1.7, 1.7, 1.7): False, (1, 1): False}.items():
        flow, additions = found(forward(betas))
        constants = [alpha_and_beta(flow, addition) for addition in additions]
        assert is_normalizer_free(constants, additions, normalised=False) is expected
        assert not is_normalizer_free(constants, additions, normalised=True)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.Linear(16, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(x)
        return x + self.mlp(x)


class Single(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.linear(x)


class Root(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(), Single()])
        self.last = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x + self.last(x)


def test_blocks_are_named_by_their_module_or_by_their_branch() -> None:
    flow = GraphFlow(record(Root(), (torch.randn(2, 8),)).module)
    names = block_names(flow, flow.additions())
    assert names == ["blocks.0.attention", "blocks.0.mlp", "blocks.1", "last"]
