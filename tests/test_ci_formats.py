"""Reports that servers read: SARIF, GitLab's code quality, JUnit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bnlint.finding import Severity
from bnlint.lint import engine
from bnlint.lint.engine import Result
from bnlint.report import FORMATS
from bnlint.style import Style

Write = Callable[..., Path]
TRAIN = """import torch
from torch import nn
from torch.utils.data import DataLoader
net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, momentum=0.99))
optimizer = torch.optim.SGD(net.parameters(), 0.1)
for epoch in range(9):
    for x, y in DataLoader(train_set, 64, shuffle=True):
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    for x, y in DataLoader(val_set, 64):
        with torch.no_grad():
            correct = (net(x).argmax(1) == y).sum()
"""


@pytest.fixture(scope="module")
def result() -> Result:
    found = engine.lint([engine.example(TRAIN, "a b.py")], engine.default_plan())
    assert {"BN102", "BN301"} <= {finding.rule for finding in found.findings}
    return found


def sarif(result: Result) -> Any:
    (run,) = json.loads(FORMATS["sarif"](result, Style()))["runs"]
    return run


def text_of(region: dict[str, int], code: str) -> str:
    lines = code.splitlines(keepends=True)
    start = sum(map(len, lines[: region["startLine"] - 1])) + region["startColumn"] - 1
    end = sum(map(len, lines[: region["endLine"] - 1])) + region["endColumn"] - 1
    return code[start:end]


def test_sarif_names_rules_places_and_levels(result: Result) -> None:
    run = sarif(result)
    rules = run["tool"]["driver"]["rules"]
    for item, finding in zip(run["results"], result.findings, strict=True):
        rule = rules[item["ruleIndex"]]
        assert rule["id"] == item["ruleId"] == finding.rule
        assert rule["help"]["markdown"].startswith(f"# {finding.rule} ")
        assert rule["fullDescription"]["text"]
        place = item["locations"][0]["physicalLocation"]
        assert place["artifactLocation"] == {"uri": "a%20b.py", "uriBaseId": "%SRCROOT%"}
        span = finding.span
        assert text_of(place["region"], TRAIN) == TRAIN[span.start : span.end]
    levels = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}
    assert [r["level"] for r in run["results"]] == [levels[f.severity] for f in result.findings]


def test_sarif_shows_how_it_came_to_it(result: Result) -> None:
    item = next(r for r in sarif(result)["results"] if r["ruleId"] == "BN301")
    (flow,) = item["codeFlows"]
    steps = [step["location"] for step in flow["threadFlows"][0]["locations"]]
    assert [step["message"]["text"] for step in steps[:-1]] == [
        step["message"]["text"] for step in item["relatedLocations"]
    ]
    assert steps[-1]["physicalLocation"] == item["locations"][0]["physicalLocation"]


def test_sarif_carries_the_fixes(result: Result) -> None:
    item = next(r for r in sarif(result)["results"] if r["ruleId"] == "BN102")
    ((change,),) = (fix["artifactChanges"] for fix in item["fixes"])
    (replacement,) = change["replacements"]
    assert text_of(replacement["deletedRegion"], TRAIN) == "0.99"
    assert replacement["insertedContent"]["text"] == "0.01"


def test_sarif_of_nothing_has_no_results() -> None:
    empty = engine.lint([engine.example("x = 1\n")], engine.default_plan())
    assert sarif(empty)["results"] == []


def test_gitlab_gets_what_it_requires(result: Result) -> None:
    issues = json.loads(FORMATS["gitlab"](result, Style()))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == len(result.findings)
    for issue, finding in zip(issues, result.findings, strict=True):
        assert issue["description"].startswith(finding.rule)
        assert issue["location"]["lines"]["begin"] == finding.span.line
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")


def test_junit_fails_a_case_for_each_finding(result: Result) -> None:
    root = ElementTree.fromstring(FORMATS["junit"](result, Style()))
    assert root.attrib["failures"] == str(len(result.findings))
    failures = root.findall("./testsuite/testcase/failure")
    assert [f.attrib["type"] for f in failures] == [f.severity.label for f in result.findings]
    empty = engine.lint([engine.example("x = 1\n")], engine.default_plan())
    (case,) = ElementTree.fromstring(FORMATS["junit"](empty, Style())).findall(
        "./testsuite/testcase"
    )
    assert list(case) == []
