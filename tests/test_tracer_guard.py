"""What code may do in the child, with careless and with hostile code."""

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bnlint.tracer.child import landlock
from bnlint.tracer.child.protocol import JobAnswer, Limits
from bnlint.tracer.child.refusals import words
from tests.guarded import Scripts, scripts_in

pytest.importorskip("torch")
if not hasattr(os, "fork"):
    pytest.skip("needs a platform that can fork", allow_module_level=True)

LANDLOCK = landlock.version()
needs_landlock = pytest.mark.skipif(not LANDLOCK, reason="needs Landlock")

VICTIM = "victim.txt"


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    limits = Limits(seconds=20, memory_mb=1024)
    with scripts_in(tmp_path_factory.mktemp("guard"), limits=limits) as scripts:
        yield scripts


@pytest.fixture
def scripts(child: Scripts) -> Iterator[Scripts]:
    """The child, with files to harm; nothing may have happened to them or to the child."""
    work = child.folder / "work"
    (work / VICTIM).write_text("precious")
    (work / "full").mkdir(exist_ok=True)
    (work / "full" / "file").touch()
    (work / "empty").mkdir(exist_ok=True)
    before = snapshot(work)
    yield child
    assert snapshot(work) == before
    child.assert_unharmed()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server
        with pytest.raises(BlockingIOError):
            server.accept()


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    found = {}
    for path in sorted(folder.rglob("*")):
        state = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path)] = (state.st_mode, state.st_mtime_ns, content)
    return found


def refused(answer: JobAnswer) -> str:
    """The one thing that was refused; it must also be why there is no result."""
    assert answer.failure is not None
    assert [answer.failure.reason] == [refusal.what for refusal in answer.refused]
    assert answer.refused[0].place == answer.failure.place
    return answer.failure.reason


WRITES = {
    "open('new.txt', 'w')": "writing `new.txt`",
    "open('victim.txt', 'a')": "writing `victim.txt`",
    "open('victim.txt', 'r+')": "writing `victim.txt`",
    "import os; os.open('new', os.O_CREAT)": "writing `new`",
    "import os; os.open('victim.txt', os.O_RDONLY | os.O_TRUNC)": "writing `victim.txt`",
    "import os; os.open(b'victim.txt', os.O_WRONLY)": "writing `victim.txt`",
    "from pathlib import Path; Path('a/b').parent.mkdir()": "making the folder `a`",
    "from pathlib import Path; Path('new').write_text('x')": "writing `new`",
    "from pathlib import Path; Path('new').touch()": "writing `new`",
    "from pathlib import Path; Path('victim.txt').unlink()": "deleting `victim.txt`",
    "import torch; torch.save(torch.ones(2), 'net.pt')": "writing `net.pt`",
    "import torch; torch.save(obj={}, f='net.pt')": "writing `net.pt`",
    "import os; os.makedirs('logs/run')": "making the folder `logs`",
    "import os; os.remove('victim.txt')": "deleting `victim.txt`",
    "import os; os.rmdir('empty')": "deleting the folder `empty`",
    "import os; os.rename('victim.txt', 'x')": "renaming `victim.txt` to `x`",
    "import os; os.symlink('victim.txt', 'x')": "linking `victim.txt` as `x`",
    "import os; os.link('victim.txt', 'x')": "linking `victim.txt` as `x`",
    "import os; os.truncate('victim.txt', 0)": "truncating `victim.txt`",
    "import os; os.chmod('victim.txt', 0)": "changing the mode of `victim.txt`",
    "import os; os.utime('victim.txt')": "changing the times of `victim.txt`",
    "import os; os.mkfifo('pipe')": "making the pipe `pipe`",
    "import shutil; shutil.rmtree('full')": "deleting the folder `full`",
    "import shutil; shutil.copy('victim.txt', 'x')": "copying `victim.txt` to `x`",
    "import shutil; shutil.move('victim.txt', 'x')": "moving `victim.txt` to `x`",
    "import sqlite3; sqlite3.connect('data.db')": "writing `data.db`",
    "import logging; logging.FileHandler('{here}/log.txt')": "writing `{here}/log.txt`",
}


@pytest.mark.parametrize("code", WRITES)
def test_writing_is_refused_in_words(code: str, scripts: Scripts) -> None:
    here = scripts.folder / "work"
    said = refused(scripts.run(code.replace("{here}", str(here))))
    expected = WRITES[code].replace("{here}", str(here))
    assert said == f"{expected} is refused while a model is traced"


@pytest.mark.parametrize(
    "code",
    [
        "import tempfile; tempfile.mkstemp()",
        "import tempfile; tempfile.mkdtemp()",
        "import tempfile; tempfile.NamedTemporaryFile()",
        "import tempfile; tempfile.TemporaryDirectory()",
        "from multiprocessing.shared_memory import SharedMemory as S; S(create=True, size=9)",
        "import shelve; shelve.open('shelf')",
    ],
)
def test_temporary_files_are_refused(code: str, scripts: Scripts) -> None:
    assert "is refused while a model is traced" in refused(scripts.run(code))


