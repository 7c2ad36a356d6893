"""Which files to lint: the ones named, and in folders every .py file that is not ignored."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pathspec import PathSpec, Pattern

from bnlint.misuse import Misuse

NEVER_ENTERED = frozenset(
    """
    .bzr .direnv .eggs .git .hg .ipynb_checkpoints .mypy_cache .nox .pytest_cache .pytype
    .ruff_cache .svn .tox .venv __pycache__ __pypackages__ node_modules site-packages
    """.split()
)
"""Folders that hold no code of the project; so does any folder with a ``pyvenv.cfg``."""


@dataclass(frozen=True, slots=True)
class Target:
    """One file to lint. ``named`` tells that the user named it rather than a folder above it.

    ``content`` replaces what is on disk, and ``display`` is how messages call the file then.
    """

    path: Path
    named: bool = False
    content: bytes | None = None
    display: str | None = None


@dataclass(slots=True)
class Found:
    """The files found, and what was passed over: excluded ones, and folders that cannot be read."""

    targets: list[Target] = field(default_factory=list)
    excluded: int = 0
    unreadable: list[Path] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Patterns:
    """Patterns with the meaning of .gitignore, relative to a folder."""

    root: Path
    spec: PathSpec[Pattern]

    @classmethod
    def of(cls, root: Path, lines: Iterable[str]) -> "Patterns":
        """Compile the lines; raises :class:`Misuse` for one that is no pattern."""
        try:
            return cls(root, PathSpec.from_lines("gitignore", lines))
        except ValueError as error:
            raise Misuse(f"bad pattern in {root}: {error}") from None

    def decide(self, path: Path, *, folder: bool = False) -> bool | None:
        """Whether the last pattern about the path covers or frees it; ``None`` if none does."""
        try:
            relative = path.relative_to(self.root).as_posix()
        except ValueError:
            return None
        return self.spec.check_file(relative + "/" if folder else relative).include

    def cover(self, path: Path) -> bool:
        """Whether the path, or a folder that it is in, is covered."""
        return self.decide(path) is True


def find(paths: Sequence[str], exclude: Patterns) -> Found:
    """Return the Python files that the paths mean, each once and in order.

    Raises :class:`Misuse` for a path that does not exist. Symlinked folders are not followed,
    unless they are named.
    """
    found = Found()
    seen: set[str] = set()
    for given in paths:
        for target in _targets(given, exclude, found):
            identity = os.path.realpath(target.path)
            if identity not in seen:
                seen.add(identity)
                found.targets.append(target)
    return found


def absolute(path: str | Path) -> Path:
    """Return the path from the root, without ``..`` and with symlinks as they are."""
    return Path(os.path.abspath(path))


def _targets(given: str, exclude: Patterns, found: Found) -> Iterator[Target]:
    path = absolute(given)
    if path.is_dir():
        yield from _walk(path, _ignores_above(path), exclude, found)
    elif path.is_file():
        if _is_python(path):
            yield from _unless_excluded(Target(path, named=True), exclude, found)
    elif os.path.lexists(path) and path.exists():
        raise Misuse(f"`{given}` is neither a file nor a folder; `-` reads standard input")
    else:
        raise Misuse(f"no such file or folder: `{given}`")


def _is_python(path: Path) -> bool:
    """Whether a named file is Python: by its suffix, or without one by its first line."""
    if path.suffix:
        return path.suffix == ".py"
    try:
        with path.open("rb") as file:
            first = file.readline(200)
    except OSError:
        return False
    return first.startswith(b"#!") and b"python" in first


def _unless_excluded(target: Target, exclude: Patterns, found: Found) -> Iterator[Target]:
    if exclude.cover(target.path):
        found.excluded += 1
    else:
        yield target


def _walk(
    top: Path, ignores: tuple[Patterns, ...], exclude: Patterns, found: Found
) -> Iterator[Target]:
    """Yield the files of a folder, then those of the folders in it, all in order of their names."""
    waiting = [(top, ignores)]
    while waiting:
        folder, ignores = waiting.pop()
        entries = _entries(folder, found)
        if folder != top and any(entry.name == ".git" for entry in entries):
            ignores = ()
        own = _ignores_in(folder)
        ignores = (*ignores, own) if own else ignores
        inner: list[tuple[Path, tuple[Patterns, ...]]] = []
        for entry in entries:
            path = folder / entry.name
            if entry.is_dir(follow_symlinks=False):
                inner.append((path, ignores))
            elif path.suffix == ".py" and os.path.isfile(path) and not _left_out(path, ignores):
                yield from _unless_excluded(Target(path), exclude, found)
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
        found.unreadable.append(folder)
        return []


def _is_entered(folder: Path, ignores: tuple[Patterns, ...], exclude: Patterns) -> bool:
    if folder.name in NEVER_ENTERED or os.path.exists(folder / "pyvenv.cfg"):
        return False
    return not _ignored(folder, ignores, folder=True) and not exclude.decide(folder, folder=True)


def _ignored(path: Path, ignores: tuple[Patterns, ...], *, folder: bool = False) -> bool:
    """Whether git ignores the path: the nearest .gitignore that says anything decides."""
    decisions = (patterns.decide(path, folder=folder) for patterns in reversed(ignores))
    return next((decision for decision in decisions if decision is not None), False)


def _ignores_above(folder: Path) -> tuple[Patterns, ...]:
    """Return the .gitignore files above a folder in its repository, outermost first.

    A folder that they ignore was named all the same, so then they do not count.
    """
    above: list[Patterns] = []
    for candidate in (folder, *folder.parents):
        if candidate != folder:
            above.extend(filter(None, [_ignores_in(candidate)]))
        if os.path.exists(candidate / ".git"):
            ignores = tuple(reversed(above))
            return () if _ignored(folder, ignores, folder=True) else ignores
    return ()


def _ignores_in(folder: Path) -> Patterns | None:
    file = folder / ".gitignore"
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    return Patterns(
        folder, PathSpec.from_lines("gitignore", (line for line in lines if _is_pattern(line)))
    )


def _is_pattern(line: str) -> bool:
    try:
        PathSpec.from_lines("gitignore", [line])
    except ValueError:
        return False
    return True
