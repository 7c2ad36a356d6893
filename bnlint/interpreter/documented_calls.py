"""The calls of a script that its project's README shows."""

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bnlint.facts.types.invocation import Invocation
from bnlint.source import Project
from bnlint.source.data_files import SUFFIXES

NAMES = ("README.md", "readme.md", "Readme.md")
_CALL = re.compile(r"\bpython[\d.]*[ \t]+(?P<words>[^`\n]*?\.py\b[^`\n]*)")
LONGEST = 2_000
"""Characters of a line that is read."""
_CONTINUED = re.compile(r"\\[ \t]*\n")
_AFTER = re.compile(r"\s(?:#|&&?|\|\|?|>|;)|;")
"""Where the shell's own part of a line begins."""
_BLANK = re.compile(r"[<>\[\]{}$]|\.\.\.")
"""What stands for something that a reader has to fill in."""


def documented_calls(project: Project, script: Path) -> Iterator[Invocation]:
    """The calls with arguments in the READMEs around a script, the nearest first.

    Those with blanks to fill in are left out, and those that name configurations or code that the
    project does not have. Those that name no other paths than an earlier one come last.
    """
    named: set[frozenset[str]] = set()
    later: list[Invocation] = []
    for call in _all_calls(project, script):
        paths = frozenset(word for word in call.arguments if "/" in word or Path(word).suffix)
        if paths and paths in named:
            later.append(call)
        else:
            named.add(paths)
            yield call
    yield from later


def _all_calls(project: Project, script: Path) -> Iterator[Invocation]:
    root = project.root_of(script)
    seen: set[tuple[str, ...]] = set()
    for folder in (f for f in script.parents if f.is_relative_to(root)):
        readme = next(filter(None, (project.data.find(n, [folder], root) for n in NAMES)), None)
        text = project.data.text(readme) if readme is not None else None
        if readme is None or text is None:
            continue
        for words in _commands(text):
            call = _call_of(project, script, readme, words)
            if call is not None and call.arguments and call.arguments not in seen:
                seen.add(call.arguments)
                yield call


def _commands(text: str) -> Iterator[list[str]]:
    """The words of the commands in a text that run Python files."""
    lines = _CONTINUED.sub(" ", text).splitlines()
    for found in (f for line in lines if len(line) <= LONGEST for f in _CALL.finditer(line)):
        command = _AFTER.split(found["words"], maxsplit=1)[0]
        if not _BLANK.search(command):
            with suppress(ValueError):
                yield shlex.split(command)


def _call_of(project: Project, script: Path, readme: Path, words: list[str]) -> Invocation | None:
    """What a command of a README calls the script with, unless it is about another one."""
    place = next((i for i, word in enumerate(words) if word.endswith(".py")), len(words))
    if place == len(words):
        return None
    root, named = project.root_of(script), Path(words[place])
    if named.is_absolute() or script.parts[-len(named.parts) :] != named.parts:
        return None
    folder = Path(*script.parts[: -len(named.parts)])
    other = project.data.find(str(named), [readme.parent], root)
    arguments = tuple(words[place + 1 :])
    if other not in (None, script) or not _has_files(project, arguments, folder, root):
        return None
    return Invocation(arguments, readme.name, folder, documented=True)


def _has_files(project: Project, arguments: tuple[str, ...], folder: Path, root: Path) -> bool:
    """Whether the project has the configurations and the code that arguments name."""
    named = (word.rpartition("=")[2] for word in arguments)
    return all(
        project.data.find(name, [folder], root) is not None
        for name in named
        if Path(name).suffix.lower() in SUFFIXES | {".py"}
    )
