"""The graph of one model: its layers and what its forward does with them, in execution order."""

from collections import defaultdict
from collections.abc import Container, Iterator, Mapping
from dataclasses import field
from functools import cached_property

from bnlint.facts.types.forks import paths_from_fork
from bnlint.facts.types.hand_written import FunctionalNorm, HandWritten
from bnlint.facts.types.initialisation import DEFAULT, Draw
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.shortcuts import LEARNING, SETTLED, acting, hindrance, is_shortcut
from bnlint.facts.types.signal import Signal
from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.facts.types.train_method import TrainMethod
from bnlint.immutable import immutable

LONG_WALK = 1_000
"""Calls between a sum that is no residual and its fork, from which on its repetitions are not asked."""


@immutable
class Shape:
    """What is known of a tensor's shape; ``None`` is not known.

    ``rank`` counts dimensions, ``batch`` is the size of dimension 0 while it still counts samples,
    ``channels`` the size of dimension 1 (of the last one after a Linear on more than two
    dimensions: see ``channels_last``), ``sizes`` the whole shape where a model was traced.
    """

    rank: int | None = None
    batch: int | None = None
    channels: int | None = None
    channels_last: bool = False
    sizes: tuple[int, ...] | None = None


def dimensions_of(name: str) -> int | None:
    """The number in ``Conv2d``, ``torch.nn.BatchNorm1d``, ``max_pool3d`` and the like."""
    digit = name[-2:-1]
    return int(digit) if name.endswith("d") and digit.isdigit() else None


@immutable(eq=False)
class Layer:
    """One module of a model.

    ``name`` is its first dotted name in the model, ``aliases`` all others. ``type`` is the
    qualified library class that it is or derives from (``torch.nn.Conv2d``; ``torch.nn.Module``
    for a user's module), ``class_name`` the class as the code calls it. ``own_forward`` says that
    a user's subclass of a library layer replaces its forward. ``arguments`` binds every
    constructor parameter of a library layer, defaults included, and is empty for users' modules.
    ``site`` is the constructor call, ``class_site`` its callee (``nn.BatchNorm2d``), ``chain`` the
    calls that led to it, nearest first.
    ``initial`` maps parameters that the code fills with one constant (``weight`` to 0.0), ``filled_at``
    to where it fills them last; ``refilled`` are those that it fills with other numbers. ``drawn`` are the random numbers that its weight begins with, ``None`` if they are not known; ``assigned``
    maps attributes that it replaces after construction (``bias``, ``momentum``) to the
    assigned arguments. ``certain`` is false where a condition decides whether it exists.
    ``frozen`` are its parameters with gradients off at the end; ``reads`` maps a parameter, only
    ``bias``, to a place that reads it, and is ``None`` where the code was not searched.
    ``repeated`` is the multiplication of a list (``[block] * 3``) that holds it.
    ``published`` says of a layer with weights that published ones are loaded into models which are
    built by the same code.
    """

    name: str
    kind: Kind
    type: str
    class_name: str
    site: Site
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    class_site: Site | None = None
    chain: tuple[Site, ...] = ()
    aliases: tuple[str, ...] = ()
    own_forward: bool = False
    initial: Mapping[str, float] = field(default_factory=dict)
    assigned: Mapping[str, Argument] = field(default_factory=dict)
    certain: bool = True
    drawn: Draw | None = DEFAULT
    frozen: frozenset[str] = frozenset()
    reads: Mapping[str, Site] | None = None
    published: bool = False
    identity: int = -1
    """The same number as in other facts about this module; -1 where it is not known which it is."""
    repeated: Site | None = None
    train_method: TrainMethod | None = None
    """What its class has in place of torch's ``train``."""
    filled_at: Mapping[str, Site] = field(default_factory=dict)
    refilled: frozenset[str] = frozenset()
    any_rank: bool = False
    """Whether the program replaces the test by which a norm refuses other numbers of dimensions."""
    own_reads: Container[str] = frozenset()
    """The attributes that methods of its class use, but for those that set them and the constructor."""

    def __repr__(self) -> str:
        return f"<Layer {self.name or '(the model)'}: {self.class_name}>"

    @property
    def dimensions(self) -> int | None:
        """The number in ``Conv2d``, ``BatchNorm1d`` and the like, where the layer keeps to it."""
        return None if self.any_rank else dimensions_of(self.type)

    @property
    def channels(self) -> int | None:
        """The size of the dimension that a conv, linear or BatchNorm layer gives its channels.

        A BatchNorm also takes it as a list of one number.
        """
        for name in ("out_channels", "out_features", "num_features"):
            argument = self.arguments.get(name)
            match argument.value if argument is not None else None:
                case int(number) | [int(number)]:
                    return number
        return None

    @property
    def has_bias(self) -> bool | None:
        """Whether a conv or linear layer adds a bias; ``None`` where its argument is not known."""
        if "bias" in self.assigned:
            return None
        bias = self.arguments.get("bias")
        return bias.value if bias is not None and isinstance(bias.value, bool) else None


