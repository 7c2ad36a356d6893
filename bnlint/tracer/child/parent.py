"""The parent's side of the child process: start it, ask, and never wait for ever or leave it behind."""

import sys
import time
from collections.abc import Collection, Mapping
from dataclasses import asdict
from types import TracebackType
from typing import Self

from bnlint.errors import UsageError
from bnlint.tracer.child import failure_reasons
from bnlint.tracer.child.protocol import Failure, JobAnswer, Limits, Report, answer_of, line_of
from bnlint.tracer.child.spawn import ServerProcess
from bnlint.tracer.record import blame

GRACE = 10.0
"""Seconds that the child has to end a job by itself that takes too long."""


class Child:
    """A guarded child process that imports torch once and runs jobs, each on its own.

    It is started by the first job and again after its death. Use it as a context manager.
    """

    def __init__(
        self,
        python: str = sys.executable,
        *,
        limits: Limits | None = None,
        runner: str | None = None,
        alone: bool = False,
        variables: Collection[str] = (),
    ) -> None:
        """Choose an interpreter with torch; ``alone`` gives each job a server instead of a fork.

        ``variables`` are names in the environment that it gets besides the usual ones.
        ``runner`` is the ``module:function`` that the child runs instead of its usual one.
        """
        self._python = python
        self._limits = limits or Limits()
        self._options = [*(["--runner", runner] if runner else []), *(["--alone"] * alone)]
        self._variables = variables
        self._server: ServerProcess | None = None
        self._unusable: UsageError | None = None
        self._asked = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child and whatever it runs."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def start(self) -> None:
        """Start the child without waiting for it, so that it imports torch in the meantime.

        Raises :class:`UsageError` where there is no such interpreter.
        """
        self._running()

    def ask(self, job: Mapping[str, object]) -> JobAnswer:
        """Run a job; its ``limits`` come before those of the child, and its ``id`` is chosen here.

        Whatever the user's code does is part of the answer. Raises :class:`UsageError` where the child
        cannot start: no such interpreter, an old one, or one without torch; ``TypeError`` for a job
        that JSON cannot hold.
        """
        given = job.get("limits")
        limits = Limits(**given) if isinstance(given, Mapping) else self._limits
        self._asked += 1
        request = line_of({**job, "id": self._asked, "limits": asdict(limits)})
        try:
            server = self._ready()
            server.send(request)
            answer = _answer(server, limits)
        except BaseException:
            self.close()
            raise
        if not server.alive:
            self._server = None
        return answer

    def _ready(self) -> ServerProcess:
        """The server, ready for a job; why it cannot be is found out only once."""
        if self._unusable is not None:
            raise self._unusable
        server = self._running()
        try:
            server.wait_until_ready()
        except UsageError as misuse:
            self._unusable = misuse
            raise
        return server

    def _running(self) -> ServerProcess:
        if self._server is not None and self._server.ready and not self._server.alive:
            self.close()
        if self._server is None:
            self._server = ServerProcess(self._python, self._options, self._variables)
        return self._server


def _answer(server: ServerProcess, limits: Limits) -> JobAnswer:
    """Listen until there is an answer, the end of the server, or no time left."""
    report = Report()
    deadline = time.monotonic() + limits.wall + GRACE
    late = False
    try:
        while report.answer is None and (line := server.line(deadline)) is not None:
            report.read(line)
    except TimeoutError:
        late = True
    if server.forks and report.answer is not None:
        return answer_of(report.answer)
    if not server.flooded:
        server.wait(deadline)
    status = server.stop()
    output = server.output
    reason = failure_reasons.of_end(status, limits, 0.0, output + report.dump)
    if server.flooded:
        reason, report.answer = failure_reasons.FLOODED, None
    failure = Failure(
        failure_reasons.overtime(limits) if late else reason, blame.of_dump(report.dump)
    )
    return answer_of(report.completed(failure, output))
