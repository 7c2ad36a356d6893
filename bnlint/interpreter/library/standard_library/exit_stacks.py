"""Context managers that ``contextlib.ExitStack`` enters, and leaves at the end of its own ``with``."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Instance, Managed, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.torch.modules import modules_in, set_mode


@framework_object("contextlib", "ExitStack", "AsyncExitStack")
def _call_stack(
    m: Machine, stack: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """What is entered is not executed, and may switch the models that it was given."""
    for module in modules_in(_given(arguments.get(0, "cm"))):
        set_mode(m, module, None, site, None)
    return Unknown(f"{name}()", site, stack)


def _given(manager: Value) -> list[Value]:
    match manager:
        case Managed(arguments=arguments):
            return list(arguments.values)
        case Instance(cls=Class(), attributes=attributes):
            return list(attributes.values())
    return []