PROCESSES = {
    "import subprocess; subprocess.run(['touch', 'new'])": "running `touch new`",
    "import subprocess; subprocess.run('touch new', shell=True)": "running `/bin/sh -c touch new`",
    "import os; os.system('touch new')": "running `touch new`",
    "import os; os.popen('touch new')": "running `/bin/sh -c touch new`",
    "import os; os.fork()": "starting another process",
    "import os\nwhile True: os.fork()": "starting another process",
    "import os; os.forkpty()": "starting another process",
    "import os; os.execv('/bin/true', ['true'])": "running `true`",
    "import os; os.posix_spawn('/bin/true', ['true'], {})": "running `true`",
    "import os; os.spawnl(os.P_WAIT, '/bin/true', 'true')": "starting another process",
    "import multiprocessing as m; m.get_context('fork').Process().start()": "starting another process",
    "import multiprocessing as m; m.get_context('spawn').Process().start()": "starting another process",
    "import multiprocessing as m; m.Pool(2)": "sharing a lock with other processes",
    "from torch.utils.data import DataLoader as D; next(iter(D([1, 2], num_workers=2)))": (
        "sharing a lock with other processes"
    ),
    "import ctypes; ctypes.CDLL(None)": "calling the C library",
    "import ctypes; ctypes.CDLL('libc.so.6')": "loading the library `libc.so.6`",
    "import resource as r; r.setrlimit(r.RLIMIT_AS, (-1, -1))": (
        "changing the limits of memory or time"
    ),
}


@pytest.mark.parametrize("code", PROCESSES)
def test_other_processes_are_refused_in_words(code: str, scripts: Scripts) -> None:
    assert refused(scripts.run(code)) == f"{PROCESSES[code]} is refused while a model is traced"


def test_signals_to_the_parent_are_refused(scripts: Scripts) -> None:
    said = refused(scripts.run("import os; os.kill(os.getppid(), 9)"))
    assert said.startswith("sending signal 9 to process ")


NETWORK = {
    "import socket; socket.create_connection(('127.0.0.1', {port}))": "looking up `127.0.0.1`",
    "import socket; socket.socket().connect(('127.0.0.1', {port}))": (
        "connecting to `127.0.0.1:{port}`"
    ),
    "import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', {port}))": (
        "connecting to `127.0.0.1:{port}`"
    ),
    "import socket; socket.socket().bind(('0.0.0.0', 8080))": "listening at `0.0.0.0:8080`",
    "from urllib.request import urlopen; urlopen('http://127.0.0.1:{port}/mnist.zip')": (
        "opening `http://127.0.0.1:{port}/mnist.zip`"
    ),
    "from http.client import *; HTTPConnection('127.0.0.1', {port}).request('GET', '/')": (
        "connecting to `127.0.0.1:{port}`"
    ),
    "from ftplib import FTP; FTP('127.0.0.1')": "connecting to `127.0.0.1:21`",
}


@pytest.mark.parametrize("code", NETWORK)
def test_the_network_is_refused_in_words(
    code: str, scripts: Scripts, listener: socket.socket
) -> None:
    port = str(listener.getsockname()[1])
    said = refused(scripts.run(code.replace("{port}", port)))
    assert said == NETWORK[code].replace("{port}", port) + " is refused while a model is traced"


def test_a_download_at_import_is_named_with_its_line(scripts: Scripts) -> None:
    module = scripts.folder / "project_data.py"
    module.write_text(
        "from urllib.request import urlretrieve\n\n"
        "def fetch():\n    urlretrieve('http://127.0.0.1:9/mnist.zip', 'mnist.zip')\n\n"
        "fetch()\n"
    )
    answer = scripts.run("import project_data")
    assert "http://127.0.0.1:9/mnist.zip" in refused(answer)
    place = answer.refused[0].place
    assert place is not None
    assert (place.file, place.line, place.function) == (str(module), 4, "fetch")
    assert (place.column, place.end_column) == (4, 60)


def test_refusals_that_the_code_hides_are_told(scripts: Scripts) -> None:
    answer = scripts.run(
        """
        try:
            open("log.txt", "w")
        except OSError:
            pass
        try:
            open("other.txt", "w")
        except Exception:
            pass
        """
    )
    assert answer.failure is None
    assert [refusal.what.split()[1] for refusal in answer.refused] == ["`log.txt`", "`other.txt`"]
    assert [refusal.place and refusal.place.line for refusal in answer.refused] == [3, 7]


