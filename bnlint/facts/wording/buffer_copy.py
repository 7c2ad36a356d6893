"""How to bring running statistics along where only parameters are copied."""

from bnlint.facts.passes.population_statistics.stale_statistics import StaleStatistics
from bnlint.facts.types.run import Run
from bnlint.facts.wording.evidence import Proof, how_it_came_into, in_time
from bnlint.finding import Edit
from bnlint.immutable import immutable


@immutable
class BufferCopy:
    """Buffers that ought to be copied from ``source`` to ``target``, and the edit that does it."""

    target: str
    source: str
    edit: Edit | None

    @property
    def advice(self) -> str:
        """What to do."""
        return f"copy the buffers of `{self.source}` to `{self.target}` as well"


def buffers_copied(entry: StaleStatistics) -> BufferCopy:
    """The loop that copies buffers between the networks of a loop over parameters."""
    target, source = entry.pair.target, entry.pair.source
    lines = f"for follower, leader in zip({target}.buffers(), {source}.buffers()):"
    lines += "\n    follower.copy_(leader)"
    return BufferCopy(target, source, entry.loop.insert_after(lines))


def how_they_stay_behind(run: Run, entry: StaleStatistics) -> list[Proof]:
    """The call that writes parameters, the mode, and the forward that relies on what stays."""
    forward, written = entry.forward, entry.written
    name, frame = forward.model.name, written.context.frames[-1]
    told = list(how_it_came_into(run, forward.mode, forward.model))
    if frame.call is not None and frame.call != entry.loop:
        told.append((written.order, (frame.call, f"`{frame.function}` is called here")))
    use = "gives targets for a step" if entry.in_step else "is used"
    told.append((forward.order, (forward.site, f"`{name}` {use} here, in eval mode")))
    return in_time(told)
