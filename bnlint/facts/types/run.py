"""What a program does with its models and loaders, in order: the events of one rehearsal."""

from collections.abc import Iterator, Mapping
from dataclasses import field
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar, cast

from bnlint.facts.types.context import Context
from bnlint.facts.types.graph import Layer, ModelGraph
from bnlint.facts.types.hand_written import HandWritten
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.site import Argument, Site
from bnlint.immutable import immutable


@immutable
class Switch:
    """A way in which a module came into its mode.

    ``training`` is ``None`` when the mode was set to something unknown. ``site`` is the call of
    ``train()`` or ``eval()`` and ``None`` for the mode in which it was built; ``order`` is the
    position among the run's events. ``raised`` says that the module is only still in this mode where
    something raised before it was switched again, and a handler let the program go on.
    """

    training: bool | None
    site: Site | None = None
    context: Context | None = None
    order: int = -1
    raised: bool = False

    def __hash__(self) -> int:
        return hash((self.training, self.order, self.raised))


Mode = frozenset[Switch]
"""The ways in which a module may have come into its mode, one for each path to the place."""
MOST_MODES = 256
"""Modes that are remembered: most layers of a model share theirs, and are asked again by each rule."""


@lru_cache(maxsize=MOST_MODES)
def is_training(mode: Mode) -> Known:
    """Whether a module is in train mode: yes or no only where all paths agree."""
    answers = {switch.training for switch in mode}
    if answers == {True}:
        return Known.YES
    return Known.NO if answers == {False} else Known.UNKNOWN


@lru_cache(maxsize=MOST_MODES)
def where_nothing_raised(mode: Mode) -> Mode:
    """The ways into a mode without those that only a handled exception leaves, if any are left."""
    return frozenset(switch for switch in mode if not switch.raised) or mode


@immutable(eq=False)
class Model:
    """A module that the program uses as a whole.

    ``name`` is what the code last called it where the event happened (``net``, ``self.model``), ``type`` its class.
    ``batch_norms`` are its BatchNorm layers then, with those (of no kind of torch's) that its own code makes BatchNorm;
    ``has_batchnorm`` also covers library models, whose layers are not listed.
    """

    name: str
    type: str
    site: Site | None
    has_batchnorm: Known
    batch_norms: tuple[Layer, ...] = ()
    pretrained: bool = False
    identity: int = -1
    """The same number in all facts about one object; -1 where it is not known which it is."""
    overwritten: bool = False
    """Whether some part of the program sets its parameters by hand: averages, copies."""
    answers_by_mode: bool = False
    """Whether its forward may return something else in train mode: losses, auxiliary outputs."""
    answer_decided_at: Site | None = None
    """Where the code of the project decides by the mode what such a forward returns."""
    buffers_used: bool = False
    """Whether some part of the program asks for buffers of its BatchNorm layers, to copy them perhaps."""
    given: bool = False
    """Whether a function that nothing calls gets it from whoever does, so that nothing is known of it."""
    optimized: Known = Known.UNKNOWN
    """Whether some optimizer of the program gets parameters of it."""
    handed_over: bool = False
    """Whether code that is not known gets it or a part of it, which may load weights."""
    copied_from: int = -1
    """The :attr:`identity` of the model that it is a copy of."""
    copied_at: int = -1
    """The position in the run at which it was copied."""

    @property
    def key(self) -> int:
        """The same for facts about one object, and for no others."""
        return self.identity if self.identity >= 0 else -id(self)

    @property
    def is_batch_norm(self) -> bool:
        """Whether it is one BatchNorm layer, by itself."""
        return [layer.name for layer in self.batch_norms] == [""]

    def is_same(self, other: "Model") -> bool:
        """Whether both facts are about one object."""
        return self.key == other.key


@immutable
class Alternative:
    """The ``number``-th of the ``of`` modules one of which a model has under the name ``slot``."""

    slot: str
    number: int
    of: int


