"""Which forwards of one step get batches of different data."""

import pytest

from bnlint.facts.passes.training_batches.domains import separate_domains
from bnlint.facts.types.run import Forward, Run
from tests.rehearsing import rehearse

SCRIPT = """
from torchvision import datasets

class Loss(nn.Module):
    def forward(self, scores, labels):
        return F.cross_entropy(scores, labels)

net, teacher = Net().train(), Net()
one = DataLoader(datasets.{one}, 8, shuffle=True)
two = DataLoader(datasets.{two}, 8, shuffle=True)
optimizer = optim.SGD(net.parameters(), 0.1)
for (x, y), (u, v) in zip(one, two):
    {loss}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
SUMMED = "loss = F.cross_entropy(net(x), y) + net(u).square().mean()"
OTHER = [
    ("MNIST('data')", "USPS('data')"),
    ("ImageFolder('a')", "ImageFolder('b')"),
    ("ImageFolder(__file__)", "ImageFolder(input())"),
]
SAME = [
    ("MNIST('data')", "MNIST('data')"),
    ("ImageFolder(root='a')", "ImageFolder(root='a')"),
    ("ImageFolder(input())", "ImageFolder(input())"),
]


def run_of(one: str, two: str, loss: str = SUMMED) -> Run:
    made = SCRIPT.replace("{one}", one).replace("{two}", two).replace("{loss}", loss)
    return rehearse(made, net=True).runs[0]


@pytest.mark.parametrize(("one", "two"), OTHER)
def test_other_classes_and_arguments_are_other_data(one: str, two: str) -> None:
    assert separate_domains(run_of(one, two))


@pytest.mark.parametrize(("one", "two"), SAME)
def test_what_is_built_alike_may_be_the_same(one: str, two: str) -> None:
    assert not separate_domains(run_of(one, two))


LOSSES = {
    "loss = F.cross_entropy(net(x), y)": [True],
    "loss = F.mse_loss(net(x), F.one_hot(y, 10).float())": [True],
    "loss = (net(x) * y).mean()": [True],
    "loss = nn.CrossEntropyLoss()(net(x), y)": [True],
    "loss = Loss()(net(x), y)": [True, False],
    "loss = net(x).mean()": [False],
    "loss = F.cross_entropy(net(x), torch.zeros(8).long())": [False],
    "loss = F.cross_entropy(net(x), v)": [False],
    "loss = (net(x) - net(u)).abs().mean()": [False, False],
    "loss = F.cross_entropy(net(x) + net(u), y)": [False, False],
}


TAUGHT = {
    "loss = F.mse_loss(net(u), teacher(u))": [True, True],
    "loss = F.mse_loss(net(u + 1).softmax(1), teacher(u).softmax(1).detach())": [True, True],
    "loss = F.mse_loss(net(u), net(u.flip(3)).detach())": [False, False],
    "loss = F.mse_loss(net(u), teacher(x))": [False, False],
    "loss = net(u).mean() + teacher(u).mean()": [False, False],
}


@pytest.mark.parametrize("loss", TAUGHT)
def test_another_model_teaches(loss: str) -> None:
    forwards = run_of("MNIST('data')", "USPS('data')", loss).of_type(Forward)
    assert [forward.taught for forward in [*forwards][-2:]] == TAUGHT[loss]


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_of_its_own(loss: str) -> None:
    forwards = [*run_of("MNIST('data')", "USPS('data')", loss).of_type(Forward)]
    last = forwards[-len(LOSSES[loss]) :]
    assert [forward.supervised for forward in last] == LOSSES[loss]
