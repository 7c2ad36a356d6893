"""Whatever the code of a model sends, does or is told in the child, it can only lose its own answer."""

import json
import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint import typed_json
from bnlint.facts.types import signal as signals
from bnlint.tracer.child import failure_reasons, landlock, refusals, seccomp
from bnlint.tracer.child.protocol import (
    MOST_REFUSALS,
    UNREADABLE,
    Failure,
    Limits,
    Report,
    answer_of,
    line_of,
)
from bnlint.tracer.record.records import (
    CallRecord,
    LayerRecord,
    TracePlace,
    TraceRecord,
    from_json,
    to_json,
)
from bnlint.typed_json import Malformed
from tests.attacks.limited import run
from tests.guarded import Scripts, scripts_in

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a child as Linux has it")
pytest.importorskip("torch")

PLACE = TracePlace("/a.py", 1, 1, 0, 3, "f")
LAYER = LayerRecord("a", "torch.nn.Linear", "Linear", arguments={"bias": True}, places=(PLACE,))
CALL = CallRecord("linear", "linear", layer="a", place=PLACE, callers=(PLACE,), sizes=(2, 3))
TRACE = TraceRecord(
    "Net", (LAYER,), (CALL, CallRecord("add", "add", (0, 0))), (1,), "meta", ("2x3",)
)

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def places_in(data: object, before: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """The ways to every part of a JSON value."""
    yield before
    parts = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data)
        if isinstance(data, list)
        else ()
    )
    for key, part in parts:
        yield from places_in(part, (*before, key))


SENT = json.loads(json.dumps(to_json(TRACE)))


@st.composite
def forged(draw: st.DrawFn) -> object:
    """A trace in which one part is anything, or is not there."""
    data = json.loads(json.dumps(SENT))
    *way, last = draw(st.sampled_from([way for way in places_in(data) if way]))
    inner = data
    for key in way:
        inner = inner[key]
    if isinstance(inner, dict) and draw(st.booleans()):
        del inner[last]
    else:
        inner[last] = draw(anything)
    return data


def test_a_true_trace_is_read() -> None:
    assert from_json(SENT) == TRACE


@settings(deadline=None)
@given(forged() | anything)
def test_any_trace_is_read_or_refused(data: object) -> None:
    try:
        trace = from_json(data)
    except Malformed:
        return
    assert all(source < index for index, call in enumerate(trace.calls) for source in call.inputs)
    assert from_json(json.loads(json.dumps(to_json(trace)))) is not None


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["trace", "signal", "failure", "missing", "x"]), anything))
def test_any_answer_is_read(data: dict[str, object]) -> None:
    report = Report()
    report.read(line_of(data | {"id": 1}))
    assert answer_of(report.completed(Failure("no answer"), "")).output == ""
    assert answer_of(data).trace is None or "trace" in data


@given(anything)
def test_any_signal_is_read_or_refused(data: object) -> None:
    with pytest.raises(Malformed):
        signals.from_json(data)


@given(st.binary(max_size=50) | anything.map(lambda data: json.dumps(data).encode()))
def test_any_line_can_be_read(line: bytes) -> None:
    Report().read(line)


def test_lines_are_bounded() -> None:
    report = Report()
    for number in range(1000):
        report.read(line_of({"refused": {"what": str(number)}}))
        report.read(b"x" * 1000)
    report.read(b"[" * 3_000_000)
    report.read(b'{"id": 1, "trace": ' + b"[" * 100_000)
    assert len(report.refused) == MOST_REFUSALS
    assert len(report.dump) < 10_000
    assert report.answer is None


def test_numbers_that_cannot_be_written_are_refused() -> None:
    for number in (1 << 63, -(1 << 63), 10**4000):
        with pytest.raises(Malformed):
            typed_json.read(int, number)
        with pytest.raises(Malformed):
            typed_json.read(object, [number])


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    limits = Limits(seconds=20, memory_mb=1024)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MY_SECRET", "hunter2")
        folder = tmp_path_factory.mktemp("attacked")
        with scripts_in(folder, limits=limits) as scripts:
            yield scripts


@pytest.fixture
def scripts(child: Scripts) -> Iterator[Scripts]:
    yield child
    child.assert_unharmed()


