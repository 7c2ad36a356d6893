"""BatchNorm layers: which modules hold them, and in which state they are."""

from bnlint.facts.kind import Kind
from bnlint.facts.known import Known, any_of
from bnlint.interpreter.library.layers import KINDS, bare_name
from bnlint.interpreter.library.models import contains_batchnorm
from bnlint.interpreter.machine import Machine
from bnlint.interpreter.modules import descendants, has_unknown_children, mode_of, named_modules
from bnlint.interpreter.parameters import frozen_state, is_opaque
from bnlint.interpreter.records import NormRecord
from bnlint.interpreter.values import Class, Instance


def is_batch_norm(module: Instance) -> bool:
    """Whether a module is a BatchNorm layer or a subclass of one."""
    return KINDS.get(bare_name(module.library) or "") is Kind.BATCH_NORM


def opaque_batchnorm(module: Instance) -> Known:
    """Whether a third-party model contains BatchNorm."""
    values = {name: bound.value for name, bound in module.arguments.items()}
    return contains_batchnorm(module.library, values)


def has_batchnorm(module: Instance) -> Known:
    """Whether a module is or contains a BatchNorm layer."""
    answers = []
    for _, current in named_modules(module):
        if is_batch_norm(current):
            if current.conditions <= module.conditions:
                return Known.YES
            answers.append(Known.UNKNOWN)
        if is_opaque(current):
            answers.append(opaque_batchnorm(current))
        elif isinstance(current.cls, Class) and current.cls.open:
            answers.append(Known.UNKNOWN)
    if has_unknown_children(module):
        answers.append(Known.UNKNOWN)
    return any_of(answers)


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
