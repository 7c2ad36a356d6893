"""Hydra: configurations that are composed of files by their defaults lists, and objects made of them."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import ComposedMain, Scope
from bnlint.interpreter.core.values import (
    MISSING,
    Arguments,
    Configuration,
    Library,
    Text,
    Unknown,
    Value,
)
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.config_nodes import decoded, tree_of
from bnlint.interpreter.library.config_files.data_reading import loaded
from bnlint.interpreter.library.config_files.hydra_store import stored, stored_groups
from bnlint.interpreter.python.configurations import (
    OMEGACONF,
    configured,
    merge,
    selected,
    set_at,
)
from bnlint.interpreter.python.iteration import elements
from bnlint.source import SourceFile
from bnlint.visible import display_path

MOST_CONFIGS = 200
_HEADER = re.compile(r"\A(?:\s*#[^\n]*\n)*?\s*#\s*@package[ \t]+(\S+)")
_ITEM = re.compile(r"(?:(?P<word>override|optional)\s+)*(?P<group>[^@\s]+)(?:@(?P<package>\S+))?")


class NotComposed(Exception):
    """A part of the configuration is not known."""


@dataclass(slots=True)
class _Overrides:
    """What the command line sets: options of groups, and values by their dotted names."""

    groups: dict[str, str] = field(default_factory=dict)
    added: list[tuple[str, str]] = field(default_factory=list)
    values: list[tuple[str, Text]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    name: str | None = None


@immutable
class _Part:
    """One file's own entries, and the package that they go into."""

    package: tuple[str, ...]
    tree: dict[Value, Value]


class _Composition:
    """Composes one configuration of the files in a folder."""

    def __init__(self, m: Machine, folder: Path, root: Path, site: Site, *, flat: bool) -> None:
        self.m, self.folder, self.root, self.site = m, folder, root, site
        self.flat = flat
        """Whether it is Hydra before 1.0: all entries go to the top, after those of the first file."""
        self.choices: dict[str, str] = {}
        self._read = 0

    def is_group(self, name: str) -> bool:
        """Whether there is a folder of options."""
        folder = self.folder / name
        if ".." in name or not folder.is_relative_to(self.root):
            return False
        return name in stored_groups(self.m) or self.m.namespaces.project.data.is_folder(folder)

    def compose(self, name: str, overrides: _Overrides) -> Configuration:
        """The whole configuration; raises :class:`NotComposed`."""
        parts: list[_Part] = []
        for _ in range(4):  # until no file chooses another option for a group
            before = dict(self.choices)
            parts = list(self._parts(name, "", ()))
            for group, option in overrides.added:
                parts += self._parts(f"{group}/{option}", group, tuple(group.split("/")))
            if self.choices == before:
                break
        made = configured(self.m, {}, OMEGACONF)
        assert isinstance(made, Configuration)
        for part in parts:
            holder = made
            if part.package:
                if not isinstance(selected(made, part.package), Configuration):
                    set_at(self.m, made, part.package, configured(self.m, {}, OMEGACONF))
                found = selected(made, part.package)
                assert isinstance(found, Configuration)
                holder = found
            merge(self.m, holder, part.tree)
        return made

    def _parts(self, name: str, group: str, package: tuple[str, ...]) -> Iterator[_Part]:
        package, tree = self._tree(name, package)
        defaults = tree.get("defaults", [])
        own = _Part(package, {k: v for k, v in tree.items() if k not in ("defaults", "hydra")})
        if not isinstance(defaults, list):
            raise NotComposed
        for item in ["_self_", *defaults] if self.flat else defaults:
            if item == "_self_":
                yield own
            else:
                yield from self._default(item, group, package)
        if "_self_" not in defaults and not self.flat:
            yield own

    def _tree(
        self, name: str, package: tuple[str, ...]
    ) -> tuple[tuple[str, ...], dict[Value, Value]]:
        """What a file holds, or what the program has stored, and where that goes."""
        tree: Value = stored(self.m, name) if self._file(name) is None else None
        if tree is not None:
            self.m.step(8)
            tree = tree_of(self.m, tree, self.site)
        else:
            text = self._text(name)
            header = _HEADER.match(text)
            package = package if header is None else _package(header[1], package, ())
            tree = loaded(self.m, OMEGACONF, text, self._display(name), self.site) if text else {}
        if not isinstance(tree, dict | None):
            raise NotComposed
        return package, tree or {}

    def _default(self, item: Value, group: str, package: tuple[str, ...]) -> Iterator[_Part]:
        """The parts that one item of a defaults list brings."""
        if isinstance(item, str):
            inner = _joined(group, item)
            yield from self._parts(inner, inner.rpartition("/")[0], package)
            return
        if not isinstance(item, dict) or len(item) != 1:
            raise NotComposed
        ((key, option),) = item.items()
        found = _ITEM.fullmatch(str(key))
        if found is None:
            raise NotComposed
        inner = _joined(group, found["group"])
        if inner.startswith("hydra/") or inner == "hydra":
            return
        if "override" in str(key).split(" ")[0]:
            self.choices.setdefault(inner, str(option))
            return
        chosen: Value = self.choices.get(inner) or option
        relative = tuple(found["group"].lstrip("/").split("/"))
        into = () if self.flat else _package(found["package"], package, relative)
        for one in chosen if isinstance(chosen, list) else [chosen]:
            if one is None or one == "null":
                continue
            if not isinstance(one, str) or "${" in one or one == "???":
                raise NotComposed
            part = f"{inner}/{one}"
            absent = self._file(part) is None and stored(self.m, part) is None
            if absent and "optional" in str(key):
                continue
            yield from self._parts(part, inner, into)

    def _file(self, name: str) -> Path | None:
        full = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
        return self.m.namespaces.project.data.find(full, [self.folder], self.root)

    def _display(self, name: str) -> str:
        file = self._file(name)
        return display_path(file) if file is not None else name

    def _text(self, name: str) -> str:
        self._read += 1
        self.m.step(8)
        file = self._file(name)
        text = self.m.namespaces.project.data.text(file) if file is not None else None
        if text is None or self._read > MOST_CONFIGS:
            raise NotComposed
        return text


