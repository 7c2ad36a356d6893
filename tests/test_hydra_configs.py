"""Hydra's configurations are composed of the project's files, as Hydra 1.1 and later do it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bnlint.interpreter.core.values import Configuration, Unknown
from tests.test_configuration_files import names_after

Write = Callable[..., Path]
Run = Callable[..., Any]

MAIN = """
import hydra
from omegaconf import OmegaConf
@hydra.main(config_path="conf", config_name="config", version_base=None)
def main(cfg):
    global found
    found = OmegaConf.to_container(cfg, resolve=True)
main()
"""
FILES = {
    "conf/config.yaml": """
defaults:
  - _self_
  - data: a
  - model: small
  - optional local: default
  - experiment: null
  - override hydra/job_logging: colorlog
seed: 1
name: run-${data.batch_size}
""",
    "conf/data/a.yaml": "batch_size: 4\nroot: /x\n",
    "conf/data/b.yaml": "batch_size: 64\nroot: /y\n",
    "conf/model/small.yaml": "width: 8\nlr: 1e-3\n",
    "conf/model/large.yaml": "defaults:\n  - small\nwidth: 9\nbatch: ${data.batch_size}\n",
    "conf/experiment/e.yaml": """# @package _global_
defaults:
  - override /data: b
  - override /model: large
seed: 2
model:
  width: 11
""",
    "conf/server/apache.yaml": "defaults:\n  - db: mysql\n  - /data@source: b\nport: 1\n",
    "conf/server/db/mysql.yaml": "host: h\n",
}
SMALL = {"width": 8, "lr": 0.001}
A, B = {"batch_size": 4, "root": "/x"}, {"batch_size": 64, "root": "/y"}
COMPOSED: dict[str, dict[str, object]] = {
    "": {"seed": 1, "name": "run-4", "data": A, "model": SMALL},
    "data=b": {"seed": 1, "name": "run-64", "data": B, "model": SMALL},
    "data.batch_size=7": {
        "seed": 1,
        "name": "run-7",
        "data": A | {"batch_size": 7},
        "model": SMALL,
    },
    "model=large": {
        "seed": 1,
        "name": "run-4",
        "data": A,
        "model": SMALL | {"width": 9, "batch": 4},
    },
    "experiment=e": {
        "seed": 2,
        "name": "run-64",
        "data": B,
        "model": SMALL | {"width": 11, "batch": 64},
    },
    "experiment=e model=small seed=3": {
        "seed": 3,
        "name": "run-64",
        "data": B,
        "model": SMALL | {"width": 11},
    },
    "+x.y=[1,2] ~seed": {"name": "run-4", "data": A, "model": SMALL, "x": {"y": [1, 2]}},
    "+server=apache": {
        "seed": 1,
        "name": "run-4",
        "data": A,
        "model": SMALL,
        "server": {"port": 1, "db": {"host": "h"}, "source": B},
    },
}


@pytest.mark.parametrize("words", COMPOSED)
def test_composition(words: str, tmp_path: Path) -> None:
    found = names_after(tmp_path, MAIN, FILES, *words.split())["found"]
    assert found == COMPOSED[words]


def test_a_file_overrides_its_defaults_unless_it_says_where_it_stands(tmp_path: Path) -> None:
    for item, expected in (("", 1), ("  - _self_\n", 2)):
        files = {
            "conf/config.yaml": f"defaults:\n{item}  - other\nx: 1\n",
            "conf/other.yaml": "x: 2",
        }
        assert names_after(tmp_path, MAIN, files)["found"] == {"x": expected}


@pytest.mark.parametrize(
    "config",
    [
        "defaults:\n  - data: nothing\n",
        "defaults:\n  - data: ${x}\n",
        "defaults:\n  - data: ???\n",
        "defaults: data\n",
        "- 1\n",
        "defaults:\n  - config\n",
        "defaults:\n  - ../../secret\n",
    ],
)
def test_what_cannot_be_composed_is_not_known(config: str, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("x: 1\n")
    folder = tmp_path / "project"
    folder.mkdir()
    found = names_after(folder, MAIN, {"conf/config.yaml": config})["found"]
    assert isinstance(found, Unknown)


def test_objects_of_a_configuration(tmp_path: Path) -> None:
    code = """
    import hydra
    @hydra.main(config_path="conf", config_name="config")
    def main(cfg):
        global net, part, lr
        net = hydra.utils.instantiate(cfg.net, more=3)
        optimizer = hydra.utils.instantiate(cfg.optimizer)
        part, lr = optimizer.func.__name__, optimizer.keywords["lr"]
    if __name__ == "__main__":
        main()
    """
    config = """
net:
  _target_: models.nets.Net
  width: ${width}
  norm:
    _target_: torch.nn.BatchNorm2d
    num_features: ${width}
optimizer:
  _target_: torch.optim.SGD
  _partial_: true
  lr: 0.1
