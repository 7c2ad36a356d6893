"""What happens at an event of a run, in a few words."""

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader
from bnlint.facts.types.loader_events import EpochSet, LoaderHandedOver, LoaderIterated
from bnlint.facts.types.mode_events import ModeGivenBack, ModeNotCalled
from bnlint.facts.types.not_understood import NotUnderstood
from bnlint.facts.types.run import (
    Backward,
    Event,
    Forward,
    Frozen,
    Fused,
    ModeAssigned,
    Model,
    ModelBuilt,
    ModeSwitched,
    OptimizerStep,
    Stored,
    Summarised,
    Wrapped,
    is_training,
)
from bnlint.facts.types.site import Argument
from bnlint.facts.types.weight_events import (
    BuffersAsked,
    HandedOver,
    IntegersScaled,
    MomentumAssigned,
    ParametersStored,
    SampleGradients,
    StatisticsEstimated,
    StatisticsReset,
    TrackingAssigned,
    WeightsAveraged,
    WeightsLoaded,
    WeightsPruned,
    WeightsSwapped,
    WeightsWritten,
)

MODES = {Known.YES: "train", Known.NO: "eval", Known.UNKNOWN: "train or eval"}
_GRADIENTS = {Known.YES: "", Known.NO: "no gradients", Known.UNKNOWN: "gradients on or off"}


def told(event: Event) -> str:
    """What happens, with the names that the code gives to models and loaders."""
    match event:
        case ModelBuilt(model=model):
            return f"{model.type} is built: {_content(model)}"
        case ModeSwitched(model=model, training=training):
            return f"{model.name} -> {_mode_name(training)}"
        case ModeAssigned(model=model, training=training):
            return f"{model.name}.training = {training}, without its parts"
        case ModeGivenBack(model=model):
            return f"{model.name} gets back a mode that it had before"
        case ModeNotCalled(receiver=receiver, method=method):
            return f"{receiver}.{method} is not called: there are no brackets"
        case Forward():
            return f"{event.model.name} runs: {', '.join(_forward(event))}"
        case Backward(models=models):
            return f"backward into {_names(models)}" if models else "backward, into no known model"
        case OptimizerStep():
            return "optimizer step"
        case LoaderIterated(loader=loader):
            return drawn_from(loader)
        case EpochSet():
            return "a sampler is told the epoch"
        case LoaderHandedOver(loader=loader, framework=framework):
            return f"{framework} trains: {drawn_from(loader)}"
        case Frozen(model=model, requires_grad=learns, all_parameters=every):
            return f"{'all' if every else 'some'} parameters of {model.name} {_learning(learns)}"
        case Wrapped(model=model, wrapper=wrapper):
            return f"{model.name} becomes a {wrapper}"
        case Stored(models=models, destination=destination):
            return f"{_names(models)} {'is' if len(models) == 1 else 'are'} {destination}"
        case Fused(model=model, function=function):
            return f"layers of {model.name} are fused by {function}"
        case Summarised(model=model, function=function):
            return f"{model.name} is run on random numbers by {function}"
        case NotUnderstood():
            return _unknown(event)
    return _of_weights(event)


def _of_weights(event: Event) -> str:
    """The same of weights and running statistics."""
    match event:
        case WeightsLoaded(model=model):
            return f"weights are loaded into {model.name}"
        case WeightsWritten(model=model):
            return f"parameters of {model.name} are overwritten"
        case BuffersAsked(model=model):
            return f"buffers of {model.name or model.type} are asked for"
        case HandedOver(model=model):
            return f"{model.name} is given to code that is not known"
        case WeightsPruned(model=model):
            return f"weights of {model.name or model.type} are pruned"
        case WeightsSwapped(model=model, averaged=averaged):
            which = "the trained ones" if averaged is False else "their average"
            return f"weights of {model.name} become {which}"
        case IntegersScaled(model=model, operation=operation):
            return f"all of the state of {model.name} is changed by {operation}"
        case WeightsAveraged(model=model, source=source):
            return f"{model.name} averages the weights of {source.name if source else 'a model'}"
        case StatisticsEstimated(model=model, function=function):
            return f"running statistics of {model.name} {'are' if function else 'may be'} estimated"
        case StatisticsReset(layer=layer):
            return f"running statistics of {layer.class_name} are reset"
        case MomentumAssigned(layers=layers, value=value):
            return f"momentum of {_layers(len(layers))} = {value.value}"
        case TrackingAssigned(layers=layers, removed=True):
            return f"running statistics of {_layers(len(layers))} are removed"
        case TrackingAssigned(layers=layers, tracks=tracks):
            return f"track_running_stats of {_layers(len(layers))} = {tracks}"
        case SampleGradients(model=model):
            return f"gradients of {model.name} for each sample by itself"
        case ParametersStored(norms=norms):
            return f"parameters are saved, those of {_layers(len(norms))} among them"
    return type(event).__name__


def drawn_from(loader: Loader) -> str:
    """How a loader serves its data, as far as the code says it."""
    name = loader.names[0] if loader.names else "a loader"
    parts = [name, *_batch(loader.arguments.get("batch_size"))]
    shuffle = loader.arguments.get("shuffle")
    if shuffle is not None and shuffle.value is True:
        parts.append("shuffled")
    return ", ".join(parts)


def _batch(batch: Argument | None) -> list[str]:
    if batch is None or batch.number is None:
        return []
    origin = f" ({batch.option})" if batch.option else ""
    return [f"batches of {batch.number:g}{origin}"]


def _content(model: Model) -> str:
    if model.has_batchnorm is Known.NO:
        return "no BatchNorm"
    if model.has_batchnorm is Known.UNKNOWN:
        return "whether it has BatchNorm is not known"
    # those of a third-party model stand as one, whose name is no attribute's
    alike = any("?" in layer.name for layer in model.batch_norms)
    return "with BatchNorm" if alike else _layers(len(model.batch_norms))


def _layers(number: int) -> str:
    return f"{number} BatchNorm {'layer' if number == 1 else 'layers'}"


def _mode_name(training: bool | None) -> str:
    return MODES[Known.of(training)]


def _forward(event: Forward) -> list[str]:
    mode = MODES[is_training(event.mode)]
    norms = {MODES[is_training(norm.mode)] for norm in event.norms} - {mode}
    own = f"{mode}, BatchNorm in {' and '.join(sorted(norms))}" if norms else mode
    data = next((loader.names[0] for loader in event.loaders if loader.names), "")
    batch = [data, *_batch(event.batch)] if data else _batch(event.batch)
    purpose = "trained" if event.trained_on else "measured" if event.measured is Known.YES else ""
    return [part for part in (own, _GRADIENTS[event.grad], *batch, purpose) if part]


def _learning(requires_grad: bool | None) -> str:
    return {True: "learn", False: "are frozen", None: "may be frozen"}[requires_grad]


def _names(models: tuple[Model, ...]) -> str:
    return ", ".join(dict.fromkeys(model.name for model in models))


def _unknown(event: NotUnderstood) -> str:
    owner = f" of {event.owner}" if event.owner else ""
    return f"{event.name}{owner} is not known: {event.reason.text}"
