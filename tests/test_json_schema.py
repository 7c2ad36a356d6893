"""What is written for programs is what its schema says, and a schema that changes says so."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import jsonschema
import pytest

from bnlint import pages
from bnlint.facts.types.account import ScriptRole
from bnlint.report.json_schema import DOCUMENTS, of_type, schema
from tests.conftest import Run

OUTPUT = (Path(__file__).parents[1] / "docs" / "output.md").read_text(encoding="utf-8")
SCRIPT = """import argparse
import torch
import yaml
from torch import nn
from torch.utils.data import DataLoader
import zoo
parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=4)
parser.add_argument("--freeze", action="store_true")
args = parser.parse_args()



class Net(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))


net = Net()
teacher = zoo.build(args.batch_size)
if args.freeze:
    for parameter in net.parameters():
        parameter.requires_grad = False
loader = DataLoader(zoo.data(), args.batch_size, shuffle=True)
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for images, labels in loader:
    loss = (net(images) - teacher(images)).sum()
    loss.backward()
    optimizer.step()
    if loss < 1:
        torch.save(net.state_dict(), "net.pt")
with torch.no_grad():
    for images, labels in loader:
        print((net(images).argmax(1) == labels).sum())
"""
DIGESTS = {
    "findings": (2, "fb4e3b6e"),
    "graph": (2, "d447ffbe"),
    "summary": (1, "8407aae6"),
    "timeline": (1, "5b6fb157"),
}
"""The version and the first digits of the SHA-256 of each schema: where one changes, so does the other."""


def examples() -> dict[str, str | bytes]:
    """The script above and the first bad example of each rule, as a project."""
    found: dict[str, str | bytes] = {"train.py": SCRIPT}
    for path in sorted(pages.DIRECTORY.glob("BN*.md")):
        example = pages.parse(path.read_text(encoding="utf-8")).of("Bad")[0]
        found[f"{path.stem.lower()}.py"] = example.code
    return found


@pytest.fixture
def files(project: Callable[..., Path]) -> None:
    project(examples())


def test_all_that_is_written_is_valid(files: None, run: Run) -> None:
    findings = run(".", "--summary", "summary.json", "--format", "json").out
    pytest.importorskip("torch")
    run("trace", "train.py:Net", "--graph", "graph.json")
    written = {
        "findings": findings,
        "graph": Path("graph.json").read_text(encoding="utf-8"),
        "summary": Path("summary.json").read_text(encoding="utf-8"),
        "timeline": run("timeline", ".", "--format", "json").out,
    }
    assert written.keys() == DOCUMENTS.keys()
    for name, text in written.items():
        data = json.loads(text)
        assert data
        jsonschema.Draft202012Validator(schema(name)).validate(data)


@pytest.mark.parametrize("change", ["drop", "add", "spoil"])
@pytest.mark.parametrize("name", ["findings", "timeline"])
def test_nothing_else_is_valid(files: None, run: Run, name: str, change: str) -> None:
    command = ["train.py"] if name == "findings" else ["timeline", "train.py"]
    data = json.loads(run(*command, "--format", "json").out)
    key = next(iter(schema(name)["items"]["required"]))
    match change:
        case "drop":
            del data[0][key]
        case "add":
            data[0]["more"] = 1
        case "spoil":
            data[0][key] = {}
    assert not jsonschema.Draft202012Validator(schema(name)).is_valid(data)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_that_changes_gets_another_version(name: str) -> None:
    made = schema(name)
    jsonschema.Draft202012Validator.check_schema(made)
    version = DOCUMENTS[name].version
    assert made["$id"].endswith(f"/{name}/{version}")
    keys = json.dumps(_without_words(made), sort_keys=True)
    assert (version, hashlib.sha256(keys.encode()).hexdigest()[:8]) == DIGESTS[name]


def _without_words(part: object) -> object:
    """A schema without its descriptions, which may be put in other words."""
    match part:
        case dict():
            kept = {k: v for k, v in part.items() if k != "description" or not isinstance(v, str)}
            return {key: _without_words(value) for key, value in kept.items()}
        case list():
            return [_without_words(item) for item in part]
    return part


@pytest.mark.parametrize("name", DOCUMENTS)
def test_users_may_print_it(name: str, run: Run) -> None:
    printed = run("schema", name)
    assert (printed.status, json.loads(printed.out)) == (0, schema(name))
    assert f"bnlint schema {name}" in OUTPUT


def test_which_there_are(run: Run) -> None:
    assert [line.split()[0] for line in run("schema").out.splitlines()] == list(DOCUMENTS)
    printed = run("schema", "model")
    assert (printed.status, printed.out) == (2, "")
    assert "no schema of `model`, only of `findings`, `graph`, `summary`, `timeline`" in printed.err


def test_the_documentation_names_the_keys_of_a_timeline() -> None:
    events = schema("timeline")["items"]["properties"]["events"]["items"]["properties"]
    assert all(f"`{key}`" in OUTPUT for key in [*schema("timeline")["items"]["required"], *events])


class Inner(TypedDict):
    role: ScriptRole


class Outer(TypedDict):
    name: Annotated[str | None, "what it is called"]
    many: Sequence[Inner]
    rest: NotRequired[Mapping[str, float]]
    word: Literal["a", "b"]
    inner: Inner | None


def test_types_become_schemas() -> None:
    role = {"enum": ["model", "layer", "data", "optimizer"]}
    inner: dict[str, Any] = {
        "type": "object",
        "properties": {"role": role},
        "required": ["role"],
        "additionalProperties": False,
    }
    assert of_type(Outer) == {
        "type": "object",
        "properties": {
            "name": {"type": ["string", "null"], "description": "what it is called"},
            "many": {"type": "array", "items": inner},
            "rest": {"type": "object", "additionalProperties": {"type": "number"}},
            "word": {"enum": ["a", "b"]},
            "inner": {"anyOf": [inner, {"type": "null"}]},
        },
        "required": ["inner", "many", "name", "word"],
        "additionalProperties": False,
    }
    with pytest.raises(TypeError, match="no JSON"):
        of_type(Path)
