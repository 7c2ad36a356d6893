"""``bnlint server``: lints what is edited, tells what it finds, and answers what is asked about it."""

import asyncio
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from bnlint import __version__, diagnostics, pages, registry
from bnlint.errors import UsageError
from bnlint.finding import Finding
from bnlint.language_server.actions import FIX_ALL, actions, fix_all, overlap
from bnlint.language_server.client_positions import address
from bnlint.language_server.protocol_diagnostics import Told
from bnlint.lint.workers import one_thread
from bnlint.lint.workspace import Workspace

PAUSE = 0.1
"""Seconds without an edit after which a text is linted."""


class Server(LanguageServer):
    """The files that are open, what was told of them, and one thread that lints."""

    def __init__(self) -> None:
        super().__init__("bnlint", __version__)
        self._linting = one_thread()
        self._workspaces: dict[Path, Workspace] = {}
        self._waiting: dict[Path, asyncio.Task[None]] = {}
        self._told: dict[Path, tuple[Told, list[tuple[Finding, types.Diagnostic]]]] = {}

    def schedule(self, uri: str, *, saved: bool, pause: float) -> None:
        """Lint after a pause, unless the text is edited again before."""
        file = file_of(uri)
        if file is None:
            return
        if (waiting := self._waiting.get(file)) is not None:
            waiting.cancel()
        self._waiting[file] = asyncio.ensure_future(self._lint(file, saved=saved, pause=pause))

    async def _lint(self, file: Path, *, saved: bool, pause: float) -> None:
        await asyncio.sleep(pause)
        texts = self.texts()
        folder = self._folder(file)
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._linting, lambda: self._found(folder, file, texts, saved=saved)
            )
        except UsageError as misuse:
            self._say(str(misuse))
            return
        if found is not None and self.texts().get(file) == texts.get(file):
            self._publish(file, *found)

    def _found(
        self, folder: Path, file: Path, texts: Mapping[Path, str], *, saved: bool
    ) -> tuple[Told, set[Path]] | None:
        """What is found in the files that an edit touches; in all around them if one is saved.

        Nothing while a text is no Python: what was told stays.
        """
        if folder not in self._workspaces:
            self._workspaces[folder] = Workspace.of(folder)
        workspace = self._workspaces[folder]
        if saved:
            workspace.refresh(texts)
        if not saved and not workspace.is_python(file, texts.get(file, "")):
            return None
        which = workspace.connected(file) if saved else workspace.touched(file, texts)
        result = workspace.lint(sorted(which), texts, again=not saved)
        return Told.of(result, self._encoding), which

    @property
    def _encoding(self) -> str:
        """What the client counts columns in."""
        return types.PositionEncodingKind(self.workspace.position_encoding or "utf-16").value

    def _publish(self, edited: Path, told: Told, which: set[Path]) -> None:
        """Tell what is found in files of which all that leads there was linted."""
        found = told.by_file()
        for file in which:
            own = found.get(file, [])
            if own or file in self._told or file == edited:
                self._told[file] = told, own
                shown = [diagnostic for _, diagnostic in own]
                self.text_document_publish_diagnostics(
                    types.PublishDiagnosticsParams(address(file), shown)
                )

    def forget(self, uri: str) -> None:
        """Nothing more is told of a file before it is opened again."""
        file = file_of(uri)
        if file is not None and (waiting := self._waiting.pop(file, None)) is not None:
            waiting.cancel()

    def texts(self) -> dict[Path, str]:
        """What the editor has of the files that are open."""
        every = self.workspace.text_documents.values()
        named = ((file_of(document.uri), document.source) for document in every)
        return {file: text for file, text in named if file is not None}

    def found_at(self, uri: str, place: types.Range) -> list[tuple[Finding, types.Diagnostic]]:
        """What was told of a place."""
        file = file_of(uri)
        found = self._told[file][1] if file is not None and file in self._told else []
        return [(f, d) for f, d in found if overlap(d.range, place)]

    def offered(self, params: types.CodeActionParams) -> Iterator[types.CodeAction]:
        """The actions of the kinds that are asked for."""
        file = file_of(params.text_document.uri)
        if file is None or file not in self._told:
            return
        told, found = self._told[file]
        texts, only = self.texts(), params.context.only
        if only is None or types.CodeActionKind.QuickFix in only:
            here = [(f, d) for f, d in found if overlap(d.range, params.range)]
            yield from actions(told, here, texts)
        if only is None or any(f"{FIX_ALL}.".startswith(f"{_kind(one)}.") for one in only):
            yield from fix_all(told, [finding for finding, _ in found], texts)

    def _folder(self, file: Path) -> Path:
        folders = [file_of(uri) for uri in self.workspace.folders]
        root = Path(self.workspace.root_path) if self.workspace.root_path else None
        around = [one for one in (*folders, root) if one and file.is_relative_to(one)]
        return max(around, key=lambda one: len(one.parts), default=file.parent)

    def _say(self, text: str) -> None:
        self.window_show_message(
            types.ShowMessageParams(types.MessageType.Error, f"bnlint: {text}")
        )


def file_of(uri: str) -> Path | None:
    """The file of a URI; nothing of a text that is none."""
    path = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(path) if path else None


def _kind(one: types.CodeActionKind | str) -> str:
    return one.value if isinstance(one, types.CodeActionKind) else one


def made() -> Server:
    """A server with all that it answers to."""
    server = Server()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        server.schedule(params.text_document.uri, saved=True, pause=0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        server.schedule(params.text_document.uri, saved=False, pause=PAUSE)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.schedule(params.text_document.uri, saved=True, pause=0)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        server.forget(params.text_document.uri)

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=[types.CodeActionKind.QuickFix, FIX_ALL]),
    )
    def asked(params: types.CodeActionParams) -> list[types.CodeAction]:
        return [*server.offered(params)]

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def hovered(params: types.HoverParams) -> types.Hover | None:
        place = types.Range(params.position, params.position)
        found = server.found_at(params.text_document.uri, place)
        if not found:
            return None
        finding, diagnostic = found[0]
        text = types.MarkupContent(types.MarkupKind.Markdown, page_of(finding.rule))
        return types.Hover(text, diagnostic.range)

    return server


def page_of(rule: str) -> str:
    """The page of a rule, or what a diagnostic means."""
    item = registry.find(rule)
    return item.meaning if isinstance(item, diagnostics.Diagnostic) else pages.text(rule)


def serve() -> None:
    """Serve one client over standard input and output, until it says that this is enough."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever else is printed is no answer
    made().start_io(requests, answers)
