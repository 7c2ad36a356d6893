"""Paths of os.path and pathlib, as far as they lead to the project's files."""

import posixpath
from collections.abc import Iterator

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import ATTRIBUTES, handles
from bnlint.interpreter.core.knowledge import open_one
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, OpenFile, Scope
from bnlint.interpreter.core.values import Arguments, PathText, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.data_reading import call_file_method, opened
from bnlint.interpreter.library.standard_library.code_folders import matching, names_in
from bnlint.interpreter.python.data_texts import file_at, folders_for


@library_function(*(f"pathlib.{name}" for name in ("Path", "PurePath", "PosixPath")))
def _path(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if arguments.opened:
        return Unknown("path")
    if None in arguments.positional:
        m.command_line.note_file(None)
    return joined(arguments.positional, site)


def joined(parts: list[Value], site: Site) -> Value:
    """The path that parts make."""
    known = [str(part) for part in parts if isinstance(part, str)]
    if len(known) < len(parts) or sum(map(len, known)) > 4096:
        return Unknown("path", site, open_one(parts))
    return as_path(posixpath.join(*known) if known else ".")


def as_path(text: str) -> PathText:
    """A path of pathlib, written as it shows itself."""
    parts = [part for part in text.split("/") if part not in ("", ".")]
    made = PathText(("/" if text.startswith("/") else "") + "/".join(parts) or ".")
    made.option = None
    return made


@handles(ATTRIBUTES, PathText)
def _of_path(m: Machine, value: PathText, name: str, node: object, scope: Scope) -> Value:
    head, tail = posixpath.split(value)
    match name:
        case "parent":
            return as_path(head)
        case "parents":
            return list(_above(value))
        case "name":
            return tail
        case "stem":
            return posixpath.splitext(tail)[0]
        case "suffix":
            return posixpath.splitext(tail)[1]
        case "parts":
            return tuple(value.split("/"))
    return Builtin(value, name)


def _above(path: str) -> Iterator[PathText]:
    while posixpath.dirname(path) not in (path, ""):
        path = posixpath.dirname(path)
        yield as_path(path)


def call_path_method(
    m: Machine, path: PathText, name: str, arguments: Arguments, site: Site
) -> Value:
    """``path.name(...)``."""
    first = arguments.get(0, "other")
    match name:
        case "resolve" | "absolute" | "expanduser":
            return as_path(posixpath.normpath(path))
        case "joinpath":
            return joined([path, *arguments.positional], site)
        case "with_suffix" | "with_name" if isinstance(first, str):
            base = posixpath.splitext(path)[0] if name == "with_suffix" else posixpath.dirname(path)
            return as_path(base + first if name == "with_suffix" else posixpath.join(base, first))
        case "as_posix" | "__str__" | "__fspath__":
            return str(path)
        case "open":
            return opened(m, path, arguments.get(0, "mode", "r"), site)
        case "read_text" | "read_bytes":
            return call_file_method(m, OpenFile(str(path), site), "read", site)
        case "glob" | "iterdir" if isinstance(first, str) or name == "iterdir":
            return paths_in(m, path, str(first) if name == "glob" else "*", site)
        case "exists" | "is_file":
            return True if file_at(m, path, site) is not None else Unknown(name)
        case "write_text" | "write_bytes":
            m.written.add(str(path))
    return Unknown(f"path {name}()")


@library_function("pathlib.Path.cwd", "os.getcwd")
def _cwd(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    where = folders_for(m, site)
    for reads in m.readings:
        reads.fixed = False
    if where is None:
        return Unknown(f"{path}()")
    return as_path(where[0][0].as_posix()) if path.startswith("pathlib") else str(where[0][0])


@library_function("os.path.exists", "os.path.isfile")
def _exists(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "path")
    known = isinstance(name, str) and file_at(m, str(name), site) is not None
    return True if known else Unknown(f"{path}()")


@library_function("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser")
def _normal(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """A relative path stays one: nobody knows where the program is called."""
    name = arguments.get(0, "path")
    return posixpath.normpath(name) if isinstance(name, str) and name else Unknown(f"{path}()")


@library_function("os.fspath")
def _fspath(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "path")
    return str(name) if isinstance(name, str) else Unknown(f"{path}()")


def paths_in(m: Machine, path: str, pattern: str, site: Site) -> Value:
    """What ``path.glob(pattern)`` and ``path.iterdir()`` give."""
    if pattern == "*":
        names = names_in(m, path, site)
        found = None if names is None else [posixpath.join(path, name) for name in names]
    else:
        found = matching(m, posixpath.join(path, pattern), site)
    return Unknown("paths") if found is None else m.new([as_path(name) for name in found])
