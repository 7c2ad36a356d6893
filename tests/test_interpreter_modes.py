"""In which mode each forward finds its model, through helpers, wrappers, classes and frameworks."""

from pathlib import Path
from textwrap import dedent

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader_events import LoaderHandedOver
from bnlint.facts.types.mode_events import ModeNotCalled
from bnlint.facts.types.run import (
    Backward,
    Forward,
    Frozen,
    ModeSwitched,
    is_training,
)
from tests.rehearsing import (
    NET,
    forwards,
    main_run,
    mode_name,
    modes,
    modes_by_line,
    rehearse,
    rehearse_files,
    the_forward,
)

# -- switching ------------------------------------------------------------------------------------

SWITCHES = {
    "as built": ("", "train"),
    "eval": ("net.eval()", "eval"),
    "train": ("net.eval()\nnet.train()", "train"),
    "train(False)": ("net.train(False)", "eval"),
    "train(mode=False)": ("net.train(mode=False)", "eval"),
    "train of a known expression": ("phase = 'val'\nnet.train(phase == 'train')", "eval"),
    "train of something unknown": ("net.train(u.c())", "unknown"),
    "chained": ("net = Net().to(d).eval()", "eval"),
    "chained twice": ("net = Net().eval().train().cuda()", "train"),
    "train(model.training)": ("was = net.training\nnet.eval()\nnet.train(was)", "train"),
    "through a bound method": ("switch = net.eval\nswitch()", "eval"),
    "through getattr": ("getattr(net, 'eval')()", "eval"),
    "through a list": ("for n in [net, Net()]:\n    n.eval()", "eval"),
    "through a dict": ("nets = {'a': net}\nfor n in nets.values():\n    n.eval()", "eval"),
    "through map": ("list(map(lambda n: n.eval(), [net]))", "eval"),
    "through an attribute": ("class A: pass\na = A()\na.net = net\na.net.eval()", "eval"),
    "through a parent": ("nn.Sequential(nn.ReLU(), net).eval()", "eval"),
    "through an apply": ("net.apply(lambda m: m.eval())", "eval"),
    "through modules": ("for m in net.modules():\n    m.eval()", "eval"),
    "only a child": ("net.bn.eval()", "train"),
    "by assigning training": ("net.training = False", "eval"),
    "of a copy": ("import copy\ncopy.deepcopy(net).eval()", "train"),
    "of another model": ("Net().eval()", "train"),
    "beside one of several": (
        "import random\nother = [Net(), Net()][random.randint(0, 1)]\n"
        "nets = nn.ModuleList([net])\nnets.append(other)\nnets[-1].eval()\nassert len(nets) == 2",
        "train",
    ),
    "after one of several": (
        "import random\nnets = nn.ModuleList([[Net(), Net()][random.randint(0, 1)]])\n"
        "nets.append(net)\nnets[1].eval()",
        "eval",
    ),
    "an unknown function": ("u.prepare(net)", "unknown"),
    "a harmless function": ("print(net)\nlen(list(net.parameters()))", "train"),
    "state dicts": ("net.eval()\nnet.load_state_dict(torch.load('x'))", "eval"),
    "moving": ("net.eval()\nnet = net.cuda().half()", "eval"),
}


@pytest.mark.parametrize(("code", "expected"), SWITCHES.values(), ids=SWITCHES)
def test_switches(code: str, expected: str) -> None:
    rehearsal = rehearse(f"import u\nd = 0\nnet = Net()\n{code}\nnet(x)\n", net=True)
    assert modes(rehearsal) == [expected]


def test_the_layers_have_modes_of_their_own() -> None:
    code = """
    net = Net()
    net.bn.eval()
    net(x)
    net.train()
    net(x)
    for m in net.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.eval()
    net(x)
    """
    states = [event.norms[0] for event in forwards(rehearse(code, net=True))]
    assert [mode_name(state.mode) for state in states] == ["eval", "train", "eval"]


