"""What ``inspect`` says of functions of the project."""

import pytest

from tests.rehearsing import rehearse, widths

CODE = """
import inspect
class Net(nn.Module):
    def __init__(self, wide, /, deep=8, *rest, narrow=2, **more):
        super().__init__()
        self.norm = nn.BatchNorm2d(8)
    def forward(self, x, y, *, z=None):
        return x
def free(a, b):
    return a
if {question}:
    Net(1)
else:
    nn.BatchNorm2d(1)
"""


@pytest.mark.parametrize(
    "question",
    [
        "inspect.getfullargspec(Net.__init__).args == ['self', 'wide', 'deep']",
        "inspect.getargspec(free).args == ['a', 'b']",
        "inspect.getfullargspec(Net.__init__).varargs == 'rest'",
        "inspect.getfullargspec(Net).varkw == 'more'",
        "inspect.getfullargspec(free).varkw is None",
        "inspect.getfullargspec(Net.forward).kwonlyargs == ['z']",
        "list(inspect.signature(Net).parameters) == ['wide', 'deep', 'narrow', 'rest', 'more']",
        "'self' in inspect.signature(Net.forward).parameters",
        "'x' in inspect.signature(Net(1).forward).parameters.keys()",
        "'self' not in inspect.signature(Net(1).forward).parameters.keys()",
        "len(inspect.signature(free).parameters) == 2",
    ],
)
def test_parameters_are_known(question: str) -> None:
    made = widths(rehearse(CODE.format(question=question)))
    assert set(made) == {8}


@pytest.mark.parametrize("function", ["len", "unknown", "nn.Conv2d"])
def test_parameters_of_others_are_not_known(function: str) -> None:
    question = f"inspect.signature({function}).parameters"
    assert set(widths(rehearse(CODE.format(question=question)))) == {8, 1}
