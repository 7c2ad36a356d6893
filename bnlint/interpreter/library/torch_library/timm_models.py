"""Models that timm makes by their names: those that a project has registered, else its own."""

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Scope
from bnlint.interpreter.core.unknown_uses import note_unknown_architecture
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import build_opaque, library_function, options_of
from bnlint.interpreter.library.packaged_classes import TIMM_REGISTRY, packaged
from bnlint.interpreter.library.torch_library.models import contains_batchnorm
from bnlint.interpreter.python.registries import fill

FACTORIES = ("timm", "timm.models", "timm.models.factory", "timm.models._factory")
REGISTRIES = ("timm.models", "timm.models.registry", "timm.models._registry")
_KEPT = frozenset(
    """model_name pretrained pretrained_cfg pretrained_cfg_overlay checkpoint_path cache_dir
    scriptable exportable no_jit""".split()
)
"""Parameters of ``create_model`` that it does not hand on as they are."""


@library_function(*(f"{module}.create_model" for module in FACTORIES))
def _create(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """The function of the project that has the name, called as timm does, or a model of timm's."""
    made_by = _registered(m, arguments.get(0, "model_name"))
    if made_by is not None:
        given = {k: v for k, v in arguments.keywords.items() if k not in _KEPT and v is not None}
        given["pretrained"] = arguments.get(1, "pretrained", False)
        handed = Arguments([], given)
        handed.keyword_nodes, handed.opened = arguments.keyword_nodes, arguments.opened
        return m.call(made_by, handed, site, scope)
    if contains_batchnorm(path, options_of(path, arguments)) is Known.UNKNOWN:
        note_unknown_architecture(m, path, arguments, site)
    return build_opaque(m, path, arguments, site)


@library_function(*(f"{module}.model_entrypoint" for module in REGISTRIES))
def _entry_point(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "model_name")
    return _registered(m, name) or Unknown(f"{path}()", site, name)


def _registered(m: Machine, name: Value) -> Function | None:
    """The function that the modules which the program imports have registered under a name."""
    models = packaged(m, TIMM_REGISTRY).lookup(m, "MODELS")
    if not isinstance(name, str) or not isinstance(models, dict):
        return None
    if name not in models:
        fill(m, models)
    found = models.get(str(name))
    return found if isinstance(found, Function) else None
