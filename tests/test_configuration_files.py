"""Configurations are read as data: what their loaders give is known, with the line it stands in."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint import interpreter
from bnlint.facts.types.invocation import Invocation
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Unknown
from bnlint.interpreter.entry_points import Rehearser
from bnlint.interpreter.evaluation.data_formats import NotData, parsed
from bnlint.source import Project
from tests.rehearsing import HEAD

Write = Callable[..., Path]
Run = Callable[..., Any]

YAML = """\
train:
  batch_size: 4
  lr: 1.0e-3
  steps: [30, 60]
model: {name: resnet18, frozen: yes}
"""
TREE = {
    "train": {"batch_size": 4, "lr": 0.001, "steps": [30, 60]},
    "model": {"name": "resnet18", "frozen": True},
}


def names_after(
    folder: Path, code: str, files: Mapping[str, str], *arguments: str, script: str = "train.py"
) -> dict[str, object]:
    """The global names of a script in a folder with other files."""
    (folder / "pyproject.toml").touch()
    for name, content in {script: HEAD + dedent(code), **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    project = Project()
    machine, facts = interpreter._machine(project)
    rehearser = Rehearser(machine, facts)
    source = project.load(folder / script)
    calls = [Invocation(arguments, folder=folder)] if arguments else []
    with interpreter._deep_recursion():
        rehearser.run_script(source, calls)
    assert not machine.journal.failures
    assert not machine.command_line.refusals
    return rehearser.namespace_of(source).names


READING = {
    "another package": "import oyaml as yaml\nwith open('{}') as f:\n    cfg = yaml.safe_load(f)",
    "safe_load": "import yaml\nwith open('{}') as f:\n    cfg = yaml.safe_load(f)",
    "load": "import yaml\ncfg = yaml.load(open('{}', 'r'), Loader=yaml.FullLoader)",
    "its text": "import yaml\ncfg = yaml.full_load(open('{}').read())",
    "beside the file": """
        import os.path as osp, yaml
        here = osp.dirname(osp.abspath(__file__))
        cfg = yaml.safe_load(open(osp.join(here, '{}')))
    """,
    "a path": """
        from pathlib import Path
        import yaml
        cfg = yaml.safe_load((Path(__file__).resolve().parent / '{}').read_text())
    """,
    "an open path": """
        import pathlib, yaml
        with pathlib.Path.cwd().joinpath('{}').open() as stream:
            cfg = yaml.safe_load(stream)
    """,
    "an option": """
        import argparse, yaml
        parser = argparse.ArgumentParser()
        parser.add_argument('--cfg', default='{}')
        cfg = yaml.safe_load(open(parser.parse_args().cfg))
    """,
    "a path of an option": """
        import argparse, pathlib, yaml
        parser = argparse.ArgumentParser()
        parser.add_argument('--cfg', default='{}', type=pathlib.Path)
        cfg = yaml.safe_load(parser.parse_args().cfg.open())
    """,
    "a function": """
        import os, yaml
        def load(name, folder='.'):
            path = os.path.join(folder, name)
            assert os.path.exists(path), path
            with open(path, encoding='utf-8') as f:
                return yaml.load(f, yaml.SafeLoader)
        cfg = load('{}')
    """,
}


@pytest.mark.parametrize("name", ["config.yaml", "configs/a.yml"])
@pytest.mark.parametrize("code", READING.values(), ids=READING)
def test_a_file_is_read(code: str, name: str, tmp_path: Path) -> None:
    assert names_after(tmp_path, code.format(name), {name: YAML})["cfg"] == TREE


FORMATS = {
    "json.load(open('c.json'))": json.dumps(TREE),
    "json.loads(open('c.json').read())": json.dumps(TREE),
    "tomllib.load(open('c.toml', 'rb'))": """
        [train]
        batch_size = 4
        lr = 0.001
        steps = [30, 60]
        [model]
        name = "resnet18"
        frozen = true
    """,
    "toml.load('c.toml')": "train.batch_size = 4\ntrain.lr = 0.001\ntrain.steps = [30, 60]\n"
    "model = {name = 'resnet18', frozen = true}\n",
    "ast.literal_eval(open('c.cfg').read())": repr(TREE),
    "mmengine.load('c.yaml')": YAML,
}


@pytest.mark.parametrize("expression", FORMATS)
def test_formats(expression: str, tmp_path: Path) -> None:
    name = expression.split("'")[1]
    code = f"import ast, json, tomllib, toml, mmengine\ncfg = {expression}\n"
    assert names_after(tmp_path, code, {name: dedent(FORMATS[expression])})["cfg"] == TREE


def test_the_file_that_the_command_line_names_is_the_one(tmp_path: Path) -> None:
    code = READING["an option"].format("a.yaml")
    files = {"a.yaml": "x: 1\n", "b/c.yaml": "x: 2\n"}
    assert names_after(tmp_path, code, files)["cfg"] == {"x": 1}
    assert names_after(tmp_path, code, files, "--cfg", "b/c.yaml")["cfg"] == {"x": 2}


def test_a_script_in_a_folder_finds_the_files_of_the_project(tmp_path: Path) -> None:
    code = READING["safe_load"].format("configs/a.yaml")
    found = names_after(tmp_path, code, {"configs/a.yaml": "x: 1\n"}, script="tools/train.py")
    assert found["cfg"] == {"x": 1}


UNKNOWN = {
    "no file": ("open('no.yaml')", "x: 1"),
    "a tag": ("open('c.yaml')", "x: !!python/object/apply:os.system ['false']"),
    "a syntax error": ("open('c.yaml')", "x: [1"),
    "a name that is not known": ("open(torch.rand(1))", "x: 1"),
    "no data": ("open('c.txt')", "x: 1"),
    "two documents": ("open('c.yaml')", "x: 1\n---\nx: 2\n"),
    "what holds itself": ("open('c.yaml')", "x: &a [*a]"),
    "what the program writes": ("(open('c.yaml', 'w'), open('c.yaml'))[1]", "x: 1"),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_is_no_data_is_not_known(case: str, tmp_path: Path) -> None:
    expression, content = UNKNOWN[case]
    code = f"import yaml\ncfg = yaml.safe_load({expression})\n"
    found = names_after(tmp_path, code, {"c.yaml": content, "c.txt": content})["cfg"]
    assert isinstance(found, Unknown)


def test_nothing_outside_the_project_is_read(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("x: 1\n")
    inner = tmp_path / "project"
    inner.mkdir()
    (inner / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    for name in ("link.yaml", "../secret.yaml", str(tmp_path / "secret.yaml")):
        code = READING["safe_load"].format(name)
        assert isinstance(names_after(inner, code, {})["cfg"], Unknown)


# -- PyYAML as the oracle ----------------------------------------------------------------------

SCALARS = st.sampled_from(
    """1 -3 0 007 0x1F 0b11 1_000 190:20:30 1e-3 1.0e-3 1e3 .5 -.inf .nan 3. yes no on off true ~ null
    a 'a b' "1" !!str 1 !!float 1 2024-01-01 [] {} 1.5""".split(" ")
) | st.text("ab:-1. ", max_size=6)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.dictionaries(st.sampled_from(["a", "b", "1", "yes", "<<"]), inner, max_size=3).map(
            lambda pairs: "{" + ", ".join(f"{k}: {v}" for k, v in pairs.items()) + "}"
        )
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(["x", "y", "base: &base", "z: &z"]), TREES, max_size=4))
def test_yaml_is_what_pyyaml_makes_of_it(entries: dict[str, str]) -> None:
    text = "".join(f"{k}{'' if '&' in k else ':'} {v}\n" for k, v in entries.items())
    text += "again: *z\n" if "z: &z" in entries else ""
    try:
        expected = yaml.safe_load(text)
    except Exception:  # also what PyYAML's own constructors trip over
        with pytest.raises(NotData):
            parsed("yaml", text)
        return
    assert repr(parsed("yaml", text)) == repr(expected)


def test_numbers_are_as_omegaconf_reads_them() -> None:
    assert parsed("yaml", "a: 1e-3\nb: 1_0\n") == {"a": "1e-3", "b": 10}
    assert parsed("omegaconf", "a: 1e-3\nb: 1_0\n") == {"a": 0.001, "b": 10}


# -- classes of configurations -----------------------------------------------------------------

OWN = """
class Config(dict):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        {more}
    def __getattr__(self, name):
        return self[name]
    def __setattr__(self, name, value):
        self[name] = value
