"""What was understood of programs and what was not, in plain data."""

from collections.abc import Iterable
from enum import StrEnum

from bnlint.finding import Span
from bnlint.immutable import immutable


class ScriptRole(StrEnum):
    """What a script uses something for."""

    MODEL = "model"
    LAYER = "layer"
    DATA = "data"
    OPTIMIZER = "optimizer"


_ORDER = (ScriptRole.MODEL, ScriptRole.LAYER, ScriptRole.DATA, ScriptRole.OPTIMIZER)


@immutable
class BuiltModel:
    """A model with BatchNorm that a script builds: its class, and where."""

    type: str
    span: Span | None


@immutable
class Gap:
    """Something that was not understood: what, of which model, where, why, and where the reason stands."""

    role: ScriptRole
    name: str
    owner: str
    span: Span
    reason: str
    cause: Span | None


@immutable
class Account:
    """What the rehearsal of all scripts came to, in plain data that processes can hand over.

    ``scripts`` are their paths, ``models`` the models with BatchNorm that they build, ``training_loops``
    the loops with a forward, its backward and an optimizer's step, ``evaluations`` the loops, or calls
    outside of any, that measure a model or call it without gradients. ``unfinished`` are the scripts and
    functions that take more steps than the rehearsal has for them.
    """

    scripts: tuple[str, ...] = ()
    models: tuple[BuiltModel, ...] = ()
    training_loops: tuple[Span, ...] = ()
    evaluations: tuple[Span, ...] = ()
    not_understood: tuple[Gap, ...] = ()
    unfinished: tuple[str, ...] = ()


def together(accounts: Iterable[Account]) -> Account:
    """What several programs came to."""
    every = [*accounts]
    return Account(
        tuple(path for one in every for path in one.scripts),
        tuple(model for one in every for model in one.models),
        tuple(span for one in every for span in one.training_loops),
        tuple(span for one in every for span in one.evaluations),
        in_order(gap for one in every for gap in one.not_understood),
        tuple(name for one in every for name in one.unfinished),
    )


def in_order(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Gaps by what they keep us from knowing: models first."""
    return tuple(sorted(gaps, key=lambda gap: _ORDER.index(gap.role)))