def test_assigning_training_leaves_the_children_alone() -> None:
    code = """
    import u
    net = Net()
    net.training = False
    net(x)
    for m in net.modules():
        m.training = u.c()
    net(x)
    """
    found = forwards(rehearse(code, net=True))
    assert [mode_name(e.mode) for e in found] == ["eval", "unknown"]
    assert [mode_name(e.norms[0].mode) for e in found] == ["train", "unknown"]


def test_a_switch_says_where_it_is_and_what_it_is_called_on() -> None:
    code = """
    class A:
        def __init__(self):
            self.net = Net()
        def run(self):
            self.net.eval()
            self.net(x)
    A().run()
    """
    rehearsal = rehearse(code, net=True)
    (switched,) = main_run(rehearsal).of_type(ModeSwitched)
    assert (switched.receiver, switched.training) == ("self.net", False)
    (switch,) = the_forward(rehearsal).mode
    assert switch.site is not None
    assert switch.site.text == "self.net.eval()"
    assert the_forward(rehearsal).model.name == "self.net"
    assert the_forward(rehearsal).model.is_same(switched.model)


def test_a_mode_that_is_named_and_not_called() -> None:
    code = """
    net = Net()
    net.eval
    net(x)
    """
    rehearsal = rehearse(code, net=True)
    (event,) = main_run(rehearsal).of_type(ModeNotCalled)
    assert (event.receiver, event.method) == ("net", "eval")
    assert modes(rehearsal) == ["train"]


def test_a_replaced_child_arrives_in_its_own_mode() -> None:
    code = """
    net = Net()
    net.eval()
    net.bn = nn.BatchNorm2d(8)
    net(x)
    """
    event = the_forward(rehearse(code, net=True))
    assert mode_name(event.mode) == "eval"
    assert [mode_name(norm.mode) for norm in event.norms] == ["train"]


def test_an_overridden_train_decides() -> None:
    code = """
    class Frozen(Net):
        def train(self, mode=True):
            super().train(mode)
            for m in self.modules():
                if isinstance(m, nn.BatchNorm2d):
                    m.eval()
            return self
    net = Frozen()
    net(a)
    net.train()
    net(b)
    outer = nn.Sequential(net)
    outer.eval()
    outer.train()
    outer(c)
    """
    found = forwards(rehearse(code, net=True))
    assert [mode_name(e.mode) for e in found] == ["train", "train", "train"]
    assert [mode_name(e.norms[0].mode) for e in found] == ["train", "eval", "eval"]


def test_eval_goes_through_an_overridden_train() -> None:
    code = """
    class Always(Net):
        def train(self, mode=True):
            return super().train(True)
    net = Always()
    net.eval()
    net(x)
    """
    assert modes(rehearse(code, net=True)) == ["train"]


# -- wrappers -------------------------------------------------------------------------------------

WRAPPED = {
    "DataParallel": "nn.DataParallel(net)",
    "DataParallel with devices": "torch.nn.DataParallel(net, device_ids=[0, 1]).cuda()",
    "DataParallel of OpenMMLab": "mmcv.parallel.MMDataParallel(net, device_ids=[0])",
    "DistributedDataParallel of OpenMMLab": "mmcv.parallel.MMDistributedDataParallel(net)",
    "DistributedDataParallel": "nn.parallel.DistributedDataParallel(net, device_ids=[rank])",
    "compile": "torch.compile(net)",
}


@pytest.mark.parametrize("wrapped", WRAPPED.values(), ids=WRAPPED)
def test_a_wrapper_shares_the_mode_of_what_it_wraps(wrapped: str) -> None:
    code = f"""
    import mmcv.parallel
    net = Net()
    wrapper = {wrapped}
    wrapper.eval()
    net(a)
    wrapper(b)
    wrapper.train()
    net(c)
    wrapper(d)
    """
    found = forwards(rehearse(code, net=True))
    assert [mode_name(e.mode) for e in found] == ["eval", "eval", "train", "train"]
    assert all(e.model.is_same(found[0].model) for e in found)


