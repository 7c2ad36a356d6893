"""The calls of a script that itself, its project's README, other documents and shell scripts show."""

import os
import re
import shlex
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from itertools import islice, product, zip_longest
from pathlib import Path

from bnlint.facts.types.invocation import Invocation
from bnlint.interpreter.documented_blanks import without_blanks
from bnlint.source import Project
from bnlint.source.data_files import SUFFIXES

NAMES = ("README.md", "readme.md", "Readme.md", "README.MD")
FOLDERS = frozenset(
    "doc docs script scripts shell sh bash run runs command commands examples".split()
)
"""Names of folders in which documents and shell scripts lie, too."""
EXPERIMENTS = frozenset("experiment experiments exp exps".split())
"""Names of folders in which, however deep, each experiment has a shell script of its own."""
DEEPEST_EXPERIMENT = 3
"""Folders within such a folder that one is looked for in."""
CONFIGURED = frozenset("conf config configs configurations cfg cfgs experiments".split())
"""Names of folders in which configurations lie."""
HELP = frozenset({"-h", "--help"})
MOST_READ = 24
"""Documents and shell scripts that are read for one script."""
_CALL = re.compile(
    r"(?:\b(?:python[\d.]*|torchrun|accelerate[ \t]+launch|deepspeed)[ \t]+"
    r"|(?<![\w.])\./(?=[\w/-]+\.py\b))(?P<words>[^`\n]*?\.py\b[^`\n]*)"
)
_OF_MODULE = re.compile(
    r"\bpython[\d.]*[ \t]+(?:-u[ \t]+)?-m[ \t]+(?P<words>[A-Za-z_][\w.]*[ \t][^`\n]*)"
)
"""``python -m tools.train --lr 0.1``, also where an argument is the path of a Python file."""
_WITHOUT_SUFFIX = re.compile(
    r"^[ \t>$!`]*(?:[A-Z_]+=\S*[ \t]+)*python[\d.]*[ \t]+(?P<words>[A-Za-z_][\w/-]*[ \t][^`\n]*)"
)
"""``python train --lr 0.1`` for ``train.py``, on a line by itself."""
LAUNCHERS = frozenset("torch accelerate deepspeed horovod torch_xla paddle".split())
"""Packages with modules that run the script that they are given."""
MOST_IN_PLACE = 3
"""Configurations that are tried where a call names none that there is."""
MOST_FOLDERS = 200
"""Folders in which a configuration is looked for that a call names without its folder."""
LONGEST = 2_000
"""Characters of a line that is read."""
_CONTINUED = re.compile(r"\\[ \t]*\n")
_ASSIGNED = re.compile(
    r"^[ \t]*(?:export )?(\w+)=(\"[^\"$`]*\"|'[^']*'|[^\s\"'$`;()]*)[ \t]*$", re.MULTILINE
)
_LOOPED = re.compile(r"\bfor (\w+) in ([^\s$`;()]+)")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_NAME_TO_FILL_IN = re.compile(
    r"(?<![\w./=-])([\w./=-]{0,200})"
    r"(?:(?:\[[^\]\n]{0,40}\]|<[^>\n]{0,40}>|\{[^}\n]{0,40}\})[\w-]{0,40}){1,4}"
    r"(\.(?:ya?ml|json|toml|ini|cfg)\b)"
)
"""The name of a configuration with a blank in it: ``exps/[MODEL NAME].json``."""
_ANY_CONFIGURATION = re.compile(r"(?:[A-Z]+[_-])*(?:CONFIG|CFG|YAML)(?:URATION)?S?(?:[_-][A-Z]+)*")
"""What a document writes for the path of a configuration: ``PATH_TO_CONFIG``, ``CONFIG_FILE``."""
_ENVIRONMENT = re.compile(r"^(?:dependencies|services|jobs|repos):", re.MULTILINE)
"""How a YAML file tells conda, Docker, a CI service or pre-commit what to install and to run."""
_DOCSTRING = re.compile(r"\A(?:\s++|#[^\n]*+)*+[rRuU]?(\"\"\"|''')(?P<text>.*?)\1", re.DOTALL)
_COMMENT = re.compile(r"^[ \t]*#.*", re.MULTILINE)


def documented_calls(project: Project, script: Path, own: str = "") -> Iterator[Invocation]:
    """The calls with arguments that a script's ``own`` text and documents and shell scripts around it show.

    Of its text only the docstring and the comments count.

    The name of a configuration that the project does not have, or that has a blank to fill in, stands
    for each of those in its folder. Those that name code that the project does not have are left out.
    Those that name no other paths than an earlier one come later, and those with other blanks last.
    """
    with_blanks: list[Invocation] = []
    named: set[frozenset[str]] = set()
    later: list[Invocation] = []
    for call in _all_calls(project, script, own, with_blanks):
        paths = frozenset(word for word in call.arguments if "/" in word or Path(word).suffix)
        if paths and paths in named:
            later.append(call)
        else:
            named.add(paths)
            yield call
    yield from later
    yield from with_blanks


