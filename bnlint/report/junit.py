"""JUnit's XML, which nearly every CI server can show: each file is a suite, each finding fails a case."""

from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from bnlint.finding import Finding
from bnlint.lint.engine import Result
from bnlint.style import Style, place_of, said
from bnlint.visible import visible


def render(result: Result, look: Style) -> str:
    """Return one document; where nothing was found, it has one case that passes."""
    number = len(result.findings)
    root = Element("testsuites", name="bnlint", tests=str(max(number, 1)), failures=str(number))
    for path, found in groupby(result.findings, key=lambda finding: finding.span.path):
        every = [*found]
        suite = _suite(root, visible(path), len(every), len(every))
        for finding in every:
            _add(suite, finding)
    if not result.findings:
        suite = _suite(root, "bnlint", 1, 0)
        SubElement(suite, "testcase", classname="bnlint", name=f"{result.checked} files")
    indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, name: str, tests: int, failures: int) -> Element:
    counts = {"tests": str(tests), "failures": str(failures), "errors": "0"}
    return SubElement(root, "testsuite", {"name": name, **counts})


def _add(suite: Element, finding: Finding) -> None:
    span = finding.span
    name = f"{finding.rule} {finding.name} at line {span.line}, column {span.column}"
    path = visible(span.path)
    case = SubElement(suite, "testcase", classname=path, name=name, file=path, line=str(span.line))
    failure = SubElement(case, "failure", type=finding.severity.label, message=said(finding))
    proof = [f"{place_of(item.span)}: {visible(item.message)}" for item in finding.evidence]
    fix = [f"help: {visible(finding.fix.title)}"] if finding.fix is not None else []
    failure.text = "\n".join([f"{place_of(span)}: {said(finding)}", *proof, *fix])