WRITE = """
import os

def write(line):
    for pipe in range(3, 20):
        try:
            os.fstat(pipe)
            while line:
                line = line[os.write(pipe, line):]
        except OSError:
            pass
"""
FORGED = [
    '{"id": 1, "trace": {}}',
    '{"id": 1, "trace": []}',
    '{"id": 1, "trace": {"name": 1}}',
    '{"id": 1, "failure": {}}',
    '{"id": 1, "failure": {"reason": 1}}',
    '{"id": 1, "failure": {"reason": "x", "place": {"file": 1}}}',
    '{"id": 1, "missing": 3}',
    '{"id": 1, "signal": 3}',
    '{"id": 1, "refused": 3, "lacks": {}, "output": []}',
    '{"id": 1, "trace": {"name": "x", "calls": [{"kind": "x", "op": ""}]}}',
    '{"id": 1, "trace": {"name": "x", "calls": [{"kind": "add", "op": "", "inputs": [7]}]}}',
    '{"id": 1, "trace": {"name": "x", "outputs": [-1]}}',
    '{"id": 1, "trace": ' + "[" * 900 + "]" * 900 + "}",
    '{"id": "1"}',
    "[" * 100_000,
    '{"id": 1, "trace": ' + "9" * 5000 + "}",
    '{"refused": {"what": 3}}',
    '{"refused": {"what": "x", "place": {"file": "\\ud800", "line": -1, "end_line": 0}}}',
    '{"lacks": 3}',
    "\x00\xff",
]


@pytest.mark.parametrize("line", FORGED)
def test_a_forged_line_costs_one_answer(line: str, scripts: Scripts) -> None:
    code = f"{WRITE}\nwrite({line + chr(10)!r}.encode('latin-1'))\nos._exit(0)"
    answer = scripts.run(code)
    assert answer.trace is None
    if answer.signal is None and '"id": 1' in line and "missing" not in line:
        assert answer.failure is not None


FLOODS = {
    "no line end": "while True: write(b'x' * (1 << 20))",
    "refusals": 'while True: write(b\'{"refused": {"what": "x"}}\\n\' * 10000)',
    "lines": "while True: write(b'\\n' * (1 << 20))",
    "answers": "while True: write(b'{\"id\": 1}\\n' * 100000)",
    "lists": "while True: write(b'{\"id\": 1, \"trace\": [' + b'[],' * (1 << 20) + b'1]}\\n')",
}


@pytest.mark.parametrize("name", FLOODS)
def test_a_flood_is_ended_soon_and_takes_little_memory(name: str, scripts: Scripts) -> None:
    answer = scripts.run(f"{WRITE}\n{FLOODS[name]}")
    assert answer.failure is not None
    assert answer.failure.reason == failure_reasons.FLOODED
    assert len(answer.refused) <= MOST_REFUSALS
    (server,) = scripts.processes()
    peak = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{server}/status").read_text())
    assert peak is not None
    assert int(peak[1]) < 900_000


def test_a_server_without_forks_is_not_listened_to_for_ever(tmp_path: Path) -> None:
    with scripts_in(tmp_path, limits=Limits(seconds=20, memory_mb=1024), alone=True) as scripts:
        answer = scripts.run(f"{WRITE}\nwhile True: write(b'x' * (1 << 20))")
        assert answer.failure is not None
        assert answer.failure.reason == failure_reasons.FLOODED
        assert scripts.run("value = 42").signal == {"value": 42}


def test_the_environment_holds_no_secrets(scripts: Scripts) -> None:
    code = """
    import os
    value = [os.environ.get("MY_SECRET")]
    process = os.getpid()
    for _ in range(4):
        try:
            value.append("hunter2" in open(f"/proc/{process}/environ").read())
        except OSError:
            value.append(False)
        stat = open(f"/proc/{process}/stat").read()
        process = int(stat.rpartition(")")[2].split()[1])
    """
    answer = scripts.run(code)
    assert answer.signal == {"value": [None, False, False, False, False]}


