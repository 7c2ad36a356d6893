"""Registries that are filled where modules are imported: ``@register("name")`` in sibling files.

Modules are evaluated name by name, as names are used, and nobody uses the names of what registers
itself. So the first key that a global dict lacks lets all registrations be executed that the imports of
the program lead to.
"""

from collections.abc import Iterable, Iterator

import libcst as cst

from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.core.values import Value
from bnlint.source.imports import modules_of
from bnlint.source.name_bindings import dotted
from bnlint.source.parents import children
from bnlint.vocabulary.filling import REGISTRATION

IMPORTERS = ("import_module", "__import__", "import_all")
MOST_MODULES = 200


def fill(m: Machine, container: dict[Value, Value]) -> bool:
    """Execute the registrations that may add to a container; whether any were."""
    if id(container) in m.memory.filled:
        return False
    if not _is_global(m, container):
        return False
    m.memory.filled[id(container)] = container
    before = len(container)
    for module in _reachable(m):
        register(m, module)
    return len(container) > before


def _is_global(m: Machine, container: dict[Value, Value]) -> bool:
    """Whether a container is one of a module that speaks of registering, or of its objects."""
    return any(
        _holds(value, container)
        for space in m.namespaces.known
        if space.registers
        for value in space.names.values()
    )


def _holds(value: Value, container: dict[Value, Value]) -> bool:
    if value is container:
        return True
    match value:
        case Instance(is_module=False, attributes=entries) | Class(names=entries):
            return any(entry is container for entry in entries.values())
    return False


def _reachable(m: Machine) -> Iterator[Namespace]:
    """The modules that the imports of those known so far lead to, each once."""
    waiting = list(m.namespaces.known)
    seen: set[Namespace] = set()
    while waiting and len(seen) < MOST_MODULES:
        space = waiting.pop(0)
        if space in seen:
            continue
        seen.add(space)
        m.step(20)
        yield space
        waiting += [module for module in _imported(m, space) if module not in seen]


def _imported(m: Machine, space: Namespace) -> Iterator[Namespace]:
    for node in _statements(space.source.tree.body):
        names, level = _named(node)
        around = {parent: None for name in names for parent in _parents(name)}
        for name in (*around, *(name for name in names if name not in around)):
            found = m.namespaces.load(name, level, space)
            if isinstance(found, Namespace):
                yield found


def _parents(name: str) -> list[str]:
    """The packages that a module is in, whose own code its import executes first."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _named(node: cst.CSTNode) -> tuple[list[str], int]:
    """The modules that an import statement may execute, and how many dots are before them."""
    match node:
        case cst.Import(names=aliases):
            return [dotted(alias.name) for alias in aliases], 0
        case cst.ImportFrom(module=module, relative=dots, names=aliases):
            several = () if isinstance(aliases, cst.ImportStar) else aliases
            members = [dotted(alias.name) for alias in several]
            return [*modules_of(dotted(module), members)], len(dots)
    return [], 0


def _statements(body: Iterable[cst.CSTNode]) -> Iterator[cst.CSTNode]:
    """The statements of a module that its import executes."""
    for node in body:
        match node:
            case cst.SimpleStatementLine(body=small):
                yield from small
            case cst.If(body=block) | cst.Try(body=block):
                yield from _statements(block.body)
            case _:
                yield node


def register(m: Machine, space: Namespace) -> None:
    """Execute what registers something when a module is imported."""
    if space.eager or space in m.memory.registered:
        return
    m.memory.registered.add(space)
    content = space.source.content
    if not space.registers and not any(word in content for word in IMPORTERS):
        return
    nodes = list(_statements(space.source.tree.body))
    imported = {name for node in nodes for name in _names_from(node)}
    for node in nodes:
        match node:
            case cst.Assign(
                targets=[cst.AssignTarget(cst.Subscript(value=cst.Name(value=name)))]
            ) if name in imported:
                m.namespaces.execute_top(m, cst.SimpleStatementLine([node]), space)
            case cst.FunctionDef(name=name) | cst.ClassDef(name=name):
                if any(_says(decorator, REGISTRATION) for decorator in node.decorators):
                    space.lookup(m, name.value)
            case cst.Expr(value=cst.Call(func=function)) if _says(function, REGISTRATION):
                m.namespaces.execute_top(m, cst.SimpleStatementLine([node]), space)
            case cst.For() if _says(node, *IMPORTERS):
                m.namespaces.execute_top(m, node, space)


def _names_from(node: cst.CSTNode) -> Iterator[str]:
    """The names that ``from module import a, b as c`` binds."""
    if isinstance(node, cst.ImportFrom) and not isinstance(node.names, cst.ImportStar):
        for alias in node.names:
            yield alias.evaluated_alias or alias.evaluated_name


def _says(node: cst.CSTNode, *words: str) -> bool:
    """Whether a name with one of some words in it occurs."""
    pending = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, cst.Name) and any(word in part.value.lower() for word in words):
            return True
        pending.extend(children(part))
    return False
