"""Modules that are loaded from a path: ``importlib.util``, ``runpy``, ``imp``."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.python.data_texts import file_at
from bnlint.interpreter.python.registries import register
from bnlint.source import Unreadable

SPEC = "importlib.machinery.ModuleSpec"
LOADER = "importlib.machinery.SourceFileLoader"


@library_function("importlib.util.spec_from_file_location", LOADER)
def _at_path(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """A spec, or a loader, of the module at a path that is known."""
    module = _module_at(m, arguments.get(1, "location" if path != LOADER else "path"), site)
    if not isinstance(module, Namespace):
        return module
    loader = new_instance(m, None, LOADER, site)
    loader.attributes["module"] = module
    if path == LOADER:
        return loader
    spec = new_instance(m, None, SPEC, site)
    spec.attributes |= {"module": module, "loader": loader}
    return spec


@library_function("importlib.util.spec_from_loader")
def _of_loader(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    loader = arguments.get(1, "loader")
    if not isinstance(loader, Instance) or loader.library != LOADER:
        return Unknown(f"{path}()", site, loader)
    spec = new_instance(m, None, SPEC, site)
    spec.attributes |= {"module": loader.attributes["module"], "loader": loader}
    return spec


@library_function("importlib.util.module_from_spec")
def _of_spec(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    spec = arguments.get(0, "spec")
    if isinstance(spec, Instance) and spec.library == SPEC:
        return spec.attributes["module"]
    return Unknown(f"{path}()", site, spec)


@library_function("imp.load_source")
def _source(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return _loaded(m, _module_at(m, arguments.get(1, "pathname"), site))


@framework_object("importlib", "SourceFileLoader")
def _call_loader(
    m: Machine, loader: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    match name:
        case "exec_module":
            _loaded(m, arguments.get(0, "module"))
            return None
        case "load_module":
            return _loaded(m, loader.attributes["module"])
    return Unknown(f"loader {name}", site, loader)


def _module_at(m: Machine, path: Value, site: Site) -> Value:
    file = file_at(m, path, site) if isinstance(path, str) and path.endswith(".py") else None
    if file is None:
        return Unknown("module", site, path)
    try:
        return m.namespaces.imported(m.namespaces.project.load(file))
    except Unreadable:
        return Unknown("module", site, path)


def _loaded(m: Machine, module: Value) -> Value:
    if isinstance(module, Namespace):
        register(m, module)
    return module