def _all_calls(
    project: Project, script: Path, own: str, with_blanks: list[Invocation]
) -> Iterator[Invocation]:
    """Every call once; of those of one command with several configurations the first, at first.

    Those that have blanks are collected apart.
    """
    seen: set[tuple[str, ...]] = set()
    further: list[Invocation] = []

    def new(calls: Iterable[Invocation]) -> Iterator[Invocation]:
        for call in calls:
            if call.arguments and call.arguments not in seen:
                seen.add(call.arguments)
                yield call

    for document, text in _texts(project, script, own):
        for words, blanks in _commands(text):
            calls = _calls_of(project, script, document, words)
            if blanks:
                with_blanks += new(islice(calls, 1))
                continue
            yield from new(islice(calls, 1))
            further += calls
    yield from new(further)


def _texts(project: Project, script: Path, own: str) -> Iterator[tuple[Path, str]]:
    """The documents that are read and what is in them."""
    docstring = _DOCSTRING.match(own)
    described = docstring["text"] if docstring is not None else ""
    yield script, "\n".join((described, *_COMMENT.findall(own)))
    for document in islice(_documents(project, script), MOST_READ):
        text = project.data.text(document) or ""
        yield document, _with_values(text) if document.suffix == ".sh" else text


def _documents(project: Project, script: Path) -> Iterator[Path]:
    """The READMEs around a script, the nearest first, then other documents, then shell scripts."""
    root = project.root_of(script)
    around = [folder for folder in script.parents if folder.is_relative_to(root)]
    for folder in around:
        readme = next(filter(None, (project.data.find(n, [folder], root) for n in NAMES)), None)
        if readme is not None:
            yield readme
    for suffix in (".md", ".sh"):
        for folder in (inner for outer in around for inner in _folders(project, outer)):
            names = [n for n in project.entries(folder) if n.endswith(suffix) and n not in NAMES]
            found = (project.data.find(name, [folder], root) for name in sorted(names))
            yield from filter(None, found)


def _folders(project: Project, folder: Path) -> Iterator[Path]:
    """A folder, and those in it that documents and shell scripts lie in, with their own folders."""
    yield folder
    for name in _folders_in(project, folder):
        if name.lower() in FOLDERS:
            yield folder / name
            yield from (folder / name / inner for inner in _folders_in(project, folder / name))
        elif name.lower() in EXPERIMENTS:
            yield from islice(_below(project, folder / name, DEEPEST_EXPERIMENT), MOST_FOLDERS)


def _below(project: Project, folder: Path, depth: int) -> Iterator[Path]:
    """A folder and those in it, each before those in that one."""
    yield folder
    for name in _folders_in(project, folder) if depth else ():
        yield from _below(project, folder / name, depth - 1)


def _folders_in(project: Project, folder: Path) -> list[str]:
    return sorted(name for name, is_folder in project.entries(folder).items() if is_folder)


def _with_values(text: str) -> str:
    """A shell script with the values of variables that it sets once, or first in a loop."""
    values: dict[str, str] = {}
    for name, value in [*_ASSIGNED.findall(text), *_LOOPED.findall(text)]:
        values[name] = value if name not in values else f"${name}"
    return _VARIABLE.sub(lambda found: values.get(found[1] or found[2], found[0]), text)


def _commands(text: str) -> Iterator[tuple[list[str], bool]]:
    """The words of the commands in a text that run Python files, and whether they had blanks."""
    lines = _CONTINUED.sub(" ", text).splitlines()
    for words in (words for line in lines if len(line) <= LONGEST for words in _calls_in(line)):
        command = without_blanks(_NAME_TO_FILL_IN.sub(r"\1*\2", words))
        if command is not None:
            with suppress(ValueError):
                yield shlex.split(command[0]), command[1]


def _calls_in(line: str) -> Iterator[str]:
    """What follows the interpreter or launcher in each command of a line, the script by its path."""
    module = _OF_MODULE.search(line)
    if module is not None:
        name, rest = _name_and_rest(module["words"])
        if name.partition(".")[0] not in LAUNCHERS:
            path = name.replace(".", "/")
            yield f"{path}.py{rest}"
            yield f"{path}/__main__.py{rest}"
            return
    calls = [found["words"] for found in _CALL.finditer(line)]
    yield from calls
    bare = _WITHOUT_SUFFIX.match(line) if not calls else None
    if bare is not None:
        name, rest = _name_and_rest(bare["words"])
        yield f"{name}.py{rest}"


