"""Classes and functions of packages that are executed as if they were the project's own."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.source.file import SourceFile, parse_text
from bnlint.vocabulary.filling import TIMM_REGISTRATION

TIMM_REGISTRY = "timm_registry"
CODE = "bnlint.interpreter.library.package_code"
CLASSES: Mapping[str, tuple[str, str]] = {
    "fvcore.common.registry.Registry": ("fvcore_registry", "Registry"),
    "iopath.common.registry.Registry": ("fvcore_registry", "Registry"),
    "detectron2.utils.registry.Registry": ("fvcore_registry", "Registry"),
    **dict.fromkeys(TIMM_REGISTRATION, (TIMM_REGISTRY, "register_model")),
}
"""The file of ours, and what in it does what a package's class or function does."""


@library_function(*CLASSES)
def _build(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    module, name = CLASSES[path]
    return m.call(packaged(m, module).lookup(m, name), arguments, site, scope)


def packaged(m: Machine, module: str) -> Namespace:
    """A module of ours, as the program has filled it."""
    return m.namespaces.of_package(_source(module), f"{CODE}.{module}")


@cache
def _source(module: str) -> SourceFile:
    text = files(CODE).joinpath(f"{module}.py").read_text(encoding="utf-8")
    return parse_text(text, f"{module}.py", Path(f"/{CODE}/{module}.py"))
