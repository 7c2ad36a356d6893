"""What several test modules share."""

import gc
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from bnlint.cli import main
from tests import slow

hypothesis.settings.register_profile("ci", derandomize=True)
hypothesis.settings.register_profile("long", max_examples=5_000, deadline=None)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")

ROOT = Path(__file__).parents[1]

os.environ["CUDA_VISIBLE_DEVICES"] = ""
"""Before torch is imported: code that takes a GPU where there is one is tested as it runs without."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Without slow tests, what holds nothing else is not imported."""
    if config.option.markexpr != "not slow" or not collection_path.is_relative_to(ROOT):
        return None
    return slow.is_whole(collection_path.relative_to(ROOT).as_posix()) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow.mark(items)


@dataclass(frozen=True)
class Printed:
    status: int
    out: str
    err: str


Run = Callable[..., Printed]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Write files into an empty working directory; ``{"a/b.py": text or bytes}``."""
    monkeypatch.chdir(tmp_path)

    def write(files: dict[str, str | bytes]) -> Path:
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path

    return write


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: str, stdin: bytes = b"") -> Printed:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        status = main.main(arguments)
        sys.stdout.flush()
        sys.stderr.flush()
        return Printed(status, *capfd.readouterr())

    return call


@pytest.fixture
def elsewhere() -> dict[str, str]:
    """An environment in which ``python -m bnlint`` works from any folder."""
    return os.environ | {"PYTHONPATH": str(ROOT)}


def pytest_collection_finish() -> None:
    """Thousands of tests are kept until the end: do not look through them again and again."""
    gc.collect()
    gc.freeze()
