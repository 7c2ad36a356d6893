"""What a script uses and what is not known of it."""

from bnlint.facts.types.account import ScriptRole
from bnlint.facts.types.reason import Reason
from bnlint.facts.types.run import Event
from bnlint.immutable import immutable


@immutable
class NotUnderstood(Event):
    """Something that the script uses as a model, as a part of one or as data for one is not known.

    ``name`` is what the code calls it, ``owner`` the class of the model that a layer belongs to.
    """

    role: ScriptRole
    name: str
    owner: str
    reason: Reason
