"""Which momentum BatchNorm layers have, and where the code gives it to them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from bnlint.facts.passes.model_graphs.built_layers import layers_by_site
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Argument, Site
from bnlint.facts.types.weight_events import MomentumAssigned
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.evidence import where_it_comes_from
from bnlint.finding import Applicability, Edit
from bnlint.immutable import immutable


@immutable
class MomentumSetting:
    """A place in the code that gives BatchNorm layers one value of ``momentum``.

    ``place`` is where the value is written, or the constructor call when it is a default or came
    through unpacking. ``call`` is the constructor call, ``None`` for an assignment to the
    attribute. ``agreed`` tells whether all layers that get their momentum at this place get this
    value, and ``pretrained`` whether one of them belongs to a model with published weights.
    ``frozen`` tells whether they are trained, and none of them is ever in train mode then.
    """

    argument: Argument
    place: Site
    layers: tuple[Layer, ...]
    call: Site | None = None
    agreed: bool = True
    pretrained: bool = False
    frozen: bool = False

    @property
    def evidence(self) -> tuple[tuple[Site, str], ...]:
        """Where the value comes from, if that is elsewhere, or else which layer gets it."""
        origin = self.argument.origin
        if origin is not None and origin == self.place and self.call is not None:
            return ((self.call, "the layer that gets it is built here"),)
        if origin is None or origin == self.place:
            return ()
        return tuple(where_it_comes_from(self.argument))

    def rewritten(self, text: str) -> tuple[str, Edit | None, Applicability] | None:
        """How to give the layers another number: in words, as an edit, and how far to trust it.

        A number is changed where it is written, once for all its uses, and only if nothing else is
        computed from it; a name that stands for it at the layer is never replaced there, since it
        may have other values in other calls.
        """
        site = self.argument.site
        if site is not None and site.is_number:
            safe = f"Use `momentum={text}`", site.replace(text), Applicability.SAFE
            return safe if self.agreed else None
        origin = self.argument.sole_origin
        if origin is None:
            return None
        edit = origin.replace(text)
        return f"Write {text} in place of {origin.text}", edit, Applicability.UNSAFE


@Pass
def momentum_settings(graphs: Graphs) -> tuple[MomentumSetting, ...]:
    """The effective momentum of every layer that keeps running statistics, place by place.

    An assigned momentum hides the constructor's. Layers with a forward of their own are left out,
    since they may give the number another meaning.
    """
    return tuple(_settings(graphs))


def _settings(graphs: Graphs) -> Iterator[MomentumSetting]:
    for site, built in layers_by_site(graphs, Kind.BATCH_NORM).items():
        found: dict[tuple[Site, str], list[tuple[ModelGraph, Layer]]] = defaultdict(list)
        arguments: dict[tuple[Site, str], Argument] = {}
        for graph, layer in built:
            argument = _effective(layer)
            if argument is None or (_is_assigned(layer, argument) and _is_computed(argument)):
                continue
            key = (argument.site or argument.origin or site, repr(argument.value))
            arguments.setdefault(key, argument)
            found[key].append((graph, layer))
        for (place, value), members in found.items():
            argument = arguments[place, value]
            yield MomentumSetting(
                argument,
                place,
                tuple(layer for _, layer in members),
                None if _is_assigned(members[0][1], argument) else site,
                sum(place == other for other, _ in found) == 1,
                any(graph.pretrained for graph, _ in members),
                _are_frozen(members),
            )


def _are_frozen(members: Iterable[tuple[ModelGraph, Layer]]) -> bool:
    """Whether layers are in eval mode in every step that trains any of them."""
    live = any(layer.name in graph.live_norms for graph, layer in members)
    return not live and any(layer.name in graph.frozen_norms for graph, layer in members)


@Pass
def assigned_settings(run: Run) -> tuple[MomentumSetting, ...]:
    """The assignments to ``momentum`` that a run makes, also of layers in no known model.

    Those that give different values in turn, as a schedule does, are left out.
    """
    found: dict[Site, list[MomentumSetting]] = defaultdict(list)
    for event in run.of_type(MomentumAssigned):
        if not any(layer.own_forward for layer in event.layers):
            place = event.value.site or event.site
            found[place].append(MomentumSetting(event.value, place, event.layers))
    values = ({repr(s.argument.value) for s in settings} for settings in found.values())
    pairs = zip(found.values(), values, strict=True)
    return tuple(settings[0] for settings, different in pairs if len(different) == 1)


@Pass
def settings_in_run(run: Run) -> tuple[MomentumSetting, ...]:
    """The :func:`momentum_settings` of the models of one run, as their code says them."""
    return momentum_settings(Graphs(run.read.values()))


def _effective(layer: Layer) -> Argument | None:
    tracks = layer.arguments.get("track_running_stats")
    if layer.own_forward or (tracks is not None and tracks.value is False):
        return None
    return layer.assigned.get("momentum") or layer.arguments.get("momentum")


def _is_computed(argument: Argument) -> bool:
    """Whether a name stands for a value that was computed, and may change with each pass."""
    site = argument.site
    return argument.origin is None and site is not None and is_dotted_name(site.text)


def _is_assigned(layer: Layer, argument: Argument) -> bool:
    return layer.assigned.get("momentum") is argument


def keeps_last_batch(forward: Forward) -> bool:
    """Whether the statistics for eval mode are those of one batch, as with a momentum of 1."""
    layers = (norm.layer for norm in forward.norms if norm.layer is not None)
    momenta = (layer.arguments.get("momentum") for layer in layers)
    return any(momentum is not None and momentum.number == 1 for momentum in momenta)
