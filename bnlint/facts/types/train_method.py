"""A method ``train`` with which a class of the project replaces that of ``nn.Module``."""

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable
class TrainMethod:
    """What its code says.

    ``owner`` is the name of the class that has it, from which others may inherit it. ``parameters``
    are the names behind ``self`` that can be given by position, ``required`` how many of them have
    no default; ``loops_over`` are those that a loop iterates. ``returns`` says that some ``return``
    gives a value, ``leaves`` that there is any ``return``. ``own_eval`` says that the class replaces
    ``eval``, too, ``has_forward`` that it has a forward: what has none only holds models.
    ``switches_norms`` says that BatchNorm is certainly below the module, in models of packages, too.
    """

    site: Site
    owner: str
    parameters: tuple[str, ...]
    required: int
    is_open: bool
    """Whether it takes any number of arguments."""
    loops_over: frozenset[str]
    trains: bool
    """Whether it runs backwards, or steps of an optimizer."""
    returns: bool
    leaves: bool
    own_eval: bool
    has_forward: bool
    switches_norms: bool