def _joined(group: str, name: str) -> str:
    return name[1:] if name.startswith("/") else f"{group}/{name}".lstrip("/")


def _package(name: str | None, around: tuple[str, ...], group: tuple[str, ...]) -> tuple[str, ...]:
    """Where entries go: by a name that is given, else by the group, within what is around."""
    if name is None or name == "_group_":
        return around + group
    if name == "_here_":
        return around
    head, *rest = name.split(".")
    return tuple(rest) if head == "_global_" else (*(around if group else ()), head, *rest)


def _words_given(m: Machine) -> list[str]:
    """The words of the command line."""
    if m.command_line.argv is None:
        return []
    m.command_line.was_read = True
    return [word for word in m.command_line.argv[1:] if isinstance(word, Text)]


def _overrides(words: Sequence[str], composition: _Composition) -> _Overrides:
    """What the words of a command line set."""
    found = _Overrides()
    waiting = ""
    for word in words:
        key, given, value = str(word).partition("=")
        if waiting or (key in ("--config-name", "-cn") and given):
            found.name, waiting = str(word) if waiting else value, ""
        elif key in ("--config-name", "-cn"):
            waiting = key
        elif key.startswith("~"):
            found.removed.append(key[1:])
        elif given and composition.is_group(key.lstrip("+").partition("@")[0]):
            group = key.lstrip("+")
            found.groups[group] = value
            if key.startswith("+"):
                found.added.append((group, value))
        elif given:
            text = Text(value)
            text.option = None
            text.given_by = word.given_by if isinstance(word, Text) else None
            found.values.append((key, text))
    return found