def test_the_module_of_a_wrapper_is_the_model() -> None:
    code = """
    net = nn.DataParallel(Net())
    net.module.eval()
    net(a)
    net.module(b)
    """
    assert modes_by_line(rehearse(code, net=True)) == {
        "net(a)": {"eval"},
        "net.module(b)": {"eval"},
    }


def test_data_parallel_splits_the_batch() -> None:
    rehearsal = rehearse("net = Net()\nnet(x)\nnn.DataParallel(net)(x)\n", net=True)
    assert [event.devices for event in forwards(rehearsal)] == [Known.NO, Known.YES]


def test_wrapping_under_a_condition_keeps_the_mode() -> None:
    code = """
    import u
    net = Net()
    if torch.cuda.device_count() > 1:
        net = nn.DataParallel(net)
    net.eval()
    net(x)
    """
    assert set(modes(rehearse(code, net=True))) == {"eval"}


# -- helpers, classes, files ----------------------------------------------------------------------


def test_helpers_in_other_files_switch_the_model_that_they_get(tmp_path: Path) -> None:
    files = {
        "train.py": """
            from nets import Net
            from engine import train_epoch, evaluate
            def main():
                net = Net()
                for epoch in range(10):
                    train_epoch(net, loader)
                    evaluate(net, loader)
            if __name__ == "__main__":
                main()
            """,
        "nets.py": NET,
        "engine.py": """
            def train_epoch(model, loader):
                model.train()
                for x, y in loader:
                    model(x)
            def evaluate(model, loader):
                model.eval()
                for x, y in loader:
                    predict(model, x)
            def predict(model, x):
                return model(x).argmax(1)
            """,
    }
    rehearsal = rehearse_files(tmp_path, files)
    found = [(e.site.path.rpartition("/")[2], mode_name(e.mode)) for e in forwards(rehearsal)]
    assert set(found) == {("engine.py", "train"), ("engine.py", "eval")}
    measured = {mode_name(e.mode): e.measured for e in forwards(rehearsal)}
    assert measured == {"train": Known.NO, "eval": Known.YES}
    frames = [frame.function for frame in forwards(rehearsal)[-1].context.frames]
    assert frames[-3:] == ["main", "evaluate", "predict"]


def test_a_helper_that_forgets_the_mode_is_judged_by_its_callers() -> None:
    code = """
    def evaluate(model):
        return model(x)
    def train(model):
        model.train()
        return model(x)
    net = Net()
    net.eval()
    evaluate(net)
    train(net)
    evaluate(net)
    """
    rehearsal = rehearse(code, net=True)
    assert modes(rehearsal) == ["eval", "train", "train"]
    assert [run.entry for run in rehearsal.runs if list(run.of_type(Forward))] == ["train.py"]


def test_a_trainer_class_that_nothing_builds() -> None:
    code = """
    class Trainer:
        def __init__(self, loader):
            self.model = Net()
            self.loader = loader
        def train(self):
            self.model.train()
            for x in self.loader:
                self.model(x)
            self.validate()
        def validate(self):
            self.model.eval()
            return self.model(x)
    """
    assert modes(rehearse(code, net=True)) == ["train", "train", "eval"]


def test_a_trainer_that_is_built_and_used() -> None:
    code = """
    class Trainer:
        def __init__(self, model):
            self.model = model
        def fit(self, epochs):
            for epoch in range(epochs):
                self.model(train)
                self.validate()
        def validate(self):
            self.model.eval()
            self.model(val)
    Trainer(Net()).fit(10)
    """
    assert modes_by_line(rehearse(code, net=True)) == {
        "self.model(train)": {"train", "eval"},
        "self.model(val)": {"eval"},
    }


