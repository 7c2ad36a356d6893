"""What an editor offers for a finding: its fix, and a comment that silences it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from lsprotocol.types import CodeAction, CodeActionKind, Diagnostic, Range, TextEdit, WorkspaceEdit

from bnlint import registry
from bnlint.finding import Applicability, Edit, Finding
from bnlint.language_server.diagnostics import Told
from bnlint.language_server.places import address
from bnlint.lint import ignore_comments
from bnlint.lint.fixer import edited


def actions(
    told: Told, found: Iterable[tuple[Finding, Diagnostic]], texts: Mapping[Path, str]
) -> Iterator[CodeAction]:
    """The actions for some findings, where the editor still has the texts that were linted."""
    for finding, diagnostic in found:
        fix = finding.fix
        if fix is not None and fix.applicability is not Applicability.DISPLAY:
            safe = fix.applicability is Applicability.SAFE
            title = fix.title if safe else f"{fix.title} (unsafe)"
            yield from _action(title, diagnostic, fix.edits, told, texts, preferred=safe)
        if finding.rule in registry.rules():
            path = finding.span.path
            edits = ignore_comments.edits_of(told.result.texts[path], path, [finding])
            title = f"Ignore {finding.rule} {finding.name} here"
            yield from _action(title, diagnostic, edits, told, texts)


def _action(
    title: str,
    diagnostic: Diagnostic,
    edits: Sequence[Edit],
    told: Told,
    texts: Mapping[Path, str],
    *,
    preferred: bool = False,
) -> Iterator[CodeAction]:
    changes: dict[str, list[TextEdit]] = {}
    for path in dict.fromkeys(edit.path for edit in edits):
        file, linted = told.file(path), told.result.texts.get(path, "")
        own = [edit for edit in edits if edit.path == path]
        if texts.get(file, linted) != linted or edited(linted, own) is None:
            return
        places = told.places(path)
        changes[address(file)] = [
            TextEdit(places.between(edit.start, edit.end), edit.text) for edit in dict.fromkeys(own)
        ]
    if changes:
        yield CodeAction(
            title,
            kind=CodeActionKind.QuickFix,
            diagnostics=[diagnostic],
            is_preferred=preferred,
            edit=WorkspaceEdit(changes=changes),
        )


def overlap(one: Range, other: Range) -> bool:
    """Whether two ranges share a place."""
    return _key(one)[0] <= _key(other)[1] and _key(other)[0] <= _key(one)[1]


def _key(place: Range) -> tuple[tuple[int, int], tuple[int, int]]:
    return (place.start.line, place.start.character), (place.end.line, place.end.character)
