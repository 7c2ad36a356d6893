"""What may import what, and what a command must not load."""

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def loaded_by(arguments: list[str], cwd: Path, environment: dict[str, str]) -> set[str]:
    code = (
        "import sys, bnlint.cli.main; bnlint.cli.main.main(sys.argv[1:]);"
        " print('LOADED', *sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    *_, line = done.stderr.splitlines()
    assert line.startswith("LOADED")
    return set(line.split())


def test_imports_go_down_only() -> None:
    pytest.importorskip("importlinter")
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("needs a checkout")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def test_a_name_is_that_of_one_module_or_class() -> None:
    files = [*(ROOT / "bnlint").rglob("*.py")]
    classes = (
        node.name
        for file in files
        for node in ast.parse(file.read_bytes()).body
        if isinstance(node, ast.ClassDef)
    )
    assert len(files) > 500
    assert repeated(file.stem for file in files if not file.stem.startswith("__")) == []
    assert repeated(classes) == []


def test_a_room_holds_what_one_can_look_through() -> None:
    """Forty modules at most; of the rules there is one for each."""
    rooms = Counter(file.parent for file in (ROOT / "bnlint").rglob("*.py"))
    assert rooms.pop(ROOT / "bnlint" / "checks") > 80
    assert {room.name: count for room, count in rooms.items() if count > 40} == {}


def test_linting_loads_no_torch(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    code = "import torch\nfrom torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"
    (tmp_path / "a.py").write_text(code)
    loaded = loaded_by(["a.py"], tmp_path, elsewhere)
    assert "libcst" in loaded
    assert "torch" not in loaded
    assert not {"libcst.matchers", "libcst.codemod"} & loaded
    assert "rich" not in loaded


@pytest.mark.parametrize("options", [[], ["--select", "BN3"], ["--format", "json"]])
def test_without_layers_no_rule_is_loaded(
    options: list[str], tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    (tmp_path / "a.py").write_text("print('no model')\n")
    loaded = loaded_by(["a.py", *options], tmp_path, elsewhere)
    assert "bnlint.registry" in loaded
    assert not [
        name for name in loaded if name.startswith(("bnlint.checks.", "bnlint.interpreter"))
    ]
    assert not {"libcst", "bnlint.report.html", "bnlint.report.sarif"} & loaded
    if "json" not in options:
        assert not {"bnlint.facts.types.run", "tempfile", "difflib", "hashlib"} & loaded


@pytest.mark.parametrize("command", ["--version", "rules", "--help"])
def test_small_commands_load_little(
    command: str, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    loaded = loaded_by([command], tmp_path, elsewhere)
    assert not {"libcst", "torch", "rich", "pathspec"} & loaded


def test_explaining_loads_no_libcst(tmp_path: Path, elsewhere: dict[str, str]) -> None:
    assert not {"libcst", "torch"} & loaded_by(["explain", "BN301"], tmp_path, elsewhere)
