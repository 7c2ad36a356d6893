"""A child that runs small scripts instead of building models, and what these leave behind."""

import os
import textwrap
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bnlint.tracer.child.parent import Child
from bnlint.tracer.child.protocol import JobAnswer

RUNNER = """
from pathlib import Path

def run(job):
    scope = {"__name__": "script", "job": job}
    exec(compile(Path(job["file"]).read_text(), job["file"], "exec"), scope)
    return {"signal": {"value": scope.get("value")}}
"""
MARK = "PYTHON_BNLINT_TEST_MARK"
WORKS = "value = 6 * 7"


@dataclass(frozen=True)
class Scripts:
    """Runs scripts in ``folder``, one after another, in the same child."""

    child: Child
    folder: Path
    mark: str

    def run(self, code: str, **job: object) -> JobAnswer:
        script = self.folder / "script.py"
        script.write_text(textwrap.dedent(code))
        return self.child.ask({"file": str(script), **job})

    def processes(self) -> set[int]:
        """Living processes that the child consists of or has left behind; Linux only."""
        found = set()
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                marked = self.mark.encode() in (folder / "environ").read_bytes()
            except OSError:
                continue
            if marked and int(folder.name) != os.getpid():
                found.add(int(folder.name))
        return found

    def assert_unharmed(self) -> None:
        """The child still answers, and nothing runs but its server."""
        answer = self.run(WORKS)
        assert answer.failure is None
        assert answer.signal == {"value": 42}
        if Path("/proc/self/environ").exists():
            assert len(self.processes()) == 1


@contextmanager
def scripts_in(folder: Path, **options: object) -> Iterator[Scripts]:
    """A child whose working directory is ``folder/work``."""
    (folder / "work").mkdir()
    (folder / "guarded_runner.py").write_text(RUNNER)
    mark = uuid.uuid4().hex
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "work")
        patch.setenv("PYTHONPATH", str(folder))
        patch.setenv(MARK, mark)
        with Child(runner="guarded_runner:run", **options) as child:  # type: ignore[arg-type]
            yield Scripts(child, folder, mark)
