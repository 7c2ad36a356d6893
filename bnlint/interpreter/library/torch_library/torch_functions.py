"""Functions of torch that are neither layers nor operations on tensors."""

from dataclasses import replace

import libcst as cst

from bnlint.facts.types.initialisation import nonlinearity_gain
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.site import NOT_KNOWN, Argument, Site
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import (
    Arguments,
    GradientSwitch,
    Library,
    Many,
    Tensor,
    Unknown,
    Value,
)
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.python.construction import build_library, new_instance
from bnlint.interpreter.torch.freezing import note_weights_written, parameters_in
from bnlint.interpreter.torch.gradient_questions import note_gradients_asked
from bnlint.interpreter.torch.modules import children, descendants, modules_in
from bnlint.interpreter.torch.norms import SYNCHRONISED, is_batch_norm
from bnlint.interpreter.torch.pairing import note_cut, note_paired
from bnlint.interpreter.torch.parameters import new_parameter
from bnlint.interpreter.torch.published import PUBLISHED_WEIGHTS
from bnlint.interpreter.torch.saved_models import loaded_model
from bnlint.interpreter.torch.stored_parameters import VECTOR
from bnlint.interpreter.torch.training import note_backward
from bnlint.interpreter.torch.weight_fills import draw, draw_of, fill
from bnlint.interpreter.torch.wrapped_models import note_wrapped
from bnlint.vocabulary.function_parameters import MODULE_PARAMETERS


