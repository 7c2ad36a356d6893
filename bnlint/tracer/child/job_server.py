"""The child process: imports torch once, then runs each job in a guarded process of its own.

Jobs come as JSON lines on standard input, answers go as JSON lines to standard output; the first line
says that it is ready. Where processes cannot be forked it serves one job, itself guarded. Run as
``python -m bnlint.tracer.child.job_server``.
"""

import argparse
import gc
import importlib
import io
import json
import os
import signal
import sys
import tempfile

from bnlint.tracer.child.protocol import UNUSABLE, line_of, write
from bnlint.tracer.child.supervisor import adopt_orphans, supervise
from bnlint.tracer.child.worker import Runner, run_guarded

RUNNER = "bnlint.tracer.child.jobs:run_job"
CAN_FORK = hasattr(os, "fork") and sys.platform != "darwin"
"""The system libraries of macOS do not work in a fork that does not start another program."""


def main(arguments: list[str] | None = None) -> None:
    """Serve until standard input ends; raises ``SystemExit`` where torch is missing."""
    parser = argparse.ArgumentParser(prog="python -m bnlint.tracer.child.job_server")
    parser.add_argument("--runner", default=RUNNER, help="module:function that takes a job")
    parser.add_argument("--alone", action="store_true", help="serve one job without forking")
    options = parser.parse_args(arguments)
    jobs, answers = _own_pipes()
    runner = _runner(options.runner)
    forks = CAN_FORK and not options.alone
    if forks:
        adopt_orphans()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    write(answers, line_of({"forks": forks}))
    for line in os.fdopen(jobs, "rb"):
        job = json.loads(line)
        if not forks:
            run_guarded(job, runner, answers)
        write(answers, line_of(supervise(job, runner, jobs, answers)))


def _own_pipes() -> tuple[int, int]:
    """Take standard input and output for the protocol; what the user's code prints goes elsewhere."""
    jobs, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True, errors="backslashreplace")
    return jobs, answers


def _runner(spec: str) -> Runner:
    try:
        import torch
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        _unusable(
            f"torch is not installed in {sys.executable}: `pip install torch`, "
            "or name another interpreter with --python"
        )
    from bnlint.tracer.record.torch_patches import leave_dynamo_out

    leave_dynamo_out()
    # the first convolution imports hundreds of modules, which each fork would do again
    torch.nn.Conv2d(1, 1, 1, device="meta")(torch.empty(1, 1, 1, 1, device="meta"))
    torch.set_num_threads(1)  # a fork takes no other threads along
    tempfile.gettempdir()  # it tries by writing, which the guard would refuse
    module, _, name = spec.partition(":")
    runner: Runner = getattr(importlib.import_module(module), name)
    gc.collect()
    gc.freeze()  # the collector of a fork need not touch, and so copy, what is here
    return runner


def _unusable(reason: str) -> None:
    print(reason, file=sys.stderr)
    sys.exit(UNUSABLE)


if __name__ == "__main__":
    main()
