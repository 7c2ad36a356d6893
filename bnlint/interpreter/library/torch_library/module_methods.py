"""Methods of nn.Module."""

from collections.abc import Callable, Mapping
from functools import partial

import libcst as cst

from bnlint.facts.types.initialisation import DEFAULT
from bnlint.facts.types.site import Argument, Site
from bnlint.interpreter.core.knowledge import is_saved
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Library, Many, Unknown, Value
from bnlint.interpreter.library.torch_library.mode_methods import call_eval, call_train
from bnlint.interpreter.library.torch_library.recursions import goes_down
from bnlint.interpreter.library.torch_library.state_dicts import (
    is_state_dict,
    is_without_statistics,
    note_handed_over,
    owner_of,
    state_dict,
)
from bnlint.interpreter.library.torch_library.tensor_functions import call_tensor_function
from bnlint.interpreter.python.attributes import SWITCHING
from bnlint.interpreter.python.iteration import number_of
from bnlint.interpreter.torch.averages import is_average, note_averaged, note_reset
from bnlint.interpreter.torch.containers import extend_container, next_place
from bnlint.interpreter.torch.exchanged_parts import set_submodule
from bnlint.interpreter.torch.freezing import freeze, note_weights_written
from bnlint.interpreter.torch.given_models import is_given
from bnlint.interpreter.torch.hooks import framework_of_class
from bnlint.interpreter.torch.inner_forwards import run_library
from bnlint.interpreter.torch.integer_entries import BUFFER
from bnlint.interpreter.torch.like_layers import treated
from bnlint.interpreter.torch.modules import (
    descendants,
    is_container,
    next_name,
    places,
    register_child,
    set_mode,
)
from bnlint.interpreter.torch.norms import is_batch_norm
from bnlint.interpreter.torch.parameters import (
    is_opaque,
    named_parameters,
    new_parameter,
    parameter_group,
    parameter_of,
)
from bnlint.interpreter.torch.precision import is_low, set_precision
from bnlint.interpreter.torch.published import PUBLISHED_WEIGHTS
from bnlint.interpreter.torch.replaced_parts import (
    own_layers,
    unlisted_children,
    unlisted_parameters,
)
from bnlint.interpreter.torch.script_forwards import call_module, receiver_of
from bnlint.interpreter.torch.states import register
from bnlint.interpreter.torch.training import note_backward, note_buffers_asked, note_loaded
from bnlint.interpreter.torch.weight_fills import draw, forget_weights
from bnlint.source.name_bindings import dotted
from bnlint.vocabulary.layers import bare_name

Handler = Callable[[Machine, Instance, Arguments, Site, Scope], Value]
SAME_MODULE = frozenset(
    """to cuda cpu half float double bfloat16 type share_memory to_empty xpu compile
    requires_grad_""".split()
)


LISTING = frozenset(
    """modules named_modules children named_children parameters named_parameters buffers named_buffers
    state_dict get_submodule get_parameter apply""".split()
)
"""Methods that give the parts of a module, of which nothing is known if a caller gives it."""
CONVOLUTIONS: Mapping[str | None, str] = {f"Conv{n}d": f"conv{n}d" for n in (1, 2, 3)}
"""What ``_conv_forward`` of layers calls with a weight and a bias that it is given."""
LOGGING = frozenset({"log", "log_dict", "log_metrics"})
"""Methods of frameworks' modules that report numbers."""


