"""BatchNorm layers: which modules hold them, and in which state they are."""

from dataclasses import replace

from bnlint.facts.types.context import Assumption
from bnlint.facts.types.kind import WEIGHTED, Kind
from bnlint.facts.types.known import Known, any_of
from bnlint.facts.types.run import Alternative, Mode
from bnlint.facts.types.site import Argument
from bnlint.interpreter.core.bound_arguments import bind_signature
from bnlint.interpreter.core.journal import Named, NormRecord
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Bound, Class, Instance
from bnlint.interpreter.core.values import (
    CONDITIONAL,
    Arguments,
    Choice,
    Library,
    Unknown,
    Value,
)
from bnlint.interpreter.library.torch_library.models import (
    architecture_of,
    batchnorm_class,
    contains_batchnorm,
    norm_names,
    part_contains_batchnorm,
)
from bnlint.interpreter.torch.mode_answers import ignores_mode
from bnlint.interpreter.torch.module_classes import canonical
from bnlint.interpreter.torch.modules import (
    MODE,
    NORMS,
    WRAPPERS,
    child_modules,
    children,
    is_unnamed,
    mode_of,
    norm_group,
    parts_of,
)
from bnlint.interpreter.torch.parameters import frozen_state, is_opaque
from bnlint.vocabulary.layers import KINDS, bare_name

_NO_NORMS = frozenset({*WEIGHTED, Kind.ACTIVATION, Kind.DROPOUT, Kind.MAX_POOL, Kind.AVG_POOL})
"""Kinds of layers that nobody puts in the place of a BatchNorm layer."""
TRACKS = "track_running_stats"
_SYNCHRONISED_CLASS = "torch.nn.SyncBatchNorm"
SYNCHRONISED = "synchronised"
"""The attribute that says of a BatchNorm layer that it was converted to SyncBatchNorm."""

LOW = "?low"
"""The attribute that says of a BatchNorm layer that its numbers have 16 bits."""


def is_batch_norm(module: Instance) -> bool:
    """Whether a module is a BatchNorm layer or a subclass of one."""
    return KINDS.get(bare_name(module.library) or "") is Kind.BATCH_NORM


def plain_batch_norm(choice: Choice) -> Library | None:
    """The class beside SyncBatchNorm, where a program takes one of the two by what it runs on."""
    classes = {canonical(v.path): v for v in choice.values if isinstance(v, Library)}
    plain = classes.keys() - {_SYNCHRONISED_CLASS}
    if len(choice.values) != 2 or len(plain) != 1 or len(classes) != 2:
        return None
    (path,) = plain
    return classes[path] if KINDS.get(bare_name(path) or "") is Kind.BATCH_NORM else None


def perhaps_synchronised(m: Machine, made: Value) -> Value:
    """A layer that is a SyncBatchNorm on some paths, and a plain BatchNorm on the others."""
    if isinstance(made, Instance):
        m.heap.put(made.attributes, SYNCHRONISED, Unknown(CONDITIONAL))
    return made


def opaque_batchnorm(module: Instance) -> Known:
    """Whether a third-party model contains BatchNorm, but for what a program put in by name."""
    if module.part is not None:
        answer = part_contains_batchnorm(*module.part)
    else:
        answer = contains_batchnorm(module.library, _values(module))
    return Known.UNKNOWN if answer is Known.YES and _may_have_lost_norms(module) else answer


def _may_have_lost_norms(module: Instance) -> bool:
    """Whether something else was put into its places, so perhaps in those of BatchNorm layers.

    What is put into a part of it by a name may stand for all blocks of that part.
    """
    own, is_part = f"{module.library}.", module.part is not None
    for name, child in children(module):
        if isinstance(child, Instance) and child.library.startswith(own):
            has_norms = child.part is None or part_contains_batchnorm(*child.part) is not Known.NO
            lost = has_norms and _may_have_lost_norms(child)
        else:
            lost = (is_part or is_unnamed(name)) and _may_replace_norm(child)
        if lost:
            return True
    return False


