"""What the modules of a model keep from one forward to the next, by the calls that read and change it."""

from collections import defaultdict
from collections.abc import Sequence

from bnlint.facts.types.graph import KeptTensor
from bnlint.interpreter.core.journal import Recorded
from bnlint.interpreter.core.objects import Class, Instance
from bnlint.interpreter.core.state_writes import States
from bnlint.interpreter.core.tape import Tape


def kept_tensors(
    recorded: Recorded | None, modules: Sequence[Instance], states: States, tape: Tape
) -> tuple[KeptTensor, ...]:
    """The tensors that a recorded forward changes for the next one."""
    if recorded is None:
        return ()
    start, writes = recorded.start, defaultdict[tuple[Class | None, str], list[int]](list)
    for module in modules:
        for write in states.writes.get(module, ()):
            if start <= write.op < recorded.end:
                writes[write.owner.cls, write.name].append(write.op - start)
    reads = defaultdict[tuple[Class | None, str], list[int]](list)
    for index, op in enumerate(tape.ops[start : recorded.end] if writes else ()):
        for state in op.states:
            reads[state.cls, state.name].append(index)
    return tuple(
        KeptTensor(key[1], tuple(reads[key]), tuple(found)) for key, found in writes.items()
    )
