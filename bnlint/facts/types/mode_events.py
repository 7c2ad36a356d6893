"""What a program does with modes of its models besides switching them."""

from bnlint.facts.types.run import Event, Model
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class ModeGivenBack(Event):
    """A model is put into the mode that it had when that was read at ``kept_at`` and kept in an attribute.

    It comes right before the :class:`ModeSwitched` of the call. ``kept_order`` is the position among the
    run's events at which it was read, ``target`` the attribute as code.
    """

    model: Model
    training: bool
    kept_at: Site
    kept_order: int
    target: str


@immutable
class ModeNotCalled(Event):
    """``model.eval`` or ``model.train`` stands as a statement without being called."""

    receiver: str
    method: str
