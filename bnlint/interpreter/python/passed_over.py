"""BatchNorm layers that a test for another class of BatchNorm passes over."""

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.run import is_training
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Library, Value
from bnlint.interpreter.python.trials import execute_and_undo
from bnlint.interpreter.torch.modules import mode_of, norm_group
from bnlint.interpreter.torch.norms import is_batch_norm
from bnlint.vocabulary.layers import KINDS, bare_name


def note_passed_over(m: Machine, node: cst.If, scope: Scope) -> None:
    """Record where ``isinstance(name, nn.BatchNorm2d)``, which is false, spares a layer from eval mode."""
    match node.test:
        case cst.Call(
            func=cst.Name(value="isinstance"),
            args=[cst.Arg(value=cst.Name(value=name)), cst.Arg(value=classes)],
        ):
            value = scope.names.get(name)
        case _:
            return
    layer = _norm_in(value)
    if layer is None or layer in m.journal.passed_over or not m.journal.in_script:
        return
    if _is_class_of_norms(m.evaluate(classes, scope)) and _would_freeze(
        m, node, name, layer, scope
    ):
        m.journal.passed_over[layer] = m.site(classes, scope)


def _norm_in(value: Value) -> Instance | None:
    """The BatchNorm layer that a value is, or what stands for those of a third-party model."""
    if not isinstance(value, Instance) or not value.is_module:
        return None
    return value if is_batch_norm(value) else norm_group(value)


def _is_class_of_norms(classes: Value) -> bool:
    every = classes if isinstance(classes, tuple) else (classes,)
    return all(
        isinstance(cls, Library) and KINDS.get(bare_name(cls.path) or "") is Kind.BATCH_NORM
        for cls in every
    )


def _would_freeze(m: Machine, node: cst.If, name: str, layer: Instance, scope: Scope) -> bool:
    """Whether what is done with layers of that class would put a layer into eval mode."""
    modes: list[Known] = []

    def act() -> None:
        m.heap.put(scope.names, name, layer)
        m.execute(node.body.body, scope)
        modes.append(is_training(mode_of(m, layer)))

    execute_and_undo(m, act)
    return modes == [Known.NO] and is_training(mode_of(m, layer)) is not Known.NO
