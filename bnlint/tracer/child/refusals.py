"""What the code of a model may not do, by the names of Python's audit events, in words for the user.

https://docs.python.org/3/library/audit_events.html lists the events.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from bnlint.tracer.record.blame import installed

Words = str | None
"""What happened, as a phrase; ``None`` if it may go on."""

ASK_FOR_WRITE = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_TRUNC
HARMLESS_FILES = {os.devnull, "/dev/null", "/dev/stdout", "/dev/stderr"}
GUARDED_LIMITS = ("RLIMIT_AS", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_CORE")


def words(event: str, arguments: tuple[Any, ...]) -> Words:
    """What an event is about, or ``None`` for what is allowed."""
    handle = HANDLERS.get(event)
    return handle(*arguments) if handle is not None else None


def _opening(path: object, mode: object, flags: object) -> Words:
    if not isinstance(flags, int) or not flags & ASK_FOR_WRITE:
        return None
    if isinstance(path, int) or _text(path) in HARMLESS_FILES:
        return None
    return f"writing {_quoted(path)}"


def _on_path(phrase: str, folder: int | None = None) -> Callable[..., Words]:
    """Of something that is not there nothing can be changed: the usual error is the better one.

    ``folder`` is the position of the open folder that the path may be relative to.
    """

    def handle(path: object, *rest: object) -> Words:
        relative = folder is not None and rest[folder : folder + 1] not in {(), (-1,)}
        there = relative or isinstance(path, int) or os.path.lexists(_text(path))
        return f"{phrase} {_quoted(path)}" if there else None

    return handle


def _making_folder(path: object, mode: int = 0, folder: int = -1) -> Words:
    there = folder == -1 and os.path.lexists(_text(path))
    return None if there else f"making the folder {_quoted(path)}"


def _between(verb: str, preposition: str) -> Callable[..., Words]:
    def handle(source: object, target: object = "", *rest: object) -> Words:
        return f"{verb} {_quoted(source)} {preposition} {_quoted(target)}"

    return handle


def _saving(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Words:
    file = keywords.get("f", arguments[1] if len(arguments) > 1 else None)
    return f"writing {_quoted(file)}" if isinstance(file, str | os.PathLike) else None


def _called_with(phrase: str) -> Callable[..., Words]:
    def handle(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Words:
        first = next(iter((*arguments, *keywords.values())), "")
        return f"{phrase} {_quoted(first)}"

    return handle


def _with(phrase: str) -> Callable[..., Words]:
    def handle(first: object = "", *rest: object) -> Words:
        return f"{phrase} {_quoted(first)}"

    return handle


def _plain(phrase: str) -> Callable[..., Words]:
    def handle(*arguments: object) -> Words:
        return phrase

    return handle


def _running(program: object, arguments: object = (), *rest: object) -> Words:
    parts = arguments if isinstance(arguments, list | tuple) and arguments else [program]
    return f"running {_quoted(' '.join(_text(part) for part in parts))}"


def _connecting(_: object, address: object, *rest: object) -> Words:
    return f"connecting to {_quoted(_host(address))}"


def _serving(_: object, host: object, port: object = "", *rest: object) -> Words:
    return f"connecting to {_quoted(f'{_text(host)}:{port}')}"


def _requesting(url: object, *rest: object) -> Words:
    local = _text(url).startswith(("data:", "file:"))
    return None if local else f"opening {_quoted(url)}"


def _binding(_: object, address: object, *rest: object) -> Words:
    if isinstance(address, tuple) and address[:2] in {("::1", 0), ("127.0.0.1", 0)}:
        return None  # packages learn in this way whether there is IPv6
    return f"listening at {_quoted(_host(address))}"


def _database(path: object, *rest: object) -> Words:
    """Memory, or a file that is there, by a name that says so and is no file's own name."""
    name = _text(path)
    file, _, query = name.removeprefix("file:").partition("?")
    modes = {value for key, value in parse_qsl(query) if key == "mode"}
    reads = name.startswith("file:") and modes in ({"ro"}, {"memory"})
    if name in {"", ":memory:"} or (reads and os.path.isabs(file)):
        return None
    return f"writing {_quoted(path)}"


def _signalling(process: object, number: object, *rest: object) -> Words:
    return f"sending signal {number} to process {process}" if number else None


def _loading(library: object, *rest: object) -> Words:
    """The libraries of installed packages are as good as their extension modules."""
    if library is None:
        return "calling the C library"
    return None if installed(_text(library)) else f"loading the library {_quoted(library)}"


def _limiting(which: object, *rest: object) -> Words:
    import resource

    guarded = {getattr(resource, name, None) for name in GUARDED_LIMITS}
    return "changing the limits of memory or time" if which in guarded else None


def _limiting_process(process: object, which: object, limits: object = None) -> Words:
    if limits is None:
        return None
    return _limiting(which) if _is_own(process) else "changing the limits of another process"


