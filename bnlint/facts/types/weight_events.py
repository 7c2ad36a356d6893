"""What happens to the weights and the running statistics of models, but for their training."""

from bnlint.facts.types.graph import Layer
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.run import Event, Model, NormState
from bnlint.facts.types.site import Argument, Site
from bnlint.immutable import immutable


@immutable
class WeightsLoaded(Event):
    """``load_state_dict`` or the like is called on ``model``.

    ``source`` is the model whose weights these are, if it is one of the program, not of a file.
    ``parameters_only`` says that there are all parameters and no running statistics among them;
    ``saved_by`` is the script that saves the whole of ``model``, which is loaded with its mode.
    """

    model: Model
    source: Model | None = None
    parameters_only: bool = False
    saved_by: str = ""


@immutable
class WeightsWritten(Event):
    """Parameters of ``model`` are overwritten from elsewhere: EMA, copies of another network."""

    model: Model


@immutable
class HandedOver(Event):
    """Code that is not known gets ``model``: it may load weights into it, among other things."""

    model: Model


@immutable
class BuffersAsked(Event):
    """Code asks for the buffers of ``model``, mostly a layer: it may keep, copy or write them."""

    model: Model


@immutable
class WeightsDecayed(Event):
    """An optimizer is built that gets all parameters of ``model`` in one group, to be decayed by ``weight_decay``.

    ``parameters`` is the code that lists them, where it stands in the call itself.
    """

    model: Model
    optimizer: str
    weight_decay: Argument
    parameters: Site | None = None


@immutable
class WeightsPruned(Event):
    """Some of the weights of ``model``, mostly a layer, are set to zero for good."""

    model: Model


@immutable
class WeightsSwapped(Event):
    """An optimizer puts the average that it keeps of the weights into ``model``, or takes it out again.

    ``averaged`` tells which; ``None`` says that the two change places.
    """

    model: Model
    averaged: bool | None


@immutable
class IntegersScaled(Event):
    """All entries of a model's state, or all of its buffers, become fractions in place.

    The batches that BatchNorm layers have counted are whole numbers, which stay that. ``operation`` is the code's:
    ``/=``, ``mul_``.
    """

    model: Model
    operation: str


@immutable
class WeightsAveraged(Event):
    """An average takes up the weights of another model: ``average.update_parameters(net)``.

    ``equally`` tells whether every update counts as much as any other, ``buffers`` whether running
    statistics are averaged, too.
    """

    model: Model
    source: Model | None
    equally: Known
    buffers: Known


@immutable
class StatisticsEstimated(Event):
    """The running statistics of a model are computed anew from data: ``update_bn(loader, model)``.

    ``function`` is the qualified name of what does it, ``""`` where code that is not known gets an
    average and may do it. ``norms`` are the BatchNorm layers as they were before.
    """

    model: Model
    function: str = ""
    loader: Loader | None = None
    norms: tuple[NormState, ...] = ()


@immutable
class StatisticsReset(Event):
    """``layer.reset_running_stats()``: the running statistics of a layer are zeros and ones again."""

    layer: Layer


@immutable
class MomentumAssigned(Event):
    """``layer.momentum = value`` on BatchNorm layers."""

    layers: tuple[Layer, ...]
    value: Argument


@immutable
class TrackingAssigned(Event):
    """``layer.track_running_stats = tracks`` on built BatchNorm layers, ``None`` if it is not known.

    ``removed`` says instead that a running statistic of theirs is set to ``None``. ``function`` is
    the one of a framework that does it, ``""`` where the code itself does.
    """

    layers: tuple[Layer, ...]
    tracks: bool | None
    removed: bool = False
    function: str = ""


@immutable
class ParametersStored(Event):
    """Parameters are written to a file, without the other parts of the states that they belong to.

    ``norms`` are the BatchNorm layers whose weights are among them, ``value`` what is written.
    """

    norms: tuple[NormState, ...]
    value: Site | None = None


@immutable
class SampleGradients(Event):
    """Gradients of each sample by itself are wanted of ``model``, by ``function`` of torch or Opacus.

    ``norms`` are the states of its BatchNorm layers.
    """

    model: Model
    function: str
    norms: tuple[NormState, ...]