"""
CLASSES = {
    "EasyDict": "from easydict import EasyDict as Config",
    "Munch": "from munch import Munch as Config",
    "Box": "from box import Box as Config",
    "addict": "from addict import Dict as Config",
    "CfgNode": "from yacs.config import CfgNode as Config",
    "OmegaConf": "from omegaconf import OmegaConf\nConfig = OmegaConf.create",
    "a dict of the project's": OWN.format(more="pass"),
    "its own dict": OWN.format(more="self.__dict__ = self"),
    "an object": """
class Config:
    def __init__(self, entries):
        for key, value in entries.items():
            setattr(self, key, Config(value) if isinstance(value, dict) else value)
""",
    "an object with a dict": """
class Config:
    def __init__(self, entries):
        self.__dict__.update(entries)
        self.train = Config(self.train) if 'train' in entries else None
""",
}


@pytest.mark.parametrize("made", CLASSES.values(), ids=CLASSES)
def test_entries_are_attributes(made: str, tmp_path: Path) -> None:
    code = f"import yaml\n{made}\ncfg = Config(yaml.safe_load(open('c.yaml')))\n"
    code += (
        "size, steps = cfg.train.batch_size, cfg.train.steps\ncfg.train.lr = 1\nlr = cfg.train.lr\n"
    )
    code += "known = hasattr(cfg.train, 'batch_size'), hasattr(cfg.train, 'nothing')\n"
    found = names_after(tmp_path, code, {"c.yaml": YAML})
    assert [found[name] for name in ("size", "steps", "lr")] == [4, [30, 60], 1]
    assert found["known"] == (True, False)


MERGED = """
def merge(new, into):
    if type(new) is not Config:
        return
    for key, value in new.items():
        if type(value) is Config:
            merge(value, into[key])
        else:
            into[key] = value


