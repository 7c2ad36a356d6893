"""What is known of the data behind a forward, and of what becomes of its output."""

from pathlib import Path
from textwrap import indent

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader, Purpose
from bnlint.facts.types.loader_events import LoaderIterated
from bnlint.facts.types.run import Backward, OptimizerStep
from bnlint.facts.types.site import NOT_KNOWN
from tests.rehearsing import forwards, main_run, rehearse, rehearse_files, the_forward

YES, NO, UNKNOWN = Known.YES, Known.NO, Known.UNKNOWN


def batches(code: str) -> list[object]:
    """The batch size at each forward, ``None`` where it is not one batch of a loader."""
    setup = "import u\nnet, loader = Net(), DataLoader(u.d(), batch_size=4)\n"
    found = forwards(rehearse(setup + code + "\n", net=True))
    return [event.batch.value if event.batch is not None else None for event in found]


WRAPPER = """
class Batches:
    def __init__(self, loader):
        self.loader = loader
    def __iter__(self):
        for x, y in self.loader:
            yield x.cuda(), y.cuda()
"""
ITERATOR = """
class Batches:
    def __init__(self, loader, most):
        self.loader, self.most, self.drawn = loader, most, 0
    def __iter__(self):
        self.batches = iter(self.loader)
        return self
    def __next__(self):
        if self.drawn >= self.most:
            raise StopIteration
        self.drawn += 1
        x, y = next(self.batches)
        return x.cuda(), y.cuda()
"""
KEPT = {
    "the batch itself": "for x in loader:\n    net(x)",
    "unpacked": "for x, y in loader:\n    net(x)",
    "by index": "for batch in loader:\n    net(batch[0])",
    "by key": "for batch in loader:\n    net(batch['image'])",
    "by unpacking later": "for batch in loader:\n    x, y = batch\n    net(x)",
    "in a list": "for batch in loader:\n    x, y = [t.cuda() for t in batch]\n    net(x)",
    "splatted by name": "for batch in loader:\n    net(**batch)",
    "splatted into a helper": "def run(x, y):\n    return net(x)\nfor b in loader:\n    run(**b)",
    "gathered again": "def run(**rest):\n    return net(rest['x'])\nfor b in loader:\n    run(**b)",
    "splatted": "for batch in loader:\n    net(*batch)",
    "a dict that is moved": "for b in loader:\n    b = {k: v.cuda() for k, v in b.items()}\n    net(b['x'])",
    "enumerate": "for i, (x, y) in enumerate(loader):\n    net(x)",
    "tqdm": "from tqdm import tqdm\nfor x, y in tqdm(loader, leave=False):\n    net(x)",
    "tqdm of enumerate": "import tqdm\nfor i, x in tqdm.tqdm(enumerate(loader)):\n    net(x)",
    "another tqdm": "from tqdm.autonotebook import tqdm\nfor x, y in tqdm(loader):\n    net(x)",
    "tqdm's enumerate": "from tqdm.contrib import tenumerate\n"
    "for i, x in tenumerate(loader, total=3):\n    net(x)",
    "tqdm's zip": "from tqdm.contrib import tzip\nfor x, i in tzip(loader, range(9), leave=False):\n"
    "    net(x)",
    "a bar of fastprogress": "from fastprogress import progress_bar\n"
    "for x in progress_bar(loader, parent=u):\n    net(x)",
    "a bar that is kept": "from tqdm import tqdm\nbar = tqdm(loader)\nfor x in bar:\n    net(x)",
    "zip": "for a, (x, y) in zip(u.other(), loader):\n    net(x)",
    "next and iter": "net(next(iter(loader))[0])",
    "an iterator": "it = iter(loader)\nwhile True:\n    x, y = next(it)\n    net(x)",
    "a method named next": "it = iter(loader)\nx, y = it.next()\nnet(x)",
    "cycle": "import itertools\nfor x in itertools.cycle(loader):\n    net(x)",
    "a generator": "def forever():\n    while True:\n        for x in loader:\n            yield x\n"
    "for x in forever():\n    net(x)",
    "a generator of another's items": "def moved():\n    yield from ((x.cuda(), y) for x, y in loader)\n"
    "for x, y in moved():\n    net(x)",
    "a generator of a loader's": "def drawn():\n    yield from loader\nfor x, y in drawn():\n    net(x)",
    "map": "for x in map(lambda batch: batch[0].cuda(), loader):\n    net(x)",
    "an iterator of its own": f"{ITERATOR}for x, y in Batches(loader, 100):\n    net(x)",
    "a bar of such an iterator": f"{ITERATOR}import tqdm\n"
    "for i, (x, y) in enumerate(tqdm.tqdm(Batches(loader, 2))):\n    net(x)",
    "next of such an iterator": f"{ITERATOR}it = iter(Batches(loader, 2))\nx, y = next(it)\nnet(x)",
    "moved": "for x, y in loader:\n    x = x.to('cuda', non_blocking=True).float()\n    net(x)",
    "computed with": "for x, y in loader:\n    net((x / 255 - 0.5) * 2)",
    "requires_grad": "for x, y in loader:\n    x.requires_grad = True\n    net(x)",
    "a variable": "from torch.autograd import Variable\nfor x, y in loader:\n    net(Variable(x))",
    "a helper": "def run(x):\n    return net(x)\nfor x, y in loader:\n    run(x)",
    "resized": "for x, y in loader:\n    net(F.interpolate(x, size=(8, 8)))",
    "transposed": "for x, y in loader:\n    net(x.transpose(2, 1))",
    "swapped": "for x, y in loader:\n    net(torch.swapaxes(x, 1, 3))",
    "another order": "for x, y in loader:\n    net(x.permute(0, 3, 1, 2))",
    "some channels": "for x, y in loader:\n    net(x[:, :3])",
    "another channel": "for x, y in loader:\n    net(x.unsqueeze(1))",
    "the result of another model": "for x, y in loader:\n    net(Net()(x))",
    "one of two wrappers": f"{WRAPPER}loader = Batches(loader) if u.fast else loader\n"
    "for x, y in loader:\n    net(x)",
    "a bar of one of two wrappers": f"{WRAPPER}import tqdm\nif u.fast:\n    loader = Batches(loader)\n"
    "for i, (x, y) in enumerate(tqdm.tqdm(loader)):\n    net(x)",
}


