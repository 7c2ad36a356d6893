"""BN211 unregistered-batchnorm: BatchNorm layers in a plain list, of which torch knows nothing."""

from collections.abc import Iterator

from bnlint.facts.types.graph import Graphs, Unregistered
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.finding import Applicability, Finding, Fix, Severity
from bnlint.rule import Rule, first_of_each

RULE = Rule("BN211", "unregistered-batchnorm", Severity.ERROR, fix=Applicability.UNSAFE)

_REGISTERING = {"list": "ModuleList", "tuple": "ModuleList", "dict": "ModuleDict"}


@RULE.on_graphs
def check(graphs: Graphs) -> Iterator[Finding]:
    """Report attributes that hold BatchNorm layers in plain containers, each once."""
    found = (kept for graph in graphs for kept in graph.unregistered if _is_mistake(kept))
    for kept in first_of_each(found, key=lambda kept: kept.written or kept.layer.site):
        yield _finding(kept)


def _is_mistake(kept: Unregistered) -> bool:
    """Whether the layers are the module's own, and are not hidden in there on purpose.

    A list of one keeps a teacher out of a model's parameters.
    """
    hidden = kept.container in ("list", "tuple") and kept.number == 1
    return kept.inside and not hidden and not kept.by_hand and "weight" not in kept.layer.frozen


def _finding(kept: Unregistered) -> Finding:
    layer, owner = kept.layer, kept.owner.class_name
    place = kept.written or layer.site
    remedy = _REGISTERING[kept.container]
    return RULE.at(
        place,
        f"`{kept.attribute}` is a plain {kept.container}, so the BatchNorm layers in it are no part of"
        f" `{owner}`: `eval()` leaves them in train mode, no optimizer gets their parameters and no"
        f" checkpoint their statistics; make it an `nn.{remedy}`",
        layer=kept.attribute,
        evidence=[(layer.site, "a BatchNorm of it is built here")] if place != layer.site else [],
        fix=_fix(kept, remedy),
    )


def _fix(kept: Unregistered, remedy: str) -> Fix | None:
    """Wrap what is written into the container that registers, by the name that torch.nn has there."""
    written, layer = kept.written, kept.layer
    if written is None or not kept.modules or layer.class_site is None:
        return None
    module, _, name = layer.class_site.text.rpartition(".")
    if layer.class_site.path != written.path or name != layer.type.rpartition(".")[2]:
        return None
    if module.split(".")[-1] != "nn" or not is_dotted_name(module):
        return None
    text = written.text
    if text[:1] not in ("[", "{", "("):
        return None
    inner = "" if text in ("[]", "{}") else text
    title = f"Make it an `nn.{remedy}`: checkpoints get its keys, optimizers its parameters"
    return RULE.fixed_by(title, written.replace(f"{module}.{remedy}({inner})"))
