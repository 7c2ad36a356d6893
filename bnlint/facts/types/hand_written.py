"""BatchNorm layers that a project writes itself, recognised by what their forwards compute."""

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable


@immutable(eq=False)
class RunningStatistic:
    """A tensor that a layer moves, in each forward, towards a statistic of the batch.

    ``name`` is the attribute that holds it, ``set_up`` what it is set to outside of the forward,
    ``update`` where its new value is stored. ``registered`` says that it is or may be a buffer.
    """

    name: str
    set_up: tuple[Site, ...]
    update: Site
    registered: bool
    in_place: bool
    """Whether the tensor itself is changed, and not the attribute set to another one."""
    keeps_graph: bool
    """Whether its new value has the graph of the gradient of this batch, and of all batches before."""
    used_on: bool
    """Whether the rest of the forward computes with the new value."""
    biased: Site | None = None
    """Where the variance is computed, over n samples and divided by n, of which it is the average."""


@immutable
class GradientsAsked:
    """A place where a layer's forward asks whether gradients are recorded.

    ``of_method`` says that it stands in a method of the layer, which has it as ``self``. If it is in a
    function that only one method of the layer calls, ``call`` is where, and ``last`` the name of that
    function's last parameter, where another one can follow.
    """

    site: Site
    of_method: bool
    call: Site | None = None
    last: Site | None = None


@immutable(eq=False)
class HandWritten:
    """A layer that normalises by statistics of the batch, and keeps running averages of them.

    ``class_name`` is its class, ``constructor`` the ``__init__`` of it. ``gradients_asked`` are the
    places where its forward asks whether gradients are recorded; ``asks_mode`` says whether some
    method of it asks for ``training``. ``saves_itself`` says that its class has methods of its own
    by which its state is saved or loaded. ``bare_roots`` are the places where it adds a number to the root
    of a variance that it divides by, and none to the variance itself.
    """

    class_name: str
    constructor: Site | None
    statistics: tuple[RunningStatistic, ...]
    gradients_asked: tuple[GradientsAsked, ...]
    asks_mode: bool
    saves_itself: bool
    bare_roots: tuple[Site, ...] = ()


@immutable(eq=False)
class FunctionalNorm:
    """A call of ``F.batch_norm`` in a layer's forward, with the running statistics that it keeps.

    ``statistics`` are the attributes that hold them, ``learns`` says that the weight is a parameter of
    the layer that gets gradients, and ``used_elsewhere`` that its methods use the statistics in other places, too.
    ``training`` is where the call says whether it trains, and ``None`` if it does not; ``of_library``
    that the layer derives from one of torch's, whose statistics they are.
    """

    class_name: str
    site: Site
    statistics: tuple[str, ...]
    learns: bool
    used_elsewhere: bool
    training: Site | None
    asks_mode: bool
    of_library: bool