def test_phase_loops() -> None:
    code = """
    net = Net()
    loaders = {p: DataLoader(data[p], 8) for p in ("train", "val")}
    for epoch in range(25):
        for phase in ["train", "val"]:
            if phase == "train":
                net.train()
            else:
                net.eval()
            for x, y in loaders[phase]:
                with torch.set_grad_enabled(phase == "train"):
                    loss = F.cross_entropy(net(x), y)
                    if phase == "train":
                        loss.backward()
    """
    found = forwards(rehearse(code, net=True))
    assert {mode_name(e.mode) for e in found} == {"train", "eval"}
    for event in found:
        assert event.grad is event.backpropagated is is_training(event.mode)


def test_two_models_do_not_share_a_mode() -> None:
    code = """
    student, teacher = Net(), Net()
    teacher.eval()
    student(x)
    teacher(x)
    """
    assert modes(rehearse(code, net=True)) == ["train", "eval"]


def test_pretrained_models_arrive_as_their_library_says() -> None:
    code = """
    import torchvision
    net = torchvision.models.resnet18(pretrained=True)
    net(x)
    net.eval()
    net(x)
    """
    found = forwards(rehearse(code))
    assert [mode_name(e.mode) for e in found] == ["train", "eval"]
    assert {e.model.has_batchnorm for e in found} == {Known.YES}
    assert {e.model.pretrained for e in found} == {True}


# -- scripts and what nothing reaches -------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "net = Net()\nnet.eval()\nnet(x)\n",
        "def main():\n    net = Net()\n    net.eval()\n    net(x)\nmain()\n",
        "if __name__ == '__main__':\n    net = Net()\n    net.eval()\n    net(x)\n",
        "class A:\n    net = Net()\n    net.eval()\n    net(x)\n",
        "import fire\ndef main():\n    net = Net()\n    net.eval()\n    net(x)\n",
        "try:\n    net = Net()\n    net.eval()\n    net(x)\nexcept KeyboardInterrupt:\n    pass\n",
    ],
)
def test_scripts_of_all_forms(code: str) -> None:
    assert modes(rehearse(code, net=True)) == ["eval"]


def test_a_model_from_outside_is_in_no_known_mode() -> None:
    code = """
    net = Net()
    def use(model):
        model(x)
        net(x)
    """
    found = forwards(rehearse(code, net=True))
    assert {mode_name(event.mode) for event in found} <= {"unknown"}


def test_a_model_from_outside_has_the_mode_that_the_function_sets() -> None:
    code = """
    class Runner:
        def __init__(self):
            self.net = Net()
        def predict(self, x):
            return self.net(x)
        def test(self, x):
            self.net.eval()
            return self.net(x)
    """
    found = {run.entry: run for run in rehearse(code, net=True).runs}
    by_entry = {
        entry: [mode_name(e.mode) for e in run.of_type(Forward)] for entry, run in found.items()
    }
    assert by_entry["Runner.predict"] == ["unknown"]
    assert by_entry["Runner.test"] == ["eval"]
    assert not any(run.main for entry, run in found.items() if entry.startswith("Runner"))


def test_what_the_script_reaches_is_not_entered_again() -> None:
    code = """
    def used(net):
        net(x)
    def unused():
        net = Net()
        net.eval()
        used(net)
    used(Net())
    """
    runs = rehearse(code, net=True).runs
    assert sorted(run.entry for run in runs if list(run.of_type(Forward))) == ["train.py", "unused"]


# -- frameworks and options -----------------------------------------------------------------------


def test_lightning_sets_the_mode_around_its_hooks() -> None:
    code = """
    import pytorch_lightning as pl
    class Model(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Net()
        def forward(self, x):
            return self.net(x)
        def training_step(self, batch, i):
            x, y = batch
            return F.cross_entropy(self.net(x), y)
        def validation_step(self, batch, i):
            self.net(batch)
        def train_dataloader(self):
            return DataLoader(data, batch_size=1)
    """
    rehearsal = rehearse(code, net=True)
    by_entry = {
        run.entry: [(mode_name(e.mode), e.backpropagated) for e in run.of_type(Forward)]
        for run in rehearsal.runs
    }
    assert by_entry["Model.training_step"] == [("train", Known.YES)]
    assert by_entry["Model.validation_step"] == [("eval", Known.NO)]
    (handed,) = [e for run in rehearsal.runs for e in run.of_type(LoaderHandedOver)]
    assert handed.framework == "Lightning"
    assert handed.loader.arguments["batch_size"].value == 1