def _may_replace_norm(value: Value) -> bool:
    """Whether what is put into a model is no layer of another sort, and has no BatchNorm itself."""
    if not isinstance(value, Instance):
        return True
    other = KINDS.get(bare_name(value.library) or "") in _NO_NORMS
    return not other and has_batchnorm(value) is not Known.YES


def _values(module: Instance) -> dict[str, Value]:
    return {name: bound.value for name, bound in module.arguments.items()}


def part_of(model: Instance, name: str) -> tuple[str, str] | None:
    """The architecture and the name of a part of a third-party model, if both are known."""
    if model.part is not None:
        return None
    architecture = architecture_of(model.library, _values(model))
    return None if architecture is None else (architecture, name)


def names_of_norms(model: Instance) -> tuple[str, ...]:
    """The names of a third-party model's BatchNorm layers, of blocks that are alike but one."""
    architecture = None if model.part else architecture_of(model.library, _values(model))
    return norm_names(architecture) if architecture is not None else ()


def add_norm_group(model: Instance, mode: Value) -> None:
    """Give a third-party model what stands for its BatchNorm layers, in a mode of their own."""
    name = batchnorm_class(model.library)
    group = Instance(None, f"torch.nn.{name}", {MODE: mode}, model.site, is_module=True)
    unknown = Arguments()
    unknown.opened = True
    given = {option: Bound(True) for option in ("affine", TRACKS, "bias")}
    group.arguments = bind_signature(name, unknown) | given
    group.stands_for_many, group.resolved, group.has_parent = True, False, True
    model.attributes[NORMS] = group


def has_batchnorm(module: Instance) -> Known:
    """Whether a module is or contains a BatchNorm layer, whatever the conditions are."""
    return _has_batchnorm(module, set(module.assumptions), set())


def _has_batchnorm(module: Instance, assumptions: set[Assumption], seen: set[int]) -> Known:
    seen.add(id(module))
    if is_batch_norm(module):
        return Known.YES if assumptions.issuperset(module.assumptions) else Known.UNKNOWN
    if is_opaque(module) and (module.cls is None or opaque_batchnorm(module) is Known.YES):
        return opaque_batchnorm(module)
    unresolved = isinstance(module.cls, Class) and module.cls.open
    unresolved = (
        unresolved or is_opaque(module) or (module.library in WRAPPERS and not children(module))
    )
    answers = [Known.UNKNOWN] if unresolved else []
    by_name: dict[str, list[Known]] = {}
    for name, child in children(module):
        if isinstance(child, Instance) and id(child) not in seen:
            chosen = isinstance(module.attributes.get(name), Choice)
            around = assumptions.union(child.assumptions) if chosen else assumptions
            answer = _has_batchnorm(child, around, seen)
            if answer is Known.YES and not chosen:
                return answer
            by_name.setdefault(name, []).append(answer)
        elif not isinstance(child, Instance):
            answers.append(Known.UNKNOWN)
    for name, alternatives in by_name.items():
        whole = not isinstance(module.attributes.get(name), Choice)
        answers.append(alternatives[0] if whole else _of_choice(module, name, alternatives))
    return any_of(answers)


def _of_choice(module: Instance, name: str, alternatives: list[Known]) -> Known:
    choice = module.attributes[name]
    complete = isinstance(choice, Choice) and len(choice.values) == len(alternatives)
    return alternatives[0] if complete and len(set(alternatives)) == 1 else Known.UNKNOWN


def norm_records(m: Machine, module: Instance) -> list[NormRecord]:
    """The state of each BatchNorm layer of a model, and of its third-party parts that have some."""
    found = []
    modes: dict[int, Mode] = {}  # mostly one for all
    for part in _norm_parts(m, module):
        current = part.module
        if (layer := _norm_of(current)) is None:
            continue
        if is_opaque(current):
            mode = _mode_of_all(m, current)
        elif (held := id(current.attributes.get(MODE))) in modes:
            mode = modes[held]
        else:
            mode = modes[held] = mode_of(m, current)
        record = _record(m, part, module, layer, mode)
        found.append(
            replace(record, also=_other_places(m, part, module)) if layer is not current else record
        )
    return found


