"""DataParallel and other modules that only call the one that they were given."""

from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.torch.modules import WRAPPERS, child_modules


def wrappers(module: Instance) -> list[Instance]:
    """DataParallel and the like around the module that they were given, outermost first.

    Where paths join, one of them may be what it wraps.
    """
    found: list[Instance] = []
    inner: Instance | None = module
    while inner is not None and inner.library in WRAPPERS and inner not in found:
        found.append(inner)
        inner = next((child for _, child in child_modules(inner)), None)
    return found


def unwrapped(module: Instance) -> Instance:
    """The module that DataParallel or another wrapper was given, or the module itself."""
    around = wrappers(module)
    if not around:
        return module
    return next((child for _, child in child_modules(around[-1])), around[-1])
