"""Programs: files that imports connect, so that each program can be rehearsed without the others."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bnlint.immutable import immutable
from bnlint.lint.files import LintTarget
from bnlint.lint.relevance import imported_files, text_of
from bnlint.source import TextFile
from bnlint.source.imports import ModuleFinder
from bnlint.source.regular import read_bytes

_BY_NAME = re.compile(
    r"\b(?:importlib|import_module|__import__|runpy|exec|hydra|_target_|class_path|fromfile|LightningCLI)\b"
)
"""Words of code that imports modules which no import statement names."""


@immutable
class Program:
    """Files to lint, and all files of the project that they may import."""

    targets: tuple[LintTarget, ...]
    files: frozenset[Path]


def programs(targets: Sequence[LintTarget], overrides: Mapping[Path, TextFile]) -> list[Program]:
    """Divide files into programs, in the order of their first files.

    Two files are of one program if an import statement of one may mean the other, or a file that is
    connected to the other in this way. Where code imports modules by computed names, all files of its
    project are one program.
    """
    texts = {target.path: _text(target, overrides) for target in targets}
    modules = ModuleFinder()
    for path, text in texts.items():
        modules.search_for(path, text)
    connected = _Connected()
    waiting = dict(texts)
    while waiting:
        file, text = waiting.popitem()
        imported = [*imported_files(file, text, modules)]
        connected.join(file, imported)
        new = [other for other in imported if other not in texts]
        waiting |= {other: _read(other, overrides) for other in new}
        texts |= {other: waiting[other] for other in new}
    _join_whole_projects(texts, modules, connected)
    divided: dict[Path, list[LintTarget]] = {}
    for target in targets:
        divided.setdefault(connected.first(target.path), []).append(target)
    files: dict[Path, set[Path]] = {}
    for file in texts:
        files.setdefault(connected.first(file), set()).add(file)
    return [Program(tuple(own), frozenset(files[first])) for first, own in divided.items()]


def _join_whole_projects(
    texts: Mapping[Path, str], modules: ModuleFinder, connected: "_Connected"
) -> None:
    roots = {modules.root_of(file) for file, text in texts.items() if imports_by_name(text)}
    for file in texts if roots else ():
        if (root := modules.root_of(file)) in roots:
            connected.join(root, [file])


def imports_by_name(text: str) -> bool:
    """Whether code may import modules that no import statement names."""
    return _BY_NAME.search(text) is not None


class _Connected:
    """Which paths are connected; each knows one nearer to the first of those that it is with."""

    def __init__(self) -> None:
        self._nearer: dict[Path, Path] = {}

    def first(self, path: Path) -> Path:
        """The path that stands for all that are connected with this one."""
        while (nearer := self._nearer.get(path, path)) != path:
            self._nearer[path] = self._nearer.get(nearer, nearer)
            path = nearer
        return path

    def join(self, path: Path, others: Iterable[Path]) -> None:
        """Connect paths."""
        for other in others:
            self._nearer[self.first(other)] = self.first(path)


def _text(target: LintTarget, overrides: Mapping[Path, TextFile]) -> str:
    if target.content is not None and target.path not in overrides:
        return text_of(target.content, target.path)
    return _read(target.path, overrides)


def _read(file: Path, overrides: Mapping[Path, TextFile]) -> str:
    """The text as far as it can be read: what cannot is reported when it is parsed."""
    if file in overrides:
        return overrides[file].content
    try:
        return text_of(read_bytes(file), file)
    except OSError:
        return ""
