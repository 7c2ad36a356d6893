"""Where two paths of a data flow parted."""

from collections.abc import Sequence
from heapq import heapify, heappop, heappush


def paths_from_fork(
    inputs: Sequence[Sequence[int]],
    left: int,
    right: int,
    weights: Sequence[int] = (),
    most: int = 0,
) -> tuple[int | None, tuple[int, ...], tuple[int, ...]]:
    """Walk back from two steps of a data flow, latest first, until both come to the same step.

    ``inputs`` are, for each step in execution order, the steps whose results it reads. Returns the
    fork and the steps that led from it to ``left`` and to ``right``, in execution order, both ends
    included but not the fork; ``None`` and nothing where the two have no step in common, or where
    the ``weights`` of the steps, if given, come to more than ``most`` on either path.
    """
    sides = {left: 1, right: 2}
    load = {1: 0, 2: 0}
    paths: dict[int, list[int]] = {1: [], 2: []}
    frontier = [-left, -right]
    heapify(frontier)
    while frontier:
        index = -heappop(frontier)
        side = sides.pop(index, 0)
        if side == 3:
            return index, tuple(paths[1][::-1]), tuple(paths[2][::-1])
        if side == 0:
            continue
        paths[side].append(index)
        if weights:
            load[side] += weights[index]
            if min(load.values()) > most:
                break
        for source in inputs[index]:
            sides[source] = sides.get(source, 0) | side
            heappush(frontier, -source)
    return None, (), ()