C = "import ctypes, os; c = ctypes.pythonapi; c.syscall.restype = ctypes.c_long\n"
COMPILED = {
    "mode": "value = c.chmod(b'victim', 0)",
    "owner": "value = c.chown(b'victim', 1, 1)",
    "times": "value = c.utimes(b'victim', None)",
    "attribute": "value = c.setxattr(b'victim', b'user.x', b'1', 1, 0)",
    "open file": "value = c.fchmod(os.open('victim', os.O_RDONLY), 0)",
    "datagram": (
        "import struct; a = struct.pack('=HHI8x', 2, 9, 0x0100007f)\n"
        "value = c.sendto(c.socket(2, 2, 0), b'x', 1, 0, a, 16)"
    ),
    "Unix socket": (
        "import struct; a = struct.pack('=H108s', 1, b'{here}/socket')\n"
        "value = c.connect(c.socket(1, 1, 0), a, 110)"
    ),
    "MPTCP": (
        "import struct; a = struct.pack('>HHI8x', 0x0200, {port}, 0x7f000001)\n"
        "value = c.connect(c.socket(2, 1, 262), a, 16)"
    ),
    "fast open": (
        "import struct; a = struct.pack('>HHI8x', 0x0200, {port}, 0x7f000001)\n"
        "value = c.sendto(c.socket(2, 1, 0), b'x', 1, 0x20000000, a, 16)"
    ),
    "packets": "value = c.socket(17, 3, 0)",
    "shared memory": "value = c.shmget(0, 4096, 0o1600)",
    "queue": "value = c.msgget(0, 0o1600)",
    "key": "value = c.syscall(248, b'user', b'x', b'y', 1, -2) if c else 0",
    "trace": "value = c.ptrace(16, os.getppid(), None, None)",
    "limits": "value = c.prlimit(os.getppid(), 7, (ctypes.c_long * 2)(3, 3), None)",
    "priority": "value = c.setpriority(0, os.getppid(), 19)",
    "processors": "value = c.sched_setaffinity(os.getppid(), 8, (ctypes.c_long * 1)(1))",
    "host name": "value = c.sethostname(b'x', 1)",
    "io_uring": "value = c.syscall(425, 8, (ctypes.c_char * 120)())",
    "the other interface": "value = c.syscall(0x40000000 + 90, b'victim', 0)",
}
needs_filter = pytest.mark.skipif(
    os.uname().machine != "x86_64" or not landlock.version(), reason="numbers of x86_64"
)


@needs_filter
@pytest.mark.parametrize("name", COMPILED)
def test_compiled_code_is_refused_by_the_kernel(name: str, scripts: Scripts) -> None:
    here = scripts.folder / "work"
    (here / "victim").write_text("precious")
    before = (here / "victim").stat()
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as unix,
    ):
        (here / "socket").unlink(missing_ok=True)
        unix.bind(str(here / "socket"))
        unix.listen()
        code = COMPILED[name].replace("{here}", str(here))
        answer = scripts.run(C + code.replace("{port}", str(server.getsockname()[1])))
    assert answer.failure is None, answer.failure
    assert answer.signal == {"value": -1}
    assert answer.lacks == ()
    after = (here / "victim").stat()
    assert (after.st_mode, after.st_mtime_ns, after.st_uid) == (
        before.st_mode,
        before.st_mtime_ns,
        before.st_uid,
    )


def test_what_models_need_passes_the_filter(scripts: Scripts) -> None:
    code = """
    import os, signal, socket, threading, torch
    one, other = socket.socketpair()
    one.send(b"x")
    os.sched_setaffinity(0, os.sched_getaffinity(0))
    import resource
    resource.setrlimit(resource.RLIMIT_NOFILE, resource.getrlimit(resource.RLIMIT_NOFILE))
    threading.Thread(target=print).start()
    torch.set_num_threads(2)
    value = [other.recv(1).decode(), float(torch.ones(64, 64).mm(torch.ones(64, 64)).sum())]
    """
    assert scripts.run(code).signal == {"value": ["x", 64.0**3]}


def test_without_the_filter_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seccomp, "_restricted", lambda: False)
    (said,) = seccomp.restrict()
    assert "datagrams" in said
    assert "Unix sockets" in said


HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}


@pytest.mark.parametrize("machine", HEADERS)
def test_the_numbers_of_calls_are_those_of_the_kernel(machine: str) -> None:
    if not HEADERS[machine].exists():
        pytest.skip("needs the headers of the kernel")
    text = HEADERS[machine].read_text()
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    named = " ".join(map(str, seccomp.SENDTO + seccomp.SOCKET + seccomp.IOCTL))
    for table in (seccomp.CALLS, seccomp.ABOUT_OTHERS, named):
        for name, number in seccomp.numbers(table, machine):
            assert known.get(name, str(number)) == str(number), name
    assert len(known) > 200


