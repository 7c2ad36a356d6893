"""BN408: running statistics are estimated from data, or for layers, that do not suit that."""

from collections.abc import Callable, Iterator

from bnlint.facts.passes.forwards import relies_on_running_statistics, trains
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Loader, Purpose
from bnlint.facts.types.run import Forward, Model, Run, is_training
from bnlint.facts.types.site import Site
from bnlint.facts.types.weight_events import StatisticsEstimated, WeightsAveraged
from bnlint.facts.wording.code_text import takes_apart_by_name
from bnlint.facts.wording.loop_text import hands_over_dict
from bnlint.finding import Finding, Severity
from bnlint.rule import Rule, Settings, first_of_each

RULE = Rule("BN408", "update-bn-misused", Severity.WARNING, in_tests=False)
UPDATE_BN = "torch.optim.swa_utils.update_bn"

Problem = tuple[str, Site, str]
"""What is wrong, and the place that shows it, with what it shows."""


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report the first thing that is wrong with each estimation of running statistics."""
    estimated = (event for event in run.of_type(StatisticsEstimated) if event.function)
    found = ((event, problem) for event in estimated for problem in _problems(run, event))
    for event, (message, site, shown) in first_of_each(found, lambda entry: entry[0].site):
        yield RULE.at(event.site, message, evidence=[(site, shown)])


def _problems(run: Run, event: StatisticsEstimated) -> Iterator[Problem]:
    for look in _LOOKS:
        problem = look(run, event)
        if problem is not None:
            yield problem


def _takes_dicts(run: Run, event: StatisticsEstimated) -> Problem | None:
    """Batches that are taken apart by names wherever else they are used."""
    if event.function != UPDATE_BN or event.loader is None:
        return None
    for forward in _steps_with(run, event.loader):
        if _is_given_parts(forward, event.loader):
            data = _called(event.loader)
            message = (
                f"Batches of {data} are dicts, but `update_bn` hands tensors, or the first item of lists and "
                f"tuples, to the model and anything else as it is, which `{event.model.name}` cannot take; "
                "give it a generator of the inputs"
            )
            return message, forward.site, "the batches are taken apart by name here"
    return None


def _is_given_parts(forward: Forward, loader: Loader) -> bool:
    """Whether a forward gets parts of the loader's batches by name, in its loop or a function called there."""
    context = forward.context
    numbers = (n for n, loop in enumerate(context.loops) if loop.loader is loader)
    if (number := next(numbers, None)) is None:
        return False
    loop, frame = context.loops[number].site.text, context.frames[-1]
    if number >= frame.loops:
        return takes_apart_by_name(loop, forward.site.text)
    if frame.call is None or frame.definition is None or context.frames[-2].loops > number:
        return False
    return hands_over_dict(loop, frame.call.text, frame.definition.text, forward.site.text)


def _is_held_out(run: Run, event: StatisticsEstimated) -> Problem | None:
    """Data for evaluation, where a model that the script trains is to be evaluated."""
    loader = event.loader
    if loader is None or loader.purpose is not Purpose.EVALUATION:
        return None
    if any(_steps_with(run, loader)):
        return None
    source = _averaged_in(run, event)
    later = (
        forward
        for forward in run.of_type(Forward)
        if forward.order > event.order
        and forward.model.is_same(event.model)
        and loader in forward.loaders
    )
    use = next(later, None)
    if source is None or use is None:
        return None
    message = (
        f"The running statistics of `{event.model.name}` are estimated from {_called(loader)}, on which it is "
        "evaluated after that: its score is no longer that of data which it has not seen; give the function "
        "the loader that the network is trained with"
    )
    return message, use.site, "it is evaluated on the same data here"


def _thaws(run: Run, event: StatisticsEstimated) -> Problem | None:
    """Layers that the training keeps in eval mode, so that their statistics stay."""
    model = _averaged_in(run, event) or event.model
    steps = [f for f in run.of_type(Forward) if trains(f) and f.model.is_same(model)]
    before = [forward for forward in steps if forward.order < event.order]
    if not before or relies_on_running_statistics(before[-1]):
        return None
    frozen = [
        norm
        for norm in before[-1].norms
        if norm.is_there and norm.tracks is Known.YES and is_training(norm.mode) is Known.NO
    ]
    if not frozen or event.function != UPDATE_BN:
        return None
    message = (
        f"`update_bn` resets and estimates the statistics of all BatchNorm layers of `{event.model.name}`, also of "
        f"the {len(frozen)} that training keeps in eval mode: the weights after them were learnt with the statistics "
        "that are lost; keep those, or put them back after it"
    )
    return message, before[-1].site, "these layers are in eval mode in the training here"


def _is_sorted(run: Run, event: StatisticsEstimated) -> Problem | None:
    """Batches of one class each, between which the variance is left out."""
    loader = event.loader
    if loader is None or event.function != UPDATE_BN or not _keeps_class_order(loader):
        return None
    message = (
        f"{_called(loader)} lists one class after the other, and `update_bn` averages the variances of the batches: "
        f"what lies between the classes is missing in the statistics of `{event.model.name}`; shuffle the loader"
    )
    return message[:1].upper() + message[1:], loader.site, "nothing shuffles it"


def _keeps_class_order(loader: Loader) -> bool:
    given = [loader.arguments.get(name) for name in ("shuffle", "sampler", "batch_sampler")]
    mixed = any(argument is not None and argument.value not in (None, False) for argument in given)
    return loader.resolved and not mixed and loader.dataset.ordered_by_class is Known.YES


def _averaged_in(run: Run, event: StatisticsEstimated) -> Model | None:
    """The network whose weights are averaged in the model, if it is an average."""
    updates = (
        update for update in run.of_type(WeightsAveraged) if update.model.is_same(event.model)
    )
    return next((update.source for update in updates), None)


def _steps_with(run: Run, loader: Loader) -> Iterator[Forward]:
    return (f for f in run.of_type(Forward) if trains(f) and loader in f.loaders)


def _called(loader: Loader) -> str:
    return f"`{loader.names[0]}`" if loader.names else "the loader"


_LOOKS: tuple[Callable[[Run, StatisticsEstimated], Problem | None], ...] = (
    _takes_dicts,
    _is_held_out,
    _thaws,
    _is_sorted,
)