@immutable
class NormState:
    """One BatchNorm layer (or a library model's, all together) at the time of a forward.

    ``frozen`` tells whether its weight and bias have ``requires_grad`` false, ``frozen_at`` where
    that was set.
    """

    name: str
    layer: Layer | None
    mode: Mode
    frozen: Known
    frozen_at: Site | None
    tracks: Known = Known.YES
    """Whether it has running statistics."""
    synchronised: Known = Known.NO
    """Whether it was converted to SyncBatchNorm before."""
    is_there: bool = True
    """Whether the model certainly has it at that time: no condition decides whether it is built."""
    converted_at: Site | None = None
    """Where a synchronised layer was made of it, which the model does not have."""
    identity: int = -1
    """The same number as in other facts about this layer; -1 where it is not known which it is."""
    alternative: Alternative | None = None
    """That which it certainly goes with, where the model has that or another one."""
    passed_over: Site | None = None
    """The classes of BatchNorm that are tested for where others are put into eval mode, which it is not of."""
    lowered_at: Site | None = None
    """Where its numbers, running statistics included, were made ones of 16 bits."""
    also: tuple[str, ...] = ()
    """Other places in the model that have layers of the same library model."""
    own: HandWritten | None = None
    """What the project's code computes, where the layer is BatchNorm by that and none of torch's."""


@immutable
class Event:
    """Something that the program does. ``order`` numbers a run's events."""

    order: int
    site: Site
    context: Context


@immutable
class Forward(Event):
    """A model is called by the script (not by another module's forward).

    ``mode`` is the model's own; ``norms`` are its BatchNorm layers' states. ``grad`` tells whether
    gradients are on, ``backpropagated`` whether a backward runs through the output on every path
    on which the forward happens, ``trained_on`` whether it does on some path, ``measured``
    whether the output ends in a metric or a prediction (argmax, comparison with labels, item, an image file). ``loaders``
    are those that the input came from; ``batch`` is the number of samples when the input is one batch of a loader with all.
    """

    model: Model
    mode: Mode
    norms: tuple[NormState, ...]
    grad: Known
    backpropagated: Known
    measured: Known
    loaders: tuple[Loader, ...] = ()
    batch: Argument | None = None
    devices: Known = Known.NO
    """Whether DataParallel may split the batch."""
    inner: bool = False
    """Whether it is a module called without gradients inside the forward of another."""
    made_up: Known = Known.UNKNOWN
    """Whether its input consists of random numbers and constants alone (noise, a dummy batch)."""
    trained_on: bool = False
    device_count: int | None = None
    """Among how many devices DataParallel divides the batch, where it is told so."""
    receiver: str = ""
    """The dotted name that stands for the model in the call, ``""`` if there is none."""
    samples: int | None = None
    """How many samples an input has that the script makes up, where it writes their number."""
    in_loss: bool = False
    """Whether gradients are computed of something that is computed from its output."""
    slopes_at: Site | None = None
    """Where the gradient of each output with respect to the input is computed, to be trained on."""
    data: int = -1
    """The same number in forwards of the very same tensors; -1 where there are none."""
    number: int = -1
    """What tells it from all other forwards."""
    sources: tuple[int, ...] = ()
    """The :attr:`number` of each forward that its first input comes from: of features, generated or attacked images."""
    computed: bool = False
    """Whether any input comes from another forward."""
    mixed: bool = False
    """Whether samples that come from other forwards stand beside others that do not, in one batch."""
    supervised: bool = False
    """Whether the script compares its output alone with other data of its batch: labels, targets."""
    constants: tuple[str, ...] = ()
    """The constants among its arguments, which may select a part of the model."""
    of_one_sample: bool = False
    """Whether its batch consists of parts of one sample of a loader's batch: windows, frames."""
    taught: bool = False
    """Whether the script compares its output with that of another model on data of the same loaders."""
    criterion: str = ""
    """The loss of torch's (``cross_entropy``, ``MSELoss``) by which the script compares its output with data of its batch.

    It is ``""`` where the script has none, or where another model gets the output first.
    """
    attacked_at: Site | None = None
    """Where the gradient with respect to its input is computed, or read after a backward, as adversaries do."""
    answer: float | None = None
    """The number that a loss of torch's compares its whole output with: the answer to all samples."""
    padded_at: Site | None = None
    """Where the ``collate_fn`` of a loader pads the sequences of its first input to one length."""


@immutable
class ModeSwitched(Event):
    """``train()`` or ``eval()`` is called, or ``training`` of a BatchNorm layer is set.

    ``training`` is ``None`` for an unknown argument; ``receiver`` is the code before the dot.
    """

    model: Model
    training: bool | None
    receiver: str


