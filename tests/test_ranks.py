"""The number of dimensions of a tensor is claimed only where reading the code proves it."""

from textwrap import indent

import pytest

from bnlint.lint import engine

MODEL = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, sizes):
        super().__init__()
        self.bn = nn.BatchNorm2d(8)
        self.sizes = sizes

    def forward(self, x, y):
{body}
        return self.bn(x)

net = Net(unknown())
"""
NOT_KNOWN = [
    "x = x.reshape((-1,) + x.shape[1:])",
    "x = x.reshape((x.shape[0], 8) + tuple(x.shape[2:]))",
    "x = x.view(-1, *x.shape[1:])",
    "x = x.view([-1, *x.shape[1:]])",
    "x = x.view((-1, *x.size()[1:]))",
    """\
shape = [-1]
shape += x.shape[1:]
x = x.view(shape)
""",
    """\
shape = [-1]
shape.extend(x.size()[1:])
x = x.view(*shape)
""",
    """\
shape = [-1] + list(x.shape[1:])
x = x.view(shape)
""",
    """\
shape = torch.Size([-1]) + x.shape[1:]
x = x.view(shape)
""",
    """\
shape = torch.Size([x.shape[0], *x.shape[1:]])
x = x.view(shape)
""",
    """\
shape = list(x.shape)
shape[0] = -1
x = x.view(shape)
""",
    """\
shape = [-1]
for s in x.shape[1:]:
    shape.append(s)
x = x.view(shape)
""",
    """\
shape = [-1, 8]
for _ in range(x.dim() - 2):
    shape.append(2)
x = x.view(shape)
""",
    """\
b, *rest = x.shape
x = x.view(b, *rest)
""",
    """\
b, *rest = x.shape
x = x.view([b] + rest)
""",
    """\
*lead, w = x.shape
x = x.view(*lead, w)
""",
    """\
shape = tuple(s for s in x.shape)
x = x.view(shape)
""",
    """\
shape = (x.size(0),) + (1,) * (x.dim() - 1)
x = x + torch.zeros(shape)
x = x.view((x.size(0),) + (8,) * (x.dim() - 1))
""",
    """\
shape = [x.size(0)] + [1] * (x.ndim - 1)
x = x.view(shape)
""",
    """\
size = x.size()
x = x.view(size)
""",
    "x = x.view(x.size(0), -1).view_as(y)",
    """\
size = x.size()
x = x.view(x.size(0), -1)
x = x.view(size)
""",
    "x = x.flatten(1).unflatten(1, (8, 4, 4))",
    """\
shape = [-1]
shape.extend(x.shape[1:])
shape = shape[:-1]
x = x.view(shape)
""",
    """\
shape = [x.shape[0]]
shape.extend(x.shape[1:])
shape = shape[1:]
x = x.view(shape)
""",
    """\
x = x.flatten(1)
for _ in range(y):
    x = x.unsqueeze(-1)
""",
    """\
x = x.flatten(1)
while x.dim() < y:
    x = x.unsqueeze(-1)
""",
    """\
z = x.flatten(1)
x = z
z.unsqueeze_(-1)
z.unsqueeze_(-1)
""",
    "x = x.flatten(1) * y",
    "x = x.flatten(1) + self.sizes",
    "x = torch.mul(x.flatten(1), y)",
    "x = torch.stack([x.flatten(1), y], 1)",
    "x = x.flatten(1).view(self.sizes)",
    "x = x.flatten(1).view(*self.sizes)",
    "x = x.view(torch.Size((x.size(0), 8, 4, 4)))",
    "x = x.reshape(x.shape[:1] + (8,) + x.shape[2:])",
    """\
shape = list(x.shape)
shape[1:2] = [8]
x = x.view(shape)
""",
    """\
shape = [2, 8, 4, 4, 1]
del shape[y]
x = x.view(shape)
""",
    """\
shape = [2, 8, 4, 4, 1]
shape.pop(y)
x = x.view(shape)
""",
    """\
shape = [2, 8, 4, 4, 1]
shape.remove(y)
x = x.view(shape)
""",
    "x = x.flatten(1).expand(y.shape)",
    "x = x.flatten(self.sizes)",
    "x = x.flatten(1).reshape(shape=(-1,) + y.shape[1:])",
    """\
new = [x.size(0), 8]
new += [y.size(2), y.size(3)]
x = x.flatten(1).view(new)
""",
    """\
n, c = x.shape[:2]
x = x.view(n, c, *x.shape[2:])
""",
    """\
n, c = x.shape[:2]
spatial = x.shape[2:]
x = x.view(n * c, -1).view((n, c) + spatial)
""",
    """\
spatial = [int(s) for s in x.shape[2:]]
x = x.view(x.size(0), -1).view(x.size(0), 8, *spatial)
""",
    """\
spatial = tuple(map(int, x.shape[2:]))
x = x.view(x.size(0), -1).view((x.size(0), 8) + spatial)
""",
    """\
x = x.flatten(1)
x = x[(...,) + (None,) * y]
""",
    """\
x = x.flatten(1)
x = x[..., None, None]
""",
    "x = x.view(torch.float32) if y else x",
    """\
x = x.flatten(1)
if x.dim() != 4:
    x = x[:, :, None, None]
""",
    """\
shape = (2, 8, 4, 4)
x = x.flatten(1).view(shape)
""",
    """\
x = x.flatten(1)
x = x.reshape([*self.sizes, 4])
""",
    """\