def _other_places(m: Machine, whole: Named, model: Instance) -> tuple[str, ...]:
    """Where else in a model a third-party one of it is, and what was taken from that."""
    taken = [p for p in _norm_parts(m, model) if p.name.startswith(f"{whole.name}.")]
    return tuple(path for part in (whole, *taken) for path in part.aliases)


def norm_layers(m: Machine, module: Instance) -> list[Instance]:
    """The BatchNorm layers of a model, and what stands for those of its third-party parts."""
    return [layer for part in _norm_parts(m, module) if (layer := _norm_of(part.module))]


def _norm_of(part: Instance) -> Instance | None:
    """A BatchNorm layer itself, or what stands for those of a third-party model that has some."""
    if not is_opaque(part):
        return part
    return norm_group(part) if opaque_batchnorm(part) is Known.YES else None


def _norm_parts(m: Machine, module: Instance) -> list[Named]:
    """The BatchNorm layers below a module, and its third-party parts; remembered as its parts are."""
    known = m.memory.norms.get(module)
    if known is None or known[0] != m.heap.structure:
        found = [
            part
            for part in parts_of(m, module)
            if is_opaque(part.module)
            or (is_batch_norm(part.module) and not part.module.stands_for_many)
        ]
        known = m.memory.norms[module] = m.heap.structure, found
    return known[1]


def keeping_records(m: Machine, module: Instance) -> list[NormRecord]:
    """The same of those layers of the project's own that keep tensors, as a BatchNorm does."""
    keeping = m.journal.states.keeping
    own = (part for part in parts_of(m, module) if part.module.cls in keeping) if keeping else ()
    return [
        _record(m, part, module, part.module, mode_of(m, part.module))
        for part in own
        if not (part.module.stands_for_many or is_batch_norm(part.module))
    ]


def _record(m: Machine, part: Named, model: Instance, layer: Instance, mode: Mode) -> NormRecord:
    frozen, where = frozen_state(m, layer)
    return NormRecord(
        part.name,
        layer,
        mode,
        frozen,
        where,
        _tracks(layer),
        _synchronised(layer),
        part.certain,
        m.journal.converted.get(layer),
        _alternative(part, model),
        m.journal.lowered.get(layer) if layer.attributes.get(LOW) is True else None,
    )


def _alternative(part: Named, model: Instance) -> Alternative | None:
    """The one of several modules that a part is built with, if it is built wherever that is."""
    slot = part.alternative
    if slot is None or not part.module.resolved:
        return None
    around = {*model.assumptions, *slot.module.assumptions}
    return slot.fact if around.issuperset(part.module.assumptions) else None


def _mode_of_all(m: Machine, model: Instance) -> Mode:
    """The modes of a third-party model's BatchNorm layers, those in parts taken from it included."""
    group = norm_group(model)
    mode = mode_of(m, group) if group is not None else Mode()
    for _, part in child_modules(model):
        if part.library.startswith(f"{model.library}."):
            mode |= _mode_of_all(m, part)
    return mode


def _tracks(layer: Instance) -> Known:
    """Whether a layer updates running statistics in train mode, and uses them in eval mode."""
    if ignores_mode(layer):
        return Known.UNKNOWN
    bound, assigned = layer.arguments.get(TRACKS), layer.assigned.get(TRACKS)
    value = bound.value if bound is not None else True
    if assigned is not None:
        value = assigned.value if isinstance(assigned, Argument) else None
    return Known.of(value if isinstance(value, bool) else None)


def _synchronised(layer: Instance) -> Known:
    """Whether a layer is a SyncBatchNorm by now, or of a class of the project that is one by its name."""
    if layer.library.endswith("SyncBatchNorm"):
        return Known.YES
    if layer.cls is not None:
        own = [cls for cls in layer.cls.mro if isinstance(cls, Class)]
        if any("sync" in cls.name.lower() for cls in own):
            return Known.YES
        if any("forward" in cls.names and _speaks_to_others(cls) for cls in own):
            return Known.UNKNOWN
    entry = layer.attributes.get(SYNCHRONISED, False)
    return Known.of(entry if isinstance(entry, bool) else None)


def _speaks_to_others(cls: Class) -> bool:
    """Whether the file of a class exchanges values with other processes."""
    return any(map(cls.namespace.source.mentions, ("all_reduce", "all_gather")))
