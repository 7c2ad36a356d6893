"""BN509: the conversion to SyncBatchNorm drops what subclasses of BatchNorm do besides."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Call, Layer
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.run import Run, Wrapped
from bnlint.facts.types.site import Site
from bnlint.facts.wording.layer_words import in_words
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN509", "syncbn-drops-subclass", Severity.ERROR)

FURTHER = frozenset(
    {
        Kind.ACTIVATION,
        Kind.CONV,
        Kind.LINEAR,
        Kind.EMBEDDING,
        Kind.MATMUL,
        Kind.MAX_POOL,
        Kind.AVG_POOL,
        Kind.INSTANCE_NORM,
        Kind.OTHER_NORM,
    }
)
"""What a BatchNorm does not do, by whatever operations its forward is written."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report conversions of layers whose forward does more than that of a BatchNorm."""
    conversions = (event for event in run.of_type(Wrapped) if event.wrapper == "SyncBatchNorm")
    for wrapped in first_of_each(conversions, key=lambda event: event.site):
        lost = next(_lost(run, wrapped), None)
        if lost is not None:
            yield _of_project(wrapped.site, *lost)
        elif wrapped.fused:
            yield _of_timm(wrapped.site, wrapped.fused[0])


def _lost(run: Run, wrapped: Wrapped) -> Iterator[tuple[Layer, Call]]:
    """The layers that are converted, each with an operation that is lost."""
    converted = {
        layer.identity
        for layer in wrapped.model.batch_norms
        if layer.kind is Kind.BATCH_NORM and layer.own_forward
        if layer.certain and layer.identity >= 0
    }
    for graph in run.read.values() if converted else ():
        named = {layer.name: layer for layer in graph.layers if layer.identity in converted}
        for call in graph.calls:
            within = next((named[name] for name in call.modules if name in named), None)
            if within is not None and call.kind in FURTHER and call.certain:
                yield within, call


def _of_project(conversion: Site, layer: Layer, call: Call) -> Finding:
    evidence = [] if call.site is None else [(call.site, "this is not done any more")]
    return RULE.at(
        conversion,
        f"The conversion puts a plain SyncBatchNorm in place of {in_words(layer)}, a"
        f" `{layer.class_name}`, and what the `forward` of that does besides, `{call.op}`, is lost:"
        " the model computes something else; make that a module of its own behind the BatchNorm,"
        " or build a synchronised class that does the same",
        evidence=evidence,
    )


def _of_timm(conversion: Site, model: str) -> Finding:
    return RULE.at(
        conversion,
        f"The conversion puts plain SyncBatchNorm layers in place of the `BatchNormAct2d` of"
        f" `{model}`, which also apply the activation: the model has none any more; convert it with"
        " `timm.layers.convert_sync_batchnorm`",
    )