@immutable(eq=False)
class Call:
    """One operation that a forward executes.

    ``index`` is its place in ``ModelGraph.calls``; ``inputs`` are the indices of the calls that
    produced its tensor arguments, in order. ``op`` is the bare name (``Conv2d``, ``relu``,
    ``add``, ``view``); ``arguments`` holds constant arguments of functions (``dim``, ``p``, and
    ``other`` for the constant operand of arithmetic). ``modules`` are the dotted names of the
    modules around it, outermost first. ``certain`` is false where a condition decides whether it
    runs. ``loops`` are the ``for`` statements within the forward that it stands in, each with the
    number of the pass. ``error`` is what torch raised here when the model was traced.
    ``recomputed`` is a call around it whose forward is run again in the backward pass, since it keeps
    no activations (``torch.utils.checkpoint``). ``in_eval`` says that the forward itself has put the
    layer into eval mode before, as attacks that are part of a model do.
    """

    index: int
    kind: Kind
    op: str
    inputs: tuple[int, ...]
    layer: Layer | None = None
    site: Site | None = None
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    callers: tuple[Site, ...] = ()
    loops: tuple[tuple[Site, int], ...] = ()
    shape: Shape = Shape()
    certain: bool = True
    error: str | None = None
    recomputed: Site | None = None
    in_eval: bool = False

    def __repr__(self) -> str:
        layer = f" of {self.layer.name}" if self.layer is not None else ""
        return f"<Call {self.index}: {self.op}{layer}>"


@immutable(eq=False)
class Unregistered:
    """A BatchNorm that a forward calls, and that is in a plain list, tuple or dict of a module.

    ``owner`` is that module and ``attribute`` its name for the container, which is of the Python
    type ``container`` and holds ``number`` values; ``modules`` says that all of them are modules
    themselves (in a dict under texts), ``written`` is what is assigned to the attribute, if one
    place does it. ``inside`` says that the owner builds the layer; ``by_hand`` that its class has
    methods of its own for what torch does with the modules that it knows, or code sets its mode.
    """

    layer: Layer
    owner: Layer
    attribute: str
    container: str
    number: int
    modules: bool
    written: Site | None
    inside: bool
    by_hand: bool


@immutable(eq=False)
class BuiltInForward:
    """A BatchNorm that a forward builds and calls, and that nothing keeps but an attribute.

    ``attribute`` is the one that it replaces, ``""`` if there is none. ``owner`` is the module whose
    forward it is, ``free`` a name that its attributes lack, ``constructor`` the ``__init__`` of its
    class, ``None`` where that has none or does not hold the code that builds the layer. ``whole`` is
    the call that builds the module around the layer, and ``whole_class`` its class, if the forward
    builds the layer as a part of one.
    """

    layer: Layer
    call: Call
    owner: Layer
    free: str
    constructor: Site | None
    attribute: str = ""
    whole: Site | None = None
    whole_class: str = ""