@immutable
class ModeAssigned(Event):
    """``model.training = ...`` on what is no BatchNorm layer, which leaves its parts as they are.

    ``training`` is ``None`` for an unknown value; ``receiver`` is the code before the dot.
    """

    model: Model
    training: bool | None
    receiver: str


@immutable
class Backward(Event):
    """A gradient is computed for the parameters of ``models``."""

    models: tuple[Model, ...]


@immutable
class OptimizerStep(Event):
    """An optimizer's ``step()``. ``evaluations`` is how often it may call the closure that it is given."""

    evaluations: int = 0


@immutable
class Frozen(Event):
    """``requires_grad`` of parameters of ``model`` is set; ``all_parameters`` says of every one."""

    model: Model
    requires_grad: bool | None
    all_parameters: bool


@immutable
class ModelBuilt(Event):
    """A model is built, outside the constructor of another.

    ``part`` says that it becomes a part of another one later.
    """

    model: Model
    part: bool


@immutable
class Wrapped(Event):
    """A model is wrapped or converted: DataParallel, an average of its weights, SyncBatchNorm.

    ``fused`` are those third-party models in it whose BatchNorm layers apply the activation, too.
    ``unsynchronised`` says that DistributedDataParallel is told to leave buffers to each process.
    """

    model: Model
    wrapper: str
    fused: tuple[str, ...] = ()
    unsynchronised: bool = False


class Destination(StrEnum):
    """What becomes of a model that is stored."""

    SAVED = "saved"
    EXPORTED = "exported"


@immutable
class Stored(Event):
    """Models, or their weights, are written to a file or turned into a program of their own.

    ``function`` is the one of torch that does it. Where it turns one model into a program, ``norms``
    are the states of its BatchNorm layers.
    """

    models: tuple[Model, ...]
    destination: Destination
    function: str = ""
    norms: tuple[NormState, ...] = ()


@immutable
class Fused(Event):
    """BatchNorm layers of a model are folded into the layers before them, which takes eval mode.

    ``function`` is the one of torch that does it, ``norms`` are the states of the layers, or of all of the
    model where that follows from its graph.
    """

    model: Model
    function: str
    norms: tuple[NormState, ...]

    @property
    def models(self) -> tuple[Model]:
        """The same as a tuple."""
        return (self.model,)


@immutable
class Summarised(Event):
    """A tool runs a model on random numbers, in the mode that it is in, to list its layers.

    ``function`` is the tool's, ``norms`` are the states of the model's BatchNorm layers.
    """

    model: Model
    function: str
    norms: tuple[NormState, ...]


E_co = TypeVar("E_co", bound=Event)


@immutable(slots=False)
class Run:
    """The rehearsal of one entry point.

    ``entry`` is the file (``train.py``) or function that was entered; ``main`` is false for code that nothing in the
    project calls, whose arguments were therefore unknown. ``complete`` is false when a budget ended it early.
    """

    entry: str
    main: bool
    events: tuple[Event, ...]
    complete: bool = True
    options: tuple[str, ...] = ()
    """Command-line options that do not have their defaults in this run, and constants (``name = value``) that are edited."""
    asked: bool = False
    """Whether a user named the call of the script, so that it is certainly made like this."""
    read: Mapping[int, ModelGraph] = field(default_factory=dict)
    """The graphs of its models as their code says, by :attr:`Model.identity`."""
    traced: Mapping[int, ModelGraph] = field(default_factory=dict)
    """The graphs of those models that were traced, by :attr:`Model.identity`."""
    loaders: tuple[Loader, ...] = ()
    """All loaders that any run of the program builds."""
    cut_at: Context | None = None
    """Where a budget ended it early."""
    _by_type: dict[type[Event], list[Event]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def graph_of(self, model: Model) -> ModelGraph | None:
        """What is known of a model's forward: its whole trace, else what its code says."""
        traced = self.traced.get(model.identity)
        whole = traced is not None and traced.complete
        return traced if whole else self.read.get(model.identity)

    def is_cut_in(self, context: Context) -> bool:
        """Whether the rehearsal ended early in the block that an event stands in: more may follow there."""
        if self.complete:
            return False
        return self.cut_at is None or self.cut_at.is_within(context)

    def of_type(self, kind: type[E_co]) -> Iterator[E_co]:
        """The events of one type, in order."""
        if kind not in self._by_type:
            self._by_type[kind] = [event for event in self.events if isinstance(event, kind)]
        return iter(cast(list[E_co], self._by_type[kind]))