LIT = """
    import pytorch_lightning as pl
    class Data(pl.LightningDataModule):
        def setup(self, stage=None):
            self.size = 4
        def train_dataloader(self):
            return DataLoader(train_data, batch_size=self.size)
        def val_dataloader(self):
            return [DataLoader(val_data, batch_size=8)]
    class Lit(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Net()
        def training_step(self, batch, i):
            x, y = batch
            return {"loss": F.cross_entropy(self.net(x), y)}
        def validation_step(self, batch, i):
            x, y = batch
            self.log("acc", (self.net.forward(x).argmax(1) == y).float().mean())
        def on_train_epoch_end(self):
            self.net(torch.load("probe.pt"))
"""


@pytest.mark.parametrize(
    "call",
    [
        "pl.Trainer().fit(Lit(), datamodule=Data())",
        "lit = Lit()\nlit.train_dataloader = None\n"
        "pl.Trainer().fit(lit, DataLoader(a, 4), [DataLoader(b, 8)])",
        "pl.Trainer(max_epochs=3).fit(\n"
        "model=Lit(), train_dataloaders=DataLoader(a, 4), val_dataloaders=DataLoader(b, 8))",
    ],
    ids=["by a data module", "by position", "by keyword"],
)
def test_lightning_fits_with_its_loaders(call: str) -> None:
    run = main_run(rehearse(dedent(LIT) + call, net=True))
    train, evaluation, probe = [*run.of_type(Forward)][:3]
    assert (mode_name(train.mode), train.backpropagated) == ("train", Known.YES)
    assert train.batch is not None
    assert train.batch.value == 4
    assert (mode_name(evaluation.mode), evaluation.grad) == ("eval", Known.NO)
    assert evaluation.measured is Known.YES
    assert [loader.arguments["batch_size"].value for loader in evaluation.loaders] == [8]
    assert (mode_name(probe.mode), probe.grad) == ("train", Known.YES)
    assert len([*run.of_type(Forward)]) == 6


def test_lightning_tests_in_eval_mode() -> None:
    code = dedent(LIT) + "Lit.test_step = Lit.validation_step\nlit = Lit()\n"
    run = main_run(rehearse(code + "pl.Trainer().validate(lit, DataLoader(a, 8))", net=True))
    (forward,) = run.of_type(Forward)
    assert (mode_name(forward.mode), forward.grad) == ("eval", Known.NO)


OPTIONS = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--freeze-bn", action="store_true")
parser.add_argument("--verbose", action="store_true")
args = parser.parse_args()
net = Net()
if args.freeze_bn:
    for p in net.bn.parameters():
        p.requires_grad = False
if args.verbose:
    print(net)
