"""An editor, as far as a language server sees one: pygls's client over standard input and output."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient
from pygls.uris import from_fs_path

from tests.conftest import ROOT

PATIENCE = 60
"""Seconds after which an answer does not come any more."""


class _Client(LanguageClient):
    status: int | None = None

    async def server_exit(self, server: asyncio.subprocess.Process) -> None:
        self.status = server.returncode


class Editor:
    """One session with the server. Texts are those of open files; ``shown`` are the diagnostics."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.texts: dict[str, str] = {}
        self.shown: dict[str, list[types.Diagnostic]] = {}
        self.messages: list[str] = []
        self.client = _Client("editor", "1")
        self._versions: dict[str, int] = {}
        self._news = asyncio.Event()
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(
            lambda params: self._take(params)
        )
        self.client.feature(types.WINDOW_SHOW_MESSAGE)(lambda params: self._hear(params))

    def _take(self, params: types.PublishDiagnosticsParams) -> None:
        self.shown[Path(params.uri).name] = [*params.diagnostics]
        self._news.set()

    def _hear(self, params: types.ShowMessageParams) -> None:
        self.messages.append(params.message)
        self._news.set()

    def uri(self, name: str) -> str:
        uri = from_fs_path(str(self.folder / name))
        assert uri is not None
        return uri

    async def open(self, name: str, text: str | None = None) -> None:
        """Open a file, and wait for what is told of it."""
        self.texts[name] = (self.folder / name).read_text() if text is None else text
        self._versions[name] = 1
        document = types.TextDocumentItem(self.uri(name), "python", 1, self.texts[name])
        self._news.clear()
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
        await self.news()

    def type(self, name: str, text: str) -> None:
        """Replace the text of an open file, without saving it."""
        self._versions[name] += 1
        self.texts[name] = text
        document = types.VersionedTextDocumentIdentifier(self._versions[name], self.uri(name))
        change = types.TextDocumentContentChangeWholeDocument(text)
        self._news.clear()
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [change]))

    def save(self, name: str) -> None:
        (self.folder / name).write_text(self.texts[name])
        document = types.TextDocumentIdentifier(self.uri(name))
        self._news.clear()
        self.client.text_document_did_save(types.DidSaveTextDocumentParams(document))

    async def news(self) -> None:
        """Wait until something is told, and all that is told with it."""
        await asyncio.wait_for(self._news.wait(), PATIENCE)
        await self.hover("nothing.py", 0, 0)

    async def actions(
        self, name: str, place: types.Range, only: str | None = None
    ) -> list[types.CodeAction]:
        context = types.CodeActionContext([], only=None if only is None else [only])
        document = types.TextDocumentIdentifier(self.uri(name))
        given = types.CodeActionParams(document, place, context)
        found = await self.client.text_document_code_action_async(given)
        return [action for action in found or () if isinstance(action, types.CodeAction)]

    async def hover(self, name: str, line: int, character: int) -> str:
        document = types.TextDocumentIdentifier(self.uri(name))
        position = types.Position(line, character)
        found = await self.client.text_document_hover_async(types.HoverParams(document, position))
        assert found is None or isinstance(found.contents, types.MarkupContent)
        return found.contents.value if found is not None else ""

    def rules(self, name: str) -> list[str]:
        return [str(diagnostic.code) for diagnostic in self.shown.get(name, [])]


@asynccontextmanager
async def editing(folder: Path) -> AsyncIterator[Editor]:
    """Start the server in a folder, and end it."""
    editor = Editor(folder)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    await editor.client.start_io(
        sys.executable, "-m", "bnlint", "server", cwd=folder, env=environment
    )
    root = types.WorkspaceFolder(editor.uri("")[:-1], folder.name)
    await editor.client.initialize_async(
        types.InitializeParams(types.ClientCapabilities(), workspace_folders=[root])
    )
    editor.client.initialized(types.InitializedParams())
    yield editor
    await editor.client.shutdown_async(None)
    editor.client.exit(None)
    await editor.client.stop()
    assert editor.client.status == 0


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """A text after edits of the protocol; it has ASCII alone."""
    lines = text.splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]
    for edit in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character))[::-1]:
        start = starts[edit.range.start.line] + edit.range.start.character
        end = starts[edit.range.end.line] + edit.range.end.character
        text = text[:start] + edit.new_text + text[end:]
    return text
