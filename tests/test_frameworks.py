"""Scripts of training frameworks: who switches the modes, and what is drawn from which loader."""

import re
from collections.abc import Mapping
from textwrap import dedent

import pytest

from tests import fixing

SETUP = """
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision.datasets import CIFAR10

F = nn.functional
train_set, val_set = CIFAR10(".", train=True), CIFAR10(".", train=False)
train_loader = DataLoader(train_set, batch_size=64, shuffle=True, drop_last=True)
val_loader = DataLoader(val_set, batch_size=64)
model = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(7200, 9))
optimizer = torch.optim.SGD(model.parameters(), 0.1)
"""
MARK = re.compile(r"# (BN\d{3})")


def held_against_marks(code: str) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
    """The lines and rules that are marked in a script, and those that are reported."""
    code = SETUP + NET + dedent(code)
    lines = enumerate(code.splitlines(), 1)
    marked = [(number, rule) for number, line in lines for rule in MARK.findall(line)]
    return marked, sorted((f.span.line, f.rule) for f in fixing.lint(code))


ACCELERATE = {
    "nothing puts the model into eval mode": """
        from accelerate import Accelerator
        accelerator = Accelerator(mixed_precision="fp16", gradient_accumulation_steps=2)
        model, optimizer, train_loader, val_loader = accelerator.prepare(
            model, optimizer, train_loader, val_loader)
        for epoch in range(9):
            model.train()
            for x, y in train_loader:
                with accelerator.accumulate(model), accelerator.autocast():
                    loss = F.cross_entropy(model(x), y)
                    accelerator.backward(loss)
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                    optimizer.step()
                    optimizer.zero_grad()
            with torch.no_grad():
                for x, y in val_loader:
                    guess = model(x).argmax(1)  # BN301
                    guess, y = accelerator.gather_for_metrics((guess, y))
                    accelerator.print((guess == y).float().mean())
        accelerator.save(accelerator.get_state_dict(model), "net.pt")
        """,
    "the model is taken out of its wrapper to be evaluated": """
        import accelerate
        accelerator = accelerate.Accelerator()
        prepared = [model, optimizer, train_loader, val_loader]
        model, optimizer, train_loader, val_loader = accelerator.prepare(*prepared)
        for epoch in range(9):
            for x, y in accelerator.skip_first_batches(train_loader, 2):
                accelerator.backward(F.cross_entropy(model(x), y))
                optimizer.step()
            accelerator.wait_for_everyone()
            net = accelerator.unwrap_model(model)
            net.eval()  # BN303
            with torch.no_grad():
                print([net(x).argmax(1) == y for x, y in val_loader])
        """,
    "a state is loaded to predict with": """
        from accelerate import Accelerator
        accelerator = Accelerator()
        model, val_loader = accelerator.prepare(model, val_loader)
        accelerator.load_state("last")
        with torch.no_grad():
            for x, y in val_loader:
                print(accelerator.gather(model(x).argmax(1)))  # BN302
        """,
    "one object is prepared, of a batch that is small": """
        from accelerate import Accelerator
        accelerator = Accelerator()
        model = accelerator.prepare(model)
        small = accelerator.prepare_data_loader(DataLoader(train_set, 2, shuffle=True))  # BN501
        for x, y in small:
            accelerator.backward(F.cross_entropy(model(x), y))
            accelerator.prepare_optimizer(optimizer).step()
        """,
    "the modes are switched as they should": """
        from accelerate import Accelerator
        accelerator = Accelerator()
        model, optimizer, train_loader, val_loader = accelerator.prepare(
            model, optimizer, train_loader, val_loader)
        for epoch in range(9):
            model.train()
            for x, y in train_loader:
                with accelerator.no_sync(model):
                    accelerator.backward(F.cross_entropy(model(x), y))
                optimizer.step()
                accelerator.log({"model": model})
            accelerator.save_state("last")
            model.eval()
            with torch.inference_mode():
                for x, y in val_loader:
                    print(accelerator.gather_for_metrics(model(x).argmax(1) == y).sum())
        """,
}
FABRIC = {
    "a small batch, and no eval mode": """
        import lightning as L
        fabric = L.Fabric(accelerator="cuda", devices=2)
        fabric.launch()
        model, optimizer = fabric.setup(model, optimizer)
        small, val_loader = fabric.setup_dataloaders(DataLoader(train_set, 2, shuffle=True), val_loader)  # BN501
        for epoch in range(9):
            model.train()
            for x, y in small:
                with fabric.no_backward_sync(model):
                    fabric.backward(F.cross_entropy(model(x), y))
                optimizer.step()
            with torch.no_grad():
                for x, y in val_loader:
                    print(fabric.all_gather(model(x).argmax(1) == y).sum())  # BN301
        """,
    "a function that is launched switches the modes": """
        from lightning.fabric import Fabric
        def train(fabric, net):
            net, step = fabric.setup(net, optimizer)
            loader = fabric.setup_dataloaders(train_loader)
            for epoch in range(9):
                net.train()
                for x, y in loader:
                    fabric.backward(F.cross_entropy(net(x), y))
                    step.step()
                net.eval()
                fabric.print([net(x).argmax(1) == y for x, y in val_loader])
        Fabric().launch(train, model)
        """,
}
LIGHTNING_CLI = {
    "it fits at once": """
        import lightning.pytorch as pl
        from lightning.pytorch.cli import LightningCLI
        class Data(pl.LightningDataModule):
            def __init__(self, batch_size=2):
                super().__init__()
                self.batch_size = batch_size
            def train_dataloader(self):
                return DataLoader(train_set, self.batch_size, shuffle=True)  # BN501
        class Classifier(pl.LightningModule):
            def __init__(self, rate: float):
                super().__init__()
                self.body = model
            def training_step(self, batch, index):
                x, y = batch
                return F.cross_entropy(self.body(x), y)
        class CLI(LightningCLI):
            def add_arguments_to_parser(self, parser):
                parser.add_argument("--name")
        CLI(Classifier, Data, save_config_callback=None)
        """,
    "the script calls what it built": """
        import lightning.pytorch as pl
        from lightning.pytorch.cli import LightningCLI
        class Classifier(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.body = model
            def training_step(self, batch, index):
                x, y = batch
                return F.cross_entropy(self.body(x), y)
        cli = LightningCLI(model_class=Classifier, run=False)
        cli.trainer.fit(cli.model, DataLoader(train_set, 4, shuffle=True))  # BN501
        """,
    "an evaluation in eval mode": """
        import lightning.pytorch as pl
        from pytorch_lightning.cli import LightningCLI
        class Classifier(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.body = model
            def training_step(self, batch, index):
                return F.cross_entropy(self.body(batch[0]), batch[1])
            def validation_step(self, batch, index):
                self.log("hits", (self.body(batch[0]).argmax(1) == batch[1]).sum())
            def train_dataloader(self):
                return train_loader
            def val_dataloader(self):
                return val_loader
        LightningCLI(Classifier)
        """,
}
CLASSIFIER = """
        import copy
        import lightning.pytorch as pl
        class Classifier(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.net = model
            def training_step(self, batch, index):
                return F.cross_entropy(self.net(batch[0]), batch[1])
            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters(), 0.1)
"""
FIT = """
        trainer = pl.Trainer(max_epochs=9, callbacks=[Own(val_loader)])
        trainer.fit(Classifier(), train_loader)
"""
LIGHTNING_OPTIONS = {
    "a trainer of options fits": """
        import argparse
        import pytorch_lightning as pl
        class Classifier(pl.LightningModule):
            def __init__(self, **options):
                super().__init__()
                self.save_hyperparameters()
                self.body = model
            def train_dataloader(self):
                return DataLoader(train_set, self.hparams.batch_size, shuffle=True)  # BN501
            def training_step(self, batch, index):
                x, y = batch
                return F.cross_entropy(self.body(x), y)
        parser = argparse.ArgumentParser()
        parser.add_argument("--batch_size", type=int, default=4)
        parser = pl.Trainer.add_argparse_args(parser)
        args = parser.parse_args()
        trainer = pl.Trainer.from_argparse_args(args, callbacks=[])
        if args.max_epochs:
            trainer.fit(Classifier(**vars(args)))
        """,
}
LIGHTNING_CALLBACKS = {
    "it evaluates after each epoch in train mode": f"""{CLASSIFIER}
        class Own(pl.Callback):
            def __init__(self, loader):
                self.loader = loader
            def on_train_epoch_end(self, trainer, pl_module):
                with torch.no_grad():
                    print(sum((pl_module.net(x).argmax(1) == y).sum() for x, y in self.loader))  # BN301
        {FIT}""",
    "it averages parameters after each batch": f"""{CLASSIFIER}
        class Own(pl.Callback):
            def __init__(self, loader):
                self.loader = loader
            def on_fit_start(self, trainer, pl_module):
                self.mean = copy.deepcopy(pl_module.net).eval()
            @torch.no_grad()
            def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
                for old, new in zip(self.mean.parameters(), pl_module.net.parameters()):  # BN402
                    old.lerp_(new, 0.01)
            def on_train_end(self, trainer, pl_module):
                with torch.no_grad():
                    print(sum((self.mean(x).argmax(1) == y).sum() for x, y in self.loader))
        {FIT}""",
    "it looks at a validation, in eval mode": f"""{CLASSIFIER}
            def validation_step(self, batch, index):
                self.log("hits", (self.net(batch[0]).argmax(1) == batch[1]).sum())
            def val_dataloader(self):
                return val_loader
        class Own(pl.Callback):
            def __init__(self, loader):
                self.loader = loader
            def on_validation_epoch_end(self, trainer, pl_module):
                print(sum((pl_module.net(x).argmax(1) == y).sum() for x, y in self.loader))
        {FIT}""",
    "it puts the module into eval mode and back": f"""{CLASSIFIER}
        class Own(pl.Callback):
            def __init__(self, loader):
                self.loader = loader
            def on_train_epoch_end(self, trainer, pl_module):
                pl_module.eval()
                with torch.no_grad():
                    print(sum((pl_module.net(x).argmax(1) == y).sum() for x, y in self.loader))
                pl_module.train()
        {FIT}""",
}
IGNITE = {
    "a step of the project leaves the mode that an evaluator sets": """
        from ignite.engine import Engine, Events, create_supervised_evaluator
        model.train()
        def step(engine, batch):
            x, y = batch
            loss = F.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return loss.item()
        trainer, evaluator = Engine(step), create_supervised_evaluator(model)
        @trainer.on(Events.EPOCH_COMPLETED)
        def validate(engine):
            evaluator.run(val_loader)  # BN303
        trainer.run(train_loader, max_epochs=9)
        """,
    "a step of the project validates in the trainer's mode": """
        from ignite.engine import Engine, Events, create_supervised_trainer
        from ignite.metrics import Accuracy
        trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss(), device="cuda")
        def predict(engine, batch):
            with torch.no_grad():
                return model(batch[0]), batch[1]  # BN301
        evaluator = Engine(predict)
        Accuracy().attach(evaluator, "accuracy")
        class Validation:
            def __init__(self, loader):
                self.loader = loader
            def validate(self, engine, name):
                evaluator.run(self.loader)
                print(name, evaluator.state.metrics)
        trainer.add_event_handler(Events.EPOCH_COMPLETED(every=2), Validation(val_loader).validate, "val")
        trainer.run(train_loader, max_epochs=9)
        """,
    "an object of the project is called after each epoch": """
        from ignite.engine import Engine, Events, create_supervised_trainer
        trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss())
        class Validation:
            def __init__(self, loader):
                self.loader = loader
            def __call__(self, engine, every):
                with torch.no_grad():
                    print(sum((model(x).argmax(1) == y).sum().item() for x, y in self.loader))  # BN301
        trainer.add_event_handler(Events.EPOCH_COMPLETED, Validation(val_loader), 2)
        trainer.run(train_loader, max_epochs=9)
        """,
    "a function with an argument is called after each epoch": """
        from functools import partial
        from ignite.engine import Engine, Events, create_supervised_trainer
        trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss())
        def validate(loader, engine):
            with torch.no_grad():
                print(sum((model(x).argmax(1) == y).sum().item() for x, y in loader))  # BN301
        trainer.add_event_handler(Events.EPOCH_COMPLETED, partial(validate, val_loader))
        trainer.run(train_loader, max_epochs=9)
        """,
    "the trainer's batches are small": """
        from ignite.engine import create_supervised_trainer
        import ignite.distributed as idist
        model, optimizer = idist.auto_model(model), idist.auto_optim(optimizer)
        trainer = create_supervised_trainer(model, optimizer, F.cross_entropy)
        small = idist.auto_dataloader(train_set, batch_size=2, shuffle=True)  # BN501
        trainer.run(small, max_epochs=9)
        """,
    "each process trains": """
        import ignite.distributed as idist
        from ignite.engine import create_supervised_trainer
        def training(rank, config, name=""):
            small = DataLoader(train_set, batch_size=config["batch_size"], shuffle=True)  # BN501
            trainer = create_supervised_trainer(model, optimizer, F.cross_entropy)
            trainer.run(small, max_epochs=config["epochs"])
        config = {"batch_size": 2, "epochs": 3}
        with idist.Parallel(backend="nccl") as parallel:
            parallel.run(training, config, name="run")
        """,
    "an object of the project switches and gives back": """
        from ignite.engine import Engine, Events, create_supervised_trainer
        trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss())
        class Validation:
            def __init__(self, loader):
                self.loader = loader
            def __call__(self):
                model.eval()
                with torch.no_grad():
                    print(sum((model(x).argmax(1) == y).sum().item() for x, y in self.loader))
                model.train()
        trainer.add_event_handler(Events.EPOCH_COMPLETED, Validation(val_loader))
        trainer.run(train_loader, max_epochs=9)
        """,
    "the trainer and the evaluator of ignite": """
        from ignite.engine import Events, create_supervised_evaluator, create_supervised_trainer
        from ignite.handlers import Checkpoint
        trainer = create_supervised_trainer(model, optimizer, nn.CrossEntropyLoss())
        evaluator = create_supervised_evaluator(model)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda: evaluator.run(val_loader))
        trainer.add_event_handler(Events.COMPLETED, Checkpoint({"model": model}, "."))
        trainer.run(train_loader, max_epochs=9)
        """,
    "steps of the project that switch": """
        from ignite.engine import Engine, Events
        def step(engine, batch):
            model.train()
            x, y = batch
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        @torch.no_grad()
        def predict(engine, batch):
            model.eval()
            return model(batch[0]), batch[1]
        trainer, evaluator = Engine(step), Engine(predict)
        @trainer.on(Events.ITERATION_COMPLETED(every=100) | Events.COMPLETED)
        def validate():
            evaluator.run(val_loader)
        trainer.run(train_loader, 9)
        """,
    "handlers switch": """
        from ignite.engine import Engine, Events
        def step(engine, batch):
            x, y = batch
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
        @torch.no_grad()
        def predict(engine, batch):
            return model(batch[0]).argmax(1), batch[1]
        trainer, evaluator = Engine(step), Engine(predict)
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda engine: model.train())
        evaluator.add_event_handler(Events.STARTED, lambda engine: model.eval())
        trainer.add_event_handler(Events.EPOCH_COMPLETED, lambda engine: evaluator.run(val_loader))
        trainer.run(train_loader, 9)
        """,
}

