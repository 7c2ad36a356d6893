"""The GitHub Action: its commands are run as the runner would, with its inputs in the environment."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

Write = Callable[..., Path]
ROOT = Path(__file__).parent.parent
BAD = "from torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"


@pytest.fixture(scope="module")
def action() -> Any:
    return yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def lint(action: Any, folder: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    """Run the step that lints; ``bnlint`` is the one of this Python."""
    command = folder / "bin" / "bnlint"
    command.parent.mkdir(exist_ok=True)
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m bnlint "$@"\n')
    command.chmod(0o755)
    step = next(step for step in action["runs"]["steps"] if step.get("name") == "Lint")
    words = {name: spec.get("default", "") for name, spec in action["inputs"].items()} | inputs
    given = {
        "PATHS": words["paths"],
        "ARGUMENTS": words["arguments"],
        "RUNNER_TEMP": str(folder / "bin"),
    }
    assert set(step["env"]) == set(given) - {"RUNNER_TEMP"}
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={**os.environ, **given, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def test_problems_are_annotated_and_kept_for_upload(project: Write, action: Any) -> None:
    root = project({"a.py": BAD, "b/c.py": BAD})
    done = lint(action, root)
    assert done.returncode == 1, done.stderr
    assert done.stdout.count("::warning file=") == 2
    (run,) = json.loads((root / "bin" / "bnlint.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["BN102", "BN102"]


def test_options_and_paths_are_words(project: Write, action: Any) -> None:
    root = project({"a.py": BAD, "b/c.py": BAD})
    assert lint(action, root, arguments="--select BN3 --pedantic", paths="a.py b").returncode == 0
    assert lint(action, root, paths="gone.py").returncode == 2


def test_every_input_is_described_and_used(action: Any) -> None:
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    for name, spec in action["inputs"].items():
        assert spec["description"]
        assert f"inputs.{name}" in text
