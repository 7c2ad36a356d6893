"""Which files to lint: the ones named, and in folders every .py and .ipynb file that is not ignored."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from bnlint.errors import UsageError
from bnlint.immutable import immutable
from bnlint.lint import gitignore
from bnlint.lint.gitignore import IgnorePattern
from bnlint.source.notebook import NOTEBOOK
from bnlint.source.regular import read_bytes

NEVER_ENTERED = frozenset(
    """
    .bzr .direnv .eggs .git .hg .ipynb_checkpoints .mypy_cache .nox .pytest_cache .pytype
    .ruff_cache .svn .tox .venv __pycache__ __pypackages__ node_modules site-packages
    """.split()
)
"""Folders that hold no code of the project; so does any folder with a ``pyvenv.cfg``."""

SUFFIXES = frozenset({".py", NOTEBOOK})
"""Of files that hold Python: modules and notebooks."""
LARGEST_IGNORE = 256 << 10
"""Bytes of a .gitignore that is read; as in git, it is no symbolic link."""
MOST_PATTERNS = 10_000
"""Of all .gitignore files of a run: each is held against each file."""


@immutable
class LintTarget:
    """One file to lint. ``named`` tells that the user named it rather than a folder above it.

    ``content`` replaces what is on disk, and ``display`` is how messages call the file then.
    """

    path: Path
    named: bool = False
    content: bytes | None = None
    display: str | None = None

    @property
    def size(self) -> int:
        """Bytes of its text; 0 where it cannot be read."""
        if self.content is not None:
            return len(self.content)
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


@dataclass(slots=True)
class Found:
    """The files found, how many were excluded, and what could not be read, in words.

    ``patterns`` are those of the .gitignore files that were read, ``empty`` the folders that were
    named and hold no Python file.
    """

    targets: list[LintTarget] = field(default_factory=list)
    excluded: int = 0
    unread: list[str] = field(default_factory=list)
    patterns: int = 0
    empty: list[str] = field(default_factory=list)


@immutable
class Patterns:
    """Patterns with the meaning of .gitignore, relative to a folder; the last one that says anything
    comes first."""

    root: Path
    patterns: tuple[IgnorePattern, ...]

    @classmethod
    def of(cls, root: Path, lines: Iterable[str]) -> "Patterns":
        """Read the lines; raises :class:`UsageError` for one that can never match."""
        found = [(line, gitignore.parse(line)) for line in lines]
        for line, pattern in found:
            if pattern is None:
                raise UsageError(f"bad pattern `{line}` in {root}: it can never match")
        return cls(root, tuple(pattern for _, pattern in reversed(found) if pattern is not None))

    def decide(self, path: Path, *, folder: bool = False) -> bool | None:
        """Whether the last pattern about the path covers or frees it; ``None`` if none does."""
        root, name = os.path.join(self.root, ""), str(path)
        if not name.startswith(root):
            return None
        relative = name[len(root) :].replace(os.sep, "/")
        return gitignore.verdict(self.patterns, relative, folder=folder)

    def cover(self, path: Path) -> bool:
        """Whether the path, or a folder that it is in, is covered."""
        above = takewhile(lambda folder: folder != self.root, path.parents)
        return self.decide(path) is True or any(self.decide(f, folder=True) for f in above)


def find(paths: Sequence[str], exclude: Patterns) -> Found:
    """Return the Python files that the paths mean, each once and in order.

    Raises :class:`UsageError` for a path that does not exist and for a file that is no Python. Symlinked folders are not followed,
    unless they are named.
    """
    found = Found()
    seen: set[str] = set()
    for given in paths:
        excluded = found.excluded
        targets = list(_targets(given, exclude, found))
        if not targets and found.excluded == excluded:
            found.empty.append(given)
        for target in targets:
            identity = os.path.realpath(target.path)
            if identity not in seen:
                seen.add(identity)
                found.targets.append(target)
    return found


def absolute(path: str | Path) -> Path:
    """Return the path from the root, without ``..`` and with symlinks as they are."""
    return Path(os.path.abspath(path))


def _targets(given: str, exclude: Patterns, found: Found) -> Iterator[LintTarget]:
    path = absolute(given)
    if path.is_dir():
        yield from _walk(path, _ignores_above(path, found), exclude, found)
    elif path.is_file():
        if not exclude.cover(path) and (reason := _why_not_python(path)):
            raise UsageError(f"`{given}` cannot be linted: {reason}")
        yield from _unless_excluded(LintTarget(path, named=True), exclude, found)
    elif os.path.lexists(path) and path.exists():
        raise UsageError(f"`{given}` is neither a file nor a folder; `-` reads standard input")
    else:
        raise UsageError(f"no such file or folder: `{given}`")


def _why_not_python(path: Path) -> str:
    """Why a named file is no Python, ``""`` if it is: by its suffix, or without one by its first line."""
    if path.suffix in SUFFIXES:
        return ""
    if path.suffix:
        return f"a file that ends in `{path.suffix}` is no Python file"
    try:
        with path.open("rb") as file:
            first = file.readline(200)
    except OSError as error:
        return (error.strerror or "it cannot be read").lower()
    is_script = first.startswith(b"#!") and b"python" in first
    return "" if is_script else "it has neither the suffix `.py` nor a first line that names Python"


def _unless_excluded(target: LintTarget, exclude: Patterns, found: Found) -> Iterator[LintTarget]:
    if exclude.cover(target.path):
        found.excluded += 1
    else:
        yield target


def _walk(
    top: Path, ignores: tuple[Patterns, ...], exclude: Patterns, found: Found
) -> Iterator[LintTarget]:
    """Yield the files of a folder, then those of the folders in it, all in order of their names."""
    waiting = [(top, ignores)]
    while waiting:
        folder, ignores = waiting.pop()
        entries = _entries(folder, found)
        if folder != top and any(entry.name == ".git" for entry in entries):
            ignores = ()
        own = _ignores_in(folder, found)
        ignores = (*ignores, own) if own else ignores
        inner: list[tuple[Path, tuple[Patterns, ...]]] = []
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                inner.append((path, ignores))
            elif path.suffix in SUFFIXES and os.path.isfile(path) and not _left_out(path, ignores):
                yield from _unless_excluded(LintTarget(path), exclude, found)
        entered = [item for item in inner if _is_entered(*item, exclude)]
        waiting.extend(reversed(entered))


def _left_out(path: Path, ignores: tuple[Patterns, ...]) -> bool:
    """Whether a file is ignored; a package's ``__init__.py`` goes with its folder."""
    return path.name != "__init__.py" and _ignored(path, ignores)