@immutable
class KeptTensor:
    """A tensor that modules keep from one forward to the next, under the attribute ``name``.

    ``reads`` are the calls that get it as earlier forwards left it, ``writes`` those whose outputs change it.
    """

    name: str
    reads: tuple[int, ...]
    writes: tuple[int, ...]


@immutable(eq=False, slots=False)
class ModelGraph:
    """A model's layers in registration order and its calls in execution order.

    ``name`` is the model's class, ``site`` where it is built. ``layers`` include modules that hold
    others and layers that no call uses. ``complete`` says that every operation of the forward was
    resolved; ``problems`` name what was not. ``calls`` is empty when the forward was not followed.
    """

    name: str
    site: Site
    layers: tuple[Layer, ...]
    calls: tuple[Call, ...] = ()
    outputs: tuple[int, ...] = ()
    complete: bool = True
    problems: tuple[str, ...] = ()
    pretrained: bool = False
    """Whether the code loads published weights into it, so that its parameters are not free."""
    identity: int = -1
    """The number that facts of the same object have, as in :class:`bnlint.facts.types.run.Model`."""
    guessed_input: bool = False
    """Whether the model was traced with an input that nobody gave: its sizes prove little."""
    never_called: tuple[str, ...] = ()
    """Layers of a traced model that run neither in train nor in eval mode, by dotted name."""
    frozen_norms: frozenset[str] = frozenset()
    """BatchNorm layers that are not in train mode in any step of the training, by dotted name."""
    live_norms: frozenset[str] = frozenset()
    """BatchNorm layers that are, or may be, in train mode in some step of the training."""
    unregistered: tuple[Unregistered, ...] = ()
    built_in_forward: tuple[BuiltInForward, ...] = ()
    hand_written: tuple[HandWritten, ...] = ()
    """Those of its layers that are BatchNorm by what the code of the project computes."""
    functional_norms: tuple[FunctionalNorm, ...] = ()
    """The calls of ``F.batch_norm`` with running statistics of its layers."""
    kept: tuple[KeptTensor, ...] = ()
    """What its forward keeps for the next one."""
    loaded: bool = False
    """Whether the program loads any weights into it or its parts."""
    signal: Signal | None = None
    """What was measured at its residual additions, where it was run on real tensors."""

    def __repr__(self) -> str:
        whole = "" if self.complete else ", not complete"
        sizes = f"{len(self.layers)} layers, {len(self.calls)} calls{whole}"
        return f"<{type(self).__name__} of {self.name}: {sizes}>"

    @cached_property
    def users(self) -> Mapping[int, tuple[Call, ...]]:
        """The calls that read each call's output."""
        found: dict[int, list[Call]] = defaultdict(list)
        for call in self.calls:
            for source in dict.fromkeys(call.inputs):
                found[source].append(call)
        return {index: tuple(calls) for index, calls in found.items()}

    def users_of(self, call: Call) -> tuple[Call, ...]:
        """The calls that read ``call``'s output; the model's own output does not count."""
        return self.users.get(call.index, ())

    def inputs_of(self, call: Call) -> tuple[Call, ...]:
        """The calls that produced ``call``'s tensor inputs."""
        return tuple(self.calls[index] for index in call.inputs)

    @cached_property
    def calls_by_layer(self) -> Mapping[Layer, tuple[Call, ...]]:
        """The calls of each layer that is called at all."""
        found: dict[Layer, list[Call]] = defaultdict(list)
        for call in self.calls:
            if call.layer is not None:
                found[call.layer].append(call)
        return {layer: tuple(calls) for layer, calls in found.items()}

    def of_kind(self, *kinds: Kind) -> Iterator[Layer]:
        """The layers of some kinds."""
        return (layer for layer in self.layers if layer.kind in kinds)

    def comes_from(self, call: Call, source: Call) -> bool:
        """Whether ``call``'s inputs were computed from ``source``'s output."""
        return bool(self._ancestors[call.index] >> source.index & 1)

    @cached_property
    def _ancestors(self) -> tuple[int, ...]:
        """For each call the calls that its inputs come from, as bits."""
        found: list[int] = []
        for call in self.calls:
            bits = 0
            for source in call.inputs:
                bits |= found[source] | 1 << source
            found.append(bits)
        return tuple(found)

    @cached_property
    def inputless(self) -> frozenset[int]:
        """The calls that compute with nothing but parameters and numbers: those that make weights."""
        found: set[int] = set()
        for call in self.calls:
            source = call.kind is Kind.PARAMETER or (call.kind is Kind.OTHER and not call.inputs)
            if source or (call.inputs and found.issuperset(call.inputs)):
                found.add(call.index)
        return frozenset(found)

    @cached_property
    def residuals(self) -> tuple["Residual", ...]:
        """The residual additions, in execution order."""
        return tuple(_residuals(self))


