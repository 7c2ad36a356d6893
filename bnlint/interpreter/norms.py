"""BatchNorm layers: which modules hold them, and in which state they are."""

from bnlint.facts.kind import Kind
from bnlint.facts.known import Known, all_of, any_of
from bnlint.interpreter.library.models import contains_batchnorm
from bnlint.interpreter.machine import Machine
from bnlint.interpreter.modules import children, descendants, mode_of
from bnlint.interpreter.objects import Class, Instance
from bnlint.interpreter.parameters import frozen_state, is_opaque
from bnlint.interpreter.records import NormRecord
from bnlint.interpreter.values import Choice
from bnlint.vocabulary.layers import KINDS, bare_name


def is_batch_norm(module: Instance) -> bool:
    """Whether a module is a BatchNorm layer or a subclass of one."""
    return KINDS.get(bare_name(module.library) or "") is Kind.BATCH_NORM


def opaque_batchnorm(module: Instance) -> Known:
    """Whether a third-party model contains BatchNorm."""
    values = {name: bound.value for name, bound in module.arguments.items()}
    return contains_batchnorm(module.library, values)


def has_batchnorm(module: Instance) -> Known:
    """Whether a module is or contains a BatchNorm layer, whatever the conditions are."""
    return _has_batchnorm(module, module.conditions, set())


def _has_batchnorm(module: Instance, conditions: int, seen: set[int]) -> Known:
    seen.add(id(module))
    if is_batch_norm(module):
        return Known.YES if module.conditions <= conditions else Known.UNKNOWN
    if is_opaque(module):
        return opaque_batchnorm(module)
    unresolved = isinstance(module.cls, Class) and module.cls.open
    answers = [Known.UNKNOWN] if unresolved else []
    by_name: dict[str, list[Known]] = {}
    for name, child in children(module):
        if isinstance(child, Instance) and id(child) not in seen:
            answer = _has_batchnorm(child, conditions, seen)
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
    agreed = all_of(alternatives)
    return agreed if complete or agreed is Known.NO else Known.UNKNOWN


def norm_records(m: Machine, module: Instance) -> list[NormRecord]:
    """The state of each BatchNorm layer of a model, and of its third-party parts that have some."""
    found = []
    for name, current in descendants(m, module):
        if is_batch_norm(current) or (
            is_opaque(current) and opaque_batchnorm(current) is Known.YES
        ):
            frozen, where = frozen_state(m, current)
            found.append(NormRecord(name, current, mode_of(m, current), frozen, where))
    return found
