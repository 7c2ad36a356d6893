"""Forwards that answer with objects whose parts have names: what is trained and measured by those."""

import pytest

from bnlint.facts.types.known import Known
from tests.rehearsing import forwards, rehearse

ANSWERS = {
    "a named tuple": 'Answer = collections.namedtuple("Answer", ["features", "scores"])',
    "a typed tuple": "class Answer(typing.NamedTuple):\n    features: object\n    scores: object",
    "a dataclass": "@dataclasses.dataclass\nclass Answer:\n    features: object\n    scores: object",
    "one of a package": (
        "@dataclasses.dataclass\nclass Answer(transformers.utils.ModelOutput):\n"
        "    features: object = None\n    scores: object = None"
    ),
    "a plain object": (
        "class Answer:\n    def __init__(self, features, scores):\n"
        "        self.features, self.scores = features, scores"
    ),
}
NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(8)
        self.fc = nn.Linear(8, 2)

    def forward(self, x):
        features = self.bn(x)
        return Answer(features, {})

net = Net()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
loader = torch.utils.data.DataLoader(torch.load("data"), batch_size=4, shuffle=True)
for x, y in loader:
    answer = net(x)
    loss = F.cross_entropy({}, y)
    loss.backward()
    optimizer.step()
"""
HEAD = "import collections, dataclasses, typing\nimport transformers\n"


@pytest.mark.parametrize("definition", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("nested", [False, True])
def test_a_part_of_the_answer_trains_the_model(definition: str, nested: bool) -> None:
    scores = '{"all": [self.fc(features)]}' if nested else "self.fc(features)"
    used = 'answer.scores["all"][0]' if nested else "answer.scores"
    events = forwards(rehearse(HEAD + definition + NET.format(scores, used)))
    assert {event.backpropagated for event in events} == {Known.YES}


def test_another_object_is_not_an_answer() -> None:
    """What a forward finds keeps its parts: they are of the script."""
    definition = ANSWERS["a plain object"] + "\nkept = Answer(0, torch.zeros(4, 2))"
    net = NET.replace("return Answer(features, {})", "self.fc(features)\n        return kept")
    events = forwards(rehearse(HEAD + definition + net.format("answer.scores")))
    assert {event.backpropagated for event in events} == {Known.NO}


def test_an_answer_is_an_input_of_the_next_forward() -> None:
    head = """
class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm1d(2)

    def forward(self, answer):
        return self.bn(answer.scores)

head = Head()
"""
    code = NET.format("self.fc(features)", "head(answer)").replace(
        "net = Net()", head + "net = Net()"
    )
    made = rehearse(HEAD + ANSWERS["a dataclass"] + code)
    assert {event.backpropagated for event in forwards(made)} == {Known.YES}
