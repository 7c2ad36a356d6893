"""SARIF 2.1.0, which code scanning of GitHub, GitLab, Azure and editors reads.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bnlint import __version__, diagnostics, pages, registry
from bnlint.finding import Edit, Evidence, Finding, Fix, Severity, Span
from bnlint.lint.engine import Result
from bnlint.lint.fingerprints import fingerprints
from bnlint.report.cell_names import file_and_cell
from bnlint.source.line_index import Lines
from bnlint.style import Style, message_of
from bnlint.urls import REPOSITORY, page
from bnlint.visible import inert_json

Json = dict[str, Any]
SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.ADVICE: "note"}
_ROOT = "%SRCROOT%"
"""What consumers take for the folder that was checked out."""


def render(result: Result, look: Style) -> str:
    """Return one run with all findings, their evidence, fixes and fingerprints."""
    rules = sorted({finding.rule for finding in result.findings})
    lines = _LinesOf(result.texts)
    marks = fingerprints(result.findings, result.sources)
    results = [
        {**_result(finding, lines), "ruleIndex": rules.index(finding.rule)}
        | {"partialFingerprints": {"bnlint/v1": mark}}
        for finding, mark in zip(result.findings, marks, strict=True)
    ]
    driver = {
        "name": "bnlint",
        "version": __version__,
        "informationUri": REPOSITORY,
        "rules": [_rule(rule) for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return inert_json(json.dumps(log, indent=2)) + "\n"


def _rule(rule_id: str) -> Json:
    item = registry.find(rule_id)
    if isinstance(item, diagnostics.Diagnostic):
        text = markdown = item.meaning
    else:
        markdown = pages.text(rule_id)
        text = pages.why(rule_id)
    return {
        "id": item.id,
        "name": item.name,
        "shortDescription": {"text": item.name.replace("-", " ").capitalize()},
        "fullDescription": {"text": text},
        "help": {"text": text, "markdown": markdown},
        "helpUri": page(item.id),
        "defaultConfiguration": {"level": _LEVELS[item.severity]},
    }


def _result(finding: Finding, lines: "_LinesOf") -> Json:
    found: Json = {
        "ruleId": finding.rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _said(finding)},
        "locations": [{"physicalLocation": _place(finding.span)}],
    }
    if finding.evidence:
        found["relatedLocations"] = [
            {"id": number, **_step(item)} for number, item in enumerate(finding.evidence, 1)
        ]
        steps = [*finding.evidence, Evidence(finding.span, message_of(finding))]
        locations = [{"location": _step(item)} for item in steps]
        found["codeFlows"] = [{"threadFlows": [{"locations": locations}]}]
    if finding.fix is not None:
        found["fixes"] = [_fix(finding.fix, lines)]
    if finding.layer is not None:
        found["properties"] = {"layer": finding.layer}
    return found


def _said(finding: Finding) -> str:
    """The message, which names the cell of a notebook."""
    _, cell = file_and_cell(finding.span.path)
    return f"Cell {cell}: {message_of(finding)}" if cell is not None else message_of(finding)


def _step(item: Evidence) -> Json:
    return {"physicalLocation": _place(item.span), "message": {"text": item.message}}


def _place(span: Span) -> Json:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"artifactLocation": _artifact(span.path), "region": region}


def _artifact(name: str) -> Json:
    """A file by its address, from the working directory where it is in it."""
    path, _ = file_and_cell(name)
    if os.path.isabs(path):
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(path, errors="surrogatepass"), "uriBaseId": _ROOT}


def _fix(fix: Fix, lines: "_LinesOf") -> Json:
    paths = dict.fromkeys(edit.path for edit in fix.edits)
    changes = [
        {
            "artifactLocation": _artifact(path),
            "replacements": [_replacement(e, lines) for e in fix.edits if e.path == path],
        }
        for path in paths
    ]
    return {"description": {"text": fix.title}, "artifactChanges": changes}


def _replacement(edit: Edit, lines: "_LinesOf") -> Json:
    start, end = (lines.of(edit.path).place(offset) for offset in (edit.start, edit.end))
    region = {
        "startLine": start[0],
        "startColumn": start[1],
        "endLine": end[0],
        "endColumn": end[1],
    }
    return {"deletedRegion": region, "insertedContent": {"text": edit.text}}


class _LinesOf:
    """The lines of each file, found when they are first asked for."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts
        self._known: dict[str, Lines] = {}

    def of(self, path: str) -> Lines:
        if path not in self._known:
            self._known[path] = Lines.of(self._texts.get(path, ""))
        return self._known[path]
