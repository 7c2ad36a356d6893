"""What ``[tool.bnlint]`` may say, and how it is refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bnlint import config
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.rule import Settings

Write = Callable[..., Path]


def test_all_keys_are_read(project: Write) -> None:
    root = project(
        {
            "pyproject.toml": """
[tool.bnlint]
select = ["ALL"]
ignore = ["BN201"]
extend-select = ["BN3"]
exclude = ["vendor/"]
fail-on = "error"
min-normalization-batch = 8
[tool.bnlint.per-file-ignores]
"tests/**" = ["BN501"]
"""
        }
    )
    assert config.closest(root) == Config(
        root,
        str(root / "pyproject.toml"),
        select=("ALL",),
        ignore=("BN201",),
        extend_select=("BN3",),
        per_file_ignores={"tests/**": ("BN501",)},
        exclude=("vendor/",),
        fail_on="error",
        settings=Settings(min_normalization_batch=8),
    )


def test_the_closest_table_counts(project: Write) -> None:
    root = project(
        {
            "pyproject.toml": '[tool.bnlint]\nignore = ["BN201"]\n',
            "a/pyproject.toml": "[tool.other]\n",
            "a/b/pyproject.toml": '[tool.bnlint]\nignore = ["BN301"]\n',
            "a/b/c/train.py": "",
        }
    )
    assert config.closest(root / "a").ignore == ("BN201",)
    assert config.closest(root / "a/b/c").ignore == ("BN301",)


def test_without_a_file_the_defaults_hold(project: Write) -> None:
    root = project({"x.py": ""})
    assert config.closest(root).select is None
    assert config.closest(root).fail_on == "warning"
    assert config.closest(root).settings == Settings(min_normalization_batch=16)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('ingore = ["BN201"]', "unknown key `ingore`.*did you mean `ignore`"),
        ("per_file_ignores = {}", "unknown key.*did you mean `per-file-ignores`"),
        ("zzz = 1", "unknown key `zzz` in .tool.bnlint. of .*pyproject.toml$"),
        ('select = "BN2"', "`select` .* must be a list of strings"),
        ("ignore = [1]", "`ignore` .* must be a list of strings"),
        ('per-file-ignores = ["x"]', "must be a table of lists of strings"),
        ('per-file-ignores = {"x" = "BN1"}', "must be a table of lists of strings"),
        ('fail-on = "bad"', 'must be one of "error", "warning", "advice", "never"'),
        ("fail-on = 1", "must be one of"),
        ("min-normalization-batch = true", "must be a whole number above 0"),
        ("min-normalization-batch = 0", "must be a whole number above 0"),
        ("min-normalization-batch = 1.5", "must be a whole number above 0"),
    ],
)
def test_a_wrong_table_is_refused(project: Write, table: str, message: str) -> None:
    root = project({"pyproject.toml": f"[tool.bnlint]\n{table}\n"})
    with pytest.raises(UsageError, match=message):
        config.closest(root)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[tool.bnlint", "is not valid TOML"),
        (b"[tool]\nbnlint = 1\n", "must be a table"),
        (b"x = '\xff'", "is not valid UTF-8"),
    ],
)
def test_a_broken_file_is_refused(project: Write, content: bytes, message: str) -> None:
    root = project({"pyproject.toml": content})
    with pytest.raises(UsageError, match=message):
        config.closest(root)
