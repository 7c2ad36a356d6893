"""Functions of torch that fold BatchNorm layers into the convolutions before them."""

from collections.abc import Iterator

from bnlint.facts.types.run import Fused
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.library.calls import call_foreign, library_function
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import modules_in
from bnlint.interpreter.torch.norms import norm_records

_QUANTIZATION = ("torch.ao.quantization", "torch.quantization")
_OF_NAMES = tuple(
    f"{package}.{name}"
    for package in _QUANTIZATION
    for name in ("fuse_modules", "fuse_modules.fuse_modules")
)
_OF_PAIRS = tuple(
    f"torch.nn.utils.{name}"
    for function in ("fuse_conv_bn_eval", "fuse_linear_bn_eval")
    for name in (function, f"fusion.{function}")
)
_OF_MODELS = (
    "torch.fx.experimental.optimization.fuse",
    *(
        f"{package}.quantize_fx.{name}"
        for package in _QUANTIZATION
        for name in ("fuse_fx", "prepare_fx")
    ),
)


@library_function(*_OF_NAMES)
def _fuse_names(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    names = frozenset(_folded(arguments.get(1, "modules_to_fuse")))
    if "fuser_func" not in arguments.keywords and len(arguments.positional) < 4:
        for module in modules_in(arguments.get(0, "model")):
            _note(m, module, path, site, names)
    return call_foreign(m, path, arguments, site, scope)


@library_function(*_OF_PAIRS)
def _fuse_pair(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    for module in modules_in(arguments.get(1, "bn")):
        _note(m, module, path, site)
    return call_foreign(m, path, arguments, site, scope)


@library_function(*_OF_MODELS)
def _fuse_model(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    for module in modules_in(arguments.get(0, "model")):
        _note(m, module, path, site)
    return call_foreign(m, path, arguments, site, scope)


def _folded(value: Value) -> Iterator[str]:
    """The names in a list, or in a list of lists, that do not stand first; BatchNorm alone is not folded."""
    if isinstance(value, list | tuple):
        yield from (name for name in value[1:] if isinstance(name, str))
        for group in value:
            yield from _folded(group)


def _note(
    m: Machine, module: Instance, path: str, site: Site, names: frozenset[str] | None = None
) -> None:
    """Record that the layers of these names, or all that follow a convolution, are fused."""
    context, record = m.context(), model_record(m, module)
    norms = [n for n in norm_records(m, module) if names is None or n.name in names]
    m.journal.note(
        lambda facts, order: Fused(
            order, site, context, facts.model(record), path, facts.norm_states(norms, module)
        )
    )