@pytest.mark.parametrize("code", KEPT.values(), ids=KEPT)
def test_the_batch_size_is_followed(code: str) -> None:
    found = batches(code)
    assert found
    assert set(found) == {4}


def test_how_many_an_iterator_of_its_own_has_given_is_not_known_behind_the_loop() -> None:
    many = f"{ITERATOR}many = Batches(loader, 2)\n" + "for x, y in many:\n    net(x)\n" * 2
    assert batches(many) == [4, 4, 4, 4]


LOST = {
    "cat": "for x, y in loader:\n    net(torch.cat([x, x]))",
    "stack": "for x, y in loader:\n    net(torch.stack([x, x]))",
    "view": "for x, y in loader:\n    net(x.view(-1, 3, 8, 8))",
    "reshape": "for x, y in loader:\n    net(x.reshape(-1, 3, 8, 8))",
    "flatten(0, 1)": "for x, y in loader:\n    net(x.flatten(0, 1))",
    "torch.flatten(0, 1)": "for x, y in loader:\n    net(torch.flatten(x, 0, 1))",
    "repeat": "for x, y in loader:\n    net(x.repeat(2, 1, 1, 1))",
    "permute": "for x, y in loader:\n    net(x.permute(1, 0, 2, 3))",
    "transposed": "for x, y in loader:\n    net(x.transpose(0, 1))",
    "transposed from the end": "for x, y in loader:\n    net(x.transpose(-1, -2))",
    "one sample": "for x, y in loader:\n    net(x[0][0])",
    "a part": "for x, y in loader:\n    net(x[:2])",
    "a mask": "for x, y in loader:\n    net(x[y > 0])",
    "chunks": "for x, y in loader:\n    for part in x.chunk(2):\n        net(part)",
    "unknown": "for x, y in loader:\n    net(u.augment(x))",
    "an unknown size": "for x in DataLoader(u.d(), u.size()):\n    net(x)",
    "a batch sampler": "for x in DataLoader(u.d(), batch_sampler=u.s()):\n    net(x)",
    "no loader": "net(torch.randn(4, 3, 8, 8))",
    "a list of batches": "net(torch.cat([x for x, y in loader]))",
}


