"""What facts claim where paths part: each was once a claim that an execution disproves."""

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, ModeSwitched
from bnlint.facts.types.weight_events import MomentumAssigned
from tests.rehearsing import forwards, graph, main_run, modes, rehearse, the_forward

HEAD = "from unknown import flag, xs, losses_of\nimport torch.utils.data as D\nnet = Net()\n"
TWO_NORMS = """
class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.BatchNorm2d(3)
        {}

    def forward(self, x):
        {}
        return self.a(x)

Pair()(x)
"""


def test_a_conversion_under_a_condition_is_not_certain() -> None:
    code = "if flag():\n    net = nn.SyncBatchNorm.convert_sync_batchnorm(net)\nnet(x)\n"
    (norm,) = the_forward(rehearse(HEAD + code, net=True)).norms
    assert norm.synchronised is Known.UNKNOWN


def test_an_alias_under_a_condition_is_none() -> None:
    code = TWO_NORMS.format("if flag():\n            self.b = self.a", "pass")
    layers = {layer.name: layer.aliases for layer in graph(rehearse(HEAD + code), "Pair").layers}
    assert layers == {"": (), "a": ()}


def test_paths_of_a_forward_that_return_are_all_conditional() -> None:
    code = TWO_NORMS.format(
        "self.b = nn.BatchNorm2d(3)", "if flag():\n            return self.b(x)"
    )
    calls = graph(rehearse(HEAD + code), "Pair").calls
    assert {call.layer.name: call.certain for call in calls if call.layer} == {
        "a": False,
        "b": False,
    }


@pytest.mark.parametrize("leave", ["continue", "break"])
def test_what_follows_an_exit_is_conditional(leave: str) -> None:
    code = f"for v in xs():\n    if flag():\n        {leave}\n    net(x)\nnet(x)\n"
    certain = [event.context.certain for event in forwards(rehearse(HEAD + code, net=True))]
    assert certain == [False, False, True]


BACKWARDS = {
    "net(x).max(1).values.sum().backward()": Known.YES,
    "torch.topk(net(x), 2).values.sum().backward()": Known.YES,
    "loss = net(x).sum()\nloss.backward()": Known.YES,
    "loss = net(x).sum()\nif flag():\n    loss.backward()": Known.UNKNOWN,
    "loss = net(x).sum()\nif flag():\n    loss.backward()\nelse:\n    (2 * loss).backward()": Known.YES,
    "loss = net(x).sum()\nif flag():\n    loss = x.sum()\nloss.backward()": Known.UNKNOWN,
    "losses = {}\nlosses.update(losses_of(net(x)))\nsum(losses.values()).backward()": Known.YES,
    "parts = {'a': losses_of(net(x)), 'b': flag()}\nsum(v for v in parts.values()).backward()": Known.YES,
    "net([i.to('cpu') for i in xs()]).sum().backward()": Known.YES,
    "loss = net(x).sum()\nprint(loss)": Known.NO,
}


@pytest.mark.parametrize(("code", "expected"), BACKWARDS.items(), ids=range(len(BACKWARDS)))
def test_backwards_know_their_path(code: str, expected: Known) -> None:
    assert the_forward(rehearse(HEAD + code, net=True)).backpropagated is expected


def test_images_taken_apart_still_come_from_their_loader() -> None:
    code = """
loader = D.DataLoader(D.TensorDataset(torch.randn(9, 3), torch.ones(9)), batch_size=2)
for images, targets in loader:
    net([image.to("cpu") for image in images])
"""
    events = forwards(rehearse(HEAD + code, net=True))
    assert all(loader.names == ("loader",) for event in events for loader in event.loaders)
    assert all(event.loaders for event in events)


def test_parts_of_a_split_are_datasets_of_their_own() -> None:
    code = """
one, other = D.random_split(D.TensorDataset(torch.randn(9, 3)), [8, 1])
if one is other:
    net.eval()
net(x)
"""
    assert modes(rehearse(HEAD + code, net=True)) == ["train"]


def test_an_assigned_momentum_names_its_layer() -> None:
    rehearsal = rehearse(f"{HEAD}net.bn.momentum = 0.5\n", net=True)
    (event,) = main_run(rehearsal).of_type(MomentumAssigned)
    assert [layer.type for layer in event.layers] == ["torch.nn.BatchNorm2d"]


def test_a_counter_of_an_object_is_not_known_in_a_loop() -> None:
    code = """
class Trainer:
    def __init__(self):
        self.step = 0

    def one(self):
        self.step {assignment}
        if self.step % 500 == 0:
            net.eval()
        net(x)

trainer = Trainer()
for v in range(1000):
    trainer.one()
"""
    for assignment in ("+= 1", "= self.step + 1"):
        text = HEAD + code.replace("{assignment}", assignment)
        assert "unknown" in modes(rehearse(text, net=True))


def test_a_loop_whose_test_is_no_longer_known_goes_on() -> None:
    code = "done = False\nwhile not done:\n    net(x)\n    net.eval()\n    done = flag()\n"
    assert modes(rehearse(HEAD + code, net=True))[:2] == ["train", "eval"]


