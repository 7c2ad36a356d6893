"""What third-party packages have under their names."""

import re

import libcst as cst

from bnlint.interpreter.core.command_line import FLAGS
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.values import Library, Maybe, Value

_EXCHANGE = re.compile(r"^[\w.]*\bnn\.\w+ *=[^=]", re.MULTILINE)
"""A line at the top of a module that sets a name of torch.nn."""


def of_package(m: Machine, path: str) -> Value:
    """What a package has under a name, or a program has put there."""
    line = m.command_line
    if path == "sys.argv" and line.argv is not None:
        line.was_read = True
        return line.argv
    if path in FLAGS:
        return line.flags_at(m.namespaces.anywhere.namespace.source)
    value = m.exchanged.values.get(path, Library(path))
    return m.join([Library(path), value.value]) if isinstance(value, Maybe) else value


def exchange_names(m: Machine, module: Value) -> None:
    """Execute ``nn.BatchNorm2d = ...`` at the top of a project module, as its import does."""
    if not isinstance(module, Namespace) or module.eager:
        return
    if not _EXCHANGE.search(module.source.content):
        return
    for node in module.source.tree.body:
        match node:
            case cst.SimpleStatementLine(
                body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute())])]
            ):
                m.namespaces.execute_top(m, node, module)