@pytest.mark.parametrize("code", LOST.values(), ids=LOST)
def test_the_batch_size_is_lost(code: str) -> None:
    found = batches(code)
    assert found
    assert set(found) <= {None, NOT_KNOWN}


def test_the_batch_size_keeps_its_option() -> None:
    code = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=1)
    args = parser.parse_args()
    net = Net()
    for x in DataLoader(d, batch_size=args.batch_size):
        net(x)
    """
    batch = forwards(rehearse(code, net=True))[0].batch
    assert batch is not None
    assert (batch.value, batch.option) == (1, "--batch-size")


# -- loaders --------------------------------------------------------------------------------------


def loaders(code: str) -> list[Loader]:
    """The loaders that are drawn from."""
    head = "import u\nfrom torchvision import datasets\nfrom torch.utils import data\n"
    run = main_run(rehearse(head + code + "\n"))
    return [event.loader for event in run.of_type(LoaderIterated)]


PURPOSES = {
    "train_loader": ("train_loader = DataLoader(u.d())", Purpose.TRAINING),
    "val_loader": ("val_loader = DataLoader(u.d())", Purpose.EVALUATION),
    "testloader": ("testloader = DataLoader(u.d())", Purpose.EVALUATION),
    "loader": ("loader = DataLoader(u.d())", Purpose.UNKNOWN),
    "train=True": ("a = DataLoader(datasets.MNIST('.', train=True))", Purpose.TRAINING),
    "train=False": ("a = DataLoader(datasets.MNIST('.', train=False))", Purpose.EVALUATION),
    "default split": ("a = DataLoader(datasets.CIFAR10('.'))", Purpose.TRAINING),
    "split": ("a = DataLoader(datasets.SVHN('.', 'test'))", Purpose.EVALUATION),
    "folder": ("a = DataLoader(datasets.ImageFolder('data/val'))", Purpose.EVALUATION),
    "the dataset decides": ("test = DataLoader(datasets.MNIST('.', True))", Purpose.TRAINING),
    "the dataset's name": ("trainset = u.A()\na = DataLoader(trainset)", Purpose.TRAINING),
    "a class of the project": (
        "class A(Dataset):\n    def __init__(self, split):\n        self.split = split\n"
        "a = DataLoader(A('val'))",
        Purpose.EVALUATION,
    ),
    "names that disagree": ("train = val = DataLoader(u.d())", Purpose.UNKNOWN),
}


@pytest.mark.parametrize(("code", "expected"), PURPOSES.values(), ids=PURPOSES)
def test_the_purpose_of_a_loader(code: str, expected: Purpose) -> None:
    name = code.rpartition("\n")[2].split(" = ")[0]
    (loader,) = loaders(f"{code}\nfor x in {name}:\n    pass")
    assert loader.purpose is expected


COLLATED = {
    "graphs": "from torch_geometric.loader import DataLoader as Graphs\na = Graphs(u.d(), 32, True)",
    "dense graphs": "from torch_geometric.loader import DenseDataLoader\n"
    "a = DenseDataLoader(u.d(), 32, True)",
    "graphs, as before": "from torch_geometric.data import DataLoader as Graphs\n"
    "a = Graphs(u.d(), batch_size=32, shuffle=True)",
    "graphs of dgl": "from dgl.dataloading import GraphDataLoader\n"
    "a = GraphDataLoader(u.d(), u.collate, batch_size=32, shuffle=True)",
    "volumes": "from monai.data import DataLoader as Volumes\n"
    "a = Volumes(u.d(), 4, batch_size=32, shuffle=True)",
}


@pytest.mark.parametrize("code", COLLATED.values(), ids=COLLATED)
def test_batches_of_other_packages_have_a_size_that_is_not_known(code: str) -> None:
    (loader,) = loaders(f"{code}\nfor x in a:\n    pass")
    assert loader.arguments["shuffle"].value is True
    assert loader.arguments["batch_size"].value is NOT_KNOWN
    assert loader.arguments["collate_fn"].value is NOT_KNOWN


def test_the_arguments_of_a_loader_are_bound_with_their_defaults() -> None:
    (loader,) = loaders("a = data.DataLoader(u.d(), 8, drop_last=True)\nfor x in a:\n    pass")
    values = {n: loader.arguments[n].value for n in ("batch_size", "shuffle", "drop_last")}
    assert values == {"batch_size": 8, "shuffle": None, "drop_last": True}
    assert loader.arguments["batch_size"].given
    assert not loader.arguments["shuffle"].given
    assert loader.resolved
    assert loader.names == ("a",)


def test_a_loader_with_unknown_arguments_is_not_resolved() -> None:
    (loader,) = loaders("for x in DataLoader(u.d(), **u.options()):\n    pass")
    assert not loader.resolved
    assert loader.arguments["batch_size"].value is NOT_KNOWN


DATASETS = {
    "a torchvision dataset": ("datasets.MNIST('.')", NO, NO, NO),
    "a folder per class": ("datasets.ImageFolder('data')", NO, NO, YES),
    "a random split": ("data.random_split(datasets.MNIST('.'), [1, 2])[0]", NO, YES, UNKNOWN),
    "a subset in order": ("data.Subset(datasets.ImageFolder('.'), range(9))", NO, NO, UNKNOWN),
    "a random subset": ("data.Subset(u.d(), torch.randperm(9))", UNKNOWN, YES, UNKNOWN),
    "a class in order": ("Plain()", NO, NO, UNKNOWN),
    "a class that shuffles": ("Shuffled()", NO, YES, UNKNOWN),
    "a stream": ("Stream()", YES, UNKNOWN, UNKNOWN),
    "a class of an unknown base": ("Foreign()", UNKNOWN, UNKNOWN, UNKNOWN),
    "unknown": ("u.d()", UNKNOWN, UNKNOWN, UNKNOWN),
    "one of two": (
        "datasets.MNIST('.') if u.c() else datasets.ImageFolder('.')",
        NO,
        NO,
        UNKNOWN,
    ),
}
CLASSES = """
import random
class Plain(Dataset):
    def __getitem__(self, i):
        return i
