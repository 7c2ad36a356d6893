"""Methods of dicts, some of whose entries or keys may not be known."""

from bnlint.interpreter.core.knowledge import may_be_absent
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin
from bnlint.interpreter.core.values import Arguments, Many, Maybe, Unknown, Value, present
from bnlint.interpreter.evaluation import is_key
from bnlint.interpreter.python.iteration import has_uncertain_entries
from bnlint.interpreter.python.registries import fill
from bnlint.interpreter.python.unnamed_models import builds_something, one_of


def _read_uncertain_dict(
    m: Machine, receiver: dict[Value, Value], name: str, arguments: Arguments
) -> Value:
    """What a dict gives some of whose entries are there on some paths only."""
    values = m.join([present(item) for item in receiver.values()])
    match name:
        case "keys":
            return Many(Unknown("key"))
        case "values":
            return Many(values)
        case "items":
            return Many((Unknown("key"), values))
        case "copy":
            return dict(receiver)
        case "get":
            key, default = arguments.get(0, "key"), arguments.get(1, "default")
            known = _is_known(key)
            if known and key not in receiver:
                return default_of(m, receiver, key, default)
            entry = receiver[key] if known else Maybe(values)
            maybe = isinstance(entry, Maybe)
            return m.join([present(entry), default]) if maybe else entry
    return Unknown(f"dict.{name}()")


def default_of(m: Machine, receiver: dict[Value, Value], key: Value, default: Value) -> Value:
    """What a dict gives for a key that it is not known to have: the default, or what it has under unknown keys."""
    if not _is_known(key) or key in receiver:
        return default
    hidden = [present(item) for other, item in receiver.items() if may_be_absent(other)]
    return m.join([default, *hidden]) if hidden else default


def _is_known(key: Value) -> bool:
    return isinstance(key, str | int | float | bool | tuple | None) and is_key(key)


IN_PYTHON_2 = {"iterkeys": "keys", "itervalues": "values", "iteritems": "items"}
"""What methods of dicts are called in code that is older than Python 3."""


def read_dict(m: Machine, receiver: dict[Value, Value], name: str, arguments: Arguments) -> Value:
    """What a method gives that changes nothing."""
    name = IN_PYTHON_2.get(name, name)
    if name in ("keys", "values", "items", "copy") and not m.allowance.takes(len(receiver)):
        return Unknown(f"dict.{name}()")
    if has_uncertain_entries(receiver):
        return _read_uncertain_dict(m, receiver, name, arguments)
    match name:
        case "keys":
            return list(receiver)
        case "values":
            return list(receiver.values())
        case "items":
            return list(receiver.items())
        case "copy":
            return dict(receiver)
        case "get":
            key = arguments.get(0, "key")
            if _is_known(key):
                if isinstance(key, str) and key not in receiver:
                    fill(m, receiver)
                return receiver.get(key, arguments.get(1, "default"))
            if isinstance(key, Unknown | Builtin) and all(map(builds_something, receiver.values())):
                return one_of(m, [*receiver.values(), *arguments.positional[1:]])
    return Unknown(f"dict.{name}()")
