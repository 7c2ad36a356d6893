"""What a run would read, and what it would go by."""

import tomllib
from collections.abc import Callable
from pathlib import Path

from bnlint.config import parse
from tests.conftest import Run

Write = Callable[..., Path]
TABLE = """[tool.bnlint]
select = ["BN3", "BN501"]
exclude = ["third_party/"]
min-normalization-batch = 8
[tool.bnlint.per-file-ignores]
"tests/**" = ["BN501"]
"""


def test_files(project: Write, run: Run) -> None:
    project(
        {"pyproject.toml": TABLE, "a.py": "", "b/c.py": "", "third_party/d.py": "", "e.txt": ""}
    )
    done = run(".", "--show-files")
    assert (done.status, done.out) == (0, "a.py\nb/c.py\n")


def test_settings_can_be_read_back(project: Write, run: Run) -> None:
    root = project({"pyproject.toml": TABLE, "a.py": "import torch\n"})
    done = run("a.py", "--show-settings", "--ignore", "BN30")
    assert done.status == 0
    table = tomllib.loads(done.out)["tool"]["bnlint"]
    given = tomllib.loads(TABLE)["tool"]["bnlint"]
    assert parse(table, root, "shown") == parse({**table, **given}, root, "shown")
    (rules,) = [line for line in done.out.splitlines() if line.startswith("# rules: ")]
    assert "BN501" in rules
    assert "BN301" not in rules
    assert "BN311" in rules


def test_without_a_configuration_the_defaults_are_shown(project: Write, run: Run) -> None:
    project({"a.py": ""})
    out = run("a.py", "--show-settings").out
    assert out.startswith("# no configuration")
    assert "min-normalization-batch = 16" in out
