"""The child process: however a job ends, there is an answer in time, and nothing is left behind."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bnlint.errors import UsageError
from bnlint.tracer.child import environment, parent, spawn
from bnlint.tracer.child.parent import Child
from bnlint.tracer.child.protocol import UNUSABLE, Limits
from tests.guarded import RUNNER, WORKS, Scripts, scripts_in

pytest.importorskip("torch")
if not hasattr(os, "fork"):
    pytest.skip("needs a platform that can fork", allow_module_level=True)

BUSY = {"seconds": 1, "memory_mb": 512, "patience": 100}
IDLE = {"seconds": 20, "memory_mb": 512, "patience": 0.05}
LIMITS = {"while True: p": BUSY, "sleep": IDLE, "SIGSTOP": IDLE}
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scripts]:
    limits = Limits(seconds=20, memory_mb=512)
    with scripts_in(tmp_path_factory.mktemp("process"), limits=limits) as scripts:
        yield scripts


@pytest.fixture
def scripts(shared: Scripts) -> Iterator[Scripts]:
    yield shared
    assert not list((shared.folder / "work").iterdir())
    shared.assert_unharmed()


def until(condition: Callable[[], bool]) -> bool:
    """Wait a good while for something that must come."""
    deadline = time.monotonic() + 120
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


ENDINGS = {
    "import sys; sys.exit(3)": "ended the process with sys.exit(3)",
    "import sys; sys.exit()": "ended the process with sys.exit()",
    "import sys; sys.exit('no data')": "ended the process with sys.exit(no data)",
    "import os; os._exit(3)": "ended the process with os._exit(3)",
    "import os; os._exit(0)": "ended the process with os._exit(0)",
    "import sys; sys.exit('no\\ndata')": "ended the process with sys.exit(no data)",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise ValueError('so\\nnot')": "ValueError: so not",
    "def f(): f()\nf()": "recursed too deeply: maximum recursion depth exceeded",
    "import ctypes; ctypes.string_at(0)": "crashed with signal 11 (SIGSEGV)",
    "import os; os.abort()": "crashed with signal 6 (SIGABRT)",
    "import os; os.closerange(3, 4096)": "closed the pipe that carries the answer",
    "x = []\nwhile True: x.append(bytearray(1 << 22))": "used more than 512 MB of memory",
    "import torch; torch.zeros(1 << 30)": "used more than 512 MB of memory",
    "import yacs_of_nobody.config": "needs `yacs_of_nobody`, which is not installed",
    "def f(:": "SyntaxError: invalid syntax",
    "value = object()": "TypeError: Object of type object is not JSON serializable",
    "while True: pass": "took more than 1 s of processor time",
    "import signal\nsignal.signal(signal.SIGXCPU, signal.SIG_IGN)\nwhile True: pass": (
        "took more than 1 s of processor time"
    ),
    "import time; time.sleep(1000)": "took more than 1 s by the clock",
    "while True: print('again')": "took more than 1 s of processor time",
}


def limited(code: str) -> dict[str, object]:
    """Limits for code that does not end by itself, far from those that it must not reach."""
    limits = next((limits for word, limits in LIMITS.items() if word in code), None)
    return {} if limits is None else {"limits": limits}


@pytest.mark.parametrize("code", ENDINGS)
def test_every_end_has_its_reason(code: str, scripts: Scripts) -> None:
    answer = scripts.run(code, **limited(code))
    assert answer.failure is not None
    assert answer.failure.reason == ENDINGS[code]
    assert answer.signal is None


@pytest.mark.parametrize(
    "code",
    [
        "signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(1000)",
        "signal.raise_signal(signal.SIGSTOP)",
        "signal.alarm(0); os.setpgid(0, os.getpgid(os.getppid())); time.sleep(1000)",
    ],
)
def test_who_does_not_hear_the_clock_is_killed(code: str, scripts: Scripts) -> None:
    code = f"import os, signal, time; {code}"
    failure = scripts.run(code, **limited(code)).failure
    assert failure is not None
    assert failure.reason == "took more than 1 s by the clock"


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError",
        "while True: pass",
        "__import__('time').sleep(1000)",
        "__import__('ctypes').string_at(0)",
        "[].pop()",
        "__import__('torch').ones(2) @ __import__('torch').ones(3)",
    ],
)
def test_the_line_where_it_ended_is_named(body: str, scripts: Scripts) -> None:
    code = f"class Net:\n    def forward(self):\n        {body}\n\nNet().forward()\n"
    failure = scripts.run(code, **limited(code)).failure
    assert failure is not None
    assert failure.place is not None
    assert Path(failure.place.file).name == "script.py"
    assert (failure.place.line, failure.place.function) == (3, "forward")


def test_a_missing_package_is_named(scripts: Scripts) -> None:
    assert scripts.run("import yacs_of_nobody.config").missing == ("yacs_of_nobody",)


def test_cuda_is_missing_in_words(scripts: Scripts) -> None:
    failure = scripts.run("import torch; torch.cuda.current_device()").failure
    assert failure is not None
    assert re.search("CUDA|NVIDIA", failure.reason)  # by how torch was built


def test_an_error_that_cannot_be_printed_is_still_an_answer(scripts: Scripts) -> None:
    failure = scripts.run(
        """
        class Odd(Exception):
            def __str__(self):
                raise self
        raise Odd
        """
    ).failure
    assert failure is not None
    assert failure.reason == "Odd"


def test_what_was_refused_before_the_end_is_told(scripts: Scripts) -> None:
    answer = scripts.run(
        """
        import os
        try:
            open("x", "w")
        except OSError:
            os._exit(1)
        """
    )
    assert [refusal.what for refusal in answer.refused] == [
        "writing `x` is refused while a model is traced"
    ]


@pytest.mark.parametrize(
    "code",
    [
        "for i in range(100_000): print('x' * 50)",
        "import sys\nfor i in range(100_000): sys.stderr.write('x' * 50)",
        "import os\nfor i in range(2000): os.write(1, b'x' * 4096)",
        "import ctypes\nfor i in range(100_000): ctypes.pythonapi.puts(b'x' * 50)",
    ],
)
def test_megabytes_of_output_are_cut(code: str, scripts: Scripts) -> None:
    answer = scripts.run(code + "\nimport sys; print('the end', file=sys.stderr)")
    assert answer.failure is None
    assert 4000 < len(answer.output) <= 4096
    assert "the end" in answer.output


def test_output_of_any_kind_is_kept(scripts: Scripts) -> None:
    answer = scripts.run(
        """
        import os, sys
        print("printed →")
        print("warned", file=sys.stderr)
        os.write(1, bytes([0xFF, 10]))
        sys.stdout.write("no newline")
        """
    )
    assert answer.output == "printed →\nwarned\n\N{REPLACEMENT CHARACTER}\nno newline"


def test_threads_that_go_on_do_not_hold_the_answer_back(scripts: Scripts) -> None:
    code = "import threading, time; threading.Thread(target=time.sleep, args=[1000]).start()"
    assert scripts.run(code + "\nvalue = 1").signal == {"value": 1}


def test_one_job_does_not_see_the_other(scripts: Scripts) -> None:
    code = "import torch; torch.seen = getattr(torch, 'seen', 0) + 1; value = torch.seen"
    random = "import torch; value = torch.rand(1).item()"
    assert [scripts.run(code).signal for _ in range(2)] == [{"value": 1}] * 2
    assert scripts.run(random).signal == scripts.run(random).signal


def test_big_jobs_and_big_answers_pass(scripts: Scripts) -> None:
    answer = scripts.run("value = [len(job['big']), 'y' * 9_000_000]", big="x" * 9_000_000)
    assert answer.signal is not None
    assert answer.signal["value"] == [9_000_000, "y" * 9_000_000]


def test_what_torch_needs_of_the_environment_is_passed_on_and_made_quiet(
    scripts: Scripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts.child.close()
    monkeypatch.setenv("TORCH_HOME", "here")
    monkeypatch.setenv("MY_DATA", "there")
    code = (
        "import os; value = list(map(os.environ.get, ['TORCH_HOME', 'MY_DATA', 'OMP_NUM_THREADS']))"
    )
    assert scripts.run(code).signal == {"value": ["here", None, "1"]}


def test_secrets_are_not_passed_on_whatever_they_are_called(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "TORCH_HUB_TOKEN", "LD_PASSWORD", "HF_TOKEN", "DATA"):
        monkeypatch.setenv(name, "x")
    assert "x" not in environment.environment().values()
    assert environment.environment(["DATA"])["DATA"] == "x"


def test_matplotlib_gets_a_folder_that_exists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert Path(environment.environment()["MPLCONFIGDIR"]).is_dir()
    (tmp_path / "cache" / "matplotlib").mkdir(parents=True)
    assert "MPLCONFIGDIR" not in environment.environment()


def test_the_child_loads_nothing_of_the_command_line(scripts: Scripts) -> None:
    code = "import sys; value = sorted({'click', 'libcst', 'rich', 'pathspec'} & set(sys.modules))"
    assert scripts.run(code).signal == {"value": []}


def test_the_parent_loads_no_torch(elsewhere: dict[str, str]) -> None:
    code = "import sys, bnlint.tracer.child.parent; print({'torch', 'libcst'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=elsewhere, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


@needs_proc
def test_starting_does_not_wait_and_asking_uses_it(scripts: Scripts) -> None:
    scripts.child.close()
    scripts.child.start()
    before = scripts.processes()
    scripts.assert_unharmed()
    assert scripts.processes() == before


@needs_proc
def test_a_server_that_dies_between_jobs_is_started_again(scripts: Scripts) -> None:
    scripts.assert_unharmed()
    (server,) = scripts.processes()
    os.kill(server, signal.SIGKILL)
    assert until(lambda: Path(f"/proc/{server}/stat").read_text().split()[2] == "Z")
    assert scripts.run(WORKS).signal == {"value": 42}


@needs_proc
def test_a_server_that_dies_during_a_job_is_the_answer(scripts: Scripts) -> None:
    scripts.assert_unharmed()
    (server,) = scripts.processes()

    def kill() -> None:
        assert until(lambda: len(scripts.processes()) == 2)
        os.kill(server, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    failure = scripts.run("import time; time.sleep(1000)").failure
    killer.join()
    assert failure is not None
    assert failure.reason.startswith("was killed (signal 9)")
    assert until(lambda: not scripts.processes())


@needs_proc
def test_a_server_that_hangs_is_killed(scripts: Scripts, monkeypatch: pytest.MonkeyPatch) -> None:
    scripts.assert_unharmed()
    (server,) = scripts.processes()
    monkeypatch.setattr(parent, "GRACE", 0)
    monkeypatch.setattr(spawn, "STOP_SECONDS", 0.2)
    os.kill(server, signal.SIGSTOP)
    failure = scripts.run("value = 1", limits={"seconds": 0.2, "memory_mb": 512}).failure
    assert failure is not None
    assert failure.reason == "took more than 0.4 s by the clock"
    assert until(lambda: not scripts.processes())


@needs_proc
@pytest.mark.parametrize("doing", ["time.sleep(1000)", "exec('while True: pass')"])
def test_closing_ends_everything(doing: str, scripts: Scripts) -> None:
    asking = threading.Thread(target=scripts.run, args=[f"import time; {doing}"])
    asking.start()
    assert until(lambda: len(scripts.processes()) == 2)
    scripts.child.close()
    assert until(lambda: not scripts.processes())
    asking.join()


PARENT = """
import sys
from bnlint.tracer.child.parent import Child

