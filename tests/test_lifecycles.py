"""Objects whose methods a framework calls are rehearsed as it calls them."""

from pathlib import Path

import pytest

import bnlint

SERVED = """
import torch
from torchvision import models
{imports}


class Server({base}):
    def {first}(self, context):
        self.model = models.resnet18(num_classes=4)
        self.model.load_state_dict(torch.load("model.pt"))
        {switch}

    def {again}(self, data):
        with torch.no_grad():
            return self.model(data){rest}
"""
ANSWER = ".argmax(1).tolist()"
SERVERS = {
    "torchserve": {
        "imports": "from ts.torch_handler.base_handler import BaseHandler",
        "base": "BaseHandler",
        "first": "initialize",
        "again": "inference",
        "rest": "\n\n    def postprocess(self, data):\n        return data.argmax(1).tolist()",
    },
    "torchserve, whole": {
        "imports": "from ts.torch_handler.vision_handler import VisionHandler",
        "base": "VisionHandler",
        "first": "initialize",
        "again": "handle",
    },
    "cog": {"imports": "import cog", "base": "cog.BasePredictor", "again": "predict"},
    "mlflow": {
        "imports": "import mlflow.pyfunc",
        "base": "mlflow.pyfunc.PythonModel",
        "first": "load_context",
        "again": "predict",
    },
    "grpc": {
        "imports": "import leaves_pb2_grpc",
        "base": "leaves_pb2_grpc.LeavesServicer",
        "first": "__init__",
        "again": "Classify",
    },
    "litserve": {"imports": "import litserve as ls", "base": "ls.LitAPI", "again": "predict"},
}
SEARCH = """
import torch
from ray import tune
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Search(tune.Trainable):
    def setup(self, config):
        self.net = nn.Sequential(nn.Linear(20, 8, bias=False), nn.BatchNorm1d(8), nn.Linear(8, 3))
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=config["lr"])
        data = TensorDataset(torch.randn(256, 20), torch.randint(3, (256,)))
        self.loader = DataLoader(data, batch_size=64, shuffle=True, drop_last=True)

    def step(self):
        {switch}
        for inputs, labels in self.loader:
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.net(inputs), labels).backward()
            self.optimizer.step()
        return {{"accuracy": self.score()}}

    def score(self):
        self.net.eval()
        with torch.no_grad():
            hits = [(self.net(x).argmax(1) == y).sum().item() for x, y in self.loader]
        return sum(hits) / 256
"""


def rules(folder: Path, code: str) -> list[str]:
    file = folder / "server.py"
    file.write_text(code)
    return [finding.rule for finding in bnlint.lint_paths([file])]


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_loads_first_and_predicts_then(tmp_path: Path, server: str) -> None:
    changes = {"first": "setup", "rest": ANSWER, **SERVERS[server]}
    assert rules(tmp_path, SERVED.format(switch="pass", **changes)) == ["BN302"]
    assert rules(tmp_path, SERVED.format(switch="self.model.eval()", **changes)) == []


def test_what_is_never_set_up_is_not_used(tmp_path: Path) -> None:
    changes = {**SERVERS["cog"], "first": "prepare", "rest": ANSWER}
    assert rules(tmp_path, SERVED.format(switch="pass", **changes)) == []


def test_a_search_takes_step_after_step(tmp_path: Path) -> None:
    assert rules(tmp_path, SEARCH.format(switch="pass")) == ["BN303"]
    assert rules(tmp_path, SEARCH.format(switch="self.net.train()")) == []


ENDPOINT = """
import json
import torch
from torchvision import models


def model_fn(model_dir, context=None):
    net = models.resnet18(num_classes=4)
    net.load_state_dict(torch.load(model_dir + "/model.pth"))
    return net{loaded}


def input_fn(body, content_type):
    return torch.tensor(json.loads(body))


def {predict}(data, model):
    {switch}
    with torch.no_grad():
        return model(data).softmax(1)
"""


def test_an_endpoint_loads_its_model_and_predicts(tmp_path: Path) -> None:
    changes = {"loaded": "", "predict": "predict_fn", "switch": "pass"}
    assert rules(tmp_path, ENDPOINT.format(**changes)) == ["BN302"]
    assert rules(tmp_path, ENDPOINT.format(**changes | {"loaded": ".eval()"})) == []
    assert rules(tmp_path, ENDPOINT.format(**changes | {"switch": "model.eval()"})) == []


def test_the_endpoints_own_way_to_predict_switches(tmp_path: Path) -> None:
    changes = {"loaded": "", "predict": "predict_all", "switch": "pass"}
    assert rules(tmp_path, ENDPOINT.format(**changes)) == []


def test_what_a_program_calls_itself_is_no_endpoint(tmp_path: Path) -> None:
    changes = {"loaded": "", "predict": "predict_fn", "switch": "pass"}
    used = "\n\ndef predict(data):\n    return predict_fn(data, model_fn('.').eval()).argmax(1).tolist()\n"
    assert rules(tmp_path, ENDPOINT.format(**changes) + used) == []