cfg = Config({"train": {"batch_size": 64}, "model": {}})
merge(Config(yaml.safe_load(open("c.yaml"))), cfg)
size = cfg.train.batch_size
"""


@pytest.mark.parametrize("items", ["items", "iteritems"])
@pytest.mark.parametrize("made", [*CLASSES][:7])
def test_a_class_of_configurations_is_one(made: str, items: str, tmp_path: Path) -> None:
    """What asks for the class of an entry does not go on with the default that a file overrides."""
    code = f"import yaml\n{CLASSES[made]}{MERGED}".replace("items", items)
    found = names_after(tmp_path, code, {"c.yaml": YAML})
    assert found["size"] != 64
    assert found["size"] == 4 or made != "EasyDict"


def test_namespaces(tmp_path: Path) -> None:
    code = """
    import argparse, json, yaml
    from types import SimpleNamespace
    tree = yaml.safe_load(open("c.yaml"))
    first = argparse.Namespace(**tree["train"]).batch_size
    second = SimpleNamespace(**tree["train"])
    second = vars(second)["batch_size"]
    deep = json.loads('{"a": {"b": 3}}', object_hook=lambda d: SimpleNamespace(**d)).a.b
    """
    found = names_after(tmp_path, code, {"c.yaml": YAML})
    assert [found[name] for name in ("first", "second", "deep")] == [4, 4, 3]


YACS = """
from yacs.config import CfgNode as CN
_C = CN()
_C.OUT = ""
_C.TRAIN = CN()
_C.TRAIN.SIZE = 64
_C.TRAIN.STEPS = (1, 2)
_C.MODEL = CN(new_allowed=True)
_C.MODEL.NAME = "vgg"
def get_cfg_defaults():
    return _C.clone()
"""


def test_yacs(tmp_path: Path) -> None:
    code = """
    from defaults import get_cfg_defaults
    cfg = get_cfg_defaults()
    cfg.merge_from_file("c.yaml")
    cfg.merge_from_list(["MODEL.NAME", "resnet18", "TRAIN.LR", "1e-3"])
    cfg.freeze()
    other = get_cfg_defaults()
    """
    text = "TRAIN:\n  SIZE: 4\n  STEPS: (3, 4)\nMODEL: {EXTRA: 1}\n"
    found = names_after(tmp_path, code, {"c.yaml": text, "defaults.py": YACS})
    assert found["cfg"] == {
        "OUT": "",
        "TRAIN": {"SIZE": 4, "STEPS": (3, 4), "LR": 0.001},
        "MODEL": {"NAME": "resnet18", "EXTRA": 1},
    }
    assert found["other"]["TRAIN"]["SIZE"] == 64  # type: ignore[index]


COPIED = """
class Config:
    @staticmethod
    def _file2dict(path):
        return run_somehow(path), ""

    @staticmethod
    def fromfile(path):
        return Config(*Config._file2dict(path))

    def __init__(self, names, text):
        super().__setattr__("_cfg_dict", names)

    def __getattr__(self, name):
        return getattr(self._cfg_dict, name)