@library_function("torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad")
def _no_grad(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    first = arguments.get(0, "mode")
    if isinstance(first, Function | Method):
        return without_gradients(first, Known.NO)
    if first is not None and path.endswith("inference_mode"):
        return GradientSwitch(Known.of(not first) if isinstance(first, bool) else Known.UNKNOWN)
    return GradientSwitch(Known.NO)


def without_gradients(function: Function | Method, grad: Known) -> Function | Method:
    """A function as a decorator makes it that sets whether gradients are recorded."""
    if isinstance(function, Method):
        return Method(replace(function.function, grad=grad), function.receiver)
    return replace(function, grad=grad)


@handles(CALLS, GradientSwitch)
def _decorate(
    m: Machine, guard: GradientSwitch, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``torch.no_grad()(function)``."""
    if guard.before is not None:
        m.grad = guard.before
    function = arguments.get(0, "func", Unknown("function"))
    if isinstance(function, Function | Method):
        return without_gradients(function, guard.grad)
    return m.call_unknown(function, arguments, site)


@library_function("torch.load")
def _load(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    file = arguments.get(0, "f")
    model = loaded_model(m, file, site)
    return Unknown(f"{path}()", site) if model is None else model


@library_function("torch.enable_grad")
def _enable_grad(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return GradientSwitch(Known.YES)


@library_function("torch.set_grad_enabled", "torch.autograd.set_grad_enabled")
def _set_grad(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    mode, before = arguments.get(0, "mode"), m.grad
    m.grad = Known.of(mode if isinstance(mode, bool) else None)
    return GradientSwitch(m.grad, before)


@library_function("torchvision.transforms.ToPILImage", "torchvision.transforms.v2.ToPILImage")
def _to_image(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Library("torchvision.transforms.functional.to_pil_image")


@library_function("torch.is_grad_enabled")
def _is_grad(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    note_gradients_asked(m, site, scope)
    return {Known.YES: True, Known.NO: False}.get(m.grad, Unknown("gradients"))


@library_function("torch.autograd.grad")
def _grad(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    outputs = tensors_in([arguments.get(0, "outputs")])
    to = arguments.get(1, "inputs")
    if not _are_data(to):
        m.journal.backpropagate(outputs, m.assumptions())
    elif arguments.get(4, "create_graph", False) is False:
        m.journal.note_attack(outputs, tensors_in([to]), site)
    elif arguments.get(4, "create_graph") is True and _are_of_each_sample(arguments):
        m.journal.note_slopes(outputs, tensors_in([to]), site)
    every = tensors_in(arguments.values)
    made = m.tape.tensor(Kind.OTHER, "grad", every, site)
    return Many(made)


def _are_of_each_sample(arguments: Arguments) -> bool:
    """Whether outputs are summed up, so that each input gets the gradient of its own one.

    ``outputs`` that are one number otherwise may be a loss, whose gradients are what they are meant to be.
    """
    if arguments.get(2, "grad_outputs") is not None:
        return True
    written = arguments.nodes[0] if arguments.nodes else arguments.keyword_nodes.get("outputs")
    match written:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value="sum"))):
            return True
    return False


def _are_data(value: Value) -> bool:
    """Whether what gradients are taken with respect to are tensors, and no parameters of a model."""
    values = value if isinstance(value, list | tuple) else [value]
    return bool(values) and all(isinstance(item, Tensor) for item in values)


@library_function("torch.autograd.backward")
def _backward(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    note_backward(m, tensors_in(arguments.values), site)
    return None


@library_function("torch.autograd.Variable", "torch.autograd.variable.Variable")
def _variable(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    data = arguments.get(0, "data")
    return data if isinstance(data, Tensor) else Tensor()


@library_function("torch.nn.Parameter", "torch.nn.parameter.Parameter", "torch.nn.Buffer")
def _parameter(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    data = arguments.get(0, "data")
    filled = data.fill if isinstance(data, Tensor) else None
    if isinstance(data, int | float):
        filled = float(data)
    made = new_parameter(m, site, filled)
    if arguments.get(1, "requires_grad", True) is False or path.endswith("Buffer"):
        made.attributes["requires_grad"] = False
    return made


@library_function(*MODULE_PARAMETERS)
def _same_module(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    first = arguments.get(0, MODULE_PARAMETERS[path])
    if path == "torch.compile" or isinstance(first, Instance | Function):
        return first if first is not None else Library(path)
    return Unknown(path)


@library_function(
    "torch.nn.utils.spectral_norm",
    "torch.nn.utils.weight_norm",
    "torch.nn.utils.parametrizations.spectral_norm",
    "torch.nn.utils.parametrizations.weight_norm",
)
def _reparametrized(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    layer = arguments.get(0, "module")
    if isinstance(layer, Instance):
        m.heap.put(layer.assigned, "weight", Argument("weight", NOT_KNOWN, site))
    return layer


@library_function(
    "torch.nn.SyncBatchNorm.convert_sync_batchnorm",
    "apex.parallel.convert_syncbn_model",
)
def _synchronised(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    model = arguments.get(0, "module")
    note_wrapped(m, model, "SyncBatchNorm", site)
    if isinstance(model, Instance) and is_batch_norm(model):
        return _synchronised_layer(m, model, site)
    for module in modules_in(model):
        for _, layer in descendants(m, module):
            if is_batch_norm(layer):
                m.heap.put(layer.attributes, SYNCHRONISED, True)
    return model


@library_function(
    "torch.distributed.fsdp.fully_shard", "torch.distributed._composable.fsdp.fully_shard"
)
def _sharded(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    model = arguments.get(0, "module")
    note_wrapped(m, model, "fully_shard", site)
    return model


def _synchronised_layer(m: Machine, layer: Instance, site: Site) -> Instance:
    """A new layer with the parameters of the old one, which stays what it is."""
    made = new_instance(m, None, "torch.nn.SyncBatchNorm", layer.site)
    made.class_node, made.chain, made.arguments = layer.class_node, layer.chain, layer.arguments
    made.attributes.update(layer.attributes)
    made.assigned.update(layer.assigned)
    m.journal.converted[layer] = site
    return made


@library_function("apex.parallel.DistributedDataParallel", "fairscale.nn.DistributedDataParallel")
def _apex(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return build_library(m, "torch.nn.parallel.DistributedDataParallel", arguments, site)


@library_function("apex.amp.initialize")
def _amp(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return tuple(arguments.positional[:2])


@library_function("apex.amp.scale_loss")
def _scale_loss(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return arguments.get(0, "loss")


@library_function("torch.utils.checkpoint.checkpoint")
def _checkpoint(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    if "context_fn" not in arguments.keywords and not arguments.opened:
        m.journal.recomputed.setdefault(site, set())
    return m.call(arguments.get(0, "function"), Arguments(arguments.positional[1:]), site, scope)


@library_function("torch.utils.checkpoint.checkpoint_sequential")
def _in_parts(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    functions, parts = arguments.get(0, "functions"), arguments.get(1, "segments")
    if isinstance(functions, Instance) and isinstance(parts, int) and parts > 0:
        modules = [child for _, child in children(functions)]
        last = modules[len(modules) // parts * (parts - 1) :]  # it is computed once
        once = m.journal.recomputed.setdefault(site, set())
        once.update(module for module in last if isinstance(module, Instance))
    return m.call(functions, Arguments(arguments.positional[2:]), site, scope)


@library_function(
    "torch.utils.model_zoo.load_url",
    "torch.hub.load_state_dict_from_url",
    "torchvision.models.utils.load_state_dict_from_url",
)
def _published(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return PUBLISHED_WEIGHTS


_IN_PLACE = "mul_ add_ sub_ div_ lerp_ copy_ addcmul_ addcdiv_".split()


@library_function(*(f"torch._foreach_{name}" for name in _IN_PLACE))
def _for_each(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    note_paired(m, arguments, site, scope)
    for parameter in parameters_in(m, arguments.get(0, "self")):
        note_weights_written(m, parameter, site)
    return None


@library_function(VECTOR)
def _vector(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Unknown(f"{path}()", site, arguments.get(0, "parameters"))


@library_function("torch.nn.utils.vector_to_parameters")
def _written(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    group = arguments.get(1, "parameters")
    note_cut(m, arguments.get(0, "vec"), group, site)
    if isinstance(group, Many) and isinstance(group.element, Instance):
        note_weights_written(m, group.element, site)
    return None


@library_function(
    "torch.nn.init.constant_",
    "torch.nn.init.constant",
    "torch.nn.init.zeros_",
    "torch.nn.init.ones_",
    "torch.nn.init.zeros",
    "torch.nn.init.ones",
)
def _constant(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    target = arguments.get(0, "tensor")
    value: Value = arguments.get(1, "val")
    if "zeros" in path or "ones" in path:
        value = 0.0 if "zeros" in path else 1.0
    fill(m, target, float(value) if isinstance(value, int | float) else None, site)
    return target


_RANDOM = """normal_ uniform_ xavier_uniform_ xavier_normal_ kaiming_uniform_ kaiming_normal_
orthogonal_ trunc_normal_ sparse_ eye_ dirac_ normal uniform xavier_uniform xavier_normal
kaiming_uniform kaiming_normal orthogonal""".split()


@library_function(
    *(f"torch.nn.init.{name}" for name in _RANDOM),
    "timm.layers.trunc_normal_",
    "timm.layers.weight_init.trunc_normal_",
    "timm.models.layers.trunc_normal_",
    "timm.models.layers.weight_init.trunc_normal_",
)
def _random(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    target = arguments.get(0, "tensor")
    draw(m, target, draw_of(path.rpartition(".")[2], arguments), site)
    return target


@library_function("torch.nn.init.calculate_gain")
def _gain(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    found = nonlinearity_gain(arguments.get(0, "nonlinearity"), arguments.get(1, "param"))
    return Unknown("gain") if found is None else found
