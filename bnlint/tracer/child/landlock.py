"""Landlock: the Linux kernel refuses writes, programs and TCP to this process and its children.

It needs no rights and holds for compiled code, too. See https://docs.kernel.org/userspace-api/landlock.html
"""

import ctypes
import os
import sys

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446  # the same on all of Linux but Alpha
ASK_VERSION = 1
PATH_BENEATH = 1
NO_NEW_PRIVILEGES = 38

EXECUTE, WRITE_FILE = 1 << 0, 1 << 1
REMOVE_AND_MAKE = sum(1 << bit for bit in range(4, 13))
REFER, TRUNCATE = 1 << 13, 1 << 14
BIND_AND_CONNECT_TCP = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

LATER = {  # what each version of the interface added
    2: "moves between folders",
    3: "truncating files",
    4: "TCP connections",
    6: "signals to other processes",
}


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """The version of the kernel's interface; 0 where there is none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ASK_VERSION))


def restrict() -> tuple[str, ...]:
    """Restrict this thread and what it starts, for ever; returns what compiled code may still do.

    Writing to ``/dev/null`` and to what is open already stays possible.
    """
    known = version()
    if not known or not _restricted(known):
        return ("compiled code can write files, start programs and connect (no Landlock here)",)
    return tuple(
        f"compiled code is not kept from {what} (Landlock {known} of {needed})"
        for needed, what in LATER.items()
        if known < needed
    )


def _restricted(known: int) -> bool:
    files = EXECUTE | WRITE_FILE | REMOVE_AND_MAKE
    files |= REFER if known >= 2 else 0
    files |= TRUNCATE if known >= 3 else 0
    wanted = _Ruleset(files, BIND_AND_CONNECT_TCP, ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 8 if known < 4 else 16 if known < 6 else 24  # older kernels refuse a longer struct
    rules = _syscall(CREATE_RULESET, ctypes.byref(wanted), ctypes.c_size_t(size), 0)
    if rules < 0:
        return False
    try:
        _allow(rules, os.devnull, WRITE_FILE | (files & TRUNCATE))
        libc = ctypes.CDLL(None)
        if libc.prctl(NO_NEW_PRIVILEGES, *map(ctypes.c_ulong, (1, 0, 0, 0))) != 0:
            return False
        return _syscall(RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _allow(rules: int, path: str, access: int) -> None:
    beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = _PathBeneath(access, beneath)
        _syscall(ADD_RULE, rules, PATH_BENEATH, ctypes.byref(rule), 0)
    finally:
        os.close(beneath)


def _syscall(number: int, *arguments: object) -> int:
    call = ctypes.CDLL(None).syscall
    call.restype = ctypes.c_long
    return int(call(ctypes.c_long(number), *arguments))