def call_module_method(
    m: Machine, module: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``module.name(...)``."""
    if name in LISTING and is_given(module):
        return Unknown(f"{name}()", site)
    if name == "update_parameters" and is_average(module):
        note_averaged(m, module, arguments.get(0, "model"), site)
        return None
    handler = _HANDLERS.get(name)
    if handler is not None:
        return handler(m, module, arguments, site, scope)
    if name in SAME_MODULE:
        if name == "requires_grad_":
            _requires_grad(m, module, arguments, site)
        elif (low := is_low(name, arguments.values)) is not None:
            set_precision(m, module, site, low=low)
        return module
    if "backward" in name and (inputs := tensors_in(arguments.values)):
        note_backward(m, inputs, site)
        return None
    if is_opaque(module) or name in ("forward_features", "extract_features", "features"):
        return _foreign_method(m, module, name, arguments, site, scope)
    if name == "_conv_forward" and (bare := bare_name(module.library)) in CONVOLUTIONS:
        return call_tensor_function(m, CONVOLUTIONS[bare], arguments, site)
    inputs = tensors_in(arguments.values)
    if name in LOGGING and module.cls is not None and framework_of_class(module.cls):
        m.journal.measure(inputs)
    inherited = None if module.library.startswith("torch.") else module
    method = Unknown(name, cause=inherited)
    return m.call_unknown(method, arguments, site) if inputs else Unknown(f"{name}()")


def _foreign_method(
    m: Machine, module: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if tensors_in(arguments.values):
        if module.cls is not None and module in m.modules:
            return run_library(m, module, arguments, site)
        return call_module(m, module, arguments, site, _receiver(m, module, site, scope))
    if SWITCHING.search(name):
        set_mode(m, module, None, site, None)
    return Unknown(f"{name}()")


def _requires_grad(m: Machine, module: Instance, arguments: Arguments, site: Site) -> None:
    value = arguments.get(0, "requires_grad", True)
    group = parameter_group(m, [module], site)
    freeze(m, group, value if isinstance(value, bool) else None, site)


def _parameters(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    if args.get(0, "recurse", True) is False:
        return Many(parameter_group(m, [own_layers(m, module)], site))
    return Many(parameter_group(m, [module], site), every=True)


def _named_parameters(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    named = named_parameters(m, module)
    return unlisted_parameters(m, module, site) if named is None else list(named)


def _modules(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    known: list[Value] = [current for _, current in descendants(m, module)]
    return known


def _named_modules(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    return [
        (Unknown("module name") if current.stands_for_many else name, current)
        for name, current in descendants(m, module)
    ]


def _children(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    if is_opaque(module):
        return Many(own_layers(m, module), parts=True)
    return [child for _, child in places(module)]


def _named_children(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    if is_opaque(module):
        return unlisted_children(m, module)
    return [(name, child) for name, child in places(module)]


def _keys(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    return [name for name, _ in places(module)]


def _apply(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    function = args.get(0, "fn")
    if isinstance(function, Unknown | Library):
        forget_weights(m, [module])
        if _is_initialiser(args):
            return module
    wanted = [("", module)] if goes_down(function) else descendants(m, module)
    for _, current in reversed(wanted):
        call = partial(_call, m, function, current, site, scope)
        if isinstance(function, Function):
            treated(m, function, current, {}, (), call)
        else:
            call()
    return module


def _call(m: Machine, function: Value, module: Instance, site: Site, scope: Scope) -> None:
    m.call(function, Arguments([module]), site, scope)


def _is_initialiser(args: Arguments) -> bool:
    """Whether a function that is not known is called like one that only sets weights."""
    node = args.nodes[0] if args.nodes else None
    return "init" in dotted(node).lower()


def _add_module(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    name, child = args.get(0, "name"), args.get(1, "module")
    if isinstance(name, str):
        register_child(m, module, name, child)
    else:
        register_child(m, module, next_name(module), child)
    return None


def _append(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    register_child(m, module, str(next_place(module)), args.get(0, "module"))
    return module


def _extend(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    extend_container(m, module, args.get(0, "modules"))
    return module


def _insert(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    position, child = args.get(0, "index"), args.get(1, "module")
    every = [value for _, value in places(module)]
    every.insert(position if isinstance(position, int) else len(every), child)
    m.heap.touch(module.attributes)
    m.step(len(every))
    for number, value in enumerate(every):
        register_child(m, module, str(number), value)
    return module


def _register_buffer(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    name, value = args.get(0, "name"), args.get(1, "tensor")
    value = register(m, module, name, value)
    if isinstance(name, str):
        m.heap.put(module.attributes, name, value)
    return None


def _register_parameter(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    name, value = args.get(0, "name"), args.get(1, "param")
    if isinstance(name, str):
        made = value if isinstance(value, Instance) or value is None else new_parameter(m, site)
        m.heap.put(module.attributes, name, made)
        if value is None:
            m.heap.put(module.assigned, name, Argument(name, None, site))
    return None


def _load(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    node = site.node
    function = node.func if isinstance(node, cst.Call) else None
    name = dotted(function.value) if isinstance(function, cst.Attribute) else ""
    source = args.get(0, "state_dict")
    without = isinstance(source, dict) and is_without_statistics(m, module, source)
    note_loaded(m, module, site, name, owner_of(source), parameters_only=without)
    if not is_state_dict(source):
        m.journal.loaded.add(module)
    if source is PUBLISHED_WEIGHTS:
        m.journal.published.add(module)
    note_handed_over(m, module, source, site)
    again = any(module.order <= loop.since for loop in m.loops)
    if again and source is not PUBLISHED_WEIGHTS and not is_saved(source):
        note_weights_written(m, parameter_group(m, [module], site), site)
    return Unknown("load_state_dict()")


def _forward(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    own = module.cls is not None and isinstance(module.cls.find("forward"), Function)
    if m.modules and not own:
        return run_library(m, module, args, site)
    return call_module(m, module, args, site, _receiver(m, module, site, scope))


def _receiver(m: Machine, module: Instance, site: Site, scope: Scope) -> str:
    """What stands before the dot of a method's name, if that is the module."""
    function = getattr(site.node, "func", None)
    return receiver_of(m, module, getattr(function, "value", None), scope)


def _get_submodule(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    path = args.get(0, "target")
    found: Value = module
    for name in path.split(".") if isinstance(path, str) else ():
        found = m.attribute(found, name, site.node, scope)  # type: ignore[arg-type]
    return found if isinstance(path, str) else Unknown("submodule")


def _set_attribute(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    name, value = args.get(0, "name"), args.get(1, "value")
    if isinstance(name, str):
        register_child(m, module, name, value)
    return None


def _get_attribute(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    name = args.get(0, "name")
    if not isinstance(name, str):
        return Unknown("attribute")
    return m.attribute(module, name, site.node, scope)  # type: ignore[arg-type]


def _length(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    items = [child for _, child in places(module)]
    return number_of(items) if is_container(module) else Unknown("length")


def _state(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    return state_dict(m, module, site)


def _buffers(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    note_buffers_asked(m, module, site)
    return Many(Unknown(BUFFER, site, module))


def _named_buffers(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    note_buffers_asked(m, module, site)
    return Many((Unknown("buffer name"), Unknown(BUFFER, site, module)))


def _zero_grad(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    return None


def _reset_statistics(
    m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope
) -> Value:
    if is_batch_norm(module):
        note_reset(m, module, site)
    return None


def _reset(m: Machine, module: Instance, args: Arguments, site: Site, scope: Scope) -> Value:
    draw(m, parameter_of(m, module, "weight"), DEFAULT)
    return None


_HANDLERS: dict[str, Handler] = {
    "train": call_train,
    "eval": call_eval,
    "parameters": _parameters,
    "named_parameters": _named_parameters,
    "modules": _modules,
    "named_modules": _named_modules,
    "children": _children,
    "values": _children,
    "named_children": _named_children,
    "items": _named_children,
    "keys": _keys,
    "apply": _apply,
    "add_module": _add_module,
    "register_module": _add_module,
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "register_buffer": _register_buffer,
    "register_parameter": _register_parameter,
    "load_state_dict": _load,
    "forward": _forward,
    "__call__": _forward,
    "get_submodule": _get_submodule,
    "set_submodule": set_submodule,
    "__setattr__": _set_attribute,
    "__getattr__": _get_attribute,
    "__getattribute__": _get_attribute,
    "__len__": _length,
    "state_dict": _state,
    "reset_parameters": _reset,
    "reset_running_stats": _reset_statistics,
    "buffers": _buffers,
    "named_buffers": _named_buffers,
    "zero_grad": _zero_grad,
}
