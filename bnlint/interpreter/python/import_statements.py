"""Import statements."""

import libcst as cst

from bnlint.interpreter.core.dispatch import STATEMENTS, handles, newer
from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Directory, Namespace
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import MISSING, Library, Unknown, Value
from bnlint.interpreter.python.library_names import exchange_names, of_package
from bnlint.interpreter.python.name_lookup import bind
from bnlint.source.name_bindings import dotted


@handles(STATEMENTS, cst.Import, *newer("LazyImport"))
def _import(m: Machine, node: cst.Import, scope: Scope) -> Completion | None:
    for alias in node.names:
        name = dotted(alias.name)
        if alias.asname is not None:
            bind(m, dotted(alias.asname.name), _module(m, name, scope), scope)
            continue
        top = name.partition(".")[0]
        bind(m, top, _module(m, top, scope), scope)
    return None


def _module(m: Machine, name: str, scope: Scope) -> Value:
    module = m.namespaces.load(name, 0, scope.namespace)
    exchange_names(m, module)
    return module


@handles(STATEMENTS, cst.ImportFrom, *newer("LazyImportFrom"))
def _import_from(m: Machine, node: cst.ImportFrom, scope: Scope) -> Completion | None:
    module_name, level = dotted(node.module), len(node.relative)
    module = m.namespaces.load(module_name, level, scope.namespace)
    exchange_names(m, module)
    if isinstance(node.names, cst.ImportStar):
        if scope.parent is None and node not in scope.namespace.stars:
            scope.namespace.stars.append(node)
        return None
    for alias in node.names:
        name = dotted(alias.name)
        bound = dotted(alias.asname.name) if alias.asname is not None else name
        bind(m, bound, _member(m, module, name, scope), scope)
    return None


def _member(m: Machine, module: Value, name: str, scope: Scope) -> Value:
    match module:
        case Namespace():
            value = module.member(m, name)
            return Unknown(f"import {name}") if value is MISSING else value
        case Directory():
            return m.namespaces.submodule(module, name)
        case Library(path=path):
            return of_package(m, f"{path}.{name}")
    return Unknown(f"import {name}")
