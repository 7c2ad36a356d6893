"""Which files a fix may change: what was named, inside the project, each file under one name."""

import os
from collections.abc import Collection, Mapping
from dataclasses import field
from pathlib import Path

from bnlint.immutable import immutable
from bnlint.lint.files import LintTarget, absolute
from bnlint.source.imports import MARKERS


@immutable
class Reach:
    """``roots`` are the real folders of the projects that were named, ``names`` what is written.

    ``names`` maps the real path of each file that was asked for to the path that it is changed by.
    """

    roots: tuple[str, ...] = ()
    names: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, targets: Collection[LintTarget]) -> "Reach":
        """What the files that were asked for allow."""
        names: dict[str, Path] = {}
        for target in sorted(targets, key=lambda target: _is_link(target.path)):
            names.setdefault(os.path.realpath(target.path), target.path)
        roots = {_root(folder) for folder in {target.path.parent for target in targets}}
        return cls(tuple(os.path.realpath(root) for root in sorted(roots)), names)

    def may_change(self, file: Path) -> bool:
        """Whether a file is inside a project, also behind symlinks, and has no better name."""
        real = os.path.realpath(file)
        inside = any(real.startswith(root.rstrip(os.sep) + os.sep) for root in self.roots)
        return inside and self.names.get(real, file) == file


def _root(folder: Path) -> Path:
    """The project's folder, else the working directory if the folder is in it, else the folder."""
    for candidate in (folder, *folder.parents):
        if any(os.path.lexists(candidate / marker) for marker in MARKERS):
            return candidate
    here = absolute(".")
    return here if folder.is_relative_to(here) else folder


def _is_link(path: Path) -> bool:
    return os.path.realpath(path) != str(path)
