"""Configurations that are meant to hurt who reads them."""

import os
import sys
from pathlib import Path

import pytest

from tests.attacks.limited import HEAD, TAIL, lint, survives

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits as Linux has them")

READ = "import ast, configparser, json, tomllib, toml, yaml\n"
LAUGHS = "a0: &a0 [x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)
MERGES = "a0: &a0 {x: 1}\n" + "".join(
    f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)
HOSTILE = {
    "laughs": ("yaml.safe_load(open('c.yaml'))", LAUGHS),
    "merges": ("yaml.safe_load(open('c.yaml'))", MERGES),
    "deep lists": ("yaml.safe_load(open('c.yaml'))", "[" * 100_000),
    "deep blocks": ("yaml.safe_load(open('c.yaml'))", "".join(" " * n + "-\n" for n in range(480))),
    "many keys": ("yaml.safe_load(open('c.yaml'))", "".join(f"k{n}: 1\n" for n in range(3_000))),
    "one long line": ("yaml.safe_load(open('c.yaml'))", "x: " + "a" * 40_000),
    "many anchors": (
        "yaml.safe_load(open('c.yaml'))",
        "".join(f"- &a{n} 1\n" for n in range(3_000)),
    ),
    "flow keys": ("yaml.safe_load(open('c.yaml'))", "{" + "? a, " * 8_000),
    "a long number": ("yaml.safe_load(open('c.yaml'))", "x: " + "9" * 40_000),
    "sixties": ("yaml.safe_load(open('c.yaml'))", "x: 1" + ":59" * 12_000),
    "a huge exponent": ("yaml.safe_load(open('c.yaml'))", "x: 1e999999999"),
    "tags": ("yaml.load(open('c.yaml'))", "!!python/object/apply:os.system ['touch EXECUTED']"),
    "deep JSON": ("json.load(open('c.json'))", "[" * 200_000),
    "long JSON": ("json.load(open('c.json'))", "[" + "1," * 100_000 + "1]"),
    "JSON digits": ("json.load(open('c.json'))", "9" * 200_000),
    "TOML dots": ("tomllib.load(open('c.toml'))", ".".join("a" * 60_000) + " = 1"),
    "TOML tables": ("tomllib.load(open('c.toml'))", "[a" + ".a" * 900 + "]\n" * 1 + "x=1\n"),
    "literal": ("ast.literal_eval(open('c.cfg').read())", "(" * 100_000),
    "literal sum": ("ast.literal_eval(open('c.cfg').read())", "-" * 19_000 + "1"),
    "interpolation": (
        "configparser.ConfigParser().read('c.ini')",
        "[a]\nb0 = x\n" + "".join(f"b{n} = {f'%(b{n - 1})s' * 9}\n" for n in range(1, 12)),
    ),
    "blanks": ("configparser.ConfigParser().read('c.ini')", f"[a]\nb{' ' * 200_000}x\n"),
    "defaults of sections": (
        "configparser.ConfigParser().read('c.ini')",
        "[DEFAULT]\n"
        + "".join(f"k{n}=1\n" for n in range(12_000))
        + "".join(f"[a{n}]\n" for n in range(12_000)),
    ),
    "lines": ("[line for line in open('c.cfg')]", "\n" * 200_000),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_a_file_may_cost(kind: str, tmp_path: Path) -> None:
    expression, content = HOSTILE[kind]
    name = expression.split("'")[1]
    files = {"train.py": f"{HEAD}{READ}cfg = {expression}\n{TAIL}", name: content}
    outcome = lint(tmp_path, files)
    survives(outcome)
    assert outcome.rules == ["BN203"]
    assert not (tmp_path / "EXECUTED").exists()


def test_many_readings_of_one_file(tmp_path: Path) -> None:
    code = f"{HEAD}{READ}for i in range(3000):\n    cfg = yaml.safe_load(open('c.yaml'))\n{TAIL}"
    lines = "cfg = yaml.safe_load(open('c.yaml'))\n" * 2_000
    body = "".join(f"k{n}: {n}\n" for n in range(3_000))
    outcome = lint(tmp_path, {"train.py": code + lines, "c.yaml": body})
    survives(outcome, seconds=15)
    assert "BN203" in outcome.rules


@pytest.mark.parametrize(
    "kind", ["a device", "a named pipe", "a link", "itself", "a socket's folder"]
)
def test_only_regular_files_of_the_project_are_read(kind: str, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text("n: 9\n")
    os.mkfifo(tmp_path / "pipe")
    targets = {
        "a device": Path("/dev/zero"),
        "a named pipe": tmp_path / "pipe",
        "a link": tmp_path / "outside.yaml",
        "itself": Path("c.yaml"),
        "a socket's folder": Path("/proc/self"),
    }
    (folder / "c.yaml").symlink_to(targets[kind])
    tail = TAIL.replace("(9)", "(yaml.safe_load(open('c.yaml'))['n'])")
    outcome = lint(folder, {"train.py": f"{HEAD}{READ}{tail}"})
    survives(outcome)
    assert "BN203" not in outcome.rules


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "c.yaml").open("wb") as file:
        file.truncate(1 << 33)
    outcome = lint(
        tmp_path, {"train.py": f"{HEAD}{READ}x = yaml.safe_load(open('c.yaml'))\n{TAIL}"}
    )
    survives(outcome)
    assert outcome.rules == ["BN203"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "c.yaml")
    outcome = lint(
        tmp_path, {"train.py": f"{HEAD}{READ}x = yaml.safe_load(open('c.yaml'))\n{TAIL}"}
    )
    survives(outcome)
    assert outcome.rules == ["BN203"]


GROUPS = "".join(f"p.add_argument('a{n}', nargs='+')\n" for n in range(30))
PARSERS = {
    "going back": (GROUPS, ["x"] * 29),
    "numbers of words": ("p.add_argument('--a', nargs=10**9)\n", ["--a", "x"]),
    "choices": ("p.add_argument('--a', choices=range(10**12), type=int)\n", ["--a", "-1"]),
    "files": ("p.add_argument('--a', type=argparse.FileType('w'))\n", ["--a", "EXECUTED"]),
    "argument files": (
        "q = argparse.ArgumentParser(fromfile_prefix_chars='@')\np = q\n",
        ["@/dev/zero"],
    ),
    "a loop of parents": ("p.parents = [p]\n", ["--a"]),
    "parents of parents": (
        "for i in range(9):\n    p = argparse.ArgumentParser(parents=[p] * 20, add_help=False)\n",
        ["--a"],
    ),
    "parents that share": (
        "q = p\nfor i in range(9):\n"
        "    p, q = [argparse.ArgumentParser(parents=[p, q] * 9, add_help=False) for _ in '12']\n",
        ["--a"],
    ),
    "names of commands": (
        f"q = p\nfor i in range(4):\n"
        f"    q = q.add_subparsers().add_parser('a', aliases={[f'b{n}' for n in range(99)]})\n",
        ["a", "b1", "b2"],
    ),
    "readings": (
        "".join(f"p.add_argument('--a{n}')\n" for n in range(400))
        + "p.parse_known_args(['--a1=1'] * 99)\n" * 1_000,
        ["--a1=1"],
    ),
    "a pattern": ("p.add_argument('--a', metavar='%(x)' * 9999, help='%s' * 9999)\n", ["--a"]),
}


@pytest.mark.parametrize("kind", PARSERS)
def test_what_a_command_line_may_cost(kind: str, tmp_path: Path) -> None:
    declared, words = PARSERS[kind]
    code = f"import argparse\np = argparse.ArgumentParser()\n{declared}"
    code = f"{HEAD}{code}{TAIL}p.parse_args({words!r})\n"
    outcome = lint(tmp_path, {"train.py": code})
    survives(outcome)
    assert outcome.rules == ["BN203"]
    assert not (tmp_path / "EXECUTED").exists()


CIRCLES = {
    "bases": (
        "from mmengine import Config\ncfg = Config.fromfile('c/a.py')\n",
        {"c/a.py": f"_base_ = {['a.py'] * 20}\nx = 1\n"},
    ),
    "defaults": (
        "import hydra\n@hydra.main(config_path='c', config_name='a')\n"
        "def main(cfg):\n    pass\nmain()\n",
        {"c/a.yaml": "defaults:\n" + "  - a\n" * 20 + "x: 1\n"},
    ),
    "references": (
        "from omegaconf import OmegaConf\ncfg = OmegaConf.load('c/a.yaml')\nx = cfg.a0\n",
        {
            "c/a.yaml": "".join(f"a{n}: {f'${{a{n + 1}}}' * 20}\n" for n in range(30))
            + "a30: ${a0}\n"
        },
    ),
    "empty references": (
        "from omegaconf import OmegaConf\ncfg = OmegaConf.load('c/a.yaml')\nx = cfg.a0\n",
        {"c/a.yaml": "".join(f"a{n}: {f'${{a{n + 1}}}' * 20}\n" for n in range(7)) + "a7: ''\n"},
    ),
    "dots": (
        "from omegaconf import OmegaConf\ncfg = OmegaConf.load('c/a.yaml')\nx = cfg.a\n",
        {"c/a.yaml": f"a: '${{{'.' * 45_000}'\n"},
    ),
    "registries": (
        "import models\nfrom models.registry import REGISTRY\nREGISTRY['no']\n",
        {
            "models/__init__.py": "import os, importlib\nfor f in os.listdir(os.path.dirname(__file__)):"
            "\n    importlib.import_module('models.' + f[:-3])\n",
            "models/registry.py": "REGISTRY = {}\ndef register(f):\n    REGISTRY['no']\n    return f\n",
            **{
                f"models/m{n}.py": "import models\nfrom models.registry import register\n"
                "@register\ndef f(): pass\n"
                for n in range(100)
            },
        },
    ),
}


@pytest.mark.parametrize("kind", CIRCLES)
def test_what_leads_back_to_itself_ends(kind: str, tmp_path: Path) -> None:
    code, files = CIRCLES[kind]
    outcome = lint(tmp_path, {"train.py": f"{HEAD}{code}{TAIL}", **files})
    survives(outcome)
    assert "BN203" in outcome.rules


SHARING = "a = {'k': 1}\nfor i in range(60):\n    a = {'x': a, 'y': [a]}\n"
"""Two to the power of 60 entries, in 60 dicts."""
TREES = {
    "easydict": "from easydict import EasyDict\nEasyDict(a)\n",
    "nodes": "from easydict import EasyDict\nb = EasyDict()\nfor i in range(60):\n"
    "    c = EasyDict()\n    c.x, c.y, b = b, b, c\nb.update(copy.copy(b))\nb.merge_from_dict(b)\n",
    "references": "from omegaconf import OmegaConf\nOmegaConf.create(a)\n",
    "containers": "from omegaconf import OmegaConf\nb = OmegaConf.create({})\nfor i in range(60):\n"
    "    c = OmegaConf.create({})\n    c.x, c.y, b = b, b, c\nOmegaConf.to_container(b)\n",
    "targets": "import hydra\nhydra.utils.instantiate(a)\n",
    "merged": "from omegaconf import OmegaConf\nOmegaConf.merge(a, a)\n",
    "bases": "from mmengine import Config\nConfig.fromfile('c/a.py')\n",
    "choices": "import click\n@click.command()\n@click.option('--a', type=click.Choice([a]))\n"
    "def main(a):\n    pass\nmain()\n",
    "a long target": "import hydra\nfor i in range(99):\n"
    "    hydra.utils.instantiate({'_target_': f'{i}' + '.a' * 40_000})\n",
}


@pytest.mark.parametrize("kind", TREES)
def test_trees_that_share_their_parts_are_paid_for(kind: str, tmp_path: Path) -> None:
    files = {
        "train.py": f"{HEAD}import copy\n{TAIL}{SHARING}{TREES[kind]}",
        "c/a.py": f"_base_ = 'b.py'\n{SHARING}",
        "c/b.py": SHARING,
    }
    outcome = lint(tmp_path, files, "train.py", "--", "--a=1")
    survives(outcome)
    assert outcome.rules == ["BN203"]


FOLDERS = ("'a' * 5_000", "'/' * 9_000", "'../' * 4_000", "'\\0'", "'\\ud800'", "'loop'", "'/dev'")


@pytest.mark.parametrize("name", FOLDERS)
def test_names_that_no_folder_has_are_not_known(name: str, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    code = (
        f"import glob, hydra, importlib, os, pkgutil\nn = {name}\n"
        "os.listdir(n)\nglob.glob(n + '/*.py')\npkgutil.iter_modules([n])\nopen(n + '.yaml')\n"
        "importlib.import_module(n)\nhydra.main(n, n)(print)()\nhydra.main('.', n)(print)()\n"
    )
    outcome = lint(tmp_path, {"train.py": HEAD + code + TAIL})
    survives(outcome)
    assert outcome.rules == ["BN203"]


def test_an_override_of_a_group_with_a_long_name(tmp_path: Path) -> None:
    code = "import hydra\n@hydra.main('c', 'a')\ndef main(cfg):\n    pass\nmain()\n"
    files = {"train.py": HEAD + TAIL + code, "c/a.yaml": "x: 1\n"}
    outcome = lint(tmp_path, files, "train.py", "--", f"+{'a' * 5_000}=1")
    survives(outcome)
    assert outcome.rules == ["BN203"]
