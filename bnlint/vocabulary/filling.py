"""Which calls fill a name that a module defines: its tables, registries, parsers, configurations.

Where a module is evaluated name by name, as names are used, such a call is a part of its name's
definition. The rehearsal and the tracer, which read trees of their own, ask here, so that they read a
registry alike.
"""

import re
from collections.abc import Sequence

PARTS = frozenset(
    "add_argument_group add_mutually_exclusive_group add_parser add_subparsers".split()
)
"""Methods that give something whose own methods change what they were called on."""
REGISTRATION = "regist"
"""What is in the name of a decorator or function that registers something."""
TIMM_REGISTRATION = frozenset(
    f"timm.models.{module}register_model" for module in ("", "registry.", "_registry.")
)
"""The decorator, of timm, of functions that its ``create_model`` finds by their names."""
_FILLING = PARTS | frozenset(
    """add add_argument append appendleft extend freeze insert merge_from_file merge_from_list
    setdefault set_defaults update""".split()
)
"""Methods that fill what they are called on and do nothing else."""
_COMMANDS = frozenset("command callback group result_callback".split())
"""Decorators of functions that become commands of what they are called on (click, typer)."""
_SETTING_UP = re.compile(
    r"(add|set|update|reset|merge|fill|extend|register|init|define)"
    r".*(arg|opt|conf|cfg|param|default|flag|regist)"
)
"""Names of functions that fill an argument: ``add_options(parser)``, ``update_config(cfg)``."""


def filled(owner: str | None, function: str, arguments: Sequence[str | None]) -> Sequence[str]:
    """The names that a call fills: ``table.update(...)``, ``add_options(parser)``, ``setattr(a, ...)``.

    ``owner`` is the name that ``function`` is an attribute of, ``arguments`` are the names given by
    position, ``None`` for other expressions.
    """
    if owner is not None and (function in _FILLING or REGISTRATION in function):
        return (owner,)
    if owner is None and function == "setattr":
        arguments = arguments[:1]
    elif not _SETTING_UP.match(function.lower()):
        return ()
    return [name for name in arguments if name is not None]


def registers(decorator: str) -> bool:
    """Whether a method, as a decorator, makes a function or class part of what it is a method of."""
    return decorator in _FILLING or decorator in _COMMANDS or REGISTRATION in decorator
