"""Parameters that code tells apart by position: without a bias, the later ones would shift."""

import re
from collections.abc import Iterator, Sequence

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_saved
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Many, Value
from bnlint.interpreter.torch.freezing import owners
from bnlint.interpreter.torch.modules import descendants
from bnlint.interpreter.torch.parameters import is_parameter, names_of

_OF_A_MODEL = re.compile(r"parameters\(|state_dict|\.(?:values|items)\(")
"""What says that the parameters of a model are meant, though the model is not known."""
_MOST = 4096
"""Items of a list in which parameters are looked for."""


def note_paired(m: Machine, arguments: Arguments, site: Site, scope: Scope) -> None:
    """``zip(one.parameters(), other.parameters())``.

    Models that are built by the same calls lose the same biases, so that their pairs stay; where one
    has other layers, is not known, or was saved by an older program, no layer may lose its bias.
    """
    listed = [_layers_in(m, value) for value in arguments.positional]
    if not any(listed) or len(listed) < 2:
        return
    nodes = [*arguments.nodes, *[None] * len(listed)]
    meant = [
        layers
        for layers, node, value in zip(listed, nodes, arguments.positional, strict=False)
        if layers
        or is_saved(value)
        or (node is not None and _OF_A_MODEL.search(scope.namespace.source.text(node)))
    ]
    if len({tuple(layer.site for layer in layers) for layers in meant}) > 1:
        for layer in (layer for layers in meant for layer in layers):
            m.journal.biases.note_paired(site, layer)


def note_cut(m: Machine, vector: Value, parameters: Value, site: Site) -> None:
    """``vector_to_parameters(vector, model.parameters())``, where the vector was saved before."""
    for layer in _layers_in(m, parameters) if is_saved(vector) else ():
        m.journal.biases.note_paired(site, layer)


def _layers_in(m: Machine, value: Value) -> Sequence[Instance]:
    """The layers whose parameters a list, or what stands for one, holds, in order."""
    items = [value.element] if isinstance(value, Many) else value
    if not isinstance(items, list | tuple):
        return ()
    found = (_parameter(item) for item in items[:_MOST])
    return [layer for one in found if one is not None for layer in _layers_of(m, one)]


def _parameter(item: Value) -> Instance | None:
    """A parameter, also behind its name."""
    if isinstance(item, tuple) and item:
        item = item[-1]
    return item if isinstance(item, Instance) and is_parameter(item) else None


def _layers_of(m: Machine, parameter: Instance) -> Iterator[Instance]:
    members = parameter.attributes.get("members")
    for owner in owners(parameter):
        if not isinstance(members, tuple):
            yield owner
            continue
        for _, layer in descendants(m, owner):
            yield from (layer for _ in names_of(layer))
