"""Gradients of each sample by itself: torch.func's ``vmap`` and Opacus."""

from bnlint.facts.types.site import Argument, Site
from bnlint.facts.types.weight_events import SampleGradients
from bnlint.interpreter.core.dispatch import CALLS, handles
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope, Transformed
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import call_foreign, library_function
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.torch.model_records import model_record
from bnlint.interpreter.torch.modules import descendants, modules_in
from bnlint.interpreter.torch.norms import TRACKS, is_batch_norm, norm_records

_DERIVATIVES = tuple(
    f"{package}.{name}"
    for package in ("torch.func", "functorch")
    for name in ("grad", "grad_and_value", "jacrev", "jacfwd")
)


@library_function("torch.vmap", "torch.func.vmap", "functorch.vmap")
def _vmap(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    dims = arguments.get(1, "in_dims", 0)
    shared = isinstance(dims, tuple | list) and bool(dims) and dims[0] is None
    return Transformed(arguments.get(0, "func"), shared)


@library_function(*_DERIVATIVES)
def _derivative(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Transformed(arguments.get(0, "func"))


@handles(CALLS, Transformed)
def _call_transformed(
    m: Machine, made: Transformed, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    before, m.mapped = m.mapped, m.mapped or made.mapped
    try:
        m.call(made.function, arguments, site, scope)
    finally:
        m.mapped = before
    return Unknown("function of torch.func")


@library_function("torch.func.functional_call", "torch.nn.utils.stateless.functional_call")
def _functional_call(
    m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if m.mapped:
        for module in modules_in(arguments.get(0, "module")):
            _note(m, module, path, site)
        return Unknown("functional_call()")
    return call_foreign(m, path, arguments, site, scope)


@library_function(
    "torch.func.replace_all_batch_norm_modules_",
    "functorch.experimental.replace_all_batch_norm_modules_",
)
def _without_statistics(
    m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    root = arguments.get(0, "root")
    for layer in (part for module in modules_in(root) for _, part in descendants(m, module)):
        if is_batch_norm(layer):
            m.heap.put(layer.assigned, TRACKS, Argument(TRACKS, False, site))
    return root


@framework_object("opacus", "PrivacyEngine")
def call_privacy_engine(
    m: Machine, engine: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``engine.make_private(module=model, optimizer=optimizer, data_loader=loader)`` gives back the three."""
    if not name.startswith("make_private") or arguments.positional or arguments.opened:
        return Unknown(f"{name}()")
    given = arguments.keywords
    for module in modules_in(given.get("module")):
        _note(m, module, f"{engine.library}.{name}", site)
    return tuple(given.get(part) for part in ("module", "optimizer", "data_loader"))


def _note(m: Machine, module: Instance, function: str, site: Site) -> None:
    context, record, norms = m.context(), model_record(m, module), norm_records(m, module)
    m.journal.note(
        lambda facts, order: SampleGradients(
            order, site, context, facts.model(record), function, facts.norm_states(norms, module)
        )
    )
