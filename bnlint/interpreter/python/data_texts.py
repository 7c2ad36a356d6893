"""The data files of the project that the program reads."""

from pathlib import Path

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.values import Unknown, Value
from bnlint.source import SourceFile

MOST_LINES = 2_000


def folders_for(m: Machine, site: Site) -> tuple[list[Path], Path] | None:
    """Where a relative path may begin, and the folder that all files have to be in.

    That is where the call is made, where that is known; else the folder of the script and those above
    it in the project.
    """
    source = site.source
    if not isinstance(source, SourceFile):
        return None
    line, project = m.command_line, m.namespaces.project
    script = line.script or source.file
    root = project.root_of(script)
    above = [folder for folder in script.parents if folder.is_relative_to(root)]
    called = line.invocation.folder if line.invocation is not None else None
    return ([called, *above] if called is not None else above), root


def file_at(m: Machine, path: str, site: Site) -> Path | None:
    """The data file of the project that a path means, which depends on the script."""
    for reads in m.readings:
        reads.fixed = False
    where = folders_for(m, site)
    if where is None or path in m.written:
        return None
    m.step(8)
    return m.namespaces.project.data.find(path, *where)


def text_at(m: Machine, path: str, site: Site) -> str | None:
    """What is in a data file of the project."""
    file = file_at(m, path, site)
    text = m.namespaces.project.data.text(file) if file is not None else None
    return text if text is not None and m.allowance.takes(len(text) >> 6) else None


def lines_of(text: str) -> Value:
    """The lines of a file, each with its end."""
    lines: list[Value] = [*text.splitlines(keepends=True)]
    return lines if len(lines) <= MOST_LINES else Unknown("lines")
