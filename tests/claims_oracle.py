"""Whether what a rehearsal claims of a program covers what its executions do."""

import random
import sys
import types
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, is_training
from tests import rehearsing
from tests.rehearsing import forwards

EXECUTIONS = 24
"""Executions of a program, each with other answers of the functions that are not known."""
MOST_ANSWERS = 60
"""Answers after which ``flag`` ends every loop."""


@dataclass(slots=True)
class Call:
    """A call of a model that was executed."""

    line: int
    training: bool
    grad: bool
    backpropagated: bool = False


@dataclass(slots=True)
class Verdict:
    """What is wrong with the claims about one program."""

    uncovered: list[str] = field(default_factory=list)
    """Calls that no claim covers."""
    missing: list[str] = field(default_factory=list)
    """Calls that are claimed to happen always, and did not."""

    @property
    def holds(self) -> bool:
        """Whether all claims hold."""
        return not self.uncovered and not self.missing


def judge(code: str) -> Verdict:
    """Rehearse a program, execute it many times, and compare."""
    offset = (rehearsing.HEAD + rehearsing.NET).count("\n")
    claims: dict[int, list[Forward]] = defaultdict(list)
    rehearsal = rehearsing.rehearse(code, net=True)
    assert not rehearsal.failures, rehearsal.failures
    for forward in (one for one in forwards(rehearsal) if not one.model.given):
        claims[forward.site.span.line - offset].append(forward)
    verdict = Verdict()
    for seed in range(EXECUTIONS):
        calls = executed(code, seed)
        if calls is None:
            continue
        verdict.uncovered += [str(c) for c in calls if not _is_covered(c, claims[c.line])]
        lines = {call.line for call in calls}
        for line, made in claims.items():
            if line not in lines and any(forward.context.certain for forward in made):
                verdict.missing.append(f"line {line}")
    return verdict


def _is_covered(call: Call, claims: list[Forward]) -> bool:
    return any(
        _fits(is_training(claim.mode), call.training)
        and _fits(claim.grad, call.grad)
        and _fits(claim.backpropagated, call.backpropagated)
        for claim in claims
    )


def _fits(claim: Known, fact: bool) -> bool:
    return claim is Known.UNKNOWN or (claim is Known.YES) == fact


def executed(code: str, seed: int) -> list[Call] | None:
    """The calls of models in one execution, ``None`` if it raises."""
    calls: list[Call] = []
    sys.modules["unknown"] = _answers(random.Random(seed))
    names = {"torch": torch, "Net": _recording(calls), "x": torch.ones(2)}
    try:
        exec(compile(code, "program", "exec"), names)
    except Exception:
        return None
    finally:
        torch.set_grad_enabled(True)
        del sys.modules["unknown"]
    return calls


def _answers(r: random.Random) -> types.ModuleType:
    """A module of functions with random answers; a loop over ``items`` has two passes or three."""
    made = types.ModuleType("unknown")
    asked = iter(range(1_000_000))

    def flag() -> bool:
        return next(asked) < MOST_ANSWERS and r.random() < 0.5

    def until() -> bool:
        return next(asked) >= MOST_ANSWERS or r.random() < 0.5

    def risky() -> None:
        if r.random() < 0.4:
            raise ValueError

    made.__dict__.update(flag=flag, until=until, items=lambda: [1] * r.randint(2, 3), risky=risky)
    made.__dict__["number"] = lambda: r.randint(0, 3)
    return made


def _recording(calls: list[Call]) -> type[torch.nn.Module]:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(1))

        def __call__(self, x: torch.Tensor) -> torch.Tensor:
            frame = next(_frames_of_program())
            call = Call(frame, self.training, torch.is_grad_enabled())
            calls.append(call)
            out = x * self.weight
            if out.requires_grad:
                out.register_hook(lambda _: setattr(call, "backpropagated", True))
            return out

    return Net


def _frames_of_program() -> Iterator[int]:
    frame = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_filename == "program":
            yield frame.f_lineno
        frame = frame.f_back