net(x).sum().backward()
"""


def test_an_option_that_freezes_is_also_tried() -> None:
    runs = rehearse(OPTIONS, net=True).runs
    assert [(run.options, any(run.of_type(Frozen))) for run in runs if run.main] == [
        ((), False),
        (("--freeze-bn",), True),
    ]
    for run in runs:
        for event in run.of_type(Forward):
            given = Known.of(bool(run.options))
            assert [norm.frozen for norm in event.norms] == [given]
            assert mode_name(event.mode) == "train"


def test_frozen_parameters_and_where() -> None:
    code = """
    net = Net()
    for name, p in net.named_parameters():
        if "bn" in name:
            p.requires_grad = False
    net(a)
    net.requires_grad_(False)
    net(b)
    for p in net.parameters():
        p.requires_grad = True
    net(c)
    """
    rehearsal = rehearse(code, net=True)
    norms = [event.norms[0] for event in forwards(rehearsal)]
    assert [norm.frozen for norm in norms] == [Known.YES, Known.YES, Known.NO]
    assert norms[0].frozen_at is not None
    assert norms[0].frozen_at.text == "p.requires_grad"
    frozen = [e for e in main_run(rehearsal).of_type(Frozen) if e.all_parameters]
    assert {e.site.text: e.requires_grad for e in frozen} == {
        "net.requires_grad_(False)": False,
        "p.requires_grad": True,
    }


def test_backward_names_the_models_that_it_reaches() -> None:
    code = """
    a, b = Net(), Net()
    with torch.no_grad():
        target = b(x)
    loss = F.mse_loss(a(x), target)
    loss.backward()
    """
    rehearsal = rehearse(code, net=True)
    (backward,) = main_run(rehearsal).of_type(Backward)
    assert [model.name for model in backward.models] == ["a"]
    reached = {e.model.name: e.backpropagated for e in forwards(rehearsal)}
    assert reached == {"a": Known.YES, "b": Known.NO}


@pytest.mark.parametrize("base", ["_NormBase", "_BatchNorm", "_InstanceNorm", "_LazyNormBase"])
def test_private_bases_of_norms_are_asked_for_on_third_party_models(base: str) -> None:
    code = f"""
    import torchvision
    from torch.nn.modules.batchnorm import {base}
    net = torchvision.models.resnet18()
    for part in net.modules():
        if isinstance(part, {base}):
            part.eval()
    net(torch.zeros(2, 3, 8, 8))
    """
    rehearsal = rehearse(code)
    assert not rehearsal.failures
    assert the_forward(rehearsal).norms


# -- one of several models ------------------------------------------------------------------------

TWO = "import u\nnet = Net()\nother = Net()\nchosen = net if u.c() else other\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    {
        "chosen.eval()\nchosen.train()\nchosen(x)": {"train"},
        "chosen.train()\nchosen.eval()\nchosen(x)": {"eval"},
        "chosen.eval()\nswitch = chosen.train\nswitch()\nchosen(x)": {"train"},
        "net.eval()\nother.eval()\nchosen.train()\nchosen(x)": {"train"},
        "chosen.eval()\nnet(x)": {"unknown"},
        "chosen.eval()\nagain = net if u.c() else other\nagain(x)": {"unknown"},
        "chosen.eval()\nif u.c():\n    chosen.train()\nchosen(x)": {"unknown"},
    }.items(),
)
def test_a_choice_means_the_same_model_wherever_it_is_used(code: str, expected: set[str]) -> None:
    rehearsal = rehearse(f"{TWO}x = torch.randn(2, 3, 8, 8)\n{code}\n", net=True)
    assert set(modes(rehearsal)) == expected


def test_what_is_a_child_on_some_paths_is_switched_on_these_alone() -> None:
    code = """
    import u
    part = Net()
    whole = nn.Sequential()
    if u.c():
        whole.part = part
    whole.eval()
    part(x)
    """
    assert modes(rehearse(code, net=True)) == ["unknown"]


RECORDED = {
    "a writer of torch": (
        "from torch.utils.tensorboard import SummaryWriter",
        "SummaryWriter(log_dir=make())",
        "add_graph(net, x)",
    ),
    "a writer": ("from tensorboardX import SummaryWriter", "SummaryWriter()", "add_graph(net, x)"),
    "a logger": ("import logging", "logging.getLogger('a')", "info(net)"),
    "a run": ("import wandb", "wandb.init()", "watch(net)"),
}


@pytest.mark.parametrize(("imported", "made", "call"), RECORDED.values(), ids=RECORDED)
def test_what_only_writes_a_model_down_leaves_its_mode(imported: str, made: str, call: str) -> None:
    code = f"from unknown import make\n{imported}\nwriter = {made}\nnet = Net()\nwriter.{call}\nnet(x)\n"
    assert modes(rehearse(code, net=True)) == ["train"]
    unknown = code.replace(made, "make()")
    assert modes(rehearse(unknown, net=True)) == ["unknown"]


LOOKED_UP = {
    "by an attribute": "switch = run.config.switch\nswitch(net)",
    "in a table": "switch = table()[run.config.name]\nswitch(net)",
    "in a table of an object": "box.switch = table()[run.config.name]\nbox.switch(net)",
    "in a table of functions": "switch = {'a': table(), 'b': table()}[run.config.name]\nswitch(net)",
}


@pytest.mark.parametrize("code", LOOKED_UP.values(), ids=LOOKED_UP)
def test_a_function_that_what_is_written_down_chooses_may_do_anything(code: str) -> None:
    head = "import types, wandb\nfrom unknown import table\nbox = types.SimpleNamespace()\n"
    text = f"{head}run = wandb.init()\nnet = Net()\n{code}\nnet(x)\n"
    assert modes(rehearse(text, net=True)) == ["unknown"]


def test_a_class_that_is_one_of_six_or_none_is_followed() -> None:
    kinds = [f"class N{i}(Net):\n    pass\n" for i in range(6)]
    chosen = [f"if name == '{i}':\n    kind = N{i}\n" for i in range(6)]
    code = [
        "import sys\nname = sys.argv[1]\nkind = None\n",
        *kinds,
        *chosen,
        "net = kind()\nnet(x)\n",
    ]
    forwards = [*main_run(rehearse("".join(code), net=True)).of_type(Forward)]
    assert {forward.model.has_batchnorm for forward in forwards} == {Known.YES}


CLIENTS = """
import random
import numpy as np
class Client:
    def __init__(self, net):
        self.net = net
        self.data = DataLoader(u.data(), 8)
    def train(self):
        self.net.train()
        for x, y in self.data:
            F.cross_entropy(self.net(x), y).backward()