class Shuffled(Dataset):
    def __init__(self):
        self.items = random.shuffle(list(range(9)))
    def __getitem__(self, i):
        return self.items[i]
class Stream(data.IterableDataset):
    def __iter__(self):
        return iter([])
class Foreign(u.Base):
    pass
"""


@pytest.mark.parametrize(("code", "iterable", "mixed", "ordered"), DATASETS.values(), ids=DATASETS)
def test_datasets(code: str, iterable: Known, mixed: Known, ordered: Known) -> None:
    (loader,) = loaders(f"{CLASSES}\nfor x in DataLoader({code}, 8):\n    pass")
    dataset = loader.dataset
    assert (dataset.iterable, dataset.mixed, dataset.ordered_by_class) == (iterable, mixed, ordered)


def test_loaders_of_another_file_and_of_a_dict(tmp_path: Path) -> None:
    files = {
        "train.py": """
            from data import get_loaders
            train, test = get_loaders(16)
            for x in train:
                pass
            for x in get_loaders(32)[1]:
                pass
            """,
        "data.py": """
            from torchvision import datasets
            def get_loaders(size):
                loaders = {p: DataLoader(datasets.MNIST(".", train=p == "train"), size)
                           for p in ("train", "test")}
                return loaders["train"], loaders["test"]
            """,
    }
    run = main_run(rehearse_files(tmp_path, files))
    found = [event.loader for event in run.of_type(LoaderIterated)]
    assert [(x.purpose, x.arguments["batch_size"].value) for x in found] == [
        (Purpose.TRAINING, 16),
        (Purpose.EVALUATION, 32),
    ]


@pytest.mark.parametrize("second", ["data", "FakeData()"])
@pytest.mark.parametrize(("size", "known"), [(2, 2), (64, None)])
def test_the_loaders_of_two_phases_may_have_one_size(
    second: str, size: int, known: int | None
) -> None:
    """The one that is written first is named."""
    code = f"""
    from torchvision.datasets import FakeData
    net, data, frozen_size, size, done = Net(), FakeData(), 2, {size}, False
    loader = DataLoader(data, frozen_size)
    for epoch in range(100):
        if epoch >= 50 and not done:
            loader, done = DataLoader({second}, size), True
        for x, y in loader:
            F.cross_entropy(net(x), y).backward()
    """
    forward = forwards(rehearse(code, net=True))[0]
    assert (forward.batch.value if forward.batch is not None else None) == known
    assert "frozen_size" in forward.loaders[0].site.text


def test_a_forward_names_the_loaders_behind_it() -> None:
    code = """
    net = Net()
    train, val = DataLoader(a, 8), DataLoader(b, 4)
    for (x, _), (y, _) in zip(train, val):
        net(x)
        net(y)
        net(x + y)
    """
    found = [[x.names for x in e.loaders] for e in forwards(rehearse(code, net=True))[:3]]
    assert found == [[("train",)], [("val",)], [("train",), ("val",)]]


FIELDS = {
    "a field": "net(batch.x)",
    "fields": "net(batch.x, batch.edge_index, batch.batch)",
    "of what is moved": "batch = batch.to(u.device)\nnet(batch.x.float())",
    "of a field": "net(batch.node.x)",
    "a method of its own": "net(batch.whole_image())",
    "a method": "net(batch.to(u.device))",
    "an entry that may be there": "net(batch.get('image'))",
    "an entry": "net(batch.copy()['image'])",
}


@pytest.mark.parametrize("code", FIELDS.values(), ids=FIELDS)
def test_parts_of_a_batch_come_from_its_loader(code: str) -> None:
    text = "net = Net()\nloader = DataLoader(u.Graphs(), 8)\nfor batch in loader:\n"
    found = forwards(rehearse(f"{text}{indent(code, '    ')}\n", net=True))
    assert [[one.names for one in forward.loaders] for forward in found] == [[("loader",)]] * 2


# -- what an input is made of ---------------------------------------------------------------------

INPUTS = {
    "noise": ("torch.randn(1, 3, 8, 8)", YES),
    "noise and constants": ("torch.zeros(1, 3, 8, 8) + 2 * torch.rand(1, 3, 8, 8).cuda()", YES),
    "an integer range": ("torch.arange(9).float().view(1, 1, 3, 3)", YES),
    "noise by a helper": ("noise(8)", YES),
    "noise like data": ("torch.randn_like(batch)", YES),
    "data": ("batch", NO),
    "data with noise": ("batch + torch.randn(4, 3, 8, 8)", NO),
    "unknown": ("u.image()", UNKNOWN),
    "from numpy": ("torch.from_numpy(u.image())", UNKNOWN),
}


@pytest.mark.parametrize(("code", "expected"), INPUTS.values(), ids=INPUTS)
def test_made_up_inputs(code: str, expected: Known) -> None:
    head = """
    import u
    def noise(n):
        return torch.randn(n, 3, 8, 8).to(u.device)
    net = Net()
    batch, _ = next(iter(DataLoader(u.d(), 4)))
    """
    found = the_forward(rehearse(f"{head}\n    net({code})\n", net=True)).made_up
    assert found is expected


# -- what becomes of an output --------------------------------------------------------------------

MEASURED = {
    "argmax": "net(x).argmax(1)",
    "max over classes": "_, p = torch.max(net(x), 1)",
    "max by keyword": "p = net(x).max(dim=1)[1]",
    "comparison": "correct = net(x) > 0",
    "topk": "net(x).topk(5)",
    "item": "net(x).sum().item()",
    "the number in a loss, as torch 0.3 had it": "total = F.cross_entropy(net(x), y).data[0]",
    "numpy": "net(x).detach().cpu().numpy()",
    "float": "float(net(x).mean())",
    "a helper": "def accuracy(o, t):\n    return (o.argmax(1) == t).sum()\naccuracy(net(x), y)",
    "sklearn": "from sklearn.metrics import f1_score\nf1_score(y, net(x))",
    "features under names that are not known": "kept = {}\nfor name, o in zip(names, net(x)):\n"
    "    kept[name] = o\ntorch.stack([kept[n] for n in query]).cpu().numpy()",
    "pairs under names that are not known": "kept = {}\nkept[name] = [net(x), None]\n"
    "one, other = kept[query]\nprint(one.cpu().numpy())",
    "an image": "from torchvision.utils import save_image\nsave_image(net(x), 'a.png')",
}
NOT_MEASURED = {
    "nothing": "net(x)",
    "a loss": "F.cross_entropy(net(x), y).backward()",
    "the maximum": "net(x).max()",
    "a shape": "print(net(x).shape)",
    "an activation": "F.relu(net(x))",
}


@pytest.mark.parametrize("code", MEASURED.values(), ids=MEASURED)
def test_outputs_that_are_measured(code: str) -> None:
    assert the_forward(rehearse(f"net = Net()\n{code}\n", net=True)).measured is YES


@pytest.mark.parametrize("code", NOT_MEASURED.values(), ids=NOT_MEASURED)
def test_outputs_that_are_not_measured(code: str) -> None:
    assert the_forward(rehearse(f"net = Net()\n{code}\n", net=True)).measured is NO


BACKWARD = {
    "of a loss": "F.cross_entropy(net(x), y).backward()",
    "of a criterion": "c = nn.CrossEntropyLoss()\nloss = c(net(x), y)\nloss.backward()",
    "of a sum": "(net(x).mean() + other).backward()",
    "of an own loss": "class L(nn.Module):\n    def forward(self, o, t):\n        return (o - t).abs()\n"
    "L()(net(x), y).mean().backward()",
    "through a helper": "def step(loss, o):\n    o.zero_grad()\n    loss.backward()\n    o.step()\n"
    "step(F.nll_loss(net(x), y), optimizer)",
    "of a returned loss": "def loss_of(x):\n    return F.nll_loss(net(x), y)\nloss_of(x).backward()",
    "of an entry": "losses = {'a': net(x).mean()}\nsum(losses.values()).backward()",
    "of a running sum": "total = 0\nfor part in parts:\n    total = total + net(x).mean()\n"
    "total.backward()",
    "scaled": "scaler = torch.cuda.amp.GradScaler()\nscaler.scale(net(x).mean()).backward()",
    "scaled by apex": "from apex import amp\nwith amp.scale_loss(net(x).mean(), o) as loss:\n"
    "    loss.backward()",
    "accelerated": "from accelerate import Accelerator\na = Accelerator()\na.backward(net(x).mean())",
    "by Fabric": "import lightning as L\nfabric = L.Fabric()\nfabric.backward(net(x).mean())",
    "by torch.autograd": "torch.autograd.backward(net(x).mean())",
    "reduced": "import functools\nfunctools.reduce(add, [w * net(x) for w in weights]).backward()",
    "under autocast": "with torch.autocast('cuda'):\n    loss = net(x).mean()\nloss.backward()",
}
NO_BACKWARD = {
    "none": "loss = net(x).mean()",
    "detached": "net(x).detach().mean().backward()",
    "without gradients": "with torch.no_grad():\n    o = net(x)\no.mean().backward()",
    "of something else": "net(x)\nother.mean().backward()",
    "of its data": "net(x).data.mean().backward()",
}


@pytest.mark.parametrize("code", BACKWARD.values(), ids=BACKWARD)
def test_outputs_that_a_backward_runs_through(code: str) -> None:
    rehearsal = rehearse(f"net = Net()\noptimizer = optim.SGD([], 1)\n{code}\n", net=True)
    found = [e.backpropagated for e in forwards(rehearsal)]
    assert found
    assert set(found) == {YES}
    assert any(main_run(rehearsal).of_type(Backward))


def test_a_backward_through_an_entry_that_may_be_another_may_run_through_an_output() -> None:
    code = "net = Net()\nlosses = {}\nlosses[name] = net(x).mean()\nlosses[other].backward()\n"
    assert the_forward(rehearse(code, net=True)).backpropagated is UNKNOWN


@pytest.mark.parametrize("kept", ["{'out': net(x)}", "{0: net(x), 1: x}", "[net(x), x]"])
def test_a_backward_through_an_entry_that_another_may_have_replaced(kept: str) -> None:
    key = "'out'" if "out" in kept else "0"
    code = f"net = Net()\nkept = {kept}\nkept[name] = y\nkept[{key}].mean().backward()\n"
    assert the_forward(rehearse(code, net=True)).backpropagated is UNKNOWN


@pytest.mark.parametrize("code", NO_BACKWARD.values(), ids=NO_BACKWARD)
def test_outputs_that_no_backward_runs_through(code: str) -> None:
    assert the_forward(rehearse(f"net = Net()\n{code}\n", net=True)).backpropagated is NO


def test_a_backward_through_two_models_reaches_both() -> None:
    code = """
    generator, critic = Net(), Net()
    fake = generator(z)
    critic(fake.detach()).mean().backward()
    critic(fake).mean().backward()
    """
    found = forwards(rehearse(code, net=True))
    assert [(e.model.name, e.backpropagated) for e in found] == [
        ("generator", YES),
        ("critic", YES),
        ("critic", YES),
    ]


@pytest.mark.parametrize(
    "code",
    [
        "o = optim.Adam(net.parameters(), lr=1e-3)\no.step()",
        "s = torch.cuda.amp.GradScaler()\no = optim.SGD(net.parameters(), 1)\ns.step(o)",
    ],
)
def test_optimizer_steps(code: str) -> None:
    run = main_run(rehearse(f"net = Net()\n{code}\n", net=True))
    assert len(list(run.of_type(OptimizerStep))) == 1


SAMPLERS = {
    "of torch": "torch.utils.data.BatchSampler(u.sampler(), 4, False)",
    "of torch, by name": "torch.utils.data.BatchSampler(u.s(), batch_size=4, drop_last=True)",
    "of the project": "Grouped(u.sampler(), 4)",
}


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
def test_a_batch_sampler_gives_the_batch_size(sampler: str) -> None:
    code = f"""