with Child(runner="guarded_runner:run") as child:
    child.ask({"file": sys.argv[1]})
"""


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_a_parent_that_is_ended(
    number: signal.Signals, shared: Scripts, tmp_path: Path, elsewhere: dict[str, str]
) -> None:
    shared.child.close()
    (tmp_path / "guarded_runner.py").write_text(RUNNER)
    script = tmp_path / "script.py"
    script.write_text("import time; time.sleep(1000)")
    environment = elsewhere | {"PYTHONPATH": f"{elsewhere['PYTHONPATH']}:{tmp_path}"}
    environment |= {"PYTHON_BNLINT_TEST_MARK": shared.mark}
    command = [sys.executable, "-c", PARENT, str(script)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as parent:
        assert until(lambda: len(shared.processes()) == 3)
        parent.send_signal(number)
    assert until(lambda: not shared.processes())


@pytest.fixture
def bare(tmp_path: Path) -> str:
    """A Python of its own, without packages."""
    venv.create(tmp_path / "bare", symlinks=True)
    return str(tmp_path / "bare" / "bin" / "python")


def test_an_interpreter_without_torch_is_misuse(bare: str) -> None:
    with Child(bare) as child:
        child.start()
        for _ in range(2):
            with pytest.raises(UsageError) as caught:
                child.ask({})
    assert str(caught.value) == (
        f"torch is not installed in {bare}: `pip install torch`, "
        "or name another interpreter with --python"
    )


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("", "`{python}` cannot be run: Exec format error"),
        (None, "there is no Python interpreter `{python}`"),
        ("echo broken >&2; exit 1", "`{python}` cannot trace: broken"),
        ("exit 0", "`{python}` cannot trace: it is no Python, or it crashed"),
        ("echo nonsense", "`{python}` cannot trace: it is no Python, or it crashed"),
        ("echo old >&2; exit 3", "old"),
        ("exec sleep 1000", "`{python}` did not import torch within 0.5 s"),
    ],
)
def test_what_is_no_python_is_misuse(
    script: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spawn, "START_SECONDS", 0.5)
    python = tmp_path / "python"
    if script is not None:
        python.write_text(f"#!/bin/sh\n{script}\n" if script else "no program")
        python.chmod(0o755)
    with Child(str(python)) as child, pytest.raises(UsageError) as caught:
        child.ask({})
    assert str(caught.value) == message.replace("{python}", str(python))


def test_an_old_python_is_told_apart() -> None:
    code = "import sys; sys.version_info = (3, 9); sys.version = '3.9.1 (x)'\n" + spawn.BOOTSTRAP
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == UNUSABLE
    assert done.stderr == f"tracing needs Python 3.11, and {sys.executable} is 3.9.1\n"


def test_without_fork_each_job_has_a_server(tmp_path: Path) -> None:
    with scripts_in(tmp_path, alone=True, limits=Limits(20, 512)) as alone:
        answer = alone.run("print('hello')\ntry: open('x', 'w')\nexcept OSError: value = 1")
        assert (answer.signal, answer.output, answer.failure) == ({"value": 1}, "hello\n", None)
        assert [refusal.place and refusal.place.line for refusal in answer.refused] == [2]
        ending = alone.run("try: open('x', 'w')\nexcept OSError: __import__('os')._exit(3)")
        assert ending.failure is not None
        assert ending.failure.reason == "ended the process with os._exit(3)"
        assert len(ending.refused) == 1
        late = alone.run("import time\ntime.sleep(1000)", limits=IDLE).failure
        assert late is not None
        assert late.reason == "took more than 1 s by the clock"
        assert late.place is not None
        assert late.place.line == 2
        assert not list((tmp_path / "work").iterdir())
        if Path("/proc/self/environ").exists():
            assert not alone.processes()


def test_a_job_that_is_no_json_is_the_callers_error(scripts: Scripts) -> None:
    scripts.assert_unharmed()
    before = scripts.processes()
    with pytest.raises(TypeError):
        scripts.child.ask({"file": object()})
    scripts.assert_unharmed()
    assert scripts.processes() == before