def test_what_is_refused_again_and_again_is_told_once(scripts: Scripts) -> None:
    answer = scripts.run(
        """
        import socket, time
        for attempt in range(100):
            try:
                socket.create_connection(("example.org", 80))
            except PermissionError as error:
                value = str(error)
        """
    )
    assert answer.signal == {"value": "looking up `example.org` is refused while a model is traced"}
    assert len(answer.refused) == 1


def test_refusals_in_threads_are_told(scripts: Scripts) -> None:
    code = "import threading as t; w = t.Thread(target=open, args=('x', 'w')); w.start(); w.join()"
    answer = scripts.run(code)
    assert [refusal.what for refusal in answer.refused] == [
        "writing `x` is refused while a model is traced"
    ]


def test_what_a_package_tries_while_it_is_imported_is_not_told(scripts: Scripts) -> None:
    package = scripts.folder / "site-packages"
    package.mkdir(exist_ok=True)
    (package / "probing.py").write_text("try: open('cache', 'w')\nexcept OSError: pass\n")
    (package / "writing.py").write_text("def save():\n    open('cache', 'w')\n")
    path = f"import sys; sys.path.append({str(package)!r})\n"
    assert scripts.run(path + "import probing").refused == ()
    answer = scripts.run(path + "import writing\nwriting.save()")
    refused(answer)
    place = answer.refused[0].place
    assert place is not None
    assert Path(place.file).name == "script.py"


HARMLESS = {
    "value = open('victim.txt').read()": "precious",
    "value = open('/dev/null', 'w').write('abc')": 3,
    "import os; value = os.write(os.open(os.devnull, os.O_RDWR), b'ab')": 2,
    "import os; os.makedirs('full', exist_ok=True); value = os.listdir('full')": ["file"],
    "from pathlib import Path; Path('none').unlink(missing_ok=True); value = 1": 1,
    "import io, torch; b = io.BytesIO(); torch.save(torch.ones(1), b); b.seek(0)\n"
    "value = torch.load(b).item()": 1.0,
    "import sqlite3; value = sqlite3.connect(':memory:').execute('select 5').fetchone()[0]": 5,
    "import socket; a, b = socket.socketpair(); a.send(b'xy'); value = len(b.recv(9))": 2,
    "import asyncio; value = asyncio.run(asyncio.sleep(0, 'slept'))": "slept",
    "from concurrent.futures import *\nvalue = list(ThreadPoolExecutor(2).map(abs, [-1]))": [1],
    "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, (64, 64)); value = 64": 64,
    "import torch; x = torch.ones(2, requires_grad=True); x.sum().backward()\n"
    "value = x.grad.tolist()": [1.0, 1.0],
    "import torch; value = torch.get_num_threads()": 1,
    "import sys; value = sys.stdin.read()": "",
    "import sys; value = sys.dont_write_bytecode": True,
    "import os; os.kill(os.getpid(), 0); value = 0": 0,
}


@pytest.mark.parametrize("code", HARMLESS)
def test_what_harms_nobody_is_allowed(code: str, scripts: Scripts) -> None:
    answer = scripts.run(code)
    assert answer.failure is None
    assert answer.refused == ()
    assert answer.signal == {"value": HARMLESS[code]}


COMPILED = {
    "save": "import torch\ntry: torch.save.__wrapped__({}, 'x')\nexcept Exception: value = -1",
    "unlink": "import ctypes; value = ctypes.pythonapi.unlink(b'victim.txt')",
    "rename": "import ctypes; value = ctypes.pythonapi.rename(b'victim.txt', b'x')",
    "mkdir": "import ctypes; value = ctypes.pythonapi.mkdir(b'x', 0o777)",
    "create": "import ctypes; value = ctypes.pythonapi.creat(b'x', 0o666)",
    "empty": "import ctypes, os; value = ctypes.pythonapi.open(b'victim.txt', os.O_TRUNC)",
    "execute": "import ctypes; value = ctypes.pythonapi.execl(b'/bin/true', b'true', None)",
}


@needs_landlock
@pytest.mark.parametrize("name", COMPILED)
def test_compiled_code_changes_nothing(name: str, scripts: Scripts) -> None:
    assert scripts.run(COMPILED[name]).signal == {"value": -1}


@needs_landlock
def test_an_error_of_compiled_code_is_explained(scripts: Scripts) -> None:
    failure = scripts.run("import torch; torch.jit.script(torch.nn.ReLU()).save('x')").failure
    assert failure is not None
    assert failure.reason.startswith("RuntimeError: ")
    assert failure.reason.endswith("(nothing may be written while a model is traced)")


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs a file that Landlock ignores")
def test_files_do_not_grow(scripts: Scripts) -> None:
    failure = scripts.run("import os; os.write(os.memfd_create('f'), b'x')").failure
    assert failure is not None
    assert "File too large" in failure.reason


