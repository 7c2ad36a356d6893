"""BN204 one-value-per-channel: BatchNorm trained where a channel has one or two values."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import itemgetter

from bnlint.facts.passes.model_graphs.values_per_channel import (
    Population,
    populations,
    trained_populations,
)
from bnlint.facts.passes.training_batches.batches import TrainedBatch, is_stacked, trained_batches
from bnlint.facts.types.graph import Call, Graphs, Layer, ModelGraph
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.run import Forward, Run
from bnlint.facts.types.site import Site
from bnlint.facts.wording.evidence import where_it_comes_from
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule(
    "BN204",
    "one-value-per-channel",
    Severity.WARNING,
    in_tests=False,
    reads=(trained_batches, populations),
)

MOST = 2
"""Two values become -1 and +1, whatever they are."""
RAISED = "Expected more than 1 value per channel when training"
REMEDY = "use larger batches, or GroupNorm or LayerNorm in its place"


@RULE.on_run
def check_batches(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report layers behind a global pooling in models that are trained on one or two samples."""
    found = (entry for batch in trained_batches(run) for entry in _too_small(run, batch))
    reported = set[Site]()
    for site, affected, batch in first_of_each(found, key=itemgetter(0)):
        reported.add(site)
        yield _of_batches(site, affected, batch)
    single = (entry for forward in run.of_type(Forward) for entry in _of_one_sample(run, forward))
    for population, forward in first_of_each(single, key=lambda entry: entry[0].layer.site):
        if population.layer.site not in reported:
            yield _of_call(population, forward)


def _of_one_sample(run: Run, forward: Forward) -> Iterator[tuple[Population, Forward]]:
    """The layers that get one value of a single sample that the script itself makes up."""
    if forward.samples != 1 or forward.inner or not forward.context.certain:
        return
    for population in trained_populations(run, forward):
        if population.values == 1 and not population.layer.own_forward:
            yield population, forward


def _of_call(population: Population, forward: Forward) -> Finding:
    layer, model = population.layer, forward.model.name
    return RULE.at(
        layer.site,
        f"{in_words(layer)} gets one value per channel, since `{model}` is called on a single"
        f" sample in train mode{_effect(1, (1, layer.channels, *population.positions))};"
        f" call `{model}.eval()` before, or give it more samples",
        layer=layer.name,
        evidence=[(forward.site, "it is called on one sample here")],
    )


def _too_small(
    run: Run, batch: TrainedBatch
) -> Iterator[tuple[Site, list[Population], TrainedBatch]]:
    if batch.per_device > MOST or not is_stacked(batch.forward):
        return
    places: dict[Site, list[Population]] = defaultdict(list)
    for population in trained_populations(run, batch.forward):
        if batch.per_device * population.values <= MOST:
            places[population.layer.site].append(population)
    for site, found in places.items():
        yield site, found, batch


def _of_batches(site: Site, found: list[Population], batch: TrainedBatch) -> Finding:
    population, model = found[0], batch.forward.model.name
    layer, values = population.layer, batch.per_device * population.values
    made = (batch.place, f"batches of {batch.size} are made here")
    evidence = [*where_it_comes_from(batch.forward.batch), made]
    evidence.append((batch.forward.site, f"`{model}` trains on them here"))
    if population.source is not None and population.source.site is not None:
        what = f"of a sample, {_counted(population.values)} is left in each channel"
        evidence.append((population.source.site, what))
    sizes = (batch.per_device, layer.channels, *population.positions)
    return RULE.at(
        site,
        f"{_named(found)} gets {_counted(values)} per channel, since `{model}` is trained on"
        f" {batch.described}{_effect(values, sizes)}; {REMEDY}",
        layer=layer.name,
        evidence=evidence,
    )


@RULE.on_graphs
def check_traces(graphs: Graphs) -> Iterator[Finding]:
    """Report layers for which the input that somebody gave leaves one or two values."""
    found = (
        (graph, call, call.layer, sizes)
        for graph in graphs
        if not graph.guessed_input
        for call in graph.calls
        if (sizes := _given_sizes(graph, call)) is not None and call.layer is not None
    )
    for graph, call, layer, sizes in first_of_each(found, key=lambda entry: entry[2].site):
        yield _of_trace(graph, call, layer, sizes)


def _given_sizes(graph: ModelGraph, call: Call) -> tuple[int, ...] | None:
    """What a BatchNorm gets, if that is too little to train on.

    Where torch does not complain of a single value, the layer was not in train mode.
    """
    if call.kind is not Kind.BATCH_NORM or not call.inputs or _is_exempt(call):
        return None
    sizes = graph.calls[call.inputs[0]].shape.sizes
    if sizes is None or len(sizes) < 2:
        return None
    values = _values(sizes)
    raises = call.error is not None and RAISED in call.error
    return sizes if raises or (values == MOST and call.error is None) else None


def _is_exempt(call: Call) -> bool:
    """Whether it does not train, or is one whose statistics come from all devices."""
    training, layer = call.arguments.get("training"), call.layer
    trains = training is None or training.value is True
    shares = layer is None or layer.own_forward or layer.type.endswith("SyncBatchNorm")
    return shares or not trains


def _values(sizes: Sequence[int]) -> int:
    values = 1
    for number, size in enumerate(sizes):
        values *= 1 if number == 1 else size
    return values


def _of_trace(graph: ModelGraph, call: Call, layer: Layer, sizes: tuple[int, ...]) -> Finding:
    given = " and ".join(
        "x".join(map(str, source.shape.sizes))
        for source in graph.calls
        if source.kind is Kind.INPUT and source.shape.sizes
    )
    values = _values(sizes)
    return RULE.at(
        layer.site,
        f"{in_words(layer)} gets {_counted(values)} per channel of an input of {given}"
        f"{_effect(values, sizes)}; {REMEDY}",
        layer=layer.name,
        evidence=[(call.site, "it is called here")] if call.site is not None else (),
    )


def _named(found: list[Population]) -> str:
    names = list(dict.fromkeys(in_words(population.layer) for population in found))
    others = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
    return f"{names[0]}{others}"


def _counted(values: int) -> str:
    return "one value" if values == 1 else f"{values} values"


def _effect(values: int, sizes: Sequence[int | None]) -> str:
    if values > 1:
        return ": normalised, they are -1 and +1 whatever they were, and hardly any gradient passes"
    shape = f", got input size torch.Size({list(sizes)})" if None not in sizes else ""
    return f', and torch raises "{RAISED}{shape}"'