def _apply(m: Machine, made: Configuration, overrides: _Overrides, site: Site) -> str | None:
    """Set the values; the name of one that the configuration does not have, if there is one."""
    for key, text in overrides.values:
        names = key.lstrip("+").split(".")
        if not key.startswith("+") and selected(made, names) is MISSING and names[0] != "hydra":
            return key
        set_at(m, made, names, configured(m, decoded(text, site, OMEGACONF), OMEGACONF))
    for key in overrides.removed:
        *above, last = key.partition("=")[0].split(".")
        holder = selected(made, above)
        if isinstance(holder, Configuration):
            m.heap.touch(holder)
            holder.pop(last, None)
    return None


def composed(
    m: Machine,
    path: str,
    name: str,
    site: Site,
    words: Sequence[str] | None = None,
    *,
    flat: bool = False,
) -> Value:
    """The configuration that files in a folder beside a script's own give, and what is stored.

    ``words`` override parts of it, those of the command line if there are none. With ``flat`` it is
    put together as Hydra did before 1.0.
    """
    source = site.source
    if not isinstance(source, SourceFile):
        return Unknown("configuration")
    root = m.namespaces.project.root_of(source.file)
    folder = Path(os.path.abspath(source.file.parent / path))
    composition = _Composition(m, folder, root, site, flat=flat)
    try:
        overrides = _overrides(_words_given(m) if words is None else words, composition)
        composition.choices.update(overrides.groups)
        made = composition.compose(overrides.name or name, overrides)
    except NotComposed:
        return Unknown("configuration")
    absent = _apply(m, made, overrides, site)
    if absent is not None and words is None:
        m.command_line.refuse(f"could not override '{absent}': it is not in the configuration")
        raise ProgramEnds
    return made if absent is None else Unknown("configuration")


@library_function("hydra.main")
def _main(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    folder = arguments.get(0, "config_path", ".")
    name = arguments.get(1, "config_name")
    folder = "." if folder is None else folder
    if isinstance(folder, str) and isinstance(name, str):
        return ComposedMain(None, str(folder), str(name), site)
    if isinstance(folder, str) and folder.endswith((".yaml", ".yml")):
        head, tail = os.path.split(folder)
        return ComposedMain(None, head or ".", tail, site, flat=True)
    return Unknown("hydra.main()")


@handles(CALLS, ComposedMain)
def _call_main(
    m: Machine, main: ComposedMain, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if arguments.values or main.function is None:
        return m.call(main.function, arguments, site, scope)
    cfg = composed(m, main.folder, main.name, main.site, flat=main.flat)
    return m.call(main.function, Arguments([cfg]), site, scope)


_FOLDER = "hydra folder"


@library_function("hydra.initialize", "hydra.initialize_config_dir")
def _initialize(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """From here on ``compose`` looks into a folder, one beside the script if it is relative."""
    folder = arguments.get(0, "config_dir" if path.endswith("dir") else "config_path")
    where: Value = Unknown("folder")
    if isinstance(site.source, SourceFile) and isinstance(folder, str | None):
        where = os.path.join(site.source.file.parent, folder or ".")
    m.heap.put(m.registers, _FOLDER, where)
    return Unknown("context of hydra")


@library_function("hydra.compose")
def _compose(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    folder, name = m.registers.get(_FOLDER), arguments.get(0, "config_name")
    overrides = elements(m, arguments.get(1, "overrides", []))
    words = [word for word in overrides or () if isinstance(word, str)]
    known = overrides is not None and len(words) == len(overrides)
    if not isinstance(folder, str) or not isinstance(name, str) or not known:
        return Unknown("compose()")
    return composed(m, folder, name, site, words)


# -- objects of configurations ----------------------------------------------------------------


@library_function("hydra.utils.to_absolute_path")
def _absolute(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return arguments.get(0, "path")


@library_function("hydra.utils.get_original_cwd")
def _original(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return m.call(Library("os.getcwd"), Arguments(), site, scope)
