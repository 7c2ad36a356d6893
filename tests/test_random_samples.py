"""Samples that are drawn at random or brought into a random order, in all spellings."""

import pytest

from bnlint.lint import engine

TRAINING = """\
import random
import glob
import numpy as np
import torch
import sklearn.datasets
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, Subset, ConcatDataset
from torchvision.datasets import FakeData, ImageFolder, CIFAR10

class Files(Dataset):
    def __init__(self, files, labels=None):
        self.files, self.labels = files, labels
    def __len__(self):
        return len(self.files)
    def __getitem__(self, i):
        return torch.load(self.files[i])

{body}

loader = DataLoader(data, batch_size=64)
net = nn.Sequential(nn.Linear(20, 8, bias=False), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3))
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
for epoch in range(3):
    for x, y in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
"""
UNORDERED = [
    """\
class D(Dataset):
    def __init__(self):
        self.labels = torch.arange(6).repeat_interleave(100)
        self.noise = torch.randn(600, 20)

    def __len__(self):
        return 600

    def __getitem__(self, i):
        return self.noise[i] + self.labels[i], self.labels[i]


data = D()
""",
    "data = FakeData(1000)",
    "data = TensorDataset(torch.randn(512, 20), torch.randint(3, (512,)))",
    """\
x = torch.rand(512, 20)
y = (x.sum(1) > 10).long()
data = TensorDataset(x, y)
""",
    """\
x = torch.empty(512, 20).normal_()
data = TensorDataset(x, x @ torch.randn(20, 3))
""",
    """\
x = np.random.randn(512, 20).astype(np.float32)
y = np.random.randint(0, 3, 512)
data = TensorDataset(torch.from_numpy(x), torch.from_numpy(y))
""",
    """\
rng = np.random.default_rng(0)
x = torch.tensor(rng.normal(size=(512, 20)), dtype=torch.float32)
data = TensorDataset(x, torch.zeros(512).long())
""",
    """\
class Toy(Dataset):
    def __init__(self, n=100):
        self.x = torch.randn(n, 20)
        self.y = torch.randint(3, (n,))
    def __len__(self):
        return len(self.x)
    def __getitem__(self, i):
        return self.x[i], self.y[i]
data = Toy()
""",
    """\
class Toy(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        return torch.randn(20), random.randint(0, 2)
data = Toy()
""",
    """\
class Toy(Dataset):
    def __len__(self):
        return 1000
    def __getitem__(self, i):
        x = torch.randn(20) * 2 + 1
        return x, int(x.sum() > 0)
data = Toy()
""",
    """\
class D(Files):
    def reshuffle(self):
        random.shuffle(self.files)
data = D(glob.glob("*.pt"))
""",
    """\
class D(Dataset):
    def __init__(self):
        self.files = sorted(glob.glob("*"))
        np.random.RandomState(0).shuffle(self.files)
    def __len__(self):
        return len(self.files)
    def __getitem__(self, i):
        return torch.load(self.files[i])
data = D()
""",
    """\
class D(Files):
    def on_epoch_end(self):
        self.order = torch.randperm(len(self.files))
data = D(glob.glob("*.pt"))
""",
    """\
def read(folder):
    files = glob.glob(folder)
    random.shuffle(files)
    return files
class D(Dataset):
    def __init__(self):
        self.files = read("x")
    def __len__(self):
        return len(self.files)
    def __getitem__(self, i):
        return torch.load(self.files[i])
data = D()
""",
    """\
files = glob.glob("*.pt")
random.shuffle(files)
data = Files(files[:1000])
""",
    """\
files = np.array(sorted(glob.glob("*.pt")))
perm = np.random.permutation(len(files))
data = Files(files[perm])
""",
    """\
files = glob.glob("*.pt")
train, val = train_test_split(files, test_size=0.2)
data = Files(train)
""",
    """\
import pandas as pd
table = pd.read_csv("x.csv").sample(frac=1)
data = Files(table)
""",
    """\
import pandas as pd
table = pd.read_csv("x.csv").sample(frac=1)
data = TensorDataset(torch.tensor(table.iloc[:, :-1].values), torch.tensor(table.y.values))
""",
    """\
import pandas as pd
table = pd.read_csv("x.csv")
table = table.reindex(np.random.permutation(table.index))
data = TensorDataset(torch.tensor(table.values[:, :-1]), torch.tensor(table.values[:, -1]))
""",
    """\
table = np.loadtxt("x.csv")
order = np.arange(len(table))
np.random.shuffle(order)
data = TensorDataset(torch.tensor(table[order, :-1]), torch.tensor(table[order, -1]))
""",
    """\
import pandas as pd
table = pd.read_csv("x.csv")
table = table.sample(frac=1, random_state=0).reset_index(drop=True)
data = Files(table)
""",
    """\
files = glob.glob("*.pt")
data = Files(random.sample(files, len(files)))
""",
    """\
x, y = torch.load("x.pt"), torch.load("y.pt")
perm = torch.randperm(len(x))
data = TensorDataset(x[perm], y[perm])
""",
    """\
files = glob.glob("*.pt")
order = list(range(len(files)))
random.shuffle(order)
data = Files([files[i] for i in order])
""",
    """\
full = ImageFolder("x")
indices = list(range(1000))
np.random.shuffle(indices)
data = Subset(full, indices[:800])
""",
    "data = ConcatDataset([FakeData(10), FakeData(20)])",
    "data = [(torch.randn(20), 1) for _ in range(512)]",
    "data = list(zip(torch.randn(512, 20), torch.randint(3, (512,))))",
    """\
class D(IterableDataset):
    def __iter__(self):
        yield torch.randn(20), 1
data = D()
""",
    """\
class D(torch.utils.data.Dataset):
    def __iter__(self):
        yield torch.randn(20), 1
data = D()
""",
    """\
x, y = sklearn.datasets.make_classification(1000, 20)
data = TensorDataset(torch.tensor(x).float(), torch.tensor(y))
""",
    """\
x, y = sklearn.datasets.make_moons(1000)
x = torch.from_numpy(x.astype("float32"))
data = TensorDataset(x, torch.from_numpy(y).long())
""",
    """\
x, y = sklearn.datasets.load_iris(return_X_y=True)
x, xt, y, yt = train_test_split(x, y)
data = TensorDataset(torch.tensor(x), torch.tensor(y))
""",
    """\
def items():
    for i in range(10):
        yield torch.randn(20), 1
data = items()
""",
]
"""Datasets whose order says nothing about their samples."""
ORDERED = [
    'data = ImageFolder("x")',
    'data = Files(sorted(glob.glob("*.pt")))',
    'data = TensorDataset(torch.load("x.pt"), torch.load("y.pt"))',
    "data = TensorDataset(torch.cat([torch.randn(50, 20) + 2, torch.randn(50, 20) - 2]), torch.arange(100) // 50)",
    "data = TensorDataset(torch.linspace(0, 1, 100).view(-1, 1), torch.arange(100))",
    "data = TensorDataset(torch.sort(torch.randn(100, 20), 0)[0], torch.arange(100))",
    """\
class D(Files):
    def __getitem__(self, i):
        x = torch.load(self.files[i])
        if random.random() > 0.5:
            x = x.flip(0)
        return x + torch.randn(20) * 0.1
data = D(glob.glob("*.pt"))
""",
    """\
x, y = sklearn.datasets.load_iris(return_X_y=True)
data = TensorDataset(torch.tensor(x), torch.tensor(y))
""",
    """\
x = glob.glob("*.pt")
a, b = train_test_split(x, shuffle=False)
data = Files(a)
""",
    'data = ConcatDataset([ImageFolder("a"), ImageFolder("b")])',
    """\
table = {}
data = Files(table)
data.note = "not shuffled"
""",
]
GENERATING = """\
import numpy as np
import torch
import torchvision.utils as vutils
from torch import nn
from torch.autograd import Variable

netG = nn.Sequential(nn.ConvTranspose2d(100, 8, 4, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1))
netG.load_state_dict(torch.load("g.pth"))
{body}
vutils.save_image(netG(z).data, "x.png")
"""
NOISE = [
    "z = torch.FloatTensor(4, 100, 1, 1).normal_(0, 1)",
    "z = torch.empty(4, 100, 1, 1).uniform_(-1, 1)",
    "z = torch.FloatTensor(np.random.normal(size=(4, 100, 1, 1)))",
    "z = torch.from_numpy(np.random.randn(4, 100, 1, 1)).float().cuda()",
    "z = Variable(torch.cuda.FloatTensor(np.random.normal(0, 1, (4, 100, 1, 1))))",
    "z = torch.randn_like(torch.zeros(4, 100, 1, 1))",
    """\
z = torch.Tensor(4, 100, 1, 1)
z.normal_()
z = z.cuda()
""",
    "z = torch.randn(4, 100, 1, 1).detach()",
    "z = torch.tensor(np.random.uniform(-1, 1, (4, 100, 1, 1)))",
    "z = torch.distributions.Normal(0, 1).sample((4, 100, 1, 1))",
    """\
z = torch.zeros(4, 100, 1, 1)
z.data.normal_()
""",
    "z = torch.normal(0, 1, (4, 100, 1, 1))",
    """\
rng = np.random.RandomState(0)
z = torch.as_tensor(rng.randn(4, 100), dtype=torch.float32)[:, :, None, None]
""",
    "z = torch.cat([torch.randn(4, 90), torch.eye(10)[:4]], 1).view(4, 100, 1, 1)",
    "z = torch.zeros(4, 10).scatter_(1, torch.randint(10, (4, 1)), 1).repeat(1, 10).view(4, 100, 1, 1)",
    """\
from scipy.stats import truncnorm
z = torch.from_numpy(truncnorm.rvs(-2, 2, size=(4, 100, 1, 1)))
""",
    "z = torch.rand(4, 100).mul(2).sub(1).unsqueeze(-1).unsqueeze(-1)",
    """\
z = torch.FloatTensor(4, 100, 1, 1)
z.resize_(2, 100, 1, 1).normal_(0, 1)
z = Variable(z)
""",
    "z = torch.lerp(torch.randn(4,100,1,1), torch.randn(4,100,1,1), 0.5)",
]
DATA = [
    'z = torch.load("x.pt")',
    """\
from PIL import Image
z = torch.tensor(np.array(Image.open("x.png")))
""",
    'z = torch.from_numpy(np.load("x.npy"))',
    'z = torch.FloatTensor(np.load("x.npy"))',
    """\
import cv2
z = torch.Tensor(cv2.imread("x.png"))
""",
    'z = torch.load("x.pt") + torch.randn(4, 100, 1, 1)',
]


def found(rule: str, code: str) -> bool:
    return rule in {finding.rule for finding in engine.lint_text(code)}


@pytest.mark.parametrize("data", UNORDERED)
def test_data_without_an_order_need_no_shuffling(data: str) -> None:
    assert not found("BN503", TRAINING.format(body=data))


@pytest.mark.parametrize("data", ORDERED)
def test_data_with_an_order_do(data: str) -> None:
    assert found("BN503", TRAINING.format(body=data))


@pytest.mark.parametrize("noise", NOISE)
def test_a_generator_may_run_on_noise_in_train_mode(noise: str) -> None:
    assert not found("BN302", GENERATING.format(body=noise))


@pytest.mark.parametrize("data", DATA)
def test_data_are_no_noise(data: str) -> None:
    assert found("BN302", GENERATING.format(body=data))