import u
clients = [Client(Net()) for number in range(9)]
"""


@pytest.mark.parametrize(
    "drawn",
    [
        "random.sample(clients, 3)",
        "random.choices(clients, k=3)",
        "list(np.random.choice(clients, 3, replace=False))",
        "[random.choice(clients)]",
    ],
)
def test_some_of_several_objects_train_their_models(drawn: str) -> None:
    found = forwards(rehearse(f"{CLIENTS}for client in {drawn}:\n    client.train()\n", net=True))
    assert found
    assert {mode_name(event.mode) for event in found} == {"train"}


def test_some_of_an_unknown_number_of_objects_train_their_models() -> None:
    code = f"{CLIENTS}many = [Client(Net()) for number in range(u.n())]\n"
    code += "for client in random.sample(many, u.k()):\n    client.train()\n"
    found = forwards(rehearse(code, net=True))
    assert found
    assert {mode_name(event.mode) for event in found} == {"train"}


def test_indices_that_are_drawn_stay_indices() -> None:
    code = "import random\nfor i in random.sample(range(9), 3):\n    nets[i].eval()\nnet = Net()\nnet(x)"
    assert modes(rehearse(code, net=True)) == ["train"]


@pytest.mark.parametrize(
    "arm", ["optimizer = optim.SGD(net.parameters(), {0})", "width = net.width() * {0}"]
)
def test_a_long_chain_of_branches_with_a_model_leaves_its_mode(arm: str) -> None:
    arms = "".join(f"elif name == '{n}':\n    {arm.format(n)}\n" for n in range(1, 12))
    width = "    def width(self):\n        return 8\n"
    code = (
        f"{width}import u\nname, net = u.name(), Net()\nif name == '0':\n    pass\n{arms}net(x)\n"
    )
    assert modes(rehearse(code, net=True)) == ["train"]


@pytest.mark.parametrize("place", [0, -1])
def test_a_place_of_a_container_is_known_where_another_is_one_of_several(place: int) -> None:
    code = f"""
    import u
    teacher = Net(4) if u.c() else Net(6)
    nets = nn.ModuleList([Net(), teacher, Net()])
    nets[1].eval()
    nets[{place}](x)
    nets[1](x)
    """
    found = forwards(rehearse(code, net=True))
    assert [mode_name(event.mode) for event in found] == ["train", "eval", "eval"]