shape = []
shape.append(x.shape[0])
shape.append(8)
shape.extend([4, 4])
x = x.flatten(1).view(shape)
""",
    """\
lead, tail = x.shape[:2], x.shape[2:]
x = x.flatten(2).view(lead + tail)
""",
    "x = x.flatten(1).view(sum([[x.size(0)], [8], [4, 4]], []))",
    """\
dims = x.size(0), 8
dims = dims + (4, 4)
x = x.flatten(1).view(dims)
""",
    "x = torch.reshape(x.flatten(1), (x.size(0),) + y.shape[1:])",
    "x = torch.reshape(x.flatten(1), y.shape)",
    "x = x.flatten(1).clamp(y) if y is not None else x",
    "x = torch.where(y > 0, x.flatten(1), y)",
    "x, i = torch.max(x.unsqueeze(2), 2)",
    "x = torch.aminmax(x.unsqueeze(0), dim=0)[1]",
    """\
shape = x.shape
x = x.flatten(1)
x = x.reshape(shape[0], shape[1], *shape[2:])
""",
    """\
x = x.flatten(1)
x = x.T.T.reshape(y.size())
""",
    """\
shape = list(x.shape)
shape.insert(1, -1)
del shape[2]
x = x.view(shape)
""",
]
KNOWN = [
    "x = x.flatten(1)",
    "x = x.view(x.size(0), -1)",
    "x = x.reshape((x.shape[0], -1))",
    "x = x.view([x.shape[0], -1])",
    """\
shape = [x.size(0)]
shape.append(-1)
x = x.view(shape)
""",
    """\
n = x.shape[0]
x = x.view(*(n, -1))
""",
    "x = x.view(-1, 8)",
    """\
x = x.flatten(1)
x = x * 2 + 1
""",
    "x = x.reshape(shape=(x.size(0), -1))",
    "x = x.view(torch.Size([x.size(0), -1]))",
    """\
x = x.view(x.size(0), 8, -1)
x = x.mean(2)
""",
    """\
x = x.flatten(1)
for _ in range(y):
    x = x.relu()
""",
    "x = x.flatten(1).mode(1)[0]",
]


CREATED = {
    "as numbers": "torch.randn(2, 8)",
    "as a tuple": "torch.zeros((2, 8))",
    "by name": "torch.ones(size=(2, 8))",
    "behind the bounds": "torch.randint(0, 9, (2, 8))",
    "behind one bound": "torch.randint(9, (2, 8))",
    "behind the value": "torch.full([2, 8], 1.0)",
    "like another": "torch.rand_like(torch.empty(2, 8))",
}
OPEN = {
    "sizes that are not known": "torch.randn(sizes)",
    "sizes that are unpacked": "torch.randn(*sizes)",
    "further sizes": "torch.randn(2, 8, *sizes)",
    "a list that grows": "torch.randn([2, 8] + list(sizes))",
}


@pytest.mark.parametrize("made", CREATED.values(), ids=CREATED)
def test_what_is_created_with_sizes_has_their_rank(made: str) -> None:
    code = (
        f"import torch\nfrom torch import nn\nnet = nn.Sequential(nn.BatchNorm2d(8))\nnet({made})"
    )
    assert [f.rule for f in engine.lint_text(code)] == ["BN202"]


@pytest.mark.parametrize("made", OPEN.values(), ids=OPEN)
def test_what_is_created_with_other_sizes_has_none(made: str) -> None:
    code = f"import torch\nfrom torch import nn\nfrom u import sizes\nnet = nn.Sequential(nn.BatchNorm2d(8))\nnet({made})"
    assert engine.lint_text(code) == []


def found(body: str) -> list[str]:
    code = MODEL.format(body=indent(body, " " * 8))
    return [f.rule for f in engine.lint_text(code)]


@pytest.mark.parametrize("body", NOT_KNOWN)
def test_a_rank_that_is_not_known_is_not_claimed(body: str) -> None:
    assert found(body) == []


@pytest.mark.parametrize("body", KNOWN)
def test_a_rank_that_is_known_is_reported(body: str) -> None:
    assert found(body) == ["BN202"]


IN_PLACE = {
    "unsqueeze_": "x.unsqueeze_(2)\nx.unsqueeze_(3)",
    "resize_": "x.resize_(3, 8, 1, 1)",
    "on an attribute": "h = H()\nh.x = x\nh.x.unsqueeze_(2).unsqueeze_(3)\nx = h.x",
    "set_": "x.set_(torch.randn(3, 8, 2, 2))",
    "data": "x.data = torch.randn(3, 8, 2, 2)",
    "data that are not known": "x.data = u.data()",
    "out": "torch.mul(u.a(), u.b(), out=x)",
    "out of a creation": "torch.randn(3, 8, 2, 2, out=x)",
}


@pytest.mark.parametrize("change", IN_PLACE.values(), ids=IN_PLACE)
def test_what_changes_a_tensor_in_place_may_change_its_rank(change: str) -> None:
    code = (
        "import torch\nimport u\nfrom torch import nn\nclass H: pass\nx = torch.empty(3, 8)\n"
        f"{change}\nnn.Sequential(nn.BatchNorm2d(8))(x)\n"
    )
    assert engine.lint_text(code) == []


def test_what_changes_numbers_in_place_leaves_the_rank() -> None:
    code = (
        "import torch\nfrom torch import nn\nx = torch.empty(3, 8)\nx.relu_()\n"
        "nn.Sequential(nn.BatchNorm2d(8))(x)\n"
    )
    assert [f.rule for f in engine.lint_text(code)] == ["BN202"]
