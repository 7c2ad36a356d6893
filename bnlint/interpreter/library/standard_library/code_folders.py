"""Folders of the project that hold code: what ``os.listdir`` and the like find in them."""

import fnmatch
import os
import posixpath
from pathlib import Path

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Library, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.python.data_texts import folders_for
from bnlint.interpreter.python.iteration import NAMED_TUPLE

MOST_ENTRIES = 500
_NEVER = frozenset({"__pycache__"})


def names_in(m: Machine, path: str, site: Site) -> list[str] | None:
    """The entries of a folder of the project that holds Python files, in order."""
    where = folders_for(m, site)
    if where is None or "\0" in path:
        return None
    folders, root = where
    for base in folders:
        folder = Path(os.path.normpath(os.path.join(base, path)))
        if not folder.is_relative_to(root) or not m.namespaces.project.data.is_folder(folder):
            continue
        if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
            return None
        names = sorted(m.namespaces.project.entries(folder))
        m.step(len(names) >> 2)
        code = any(name.endswith(".py") for name in names)
        return (
            [n for n in names if n not in _NEVER] if code and len(names) <= MOST_ENTRIES else None
        )
    return None


@library_function("os.listdir")
def _listdir(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    folder = arguments.get(0, "path", ".")
    names = names_in(m, str(folder), site) if isinstance(folder, str) else None
    return Unknown("os.listdir()") if names is None else m.new([*names])


@library_function("glob.glob", "glob.iglob")
def _glob(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    pattern = arguments.get(0, "pathname")
    if not isinstance(pattern, str):
        return Unknown("glob()")
    found = matching(m, str(pattern), site)
    return Unknown("glob()") if found is None else m.new([*found])


def matching(m: Machine, pattern: str, site: Site) -> list[str] | None:
    """The Python files that a pattern in the last part of a path means."""
    folder, last = posixpath.split(pattern)
    if "*" in folder or not last.endswith(".py") or len(last) > 100 or last.count("*") > 2:
        return None
    names = names_in(m, folder or ".", site)
    if names is None:
        return None
    return [posixpath.join(folder, n) for n in names if fnmatch.fnmatchcase(n, last)]


@library_function("pkgutil.iter_modules", "pkgutil.walk_packages")
def _modules(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """``ModuleInfo`` of each module in the first of some folders."""
    paths, prefix = arguments.get(0, "path"), arguments.get(1, "prefix", "")
    first = paths[0] if isinstance(paths, list | tuple) and paths else None
    names = names_in(m, str(first), site) if isinstance(first, str) else None
    if names is None or not isinstance(prefix, str):
        return Unknown(f"{path}()")
    found: list[Value] = []
    for name in names:
        base, suffix = posixpath.splitext(name)
        inner = names_in(m, posixpath.join(str(first), name), site) if not suffix else None
        is_package = inner is not None and "__init__.py" in inner
        if (suffix == ".py" and base != "__init__") or is_package:
            made = new_instance(m, None, NAMED_TUPLE, site)
            fields = {
                "module_finder": Library("finder"),
                "name": prefix + base,
                "ispkg": is_package,
            }
            made.attributes.update(fields)
            found.append(made)
    return m.new(found)
