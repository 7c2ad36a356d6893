"""``track_running_stats`` of BatchNorm layers that are built already."""

from collections.abc import Sequence

from bnlint.facts.types.site import Argument, Site
from bnlint.facts.types.weight_events import TrackingAssigned
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.torch.norms import TRACKS


def note_tracking(
    m: Machine,
    layers: Sequence[Instance],
    tracks: bool | None,
    site: Site,
    *,
    removed: bool = False,
    function: str = "",
) -> None:
    """Record that layers are told whether to track, or that a running statistic of theirs is removed."""
    context = m.context()
    m.journal.note(
        lambda facts, order: TrackingAssigned(
            order,
            site,
            context,
            tuple(facts.layer(layer, layer.type_name) for layer in layers),
            tracks,
            removed,
            function,
        )
    )


def set_tracking(
    m: Machine, layers: Sequence[Instance], tracks: bool | None, site: Site, function: str
) -> None:
    """A framework's ``function`` sets ``track_running_stats`` of some layers."""
    for layer in layers:
        m.heap.put(layer.assigned, TRACKS, Argument(TRACKS, tracks, site))
    m.journal.effects += 1
    note_tracking(m, layers, tracks, site, function=function)
