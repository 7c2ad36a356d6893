"""Calls of third-party functions and classes, and of what cannot be resolved."""

from collections.abc import Callable
from functools import lru_cache

import libcst as cst

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.knowledge import in_random_order
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.number_uses import CARRIERS
from bnlint.interpreter.core.objects import Bound, Instance, Partial, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.unknown_uses import note_unknown_architecture, note_unknown_call
from bnlint.interpreter.core.values import (
    SHUFFLED,
    Arguments,
    Choice,
    Library,
    Many,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.library.command_lines.parser_declarations import open_parsers
from bnlint.interpreter.library.data_loading.batch_transforms import transformed
from bnlint.interpreter.library.data_loading.samplers import note_handed_on
from bnlint.interpreter.library.torch_library.models import (
    arrives_in_eval,
    batchnorm_class,
    contains_batchnorm,
)
from bnlint.interpreter.library.torch_library.tensor_functions import (
    call_tensor_function,
    call_tensor_method,
)
from bnlint.interpreter.library.training_frameworks.frameworks import framework_of
from bnlint.interpreter.python.alternatives import with_one_of
from bnlint.interpreter.python.construction import (
    build_library,
    new_instance,
)
from bnlint.interpreter.python.name_lookup import assign
from bnlint.interpreter.torch.averages import note_estimated
from bnlint.interpreter.torch.freezing import note_transfer
from bnlint.interpreter.torch.model_records import note_built
from bnlint.interpreter.torch.module_classes import canonical
from bnlint.interpreter.torch.modules import (
    CONTAINERS,
    MODE,
    WRAPPERS,
    built_mode,
    modules_in,
    set_mode,
)
from bnlint.interpreter.torch.norms import add_norm_group
from bnlint.interpreter.torch.optimized import (
    builds_optimizer,
    note_optimized,
    note_perhaps_optimized,
)
from bnlint.interpreter.torch.parameters import is_parameter
from bnlint.interpreter.torch.training import note_backward, note_given_to_unknown, note_step
from bnlint.interpreter.torch.weight_decay import note_weight_decay
from bnlint.interpreter.torch.weight_fills import draw, forget_weights
from bnlint.interpreter.torch.weight_swaps import keeps_average
from bnlint.interpreter.torch.wrapped_models import STORING, note_stored, note_wrapped
from bnlint.interpreter.torch.wrappers import unwrapped
from bnlint.source.name_bindings import dotted
from bnlint.vocabulary.layers import KINDS, SIGNATURES, bare_name
from bnlint.vocabulary.operations import (
    FUNCTION_MODULES,
    FUNCTIONS,
    IMAGE_WRITERS,
    MEASURES,
    METRIC_MODULES,
)

Handler = Callable[[Machine, str, Arguments, Site, Scope], Value]
FUNCTION_HANDLERS: dict[str, Handler] = {}
"""Handlers by qualified name."""

HARMLESS = frozenset(
    """torch builtins logging numpy math os sys time random json pickle copy itertools functools
    collections typing tqdm wandb tensorboardX matplotlib pandas PIL cv2 scipy sklearn torchvision
    torchsummary pathlib shutil argparse""".split()
)
"""Packages whose functions leave the mode of a model that they are given alone."""
RECORDERS = frozenset(
    """logging loguru wandb tensorboard tensorboardX mlflow comet_ml neptune tqdm matplotlib""".split()
)
"""Packages whose objects write down what they are given; a graph's writer gives the mode back."""
OBJECT_PACKAGES = ("torch.optim.", "torch.utils.data.", "torch.cuda.amp.", "torch.amp.")
TRAINING_WORDS = ("step", "optim", "train", "fit", "update", "minimize", "closure")
INITIALISING_WORDS = ("init", "reset", "fill", "weight")
METRIC_PACKAGES = tuple(f"{module}." for module in METRIC_MODULES)
METRIC_WORDS = ("acc", "metric", "iou", "dice", "psnr", "ssim", "score", "correct", "evaluat")


def library_function(*paths: str) -> Callable[[Handler], Handler]:
    """Enter a handler for functions by qualified name."""

    def enter(handler: Handler) -> Handler:
        for path in paths:
            FUNCTION_HANDLERS[path] = handler
        return handler

    return enter


@handles(CALLS, Library)
def _call_library(
    m: Machine, callee: Library, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    path = canonical(callee.path)
    bare = bare_name(path)
    if KINDS.get(bare or "") is not Kind.BATCH_NORM and path not in CARRIERS:
        m.journal.numbers.note(arguments.values)
    if path in STORING:
        note_stored(m, path, arguments, site)
    if builds_optimizer(path) or keeps_average(path):
        note_optimized(m, [arguments.get(0, "params")])
        note_weight_decay(m, path, arguments, site, scope)
    elif not path.startswith(("torch.", "builtins.", "itertools.")):
        note_perhaps_optimized(m, arguments.values)
    handler = FUNCTION_HANDLERS.get(path)
    if handler is not None:
        return handler(m, path, arguments, site, scope)
    if isinstance(arguments.keywords.get("out"), Tensor):
        _write_out(m, path, arguments, site, scope)
    head, _, name = path.rpartition(".")
    if path in WRAPPERS:
        return _wrapped(m, path, arguments, site)
    if bare in SIGNATURES or path in CONTAINERS:
        return build_library(m, path, arguments, site)
    if head in FUNCTION_MODULES and name in FUNCTIONS:
        return call_tensor_function(m, name, arguments, site)
    if head.startswith("torch.nn.init"):
        return arguments.get(0, "tensor")
    if path.startswith(OBJECT_PACKAGES) and name[:1].isupper():
        return build_library(m, path, arguments, site)
    if framework_of(head):
        return build_library(m, head, arguments, site)
    answer = contains_batchnorm(path, options_of(path, arguments))
    if answer is not Known.UNKNOWN or _builds_model(path):
        if answer is Known.UNKNOWN:
            note_unknown_architecture(m, path, arguments, site)
        return build_opaque(m, path, arguments, site)
    if name[:1].isupper() and not tensors_in(arguments.values):
        return build_library(m, path, arguments, site)
    return call_foreign(m, path, arguments, site, scope)


_BROADCAST = 4
"""The position of ``broadcast_buffers`` among the parameters of DistributedDataParallel."""


def _wrapped(m: Machine, path: str, arguments: Arguments, site: Site) -> Value:
    """A model in a wrapper; around one of several models it is one of as many wrappers."""
    made: list[Value] = []
    first = "model" if "model" in arguments.keywords else "module"

    apart = False in (
        arguments.get(_BROADCAST, "broadcast_buffers"),
        arguments.keywords.get("forward_sync_buffers"),
    )

    def wrap(model: Value) -> None:
        note_wrapped(m, model, path.rpartition(".")[2], site, unsynchronised=apart)
        made.append(build_library(m, path, arguments.with_first(first, model), site))

    model = arguments.get(0, first)
    if not isinstance(model, Choice):
        wrap(model)
        return made[0]
    with_one_of(m, model.values, wrap, site, model.selection)
    complete = len(made) == len(model.values)
    return Choice(tuple(made), model.selection) if complete else m.join(made)


def _write_out(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> None:
    """``torch.add(a, b, out=c)``: from here on ``c`` is what comes out, of whatever shape."""
    node = arguments.keyword_nodes.get("out")
    if isinstance(node, cst.Name | cst.Attribute):
        inputs = tensors_in(arguments.values)
        made = m.tape.tensor(Kind.UNKNOWN, path.rpartition(".")[2], inputs, site)
        assign(m, node, made, scope)


def options_of(path: str, arguments: Arguments) -> dict[str, Value]:
    """The arguments of a model of a package, without a ``norm_layer`` that it would have anyway."""
    named = {**{str(i): v for i, v in enumerate(arguments.positional)}, **arguments.keywords}
    if "norm_layer" not in named:
        return named
    rest = {name: value for name, value in named.items() if name != "norm_layer"}
    usual = _is_batchnorm(named["norm_layer"], batchnorm_class(path))
    return rest if usual and contains_batchnorm(path, rest) is Known.YES else named


def _is_batchnorm(norm: Value, name: str) -> bool:
    """Whether a value makes BatchNorm layers of a class, with at most another eps or momentum."""
    if isinstance(norm, Partial):
        options = {option for option, _ in norm.keywords}
        return (
            not norm.positional
            and options <= {"eps", "momentum"}
            and _is_batchnorm(norm.callee, name)
        )
    return isinstance(norm, Library) and canonical(norm.path) == f"torch.nn.{name}"


_ABOUT_MODELS = frozenset(
    f"torchvision.models.{name}"
    for name in ("get_model_builder", "get_model_weights", "get_weight", "list_models")
)
"""Functions beside those that build models: of names, builders and descriptions of weights."""


def _builds_model(path: str) -> bool:
    if "_Weights." in path or path in _ABOUT_MODELS:
        return False
    return path.startswith(("torchvision.models.", "segmentation_models_pytorch.")) or path in (
        "timm.create_model",
        "torch.hub.load",
    )


def build_opaque(m: Machine, path: str, arguments: Arguments, site: Site) -> Instance:
    """A third-party model, whose layers are not listed."""
    made = new_instance(m, None, path, site)
    made.is_module = True
    if m.recipes is not None:
        m.recipes.note_built(made, Library(path), arguments)
    made.attributes[MODE] = built_mode(m, training=not arrives_in_eval(path))
    for name, value in options_of(path, arguments).items():
        made.arguments[name] = Bound(value)
    if arguments.opened or m.exchanged.has_batchnorm():
        made.arguments.setdefault("norm_layer", Bound(Unknown("argument norm_layer")))
    add_norm_group(made, made.attributes[MODE])
    m.journal.built.append(made)
    note_built(m, made)
    return made


def call_foreign(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """A function of which nothing in particular is known."""
    package, name = path.partition(".")[0], path.rpartition(".")[2]
    inputs = tensors_in(arguments.values)
    if path.startswith(METRIC_PACKAGES) or path in IMAGE_WRITERS or name in MEASURES:
        m.journal.measure(inputs)
    if package not in HARMLESS:
        note_unknown_call(m, Library(path.rpartition(".")[0]), arguments, site)
        _forget_modes(m, arguments, site)
        _forget_weights(m, name, arguments)
        note_transfer(m, arguments.values, site)
    if inputs:
        return transformed(m, path, inputs, site)
    return Unknown(f"{path}()", site)


def _forget_modes(m: Machine, arguments: Arguments, site: Site) -> None:
    open_parsers(m, arguments)
    for value in arguments.values:
        for module in modules_in(value):
            m.step()
            set_mode(m, module, None, site, None)
            note_given_to_unknown(m, module, site)
            if unwrapped(module) in m.journal.averages:
                note_estimated(m, module, site)


def _forget_weights(m: Machine, name: str, arguments: Arguments) -> None:
    """What is not known may fill the parameters that it is given; of modules, if it says so."""
    for value in arguments.values:
        if is_parameter(value):
            draw(m, value, None)
    if m.building or _says(name.lower(), INITIALISING_WORDS):
        forget_weights(m, [x for value in arguments.values for x in modules_in(value)])


@handles(CALLS, Unknown, Many, type(None), str, int, float, list, dict, tuple, bool)
def _call_unknown(
    m: Machine, callee: Value, arguments: Arguments, site: Site, scope: Scope | None
) -> Value:
    m.journal.numbers.note(arguments.values)
    owner, _, name = dotted(getattr(site.node, "func", None)).lower().rpartition(".")
    inputs = tensors_in(arguments.values)
    if _records(callee, site):
        return Unknown(f"{name}()", site, callee)
    note_unknown_call(m, callee, arguments, site)
    if (callee is SHUFFLED and "sort" not in name) or _is_drawn(arguments, site):
        return SHUFFLED
    if "backward" in name and inputs:
        note_backward(m, inputs, site)
    elif _says(name, TRAINING_WORDS):
        m.journal.may_backpropagate(inputs)
        if name == "step" and "opt" in owner.rpartition(".")[2]:
            note_step(m, site)
    elif _says(name, METRIC_WORDS):
        m.journal.measure(inputs)
    _forget_modes(m, arguments, site)
    _forget_weights(m, name, arguments)
    note_handed_on(m, arguments, site)
    note_perhaps_optimized(m, arguments.values)
    note_transfer(m, arguments.values, site)
    if isinstance(callee, Instance) and inputs:
        return transformed(m, callee.library, inputs, site)
    if inputs:
        return m.tape.tensor(Kind.UNKNOWN, name or "call", inputs, site)
    return Unknown(f"{name}()", site, callee)


def _records(callee: Value, site: Site) -> bool:
    """Whether a method of a logger, a writer of summaries or a progress bar is called.

    What is only looked up by something that such an object holds may be any function.
    """
    if not isinstance(getattr(site.node, "func", None), cst.Attribute):
        return False
    owner = callee.cause if isinstance(callee, Unknown) else callee
    match owner if isinstance(owner, Instance) else callee:
        case Instance(library=path, is_module=False) | Unknown(reason=path):
            package = path.partition(".")[0]
            return package in RECORDERS or path.startswith("torch.utils.tensorboard.")
    return False


@lru_cache(maxsize=8192)
def _says(name: str, words: tuple[str, ...]) -> bool:
    """Whether a name has one of some words in it."""
    return any(word in name for word in words)


def _is_drawn(arguments: Arguments, site: Site) -> bool:
    """Whether it gives all rows of a table in a random order: ``table.sample(frac=1)``."""
    method = dotted(getattr(getattr(site.node, "func", None), "attr", None))
    if method in ("reindex", "take"):
        return any(map(in_random_order, arguments.values))
    return method == "sample" and arguments.keywords.get("frac") == 1


@handles(CALLS, Tensor)
def _call_tensor(
    m: Machine, callee: Tensor, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    function = getattr(site.node, "func", None)
    if callee.whole and isinstance(function, cst.Attribute):
        return call_tensor_method(m, callee, function.attr.value, arguments, site)
    return _call_unknown(m, Unknown("tensor"), arguments, site, scope)
