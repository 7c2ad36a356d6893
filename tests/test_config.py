"""What ``[tool.bnlint]`` may say, and how it is refused."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from bnlint import config
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.finding import Severity
from bnlint.rule import Settings
from tests.conftest import ROOT, Run

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


def test_a_file_of_its_own_is_the_table(project: Write) -> None:
    root = project(
        {
            "bnlint.toml": "ignore = ['BN201']\n",
            "pyproject.toml": "[tool.bnlint]\nignore = ['BN301']\n",
        }
    )
    assert config.closest(root).ignore == ("BN201",)
    assert config.closest(root).origin == str(root / "bnlint.toml")
    assert config.read(root / "pyproject.toml").ignore == ("BN301",)


def test_a_table_goes_on_top_of_what_it_extends(project: Write) -> None:
    root = project(
        {
            "shared/base.toml": "ignore = ['BN201']\nfail-on = 'error'\nextend-select = ['BN807']\n"
            "[severity]\nBN3 = 'error'\nBN2 = 'error'\n[per-file-ignores]\n'a/**' = ['BN3']\n",
            "a/pyproject.toml": "[tool.bnlint]\nextend = '../shared/base.toml'\nfail-on = 'never'\n"
            "extend-select = ['BN309']\n[tool.bnlint.severity]\nBN2 = 'advice'\n",
        }
    )
    found = config.closest(root / "a")
    assert found.root == root / "a"
    assert (found.ignore, found.fail_on) == (("BN201",), "never")
    assert found.extend_select == ("BN807", "BN309")
    assert found.severity == {"BN3": Severity.ERROR, "BN2": Severity.ADVICE}
    assert found.per_file_ignores == {"a/**": ("BN3",)}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"bnlint.toml": "extend = 'bnlint.toml'"}, "leads back to"),
        ({"bnlint.toml": "extend = 'a.toml'", "a.toml": "extend = 'bnlint.toml'"}, "leads back"),
        ({"bnlint.toml": "extend = 'none.toml'"}, "cannot read .*none.toml"),
        ({"bnlint.toml": "extend = 'a.toml'", "a.toml": "colour = 1"}, "`colour` .* of .*a.toml"),
        ({"bnlint.toml": "extend = 3"}, "`extend` .* must be the name of a file"),
        ({"bnlint.toml": "extend = 'pyproject.toml'", "pyproject.toml": ""}, "has no table"),
        (
            {"bnlint.toml": "extend = '0.toml'"}
            | {f"{n}.toml": f"extend = '{n + 1}.toml'" for n in range(30)},
            "more than 20 files",
        ),
    ],
)
def test_what_cannot_be_extended_is_refused(
    project: Write, files: dict[str, str], message: str
) -> None:
    root = project(files)
    with pytest.raises(UsageError, match=message):
        config.closest(root)


LEVELS = "import torch\nfrom torch import nn\nnn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))(torch.rand(2, 3, 8, 8))\n"


@pytest.mark.parametrize(
    ("table", "shown", "status"),
    [
        ("", "advice BN201", 0),
        ("[severity]\nBN201 = 'error'\n", "error BN201", 1),
        ("[severity]\nBN2 = 'warning'\nALL = 'error'\n", "warning BN201", 1),
        ("[severity]\nbias-before-batchnorm = 'error'\nBN201 = 'error'\n", "error BN201", 1),
    ],
)
def test_a_table_says_how_bad_findings_are(
    project: Write, run: Run, table: str, shown: str, status: int
) -> None:
    project({"bnlint.toml": table, "train.py": LEVELS})
    for _ in range(2):  # the second answer is remembered
        printed = run("train.py", "--format", "concise")
        assert shown in printed.out
        assert printed.status == status
    assert "[tool.bnlint.severity]" in run("--show-settings").out or not table


def test_a_severity_of_no_rule_is_an_error(project: Write, run: Run) -> None:
    project({"bnlint.toml": "[severity]\nBN999 = 'error'\n", "train.py": LEVELS})
    assert "BN999" in run("train.py").err


SAMPLES = ["a", "", "warning", True, 0, 1, -3, 1.5, ["a"], [1], [], {"BN2": "error"}, {"a": ["b"]}]


@pytest.mark.parametrize("key", sorted(config._KEYS))
def test_the_schema_takes_what_is_read(key: str) -> None:
    schema = json.loads((ROOT / "bnlint.schema.json").read_text())
    assert sorted(schema["properties"]) == sorted(config._KEYS)
    for sample in SAMPLES:
        taken = config._KEYS[key][1](sample) is not None
        valid = jsonschema.Draft7Validator(schema).is_valid({key: sample})
        assert taken == valid, sample