def _name_and_rest(words: str) -> tuple[str, str]:
    """The first of the words, and the others with the blanks before them."""
    name = re.split(r"[ \t]", words, maxsplit=1)[0]
    return name, words[len(name) :]


def _calls_of(
    project: Project, script: Path, document: Path, words: list[str]
) -> Iterator[Invocation]:
    """What a command of a document calls the script with, unless it is about another one."""
    place = next((i for i, word in enumerate(words) if word.endswith(".py")), len(words))
    if place == len(words) or Path(words[place]).is_absolute():
        return
    root, named, folder = project.root_of(script), Path(words[place]), document.parent
    if Path(os.path.normpath(folder / named)) != script:
        if script.parts[-len(named.parts) :] != named.parts:
            return
        if project.data.find(str(named), [folder], root) is not None:
            return
        folder = Path(*script.parts[: -len(named.parts)])
    given = words[place + 1 :]
    if not HELP.intersection(given):
        for arguments in _with_files(project, given, folder, root):
            yield Invocation(arguments, document.name, folder, documented=True)


def _with_files(
    project: Project, words: list[str], folder: Path, root: Path
) -> Iterator[tuple[str, ...]]:
    """The arguments with configurations and code that the project has, if it has them."""
    choices: list[list[str]] = []
    for word in words:
        option, equals, name = word.rpartition("=")
        suffix = Path(name).suffix.lower()
        if _ANY_CONFIGURATION.fullmatch(name):
            every = islice(_configurations(project, folder, root), MOST_IN_PLACE)
            choices.append([option + equals + other for other in every] or [word])
            continue
        if suffix not in SUFFIXES | {".py"} or project.data.find(name, [folder], root) is not None:
            choices.append([word])
            continue
        others = _in_place(project, name, folder, root) if suffix in SUFFIXES else []
        choices.append([option + equals + other for other in islice(others, MOST_IN_PLACE)])
    yield from islice(product(*choices), MOST_IN_PLACE)


def _in_place(project: Project, missing: str, folder: Path, root: Path) -> Iterator[str]:
    """The configurations in the folder of a missing one; where it names none, then those of other folders.

    The only one of its name is the one that is meant: the script looks for it.
    """
    parent, last = os.path.split(missing)
    same = [] if parent else list(_named(project, last, folder))
    if len(same) == 1:
        yield same[0]
        return
    for place in [parent, *(() if parent else _configured(project, folder))]:
        for name in _beside(project, folder / place / last):
            if not _is_for_others(project, path := os.path.join(place, name), folder, root):
                yield path


def _configurations(project: Project, folder: Path, root: Path) -> Iterator[str]:
    """Those in the folders of configurations, the first of each folder before others."""
    held = [
        [f"{place}/{name}" for name in _files(project, folder / place, SUFFIXES)]
        for place in islice(_configured(project, folder), MOST_FOLDERS)
    ]
    paths = (path for together in zip_longest(*held) for path in together if path is not None)
    yield from (path for path in paths if not _is_for_others(project, path, folder, root))


def _is_for_others(project: Project, path: str, folder: Path, root: Path) -> bool:
    """Whether a file tells other programs than the project's what to do."""
    found = project.data.find(path, [folder], root)
    return found is not None and bool(_ENVIRONMENT.search(project.data.text(found) or ""))


def _named(project: Project, name: str, folder: Path) -> Iterator[str]:
    """The paths of the files of a name in the folders of a folder, and in those of these."""
    outer = _folders_in(project, folder)
    inner = (f"{one}/{two}" for one in outer for two in _folders_in(project, folder / one))
    for place in islice((*outer, *inner), MOST_FOLDERS):
        if project.entries(folder / place).get(name) is False:
            yield f"{place}/{name}"


def _configured(project: Project, folder: Path) -> Iterator[str]:
    """The folders of configurations in a folder, each followed by those in it."""
    for name in _folders_in(project, folder):
        if name.lower() in CONFIGURED:
            yield name
            yield from (f"{name}/{inner}" for inner in _folders_in(project, folder / name))


def _beside(project: Project, missing: Path) -> list[str]:
    """The files of the same kind in a file's folder, if that is in the project."""
    folder = Path(os.path.normpath(missing.parent))
    if not project.modules.is_folder(folder):
        return []
    return _files(project, folder, {missing.suffix})


def _files(project: Project, folder: Path, suffixes: Container[str]) -> list[str]:
    entries = project.entries(folder).items()
    return sorted(n for n, is_folder in entries if not is_folder and Path(n).suffix in suffixes)
