"""Whether Python looks for garbage while bnlint lints."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnlint import api
from bnlint.lint import program
from bnlint.lint.garbage_collection import without_collection


@pytest.fixture(autouse=True)
def switched_on() -> Iterator[None]:
    """The command, in this process too, has it off for good."""
    gc.enable()
    yield
    gc.enable()


def test_what_calls_the_library_need_not_care(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "train.py").write_text("import torch\nlayer = torch.nn.BatchNorm2d(8)\n")
    seen: list[bool] = []
    lint_program = program.lint_program

    def lint(*arguments: object) -> object:
        seen.append(gc.isenabled())
        return lint_program(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(program, "lint_program", lint)
    api.lint_paths([tmp_path / "train.py"])
    assert seen == [False]
    assert gc.isenabled()


def test_who_switched_it_off_keeps_it_off() -> None:
    gc.disable()
    with without_collection():
        pass
    assert not gc.isenabled()


def test_an_error_gives_it_back() -> None:
    with pytest.raises(ValueError, match="no"), without_collection():
        raise ValueError("no")
    assert gc.isenabled()