NET = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = model

    def forward(self, pixel_values, labels=None):
        logits = self.body(pixel_values)
        if labels is None:
            return {"logits": logits}
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}

net = Net()
"""
HUGGING_FACE = {
    "the last step leaves train mode, and batches are small": """
        from transformers import Trainer, TrainingArguments
        args = TrainingArguments("out", per_device_train_batch_size=2, num_train_epochs=3)  # BN501
        trainer = Trainer(model=net, args=args, train_dataset=train_set, eval_dataset=val_set)
        trainer.train()
        with torch.no_grad():
            for x, y in val_loader:
                print((trainer.model(x)["logits"].argmax(1) == y).sum())  # BN301
        """,
    "frozen parameters are put into train mode by each step": """
        from transformers import Trainer, TrainingArguments
        net.load_state_dict(torch.load("net.pt"))
        for parameter in net.body[1].parameters():
            parameter.requires_grad = False  # BN701
        net.eval()
        Trainer(net, TrainingArguments("out"), train_dataset=train_set).train()
        """,
    "a loss of the project's trainer": """
        from transformers import Trainer, TrainingArguments
        class Weighted(Trainer):
            def compute_loss(self, model, inputs, return_outputs=False):
                labels = inputs.pop("labels")
                outputs = model(**inputs)
                loss = F.cross_entropy(outputs["logits"], labels)
                return (loss, outputs) if return_outputs else loss
        args = TrainingArguments("out", per_device_train_batch_size=4)  # BN501
        Weighted(model=net, args=args, train_dataset=train_set).train()
        """,
    "a frozen backbone from the hub": """
        from dataclasses import dataclass
        from transformers import AutoModelForImageClassification, HfArgumentParser, Trainer, TrainingArguments
        @dataclass
        class Options:
            name: str = "microsoft/resnet-50"
        options, args = HfArgumentParser((Options, TrainingArguments)).parse_args_into_dataclasses()
        hub = AutoModelForImageClassification.from_pretrained(options.name)
        for parameter in hub.parameters():
            parameter.requires_grad = False  # BN701
        for parameter in hub.classifier.parameters():
            parameter.requires_grad = True
        trainer = Trainer(model=hub, args=args, train_dataset=train_set)
        if args.do_train:
            trainer.log_metrics("train", trainer.train().metrics)
            trainer.save_model()
        """,
    "the last thing is an evaluation": """
        from transformers import Trainer, TrainingArguments
        args = TrainingArguments("out", eval_strategy="epoch", per_device_train_batch_size=64)
        trainer = Trainer(model=net, args=args, train_dataset=train_set, eval_dataset=val_set)
        trainer.train()
        with torch.no_grad():
            for x, y in val_loader:
                print((net(x)["logits"].argmax(1) == y).sum())
        """,
    "predict() comes before the script's own evaluation": """
        from transformers import IntervalStrategy, Trainer, TrainingArguments
        args = TrainingArguments("out", evaluation_strategy=IntervalStrategy.NO)
        trainer = Trainer(model=net, args=args, train_dataset=train_set)
        trainer.train()
        trainer.predict(val_set)
        with torch.no_grad():
            for x, y in val_loader:
                print((net(x)["logits"].argmax(1) == y).sum())
        """,
    "the project's trainer has steps of its own": """
        from transformers import Trainer, TrainingArguments
        class Frozen(Trainer):
            def training_step(self, model, inputs, count=None):
                model.eval()
                loss = self.compute_loss(model, inputs)
                self.accelerator.backward(loss)
                return loss.detach()
        Frozen(model=net, args=TrainingArguments("out"), train_dataset=train_set).train()
        with torch.no_grad():
            for x, y in val_loader:
                print((net(x)["logits"].argmax(1) == y).sum())
        """,
}
FASTAI = {
    "small batches": """
        from fastai.vision.all import *
        small = DataLoader(train_set, batch_size=2, shuffle=True)  # BN501
        learn = Learner(DataLoaders(small, val_loader), model, loss_func=nn.CrossEntropyLoss())
        learn.fit_one_cycle(5)
        """,
    "validation comes last, in eval mode": """
        from fastai.data.core import DataLoaders
        from fastai.learner import Learner
        learn = Learner(DataLoaders(train_loader, val_loader), model, nn.CrossEntropyLoss())
        learn.fit(5)
        with torch.no_grad():
            for x, y in val_loader:
                print((learn.model(x).argmax(1) == y).sum())
        """,
}
COMPOSER = {
    "evaluation gives train mode back": """
        from composer import Trainer
        from composer.models import ComposerModel
        class Classifier(ComposerModel):
            def __init__(self):
                super().__init__()
                self.net = model
            def forward(self, batch):
                return self.net(batch[0])
            def loss(self, outputs, batch):
                return F.cross_entropy(outputs, batch[1])
        classifier = Classifier()
        small = DataLoader(train_set, batch_size=4, shuffle=True)  # BN501
        trainer = Trainer(model=classifier, train_dataloader=small, eval_dataloader=val_loader)
        trainer.fit()
        with torch.no_grad():
            for x, y in val_loader:
                print((classifier.net(x).argmax(1) == y).sum())  # BN301
        """,
    "its own evaluation": """
        from composer import Trainer
        trainer = Trainer(model=model, train_dataloader=train_loader, eval_dataloader=val_loader)
        trainer.fit()
        trainer.eval(eval_dataloader=val_loader)
        """,
}
CATALYST = {
    "small batches": """
        from catalyst import dl
        small = DataLoader(train_set, batch_size=4, shuffle=True)  # BN501
        runner = dl.SupervisedRunner()
        runner.train(model=model, criterion=nn.CrossEntropyLoss(), optimizer=optimizer,
                     loaders={"train": small, "valid": val_loader}, num_epochs=3)
        """,
    "a step of the project's runner": """
        from catalyst import dl, metrics
        class CustomRunner(dl.Runner):
            def predict_batch(self, batch):
                return self.model(batch[0])
            def handle_batch(self, batch):
                x, y = batch
                logits = self.model(x)
                loss = F.cross_entropy(logits, y)
                self.batch_metrics.update({"loss": loss})
                if self.is_train_loader:
                    self.engine.backward(loss)
                    self.optimizer.step()
                    self.optimizer.zero_grad()
        small = DataLoader(train_set, batch_size=2, shuffle=True)  # BN501
        runner = CustomRunner()
        runner.train(model=model, optimizer=optimizer, loaders={"train": small, "valid": val_loader})
        for logits in runner.predict_loader(loader=val_loader):
            print(logits.argmax(1))
        """,
    "validation comes last, in eval mode": """
        from catalyst.dl import SupervisedRunner
        loaders = {"train": train_loader, "valid": val_loader}
        SupervisedRunner().train(model=model, criterion=nn.CrossEntropyLoss(), loaders=loaders)
        with torch.no_grad():
            for x, y in val_loader:
                print((model(x).argmax(1) == y).sum())
        """,
}
MMENGINE = {
    "small batches, and the last step leaves train mode": """
        from mmengine.model import BaseModel
        from mmengine.runner import Runner
        class Classifier(BaseModel):
            def __init__(self):
                super().__init__()
                self.net = model
            def forward(self, x, labels=None, mode="tensor"):
                outputs = self.net(x)
                return {"loss": F.cross_entropy(outputs, labels)} if mode == "loss" else outputs
        classifier = Classifier()
        small = DataLoader(train_set, batch_size=4, shuffle=True)  # BN501
        Runner(model=classifier, work_dir="out", train_dataloader=small).train()
        with torch.no_grad():
            for x, y in val_loader:
                print((classifier(x).argmax(1) == y).sum())  # BN301
        """,
    "the runner validates": """
        from mmengine.runner import Runner
        runner = Runner(model, "out", train_dataloader=train_loader, val_dataloader=val_loader)
        runner.train()
        runner.val()
        """,
}


POUTYNE = {
    "small batches, and modes are given back": """
        from poutyne import Model
        small = DataLoader(train_set, batch_size=4, shuffle=True)  # BN501
        wrapped = Model(model, "sgd", "cross_entropy", batch_metrics=["accuracy"])
        wrapped.fit_generator(small, val_loader, epochs=9)
        with torch.no_grad():
            for x, y in val_loader:
                print((model(x).argmax(1) == y).sum())  # BN301
        """,
    "eval mode lasts": """
        from poutyne import Model
        model.eval()
        wrapped = Model(model, optimizer, nn.CrossEntropyLoss())
        wrapped.fit_generator(train_loader, val_loader)
        wrapped.evaluate_generator(val_loader)
        with torch.no_grad():
            for x, y in val_loader:
                print((model(x).argmax(1) == y).sum())
        """,
    "a frozen network": """
        from poutyne import Experiment
        from torchvision.models import resnet18
        body = resnet18(weights="DEFAULT")
        for parameter in body.parameters():
            parameter.requires_grad = False  # BN701
        body.fc = nn.Linear(512, 10)
        experiment = Experiment("out", body, optimizer="sgd", loss_function="cross_entropy")
        experiment.train(train_loader, val_loader)
        experiment.test(val_loader)
        """,
}


def cases(*tables: Mapping[str, str]) -> pytest.MarkDecorator:
    """Each script under its name."""
    listed = [pytest.param(code, id=name) for table in tables for name, code in table.items()]
    return pytest.mark.parametrize("code", listed)


@cases(
    ACCELERATE,
    FABRIC,
    LIGHTNING_CLI,
    LIGHTNING_OPTIONS,
    LIGHTNING_CALLBACKS,
    IGNITE,
    HUGGING_FACE,
    FASTAI,
    COMPOSER,
    CATALYST,
    MMENGINE,
    POUTYNE,
)
def test_what_is_reported_of_scripts_of_frameworks(code: str) -> None:
    marked, reported = held_against_marks(code)
    assert reported == marked