class Grouped(torch.utils.data.BatchSampler):
    def __init__(self, sampler, batch_size):
        self.sampler, self.batch_size = sampler, batch_size

for x in DataLoader(u.d(), batch_sampler={sampler}):
    net(x)
"""
    assert set(batches(code)) == {4}


def test_a_batch_sampler_that_is_not_known_gives_none() -> None:
    assert set(batches("for x in DataLoader(u.d(), batch_sampler=u.s(4)):\n    net(x)")) == {None}


NAMED = {
    "as written": "loaders = {'train': DataLoader(u.a()), 'val': DataLoader(u.b())}",
    "one by one": "loaders = {}\nloaders['train'] = DataLoader(u.a())\nloaders['val'] = DataLoader(u.b())",
    "for each": "loaders = {k: DataLoader(u.d(k)) for k in ('train', 'val')}",
}


@pytest.mark.parametrize("code", NAMED.values(), ids=NAMED)
def test_the_key_of_a_loader_says_what_it_is_for(code: str) -> None:
    text = f"import u\nnet = Net()\n{code}\nfor x in loaders['val']:\n    net(x)\n"
    assert forwards(rehearse(text, net=True))[0].loaders[0].purpose is Purpose.EVALUATION


@pytest.mark.parametrize("copy", ["from_numpy", "asarray", "as_tensor"])
def test_a_batch_that_numpy_changed_is_of_its_loader(copy: str) -> None:
    code = f"""
    import u
    import numpy as np
    net, loader = Net(), DataLoader(u.d())
    for images, labels in loader:
        net(torch.{copy}(np.concatenate([image.numpy() for image in images], axis=0)))
    """
    assert forwards(rehearse(code, net=True))[0].loaders


def test_gradients_with_respect_to_data_train_nothing() -> None:
    code = """
    import u
    net, loader = Net(), DataLoader(u.d())
    for x, y in loader:
        x = x.clone().requires_grad_()
        torch.autograd.grad(net(x).sum(), x)
    """
    assert forwards(rehearse(code, net=True))[0].backpropagated is NO


def test_gradients_with_respect_to_parameters_may_train() -> None:
    code = """
    import u
    net, loader = Net(), DataLoader(u.d())
    for x, y in loader:
        torch.autograd.grad(net(x).sum(), net.parameters())
    """
    assert forwards(rehearse(code, net=True))[0].backpropagated is not NO


def test_predictions_that_a_loop_may_end_before_are_measured_and_may_be_trained_on() -> None:
    code = """
    net = Net()
    found = []
    for x in batches:
        if not len(x):
            break
        found.append(net(x))
    """
    for use, measured in (("torch.cat(found).argmax(1)", YES), ("torch.cat(found)", NO)):
        for forward in forwards(rehearse(f"{code}{use}\n", net=True)):
            assert (forward.measured, forward.backpropagated) == (measured, NO)
    for forward in forwards(rehearse(f"{code}torch.cat(found).sum().backward()\n", net=True)):
        assert forward.backpropagated is Known.UNKNOWN


def test_predictions_of_a_comprehension_are_measured_when_they_are_joined() -> None:
    code = """
    import u
    net, loader = Net(), DataLoader(u.d())
    with torch.no_grad():
        torch.cat([net(x) for x, _ in loader]).argmax(1)
    """
    assert the_forward(rehearse(code, net=True)).measured is YES


@pytest.mark.parametrize(
    "size",
    [
        "16 // dist.get_world_size()",
        "int(16 / torch.cuda.device_count())",
    ],
)
def test_the_batch_size_is_a_share_of_a_known_number(size: str) -> None:
    code = f"""
import torch.distributed as dist
size = {size}
for x in DataLoader(data, size):
    pass
"""
    (event,) = main_run(rehearse(code)).of_type(LoaderIterated)
    batch = event.loader.arguments["batch_size"]
    assert (batch.number, batch.divided) == (None, 16)
    assert batch.origin is not None and batch.origin.text.startswith("16 /")


ITEMS = """
import u
class Photos(Dataset):
    def __getitem__(self, number):
        return {item}
class Scans(Photos):
    pass
if u.few():
    val_set = Photos()
else:
    val_set = {other}()
for number in range(len(val_set)):
    sample = val_set[number]
    Net()(sample['image'].unsqueeze(0))
"""


@pytest.mark.parametrize("item", ["{'image': u.read(number), 'name': 'a'}", "u.read(number)"])
@pytest.mark.parametrize("other", ["Photos", "Scans"])
def test_items_of_a_dataset_for_evaluation(item: str, other: str) -> None:
    rehearsal = rehearse(ITEMS.format(item=item, other=other), net=True)
    loaders = [loader for event in forwards(rehearsal) for loader in event.loaders]
    assert {loader.purpose for loader in loaders} == {Purpose.EVALUATION}