"""


@pytest.mark.parametrize("module", ["mmengine", "copied"])
def test_python_files_with_bases(tmp_path: Path, module: str) -> None:
    code = f"""
    from {module} import Config
    cfg = Config.fromfile("configs/a.py")
    size, kind, norm = cfg.loader.batch_size, cfg.model.type, cfg.model.norm
    other = Config.fromfile("configs/none.py")
    cfg.merge_from_dict({{"model": {{"type": "C"}}}})
    """
    files = {
        "copied.py": COPIED,
        "configs/base/b.py": "#\nwidth = 8\nmodel = dict(type='A', norm=dict(type='BN', eps=1))\n"
        "loader = dict(batch_size=64, workers=2)\n",
        "configs/a.py": "#\n_base_ = ['base/b.py']\nmodel = dict(norm=dict(_delete_=True, type='SyncBN'))\n"
        "loader = dict(batch_size=4)\n",
    }
    found = names_after(tmp_path, code, files)
    assert [found[name] for name in ("size", "kind", "norm")] == [4, "A", {"type": "SyncBN"}]
    assert isinstance(found["other"], Unknown)
    assert found["cfg"]["model"]["type"] == "C"  # type: ignore[index]
    assert found["cfg"]["loader"] == {"batch_size": 4, "workers": 2}  # type: ignore[index]


def test_what_an_unknown_file_may_change_is_not_known(tmp_path: Path) -> None:
    code = YACS + "cfg = get_cfg_defaults()\ncfg.merge_from_file(torch.rand(1))\n"
    found: Any = names_after(tmp_path, code, {})["cfg"]
    assert isinstance(found["TRAIN"]["SIZE"], Unknown)


def test_omegaconf(tmp_path: Path) -> None:
    code = """
    from omegaconf import OmegaConf
    base = OmegaConf.load("c.yaml")
    cfg = OmegaConf.merge(base, OmegaConf.create({"train": {"lr": 0.5}}), OmegaConf.from_cli())
    size, twice, text, lr = cfg.train.batch_size, cfg["twice"], cfg.text, cfg.train.lr
    plain = OmegaConf.to_container(cfg, resolve=True)["twice"]
    chosen = OmegaConf.select(cfg, "train.lr")
    """
    text = YAML + "twice: ${train.batch_size}\ntext: size-${train.batch_size}\n"
    names = ("size", "twice", "text", "lr", "plain", "chosen")
    found = names_after(tmp_path, code, {"c.yaml": text})
    assert [found[name] for name in names] == [4, 4, "size-4", 0.5, 4, 0.5]
    given = names_after(tmp_path, code, {"c.yaml": text}, "train.batch_size=6", "train.lr=1e-2")
    assert [given[name] for name in names] == [6, 6, "size-6", 0.01, 6, 0.01]


def test_configparser_and_lines(tmp_path: Path) -> None:
    code = """
    import configparser
    config = configparser.ConfigParser()
    config.read("c.ini")
    size = config.getint("train", "size")
    lr = config["train"].getfloat("lr")
    name = config["model"]["name"]
    missing = config.get("model", "no", fallback="x")
    lines = [line.strip() for line in open("c.ini")]
    """
    text = "[train]\nsize = 4\nlr = 0.5\n[model]\nname = a\n"
    found = names_after(tmp_path, code, {"c.ini": text})
    assert [found[name] for name in ("size", "lr", "name", "missing")] == [4, 0.5, "a", "x"]
    assert found["lines"] == text.splitlines()


def test_a_dataclass_of_a_file(tmp_path: Path) -> None:
    code = """
    import yaml
    from dataclasses import dataclass
    @dataclass
    class Config:
        size: int = 64
        name: str = "a"
    cfg = Config(**yaml.safe_load(open("c.yaml")))
    """
    found = names_after(tmp_path, code, {"c.yaml": "size: 4\n"})["cfg"]
    assert isinstance(found, Instance)
    assert found.attributes == {"size": 4, "name": "a"}


def test_a_parser_says_what_its_options_are(tmp_path: Path) -> None:
    code = """
        import argparse, yaml
        parser = argparse.ArgumentParser()
        parser.add_argument("--batch-size", "-b", type=int, default=4)
        parser.add_argument("--name", default="a")
        args = parser.parse_args()
        default, none = parser.get_default("batch_size"), parser.get_default("depth")
        for key, value in yaml.safe_load(open("c.yaml")).items():
            for action in parser._get_optional_actions():
                if "--" + key in action.option_strings:
                    kind = action.type
                    setattr(args, action.dest, value if kind is None else kind(value))
        size, name = args.batch_size, args.name
    """
    files = {"c.yaml": "batch-size: '8'\nname: b\ndepth: 50\n"}
    found = names_after(tmp_path, code, files)
    assert (found["size"], found["name"], found["default"], found["none"]) == (8, "b", 4, None)


# -- as users meet it ---------------------------------------------------------------------------

SCRIPT = """\
import torch, yaml
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models

cfg = yaml.safe_load(open("config.yaml"))
net = getattr(models, cfg["model"]["name"])()
loader = DataLoader(datasets.ImageFolder("."), cfg["train"]["batch_size"], shuffle=True)
for x, y in loader:
    nn.functional.cross_entropy(net(x), y).backward()
"""


def test_a_finding_names_the_line_of_the_configuration(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT, "config.yaml": YAML, "pyproject.toml": ""})
    out = run("--format", "concise", "train.py").out
    assert "batches of 4 (`batch_size: 4` in config.yaml, line 2)" in out
    project({"config.yaml": YAML.replace("4", "64")})
    assert run("train.py").status == 0