@immutable(eq=False)
class Residual:
    """An addition of a branch to what it branched off from.

    ``fork`` is the nearest call that both operands come from, ``skip`` the calls on the shortcut
    (empty for an identity), ``branch`` those on the other operand, both in execution order and
    without ``fork`` and ``add``, and without those that make weights.
    """

    add: Call
    fork: Call
    skip: tuple[Call, ...]
    branch: tuple[Call, ...]


class Graphs(tuple[ModelGraph, ...]):
    """The graphs of all models of a program, with room for what follows from them together."""


def _residuals(graph: ModelGraph) -> Iterator[Residual]:
    sums = [c for c in graph.calls if c.kind is Kind.ADD and len(set(c.inputs)) == 2]
    if not sums:
        return
    inputs = [call.inputs for call in graph.calls]
    acts = [_acting(graph, call) for call in graph.calls]
    weights = [0 if c.index in graph.inputless else hindrance(acts[c.index]) for c in graph.calls]
    fruitless: set[Site] = set()
    for call in sums:
        if call.site in fruitless:
            continue
        left, right = call.inputs[:2]
        fork, *paths = paths_from_fork(inputs, left, right, weights, SETTLED - 1)
        if fork is None:
            continue
        signal = ([index for index in path if index not in graph.inputless] for path in paths)
        parts = (tuple(graph.calls[index] for index in path) for path in signal)
        skip, branch = sorted(parts, key=_layers)
        kinds = [[acts[step.index] for step in path] for path in (skip, branch)]
        if is_shortcut(*kinds, projects=any(map(_projects, skip))):
            yield Residual(call, graph.calls[fork], skip, branch)
        elif call.site is not None and len(skip) + len(branch) > LONG_WALK:
            fruitless.add(call.site)


def _layers(calls: tuple[Call, ...]) -> int:
    return sum(call.kind in LEARNING for call in calls)


def _acting(graph: ModelGraph, call: Call) -> Kind:
    sources = graph.inputs_of(call)
    return acting(call.kind, sum(source.index not in graph.inputless for source in sources))


def _projects(call: Call) -> bool:
    """Whether an operation certainly changes the number of channels or the resolution."""
    if call.kind in (Kind.AVG_POOL, Kind.MAX_POOL, Kind.UPSAMPLE):
        return True
    layer = call.layer
    if layer is None or layer.kind is not call.kind:
        return False
    given = (layer.arguments.get(name) for name in ("in_channels", "in_features"))
    before = {argument.value for argument in given if argument is not None}
    stride = layer.arguments.get("stride")
    strided = stride is not None and stride.value not in (1, (1, 1), (1, 1, 1), (1,), NOT_KNOWN)
    changed = layer.channels is not None and any(isinstance(width, int) for width in before)
    return strided or (changed and layer.channels not in before)