def _setting(what: str) -> Callable[..., Words]:
    def handle(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Words:
        own = _is_own(next(iter(arguments), 0))
        return None if own else f"changing the {what} of another process"

    return handle


def _prioritizing(arguments: tuple[Any, ...], keywords: Mapping[str, Any]) -> Words:
    one_process = arguments[:1] == (getattr(os, "PRIO_PROCESS", None),)
    return None if one_process and _is_own(arguments[1]) else OF_PRIORITY


def _is_own(process: object) -> bool:
    return process in (0, os.getpid())


def _host(address: object) -> str:
    match address:
        case (host, port, *_):
            return f"{_text(host)}:{port}"
    return _text(address)


def _text(value: object) -> str:
    return os.fsdecode(value) if isinstance(value, bytes | os.PathLike) else str(value)


def _quoted(value: object) -> str:
    text = " ".join(_text(value).split())
    return f"`{text if len(text) <= 120 else text[:117] + '...'}`"


OF_PRIORITY = "changing the priority of another process"
OF_PROCESSES: Mapping[str, Callable[..., Words]] = {
    "setpriority": _prioritizing,
    "sched_setaffinity": _setting("processors"),
    "sched_setscheduler": _setting("scheduling"),
    "sched_setparam": _setting("scheduling"),
    "chroot": _plain("changing the root folder"),
}
"""Functions of ``os`` without an audit event that may be about other processes."""

HANDLERS: Mapping[str, Callable[..., Words]] = {
    **{f"bnlint.{name}": handle for name, handle in OF_PROCESSES.items()},
    "bnlint.pidfd_send_signal": _plain("sending a signal to another process"),
    "bnlint.clock_settime": _plain("setting the clock"),
    "socket.sethostname": _plain("changing the name of the machine"),
    "open": _opening,
    "bnlint.save": _saving,
    "bnlint.mkfifo": _called_with("making the pipe"),
    "bnlint.mknod": _called_with("making the file"),
    "bnlint.shm_open": _called_with("making the shared memory"),
    "bnlint.semaphore": _plain("sharing a lock with other processes"),
    "bnlint.fork_exec": _plain("starting another process"),
    "os.remove": _on_path("deleting", 0),
    "os.rmdir": _on_path("deleting the folder", 0),
    "os.mkdir": _making_folder,
    "os.rename": _between("renaming", "to"),
    "os.link": _between("linking", "as"),
    "os.symlink": _between("linking", "as"),
    "os.truncate": _on_path("truncating"),
    "os.utime": _on_path("changing the times of", 2),
    "os.chmod": _on_path("changing the mode of", 1),
    "os.chown": _on_path("changing the owner of", 2),
    "os.chflags": _on_path("changing the flags of"),
    "os.setxattr": _on_path("changing the attributes of"),
    "os.removexattr": _on_path("changing the attributes of"),
    "shutil.rmtree": _on_path("deleting the folder"),
    "shutil.move": _between("moving", "to"),
    "shutil.copyfile": _between("copying", "to"),
    "shutil.copytree": _between("copying", "to"),
    "shutil.copymode": _between("copying the mode of", "to"),
    "shutil.copystat": _between("copying the times of", "to"),
    "shutil.chown": _on_path("changing the owner of"),
    "shutil.make_archive": _with("making the archive"),
    "shutil.unpack_archive": _with("unpacking"),
    "tempfile.mkstemp": _with("making the file"),
    "tempfile.mkdtemp": _with("making the folder"),
    "sqlite3.connect": _database,
    "os.system": _with("running"),
    "os.exec": _running,
    "os.spawn": lambda mode, *rest: _running(*rest),
    "os.posix_spawn": _running,
    "os.startfile": _with("opening"),
    "os.startfile/2": _with("opening"),
    "os.fork": _plain("starting another process"),
    "os.forkpty": _plain("starting another process"),
    "subprocess.Popen": _running,
    "pty.spawn": lambda arguments, *rest: _running("", arguments),
    "_winapi.CreateProcess": _running,
    "_winapi.TerminateProcess": _plain("ending another process"),
    "os.kill": _signalling,
    "os.killpg": _signalling,
    "resource.setrlimit": _limiting,
    "resource.prlimit": _limiting_process,
    "socket.connect": _connecting,
    "socket.sendto": _connecting,
    "socket.sendmsg": lambda _, address, *rest: _connecting(_, address) if address else None,
    "socket.bind": _binding,
    "socket.getaddrinfo": _with("looking up"),
    "socket.gethostbyname": _with("looking up"),
    "socket.gethostbyaddr": _with("looking up"),
    "socket.getnameinfo": lambda address, *rest: f"looking up {_quoted(_host(address))}",
    "urllib.Request": _requesting,
    "http.client.connect": _serving,
    "ftplib.connect": _serving,
    "imaplib.open": _serving,
    "nntplib.connect": _serving,
    "poplib.connect": _serving,
    "smtplib.connect": _serving,
    "telnetlib.Telnet.open": _serving,
    "syslog.syslog": _plain("writing to the system's log"),
    "webbrowser.open": _with("opening"),
    "ctypes.dlopen": _loading,
    "ensurepip.bootstrap": _plain("installing pip"),
}