def test_a_crash_leaves_no_core_dump(scripts: Scripts) -> None:
    code = "import resource; value = resource.getrlimit(resource.RLIMIT_CORE)"
    assert scripts.run(code).signal == {"value": [0, 0]}


@pytest.mark.skipif(LANDLOCK < 4, reason="needs Landlock 4")
def test_compiled_code_does_not_connect(scripts: Scripts, listener: socket.socket) -> None:
    answer = scripts.run(
        """
        import ctypes, socket
        address = b"\\x02\\x00" + job["port"].to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
        ours = socket.socket()
        value = ctypes.pythonapi.connect(ours.fileno(), address, 16)
        """,
        port=listener.getsockname()[1],
    )
    assert answer.signal == {"value": -1}


@pytest.mark.skipif(LANDLOCK < 6, reason="needs Landlock 6")
def test_compiled_code_does_not_kill_the_server(scripts: Scripts) -> None:
    before = scripts.processes()
    answer = scripts.run("import ctypes, os; value = ctypes.pythonapi.kill(os.getppid(), 9)")
    assert answer.signal == {"value": -1}
    assert scripts.processes() == before


def test_processes_of_compiled_code_are_ended(scripts: Scripts) -> None:
    answer = scripts.run(
        """
        import ctypes, os, time
        if ctypes.pythonapi.fork() == 0:
            if job["detached"]:
                os.setsid()
            time.sleep(100)
        """,
        detached=os.path.exists("/proc/self/task"),
    )
    assert answer.failure is None


def test_without_landlock_this_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert landlock.restrict() == (
        "compiled code can write files, start programs and connect (no Landlock here)",
    )


def test_an_old_landlock_lacks_what_later_ones_added(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landlock, "version", lambda: 3)
    monkeypatch.setattr(landlock, "_restricted", lambda known: True)
    assert landlock.restrict() == (
        "compiled code is not kept from TCP connections (Landlock 3 of 4)",
        "compiled code is not kept from signals to other processes (Landlock 3 of 6)",
    )


def test_the_answer_says_what_the_guard_lacks(scripts: Scripts) -> None:
    answer = scripts.run("value = 1")
    assert bool(answer.lacks) == (LANDLOCK < 6)


def test_the_error_is_the_usual_one_with_words(scripts: Scripts) -> None:
    answer = scripts.run(
        """
        try:
            open("x", "w")
        except PermissionError as error:
            value = [error.errno, type(error).__name__, isinstance(error, OSError)]
        """
    )
    assert answer.signal == {"value": [errno.EACCES, "GuardRefused", True]}


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("open", ("a", "r", os.O_RDONLY)),
        ("open", (3, "w", os.O_WRONLY)),
        ("open", ("/dev/stdout", "w", os.O_WRONLY)),
        ("import", ("os", None, [], [], [])),
        ("socket.bind", (None, ("::1", 0))),
        ("socket.sendmsg", (None, None)),
        ("urllib.Request", ("data:text/plain,x", None, {}, "GET")),
        ("sqlite3.connect", ("file:/a.db?mode=ro",)),
        ("ctypes.dlopen", ("/env/lib/python3.11/site-packages/torch/lib/libtorch.so",)),
    ],
)
def test_events_that_pass(event: str, arguments: tuple[object, ...]) -> None:
    assert words(event, arguments) is None


@pytest.mark.parametrize(
    ("event", "arguments", "expected"),
    [
        ("os.remove", ("file", 3), "deleting `file`"),
        ("os.mkdir", (".", 0o777, 3), "making the folder `.`"),
        ("os.chmod", (1, 0o600, -1), "changing the mode of `1`"),
        ("os.spawn", (0, "tool.exe", ["tool", "-x"], None), "running `tool -x`"),
        ("pty.spawn", (["sh", "-c", "ls"],), "running `sh -c ls`"),
        ("socket.connect", (None, "/run/docker.sock"), "connecting to `/run/docker.sock`"),
        ("socket.connect", (None, ("::1", 80, 0, 0)), "connecting to `::1:80`"),
        ("smtplib.connect", (None, "mail.example.org", 25), "connecting to `mail.example.org:25`"),
        ("webbrowser.open", ("http://example.org",), "opening `http://example.org`"),
        ("os.startfile", ("report.pdf", "open"), "opening `report.pdf`"),
        ("ctypes.dlopen", ("./ops.so",), "loading the library `./ops.so`"),
    ],
)
def test_events_of_other_platforms_and_of_open_folders(
    event: str, arguments: tuple[object, ...], expected: str
) -> None:
    assert words(event, arguments) == expected


def test_long_commands_are_shortened_to_one_line() -> None:
    said = words("os.system", ("echo\n" * 100,))
    assert said is not None
    assert said.startswith("running `echo echo")
    assert said.endswith("...`")
    assert len(said) < 140
