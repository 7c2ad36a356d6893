"""What an editor offers for a finding: its fix, and a comment that silences it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lsprotocol.types import CodeAction, CodeActionKind, Diagnostic, Range, TextEdit, WorkspaceEdit

from bnlint import registry
from bnlint.finding import Applicability, Edit, Finding
from bnlint.language_server.client_positions import address
from bnlint.language_server.protocol_diagnostics import Told
from bnlint.lint import ignore_comments
from bnlint.lint.fixer import compatible, edited

FIX_ALL = f"{CodeActionKind.SourceFixAll.value}.bnlint"
"""The kind of action that editors can be told to take whenever a file is saved."""


def actions(
    told: Told, found: Iterable[tuple[Finding, Diagnostic]], texts: Mapping[Path, str]
) -> Iterator[CodeAction]:
    """The actions for some findings, where the editor still has the texts that were linted."""
    for finding, diagnostic in found:
        fix = finding.fix
        if fix is not None and fix.applicability is not Applicability.DISPLAY:
            safe = fix.applicability is Applicability.SAFE
            title = fix.title if safe else f"{fix.title} (unsafe)"
            if (edit := _edit(fix.edits, told, texts)) is not None:
                yield _for(diagnostic, title, edit, preferred=safe)
        if finding.rule in registry.rules():
            path = finding.span.path
            edits = ignore_comments.edits_of(told.result.texts[path], path, [finding])
            if (edit := _edit(edits, told, texts)) is not None:
                yield _for(diagnostic, f"Ignore {finding.rule} {finding.name} here", edit)


def fix_all(
    told: Told, findings: Iterable[Finding], texts: Mapping[Path, str]
) -> Iterator[CodeAction]:
    """One action for all safe fixes that change the file of their finding alone, and go together."""
    safe = [f for f in findings if f.fix and f.fix.applicability is Applicability.SAFE]
    own = [f for f in safe if f.fix and all(edit.path == f.span.path for edit in f.fix.edits)]
    edits = [edit for finding in compatible(own) if finding.fix for edit in finding.fix.edits]
    if (edit := _edit(edits, told, texts)) is not None:
        yield CodeAction("Apply all safe fixes of bnlint", kind=FIX_ALL, edit=edit)


def _for(
    diagnostic: Diagnostic, title: str, edit: WorkspaceEdit, *, preferred: bool = False
) -> CodeAction:
    kind = CodeActionKind.QuickFix
    return CodeAction(title, kind=kind, diagnostics=[diagnostic], is_preferred=preferred, edit=edit)


def _edit(edits: Sequence[Edit], told: Told, texts: Mapping[Path, str]) -> WorkspaceEdit | None:
    """Edits in the words of the protocol; none where the editor has another text by now."""
    changes: dict[str, list[TextEdit]] = {}
    for path in dict.fromkeys(edit.path for edit in edits):
        file, linted = told.file(path), told.result.texts.get(path, "")
        own = [*dict.fromkeys(edit for edit in edits if edit.path == path)]
        if texts.get(file, linted) != linted or edited(linted, own) is None:
            return None
        places = told.places(path)
        changes[address(file)] = [TextEdit(places.between(e.start, e.end), e.text) for e in own]
    return WorkspaceEdit(changes=changes) if changes else None


def overlap(one: Range, other: Range) -> bool:
    """Whether two ranges share a place."""
    return _key(one)[0] <= _key(other)[1] and _key(other)[0] <= _key(one)[1]


def _key(place: Range) -> tuple[tuple[int, int], tuple[int, int]]:
    return (place.start.line, place.start.character), (place.end.line, place.end.character)
