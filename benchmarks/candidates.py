"""Which models of a folder can be built without arguments, and which files are safe to import.

Importing a file runs it. A file is safe if its module body, and that of every project file that it
imports, holds only imports, definitions and simple constants. This is read off the syntax.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bnlint.vocabulary.words import words

PURE = frozenset(
    words(
        """
        dict list tuple set frozenset range len int float str bool min max sorted zip enumerate
        namedtuple partial OrderedDict defaultdict getLogger TypeVar NewType Path join dirname
        abspath realpath compile Registry keys values items format split sqrt
        """
    )
)
HARMLESS_CALLS = frozenset(words("append insert filterwarnings simplefilter update register"))
NO_FACTORY = frozenset(
    words("main train test eval evaluate validate run demo parse args download load save get")
)
IGNORED = frozenset({".git", "__pycache__", "build", "dist", "node_modules", "site-packages"})


@dataclass(frozen=True)
class Candidate:
    """A file and an expression in its scope that builds a model, ``resnet18()``."""

    source: str
    root: Path
    file: Path
    expression: str


@dataclass(frozen=True)
class Folder:
    """A project: its files and the folders from which its modules may be imported."""

    root: Path

    @cached_property
    def files(self) -> list[Path]:
        """The Python files, those of ignored folders left out."""
        found = sorted(self.root.rglob("*.py"))
        return [f for f in found if not IGNORED & set(f.relative_to(self.root).parts)]

    @cached_property
    def _safe(self) -> dict[Path, bool]:
        return {}

    def is_safe(self, file: Path) -> bool:
        """Whether importing the file defines things and does nothing else."""
        if file not in self._safe:
            self._safe[file] = True  # while an import cycle is followed
            self._safe[file] = self._check(file)
        return self._safe[file]

    def _check(self, file: Path) -> bool:
        tree = parsed(file)
        if tree is None or not all(map(_is_harmless, tree.body)):
            return False
        return all(self.is_safe(imported) for imported in self._imported(file, tree))

    def _imported(self, file: Path, tree: ast.Module) -> Iterator[Path]:
        """Project files that the import statements may mean, packages on the way included."""
        for node in ast.walk(tree):
            match node:
                case ast.Import():
                    names = [alias.name for alias in node.names]
                    bases = self.roots_of(file)
                case ast.ImportFrom():
                    module = f"{node.module}." if node.module else ""
                    names = [module + alias.name for alias in node.names]
                    above = [file.parents[node.level - 1]] if node.level else []
                    bases = above or self.roots_of(file)
                case _:
                    continue
            for name in names:
                yield from self._files_of(name, bases)

    def _files_of(self, name: str, bases: list[Path]) -> Iterator[Path]:
        parts = name.split(".")
        for base in bases:
            for end in range(1, len(parts) + 1):
                path = base.joinpath(*parts[:end])
                for found in (path.with_suffix(".py"), path / "__init__.py"):
                    if found.is_file():
                        yield found

    def roots_of(self, file: Path) -> list[Path]:
        """The file's folder and those above it, up to the project's."""
        above = [file.parent, *file.parent.parents]
        return above[: above.index(self.root) + 1] if self.root in above else above[:1]


def parsed(file: Path) -> ast.Module | None:
    """The file's tree; ``None`` if Python does not read it."""
    try:
        return ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return None


def _is_harmless(statement: ast.stmt) -> bool:
    match statement:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case ast.Import() | ast.ImportFrom() | ast.Pass() | ast.Delete():
            return True
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return True
        case ast.ClassDef():
            return all(map(_is_harmless, statement.body))
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
            return statement.value is None or _is_pure(statement.value)
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call() as call):
            return _called(call) in HARMLESS_CALLS and all(map(_is_pure, call.args))
        case ast.If():
            return all(map(_is_harmless, statement.body + statement.orelse))
        case ast.Try():
            bodies = [handler.body for handler in statement.handlers]
            return all(map(_is_harmless, sum(bodies, statement.body + statement.orelse)))
    return False


def _is_pure(expression: ast.expr) -> bool:
    calls = (node for node in ast.walk(expression) if isinstance(node, ast.Call))
    return all(_called(call) in PURE for call in calls)


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def models_of(folder: Folder) -> Iterator[Candidate]:
    """Factories and module classes of a folder that need no argument."""
    for file in folder.files:
        tree = parsed(file)
        if tree is None or not folder.is_safe(file):
            continue
        for name in _factories(tree):
            yield Candidate(folder.root.name, folder.root, file, f"{name}()")


def _factories(tree: ast.Module) -> Iterator[str]:
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    modules = {name for name, node in classes.items() if _is_module(node, classes)}
    for node in tree.body:
        match node:
            case ast.FunctionDef() if _returns_a_call(node) and _is_factory(node.name):
                arguments = node.args
            case ast.ClassDef() if node.name in modules and _method(node, "forward"):
                constructor = _method(node, "__init__")
                if constructor is None:
                    continue
                arguments = constructor.args
            case _:
                continue
        if _needs_nothing(arguments, isinstance(node, ast.ClassDef)):
            yield node.name


def _is_factory(name: str) -> bool:
    return not name.startswith("_") and not NO_FACTORY & set(name.lower().split("_"))


def _is_module(node: ast.ClassDef, classes: dict[str, ast.ClassDef]) -> bool:
    for base in node.bases:
        match base:
            case ast.Attribute(attr="Module") | ast.Name(id="Module"):
                return True
            case ast.Name(id=name) if name in classes and name != node.name:
                return _is_module(classes[name], classes)
    return False


def _method(node: ast.ClassDef, name: str) -> ast.FunctionDef | None:
    methods = (item for item in node.body if isinstance(item, ast.FunctionDef))
    return next((method for method in methods if method.name == name), None)


def _needs_nothing(arguments: ast.arguments, is_class: bool) -> bool:
    positional = arguments.posonlyargs + arguments.args
    required = len(positional) - len(arguments.defaults) - is_class
    return required <= 0 and None not in arguments.kw_defaults


def _returns_a_call(node: ast.FunctionDef) -> bool:
    """Whether a function ends by returning a call's result, as a factory of models does."""
    match node.body[-1]:
        case ast.Return(value=ast.Call()):
            return True
        case ast.Return(value=ast.Name(id=name)):
            assigned = (item for item in ast.walk(node) if isinstance(item, ast.Assign))
            return any(
                isinstance(item.value, ast.Call)
                and any(isinstance(t, ast.Name) and t.id == name for t in item.targets)
                for item in assigned
            )
    return False


def smallest_of_each_file(package: Path) -> Iterator[Candidate]:
    """One constructor for each file of pytorchcv's ``models``, the smallest by its name."""
    for file in sorted((package / "models").glob("*.py")):
        tree = parsed(file)
        functions = [] if tree is None else [n for n in tree.body if isinstance(n, ast.FunctionDef)]
        names = [
            node.name
            for node in functions
            if _needs_nothing(node.args, False) and not re.match(r"_|get_|\w+_block$", node.name)
        ]
        if names:
            yield Candidate("pytorchcv", package.parent, file, f"{min(names, key=_natural)}()")


def _natural(name: str) -> tuple[object, ...]:
    words = re.split(r"(\d+)", name)
    return tuple(int(word) if word.isdigit() else word for word in words)
