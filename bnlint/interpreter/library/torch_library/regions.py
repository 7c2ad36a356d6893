"""Layers and functions that cut regions out of feature maps, many of each image."""

from bnlint.facts.types.graph import Shape
from bnlint.facts.types.kind import Kind
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Library, Unknown, Value
from bnlint.interpreter.library.calls import library_function

_FUNCTIONS = {
    "torchvision.ops.RoIAlign": "torchvision.ops.roi_align",
    "torchvision.ops.RoIPool": "torchvision.ops.roi_pool",
    "torchvision.ops.PSRoIAlign": "torchvision.ops.ps_roi_align",
    "torchvision.ops.PSRoIPool": "torchvision.ops.ps_roi_pool",
    "torchvision.ops.MultiScaleRoIAlign": "torchvision.ops.roi_align",
}
"""What layers without parameters compute, but for the arguments that they keep."""


@library_function(*_FUNCTIONS)
def _layer(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Library(_FUNCTIONS[path])


@library_function(
    "torchvision.ops.roi_align",
    "torchvision.ops.roi_pool",
    "torchvision.ops.ps_roi_align",
    "torchvision.ops.ps_roi_pool",
)
def _regions(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    inputs = tensors_in(arguments.values)
    if not inputs:
        return Unknown(path)
    name = path.rpartition(".")[2]
    channels = inputs[0].shape.channels if not name.startswith("ps_") else None
    return m.tape.tensor(Kind.REGIONS, name, inputs, site, shape=Shape(4, None, channels))
