"""Models that a script wraps, converts, saves or exports."""

from collections.abc import Iterator

from bnlint.facts.types.run import Destination, Stored, Wrapped
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Choice, Value, present
from bnlint.interpreter.library.torch_library.models import fused_architecture
from bnlint.interpreter.library.torch_library.state_dicts import OWNER, STATE_OF, is_state_dict
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import descendants, modules_in
from bnlint.interpreter.torch.norms import norm_records
from bnlint.interpreter.torch.parameters import is_opaque
from bnlint.interpreter.torch.saved_models import keep_saved_model
from bnlint.interpreter.torch.stored_parameters import note_parameters_stored

STORING = {
    "torch.save": Destination.SAVED,
    "safetensors.torch.save_file": Destination.SAVED,
    "safetensors.torch.save_model": Destination.SAVED,
    "torch.jit.save": Destination.SAVED,
    "pickle.dump": Destination.SAVED,
    "joblib.dump": Destination.SAVED,
    "torch.jit.trace": Destination.EXPORTED,
    "torch.jit.script": Destination.EXPORTED,
    "torch.onnx.export": Destination.EXPORTED,
    "torch.export.export": Destination.EXPORTED,
}
"""Functions that store models, by qualified name."""


def note_wrapped(
    m: Machine, model: Value, wrapper: str, site: Site, *, unsynchronised: bool = False
) -> None:
    """Record that a script wraps or converts a model."""
    if not m.journal.in_script or not isinstance(model, Instance) or not model.is_module:
        return
    context, record = m.context(), model_record(m, model)
    fused = tuple(_fused_in(m, model))
    m.journal.note(
        lambda facts, order: Wrapped(
            order, site, context, facts.model(record), wrapper, fused, unsynchronised
        )
    )


def _fused_in(m: Machine, model: Instance) -> Iterator[str]:
    """The third-party models in a model whose BatchNorm layers apply the activation, too."""
    for _, part in descendants(m, model):
        if is_opaque(part) and part.part is None:
            given = {name: bound.value for name, bound in part.arguments.items()}
            name = fused_architecture(part.library, given)
            yield from (name,) if name is not None else ()


def note_stored(m: Machine, path: str, arguments: Arguments, site: Site) -> None:
    """Record that a script stores what it is given, if these are models or their weights."""
    given = arguments.get(0, "model")
    if STORING[path] is Destination.SAVED:
        note_parameters_stored(m, arguments, site)
    if path == "torch.save":
        keep_saved_model(m, arguments, site)
    if STORING[path] is not Destination.EXPORTED or not isinstance(given, Choice):
        _note_stored(m, path, arguments, site)
        return

    def store(model: Value) -> None:
        _note_stored(m, path, arguments.with_first("model", model), site)

    with_one_of(m, given.values, store, site, given.selection)


def _note_stored(m: Machine, path: str, arguments: Arguments, site: Site) -> None:
    stored = dict.fromkeys(x for value in arguments.values for x in _models_in(value))
    if not m.journal.in_script or not stored:
        return
    models = [model_record(m, model) for model in stored]
    context, destination = m.context(), STORING[path]
    alone = models[0] if destination is Destination.EXPORTED and len(models) == 1 else None
    norms = norm_records(m, alone.module) if alone is not None else []
    m.journal.note(
        lambda facts, order: Stored(
            order,
            site,
            context,
            tuple(facts.model(model) for model in models),
            destination,
            path,
            facts.norm_states(norms, alone.module) if alone is not None else (),
        )
    )


def _models_in(value: Value) -> Iterator[Instance]:
    if is_state_dict(value):
        assert isinstance(value, Instance)
        owner = value.attributes[OWNER]
        yield from [owner] if isinstance(owner, Instance) else []
    elif isinstance(value, dict):
        for item in value.values():
            yield from _models_in(item) if not isinstance(item, dict) else _entries_of(item)
        yield from _entries_of(value)
    else:
        yield from modules_in(value)


def _entries_of(state: dict[Value, Value]) -> Iterator[Instance]:
    """The models whose states a dict was made of, entry by entry."""
    for entry in map(present, state.values()):
        owner = entry.attributes.get(STATE_OF) if isinstance(entry, Instance) else None
        yield from [owner] if isinstance(owner, Instance) else []