width: 5
"""
    net = """
    from torch import nn
    class Net:
        def __init__(self, width, norm, more):
            self.width, self.norm, self.more = width, norm, more
    """
    files = {"conf/config.yaml": config, "models/nets.py": net.replace("\n    ", "\n")}
    found: Any = names_after(tmp_path, code, files)
    attributes = found["net"].attributes
    assert (attributes["width"], attributes["more"]) == (5, 3)
    assert attributes["norm"].arguments["num_features"].value == 5
    assert (found["part"], found["lr"]) == ("SGD", 0.1)


@pytest.mark.parametrize("key", ["cls", "target", "class"])
def test_older_versions_name_the_class_otherwise(key: str, tmp_path: Path) -> None:
    code = """
    import hydra
    @hydra.main(config_path="conf", config_name="config")
    def main(cfg):
        global norm, kept
        norm = hydra.utils.instantiate(cfg.norm, momentum=0.2)
        kept = hydra.utils.instantiate(cfg.kept)
    if __name__ == "__main__":
        main()
    """
    config = (
        f"norm:\n  {key}: torch.nn.BatchNorm2d\n  params:\n    num_features: ${{width}}\n"
        f"kept: {{{key}: torch.nn.ReLU, other: 3}}\nwidth: 5\n"
    )
    found: Any = names_after(tmp_path, code, {"conf/config.yaml": config})
    made = found["norm"].arguments
    assert (made["num_features"].value, made["momentum"].value) == (5, 0.2)
    assert found["kept"] == {key: "torch.nn.ReLU", "other": 3}


def test_a_key_that_is_not_there_is_one_error(project: Write, run: Run) -> None:
    project({"train.py": "import torch\n" + MAIN, "pyproject.toml": "", **FILES})
    printed = run("train.py", "--", "data.batchsize=4")
    assert printed.status == 2
    assert printed.err.startswith("error: could not override 'data.batchsize': it is not in")
    assert printed.err.count("\n") == 1


def test_configurations_are_of_omegaconf(tmp_path: Path) -> None:
    code = MAIN.replace("found = OmegaConf.to_container(cfg, resolve=True)", "found = cfg")
    assert isinstance(names_after(tmp_path, code, FILES)["found"], Configuration)


STORED = """
from dataclasses import dataclass, field
import hydra
from hydra.core.config_store import ConfigStore
from omegaconf import OmegaConf

@dataclass
class Data:
    batch_size: int = 4
    root: str = "/s"

@dataclass
class Config:
    data: Data = field(default_factory=Data)
    seed: int = 1

store = ConfigStore.instance()
store.store(name="base", node=Config)
store.store(group="data", name="stored", node=Data)
store.store(name="small", node={"width": 2}, group="model")
"""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"data": {"batch_size": 4, "root": "/s"}, "seed": 1}),
        ("data.batch_size=7", {"data": {"batch_size": 7, "root": "/s"}, "seed": 1}),
        (
            "+model=small",
            {"data": {"batch_size": 4, "root": "/s"}, "seed": 1, "model": {"width": 2}},
        ),
    ],
)
def test_what_the_program_stores_is_composed(
    words: str, expected: dict[str, object], tmp_path: Path
) -> None:
    main = MAIN.replace('config_path="conf", config_name="config"', 'config_name="base"')
    assert names_after(tmp_path, STORED + main, {}, *words.split())["found"] == expected


def test_files_come_before_what_is_stored(tmp_path: Path) -> None:
    files = {
        "conf/config.yaml": "defaults:\n  - data: stored\n  - model: small\n",
        **FILES_OF_MODEL,
    }
    found = names_after(tmp_path, STORED + MAIN, files)["found"]
    assert found == {"data": {"batch_size": 4, "root": "/s"}, "model": {"width": 8}}


FILES_OF_MODEL = {"conf/model/small.yaml": "width: 8\n"}
COMPOSING = """
from hydra import compose, initialize
from omegaconf import OmegaConf
def read(words):
    with initialize(version_base=None, config_path="conf"):
        return OmegaConf.to_container(compose(config_name="config", overrides=words), resolve=True)
plain, other = read([]), read(["data=b", "seed=2"])
absent = read(["nothing=2"])
"""


def test_a_script_composes_by_itself(tmp_path: Path) -> None:
    names = names_after(tmp_path, COMPOSING, FILES)
    assert names["plain"] == COMPOSED[""]
    assert names["other"] == COMPOSED["data=b"] | {"seed": 2}
    assert not isinstance(names["absent"], dict)


def test_a_folder_that_is_not_known_is_not_looked_into(tmp_path: Path) -> None:
    code = "from hydra import compose, initialize\nimport sys\ninitialize(sys.path[0])\ncfg = compose('config')"
    assert isinstance(names_after(tmp_path, code, FILES)["cfg"], Unknown)


def test_before_hydra_1_0_all_entries_go_to_the_top(tmp_path: Path) -> None:
    main = MAIN.replace('config_path="conf", config_name="config", version_base=None', "{}")
    files = {
        "conf/config.yaml": "defaults:\n  - model: small\nseed: 1\nwidth: 2\n",
        "conf/model/small.yaml": "model:\n  name: small\nwidth: 8\n",
    }
    given = 'config_path="conf/config.yaml", strict=True'
    found = names_after(tmp_path, main.format(given), files)["found"]
    assert found == {"seed": 1, "width": 8, "model": {"name": "small"}}
