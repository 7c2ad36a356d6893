"""The module object of a project's file."""

from types import ModuleType
from typing import Any

from bnlint.tracer.slicing.lazy_globals import Names


class Sliced(ModuleType):
    """A module of the project, whose names are evaluated when they are first used."""

    def __init__(self, name: str, names: Names) -> None:
        super().__init__(name)
        object.__setattr__(self, "_names", names)

    def __getattr__(self, name: str) -> Any:
        names: Names = object.__getattribute__(self, "_names")
        try:
            return names[name]
        except KeyError:
            pass
        raise AttributeError(f"module `{self.__name__}` has no attribute `{name}`")

    def __setattr__(self, name: str, value: object) -> None:
        names: Names = object.__getattribute__(self, "_names")
        if name.startswith("__"):
            super().__setattr__(name, value)
        elif isinstance(value, ModuleType) and names.defines(name):
            return  # what a package's body defines comes after its submodules
        names[name] = value

    @property
    def __dict__(self) -> Names:  # type: ignore[override]
        names: Names = object.__getattribute__(self, "_names")
        return names

    def __dir__(self) -> list[str]:
        return sorted(self.__dict__)
