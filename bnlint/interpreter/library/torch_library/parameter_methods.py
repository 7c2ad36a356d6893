"""Methods of parameters: initial values, gradients, copies."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.knowledge import is_saved
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Choice, Library, Tensor, Unknown, Value
from bnlint.interpreter.library.torch_library.tensor_functions import call_tensor_method, size
from bnlint.interpreter.torch.freezing import freeze, note_weights_written, owners
from bnlint.interpreter.torch.integer_entries import chosen, note_called
from bnlint.interpreter.torch.parameter_sizes import shape_of_parameter
from bnlint.interpreter.torch.parameters import is_parameter, operand
from bnlint.interpreter.torch.weight_fills import draw, draw_of, fill, scale
from bnlint.interpreter.torch.wrappers import unwrapped

COPIES = frozenset({"copy_", "mul_", "lerp_", "add_", "sub_", "set_", "div_"})
RANDOM = frozenset({"normal_", "uniform_", "xavier_uniform_", "kaiming_normal_", "random_"})
FLOATS = frozenset({"float", "double", "half", "bfloat16"})
SAME = FLOATS | {"detach", "clone", "to", "cuda", "cpu", "view", "data", "contiguous"}


def call_parameter_method(
    m: Machine, parameter: Instance, name: str, arguments: Arguments, site: Site
) -> Value:
    """``parameter.name(...)``."""
    first = arguments.get(0, "value")
    note_called(m, parameter, name, arguments, site)
    match name:
        case "requires_grad_":
            value = arguments.get(0, "requires_grad", True)
            freeze(m, parameter, value if isinstance(value, bool) else None, site)
            return parameter
        case "fill_" | "zero_":
            number = 0.0 if name == "zero_" else first
            fill(m, parameter, float(number) if isinstance(number, int | float) else None, site)
            return parameter
        case _ if name in RANDOM:
            draw(m, parameter, draw_of(name, arguments, 0), site)
            return parameter
        case "mul_" | "div_" if isinstance(first, int | float) and first:
            note_weights_written(m, parameter, site)
            scale(m, parameter, first if name == "mul_" else 1 / first)
            return parameter
        case _ if name in COPIES:
            _write(m, parameter, name, first, site)
            return parameter
        case "numel" | "size" | "dim" | "nelement" | "ndimension":
            return _size(parameter, name, arguments)
        case "item":
            return Unknown(f"parameter {name}")
        case _ if name in SAME and not m.modules:
            return chosen(m, parameter) if _makes_float(name, arguments) else parameter
    tensor = operand(m, parameter, site)
    if tensor is None:
        return Unknown(f"{name}()")
    return call_tensor_method(m, tensor, name, arguments, site)


def _write(m: Machine, parameter: Instance, name: str, first: Value, site: Site) -> None:
    """``parameter.copy_(other)`` and the like: what it holds then is not known."""
    draw(m, parameter, None)
    loaded = name == "copy_" and is_saved(first)
    other = is_parameter(first) or isinstance(first, Choice | Unknown | Tensor)
    if (other and not loaded) or name == "mul_":
        note_weights_written(m, parameter, site)
    if name == "copy_" and isinstance(first, Unknown):
        m.journal.loaded.update(map(unwrapped, owners(parameter)))


def _size(parameter: Instance, name: str, arguments: Arguments) -> Value:
    shape = shape_of_parameter(parameter)
    return Unknown(f"parameter {name}") if shape.sizes is None else size(shape, name, arguments)


def _makes_float(name: str, arguments: Arguments) -> bool:
    """Whether a copy has floating-point numbers where there were whole ones, perhaps."""
    given = [arguments.get(0, "dtype"), arguments.keywords.get("dtype")]
    types = [one for one in given if isinstance(one, Library) and "." in one.path]
    return name in FLOATS or (name == "to" and bool(types))
