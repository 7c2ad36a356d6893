"""A folder whose files are linted again and again while they are edited: which of them an edit touches."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bnlint.config import Config, closest
from bnlint.lint import engine, files
from bnlint.lint.cache import Cache, cached
from bnlint.lint.configured import cache_folder, plan_of_project
from bnlint.lint.engine import Result
from bnlint.lint.files import LintTarget, Patterns
from bnlint.lint.partition import imports_by_name
from bnlint.lint.reach import Reach
from bnlint.lint.relevance import imported_files, text_of
from bnlint.lint.selection import LintOptions
from bnlint.lint.workers import in_this_process
from bnlint.source import SourceFile, Unreadable, parse_text
from bnlint.source.imports import ModuleFinder
from bnlint.source.regular import read_bytes
from bnlint.visible import display_path

Texts = Mapping[Path, str]


@dataclass(slots=True)
class Workspace:
    """The files of one folder. ``texts`` is what an editor has of some, saved or not.

    ``refresh`` looks at the disk; between two of them only the texts are looked at.
    """

    folder: Path
    config: Config
    plan: LintOptions
    targets: Mapping[Path, LintTarget] = field(default_factory=dict)
    _imports: dict[Path, tuple[str, frozenset[Path]]] = field(default_factory=dict)
    _parsed: dict[Path, SourceFile] = field(default_factory=dict)
    _read: dict[Path, SourceFile] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path) -> "Workspace":
        """Read the configuration and the files of a folder; raises :class:`UsageError`."""
        config = closest(folder)
        made = cls(folder, config, plan_of_project(config))
        made.refresh({})
        return made

    def refresh(self, texts: Texts) -> None:
        """Look for files and the configuration anew; raises :class:`UsageError`."""
        self.config = closest(self.folder)
        exclude = Patterns.of(self.config.root, self.config.exclude)
        found = files.find([str(self.folder)], exclude).targets
        self.targets = {target.path: target for target in found}
        plan = plan_of_project(self.config)
        self.plan = replace(plan, may_change=Reach.of(found).may_change)
        self._read = {}
        self._imports = {file: self._imported(file, texts) for file in {*self.targets, *texts}}

    def connected(self, file: Path) -> set[Path]:
        """The files of the folder that imports connect with one."""
        around: dict[Path, set[Path]] = defaultdict(set)
        for importer, imported in self._graph().items():
            for other in imported:
                around[importer].add(other)
                around[other].add(importer)
        return _reached(file, around)

    def touched(self, file: Path, texts: Texts) -> set[Path]:
        """The files whose findings an edit of one may change: itself, and what leads to it."""
        self._imports[file] = self._imported(file, texts)
        importers: dict[Path, set[Path]] = defaultdict(set)
        for importer, imported in self._graph().items():
            for other in imported:
                importers[other].add(importer)
        return _reached(file, importers)

    def lint(self, which: Iterable[Path], texts: Texts, *, again: bool = False) -> Result:
        """Lint some of the files, as the editor has them; what it has that is no Python is as it was.

        ``again`` takes what was read since the last refresh for unchanged.
        """
        kept = ((file, self._source(file, text)) for file, text in texts.items())
        self._parsed = {file: source for file, source in kept if source is not None}
        changed = {file: one for file, one in self._parsed.items() if one.content != _saved(file)}
        targets = [
            LintTarget(file, content=changed[file].content.encode() if file in changed else None)
            for file in which
            if not self.plan.is_excluded(file)
        ]
        workers = cached(in_this_process, Cache(cache_folder(self.config)))
        result = engine.lint(
            targets,
            self.plan,
            overrides=changed,
            workers=workers,
            parsed=self._read if again else {},
        )
        sources = result.sources.values()
        read = {one.file: one for one in sources if isinstance(one, SourceFile)}
        self._read |= {file: one for file, one in read.items() if file not in changed}
        return result

    def is_python(self, file: Path, text: str) -> bool:
        """Whether a text can be linted, as it cannot be half of the time while it is typed."""
        source = self._source(file, text)
        if source is not None:
            self._parsed[file] = source
        return source is not None and source.content == text

    def _source(self, file: Path, text: str) -> SourceFile | None:
        """A text as it is parsed, or as it was when it last could be."""
        known = self._parsed.get(file)
        if known is not None and known.content == text:
            return known
        try:
            return parse_text(text, display_path(file), file)
        except Unreadable:
            return known

    def _graph(self) -> Mapping[Path, Collection[Path]]:
        return {file: imported for file, (_, imported) in self._imports.items()}

    def _imported(self, file: Path, texts: Texts) -> tuple[str, frozenset[Path]]:
        """A file's text, and what it may import: any file of the folder, if by names it computes."""
        text = texts.get(file)
        text = _saved(file) if text is None else text
        known = self._imports.get(file)
        if known is not None and known[0] == text:
            return known
        modules = ModuleFinder()
        modules.search_for(file, text)
        own = {*imported_files(file, text, modules)}
        own |= {*self.targets} if imports_by_name(text) else set()
        return text, frozenset(own)


def _saved(file: Path) -> str:
    try:
        return text_of(read_bytes(file), file)
    except OSError:
        return ""


def _reached(start: Path, steps: Mapping[Path, Collection[Path]]) -> set[Path]:
    """The start, and all that steps from there lead to."""
    reached, waiting = {start}, [start]
    while waiting:
        new = set(steps.get(waiting.pop(), ())) - reached
        reached |= new
        waiting.extend(new)
    return reached
