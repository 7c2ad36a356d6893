"""What third-party packages have under their names."""

from bnlint.interpreter.core.command_line import FLAGS
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.values import Library, Maybe, Value


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