def test_a_layer_that_may_be_another_is_not_certain() -> None:
    code = "net.bn = nn.BatchNorm2d(8) if flag() else nn.Identity()\nnet(x)\n"
    (norm,) = the_forward(rehearse(HEAD + code, net=True)).norms
    assert not norm.is_there


def test_what_replaces_a_layer_later_on_leaves_it_certain_before() -> None:
    code = "net(x)\nif flag():\n    net.bn = wrapped(net.bn)\n    net(x)\n"
    first, *_ = forwards(rehearse(HEAD + code, net=True))
    assert [norm.is_there for norm in first.norms] == [True]


@pytest.mark.parametrize("other", ["None", "wrapped(net.bn)", "nn.Identity()"])
def test_a_layer_that_is_taken_away_is_gone(other: str) -> None:
    code = f"net(x)\nnet.bn = {other}\nnet.eval()\nnet(x)\n"
    first, second = forwards(rehearse(HEAD + code, net=True))
    assert (len(first.norms), len(second.norms)) == (1, 0)


def test_an_argument_that_may_be_given_leaves_the_others_known() -> None:
    code = """
options = {"num_workers": 1, "pin_memory": True} if flag() else {}
loader = D.DataLoader(D.TensorDataset(torch.randn(9, 3)), batch_size=2, **options)
for images, in loader:
    net(images).sum().backward()
"""
    events = forwards(rehearse(HEAD + code, net=True))
    assert [event.batch.number for event in events if event.batch is not None] == [2, 2]
    assert all(not loader.arguments["num_workers"].given for e in events for loader in e.loaders)


RISKY = """
try:
    {}
except RuntimeError:
    pass
net(x)
"""


@pytest.mark.parametrize(
    ("body", "gradients"),
    [
        ("with torch.no_grad():\n        flag()", Known.YES),
        ("torch.no_grad()(flag)()", Known.YES),
        ("torch.set_grad_enabled(False)\n    flag()", Known.UNKNOWN),
        ("with torch.no_grad():\n        torch.set_grad_enabled(True)\n        flag()", Known.YES),
    ],
)
def test_gradients_that_an_exception_gives_back_are_on_behind_its_handler(
    body: str, gradients: Known
) -> None:
    assert the_forward(rehearse(HEAD + RISKY.format(body), net=True)).grad is gradients


def test_a_handler_inside_no_grad_finds_gradients_off() -> None:
    code = "with torch.no_grad():\n    try:\n        flag()\n    except RuntimeError:\n        net(x)\n"
    assert the_forward(rehearse(HEAD + code, net=True)).grad is Known.NO


def test_a_switch_behind_what_raised_has_not_happened_for_the_handler() -> None:
    code = """
def validate():
    net.eval()
    flag()
    net.train()

try:
    validate()
except RuntimeError:
    pass
net(x)
"""
    assert modes(rehearse(HEAD + code, net=True)) == ["unknown"]


def test_a_model_has_the_layers_that_it_had_at_the_event() -> None:
    code = "net(x)\nnet.bn = nn.Identity()\nnet(x)\nnet.bn = nn.BatchNorm2d(3)\nnet.eval()\n"
    events = main_run(rehearse(HEAD + code, net=True)).events
    models = [event.model for event in events if isinstance(event, Forward | ModeSwitched)]
    assert [(len(m.batch_norms), m.has_batchnorm) for m in models] == [
        (1, Known.YES),
        (0, Known.NO),
        (1, Known.YES),
    ]
    assert len({model.key for model in models}) == 1


CHOSEN = """
from unknown import flag
norm = nn.{other} if flag() else nn.BatchNorm2d
net = nn.Sequential(nn.Conv2d(3, 8, 3), norm(8))
net(torch.randn(4, 3, 8, 8))
"""


def test_batchnorm_that_may_be_synchronised_is_one_layer() -> None:
    rehearsal = rehearse(CHOSEN.replace("{other}", "SyncBatchNorm"))
    (norm,) = the_forward(rehearsal).norms
    assert norm.is_there
    assert norm.synchronised is Known.UNKNOWN


@pytest.mark.parametrize(("cls", "known"), [("BatchNorm2d", False), ("Module", True)])
def test_its_class_is_known_as_far_as_both_have_it(cls: str, known: bool) -> None:
    code = CHOSEN.replace("{other}", "SyncBatchNorm")
    asked = f"if isinstance(net[1], nn.{cls}):\n    net.eval()\nnet(torch.randn(4, 3, 8, 8))\n"
    assert modes(rehearse(code + asked))[-1] == ("eval" if known else "unknown")


def test_one_of_two_kinds_of_normalisation_is_an_alternative() -> None:
    rehearsal = rehearse(CHOSEN.replace("{other}", "InstanceNorm2d"))
    (norm,) = the_forward(rehearsal).norms
    assert not norm.is_there
    assert the_forward(rehearsal).model.has_batchnorm is Known.UNKNOWN