def _entries(folder: Path, found: Found) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except OSError:
        found.unread.append(f"the folder `{folder}` cannot be read")
        return []


def _is_entered(folder: Path, ignores: tuple[Patterns, ...], exclude: Patterns) -> bool:
    if folder.name in NEVER_ENTERED or os.path.exists(folder / "pyvenv.cfg"):
        return False
    return not _ignored(folder, ignores, folder=True) and not exclude.decide(folder, folder=True)


def _ignored(path: Path, ignores: tuple[Patterns, ...], *, folder: bool = False) -> bool:
    """Whether git ignores the path: the nearest .gitignore that says anything decides."""
    decisions = (patterns.decide(path, folder=folder) for patterns in reversed(ignores))
    return next((decision for decision in decisions if decision is not None), False)


def _ignores_above(folder: Path, found: Found) -> tuple[Patterns, ...]:
    """Return the .gitignore files above a folder in its repository, outermost first.

    A folder that they ignore was named all the same, so then they do not count.
    """
    above: list[Patterns] = []
    inside: list[Path] = []
    for candidate in (folder, *folder.parents):
        if candidate != folder:
            above.extend(filter(None, [_ignores_in(candidate, found)]))
        if os.path.exists(candidate / ".git"):
            ignores = tuple(reversed(above))
            ignored = any(_ignored(each, ignores, folder=True) for each in inside)
            return () if ignored else ignores
        inside.append(candidate)
    return ()


def _ignores_in(folder: Path, found: Found) -> Patterns | None:
    file = folder / ".gitignore"
    try:
        content = read_bytes(file, LARGEST_IGNORE, through_links=False)
    except OSError as error:
        if os.path.lexists(file):
            found.unread.append(f"`{file}` is not read: {error.strerror}")
        return None
    lines = list(gitignore.lines_of(content.decode(errors="replace")))
    if found.patterns + len(lines) > MOST_PATTERNS:
        found.unread.append(
            f"`{file}` is not read: with it there are more than {MOST_PATTERNS} patterns"
        )
        return None
    found.patterns += len(lines)
    patterns = [pattern for line in lines if (pattern := gitignore.parse(line)) is not None]
    return Patterns(folder, tuple(reversed(patterns)))