PYTHON = {
    "import os, resource; resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE, (3, 3))": (
        "changing the limits of another process"
    ),
    "import os; os.setpriority(os.PRIO_PROCESS, os.getppid(), 5)": refusals.OF_PRIORITY,
    "import os; os.setpriority(os.PRIO_USER, 0, 5)": refusals.OF_PRIORITY,
    "import os; os.sched_setaffinity(os.getppid(), {0})": (
        "changing the processors of another process"
    ),
    "import socket; socket.sethostname('x')": "changing the name of the machine",
    "import os, signal; signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)": (
        "sending a signal to another process"
    ),
    "import sqlite3; sqlite3.connect('x?mode=ro')": "writing `x?mode=ro`",
    "import sqlite3; sqlite3.connect('file:x?mode=ro')": "writing `file:x?mode=ro`",
    "import sqlite3; sqlite3.connect('file:/x?mode=ro&mode=rwc', uri=True)": (
        "writing `file:/x?mode=ro&mode=rwc`"
    ),
}


@pytest.mark.parametrize("code", PYTHON)
def test_what_concerns_others_is_refused_in_words(code: str, scripts: Scripts) -> None:
    answer = scripts.run(code)
    assert answer.failure is not None
    assert answer.failure.reason == f"{PYTHON[code]} is refused while a model is traced"


def test_its_own_limits_can_be_read(scripts: Scripts) -> None:
    code = "import resource as r; value = r.prlimit(0, r.RLIMIT_AS) is not None"
    assert scripts.run(code).signal == {"value": True}


def test_who_breaks_the_guard_is_told_from_who_ends_the_process(scripts: Scripts) -> None:
    answer = scripts.run("import json, os\njson.dumps = None\nimport sys\nos.write = None")
    assert answer.failure is not None
    assert answer.failure.reason.startswith("broke what guards and runs it: TypeError")


MODELS = """
import os
import time

import torch
from torch import nn


class Forger(nn.Module):
    def __init__(self, line, seconds=0.0):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        time.sleep(seconds)
        for pipe in range(3, 20):
            try:
                os.write(pipe, line.encode() + b"\\n")
            except OSError:
                pass
        if line:
            os._exit(0)

    def forward(self, x):
        return self.norm(x)


class Honest(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3, momentum=0.9)
        self.unused = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.norm(x)


"""
MISLEADING = {
    "name": "\x1b[31m\n::error ::x",
    "layers": [{"name": "a", "type": "torch.nn.BatchNorm2d", "class_name": "x"}],
    "calls": [{"kind": "batch norm", "op": "x", "layer": "a", "sizes": [], "arguments": {"x": []}}],
}
ANSWERS = (
    '{"id": 1, "trace": {}}',
    "[" * 2000,
    json.dumps({"id": 1, "trace": MISLEADING}),
    json.dumps({"id": 1, "failure": {"reason": "\x1b]0;x\x07\n::error ::forged"}}),
)
ROOM = {"memory": 1 << 37, "seconds": 200, "wall": 600}
"""Torch maps many addresses in the child, and may take long to be imported; the guard limits it."""


def test_all_else_stands(tmp_path: Path) -> None:
    forgers = "".join(f"Forger({line!r})(torch.rand(2, 3, 8, 8))\n" for line in ANSWERS)
    honest = "Honest()(torch.rand(2, 3, 8, 8))\n"
    (tmp_path / "train.py").write_text(MODELS + forgers + honest)
    outcome = run(tmp_path, "train.py", "--trace", "--format", "concise", **ROOM)
    assert outcome.status == 1, outcome.err
    assert outcome.out.count("BN004") == 3
    assert "BN102" in outcome.out
    assert "BN216" in outcome.out  # so the honest model was traced
    assert "forged" in outcome.out
    assert "\x1b" not in outcome.out + outcome.err
    assert "\n::" not in outcome.out + outcome.err


def test_the_time_of_a_run_is_limited(tmp_path: Path) -> None:
    slow = "".join(f"Forger('', 3 + {number})(torch.rand(2, 3, 8, 8))\n" for number in range(3))
    (tmp_path / "train.py").write_text(MODELS + slow)
    outcome = run(tmp_path, "train.py", "--trace", "--total-timeout", "1", **ROOM)
    assert "Traced 1 of 3 models" in outcome.out
    assert outcome.out.count("took more than 1 s together (--total-timeout)") == 2


def test_an_answer_that_makes_no_sense_says_so() -> None:
    answer = answer_of({"trace": {"name": 3}, "refused": [], "lacks": [], "output": ""})
    assert answer.failure is not None
    assert answer.failure.reason == UNREADABLE
