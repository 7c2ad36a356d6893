"""Functions that run a function of the program: in other processes, or from a command line."""

from collections.abc import Mapping

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.bound_arguments import bind_loosely
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import (
    Builtin,
    Class,
    Function,
    Instance,
    Method,
    Partial,
    Scope,
)
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.command_lines.absl_flags import read_flags
from bnlint.interpreter.library.command_lines.fire_words import own_commands, run_each, run_fire
from bnlint.interpreter.library.command_lines.signature_options import (
    DATACLASSES,
    TYPER,
    TYRO,
    callee_of,
    given_parameters,
)
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.python.iteration import elements

RANK = 0
"""The number of the process that is followed: the first one, which does all that others do."""


@immutable
class Launcher:
    """Where a function that runs another takes it, and what it calls it with.

    ``args`` and ``kwargs`` are parameters that hold the arguments; without them the arguments
    stand behind the function itself. With ``numbered`` the process' number comes first.
    """

    function: tuple[int, str]
    args: tuple[int, str] | None = None
    kwargs: tuple[int, str] | None = None
    numbered: bool = False


LAUNCHERS: Mapping[str, Launcher] = {
    "torch.multiprocessing.spawn": Launcher((0, "fn"), (1, "args"), numbered=True),
    "torch.multiprocessing.start_processes": Launcher((0, "fn"), (1, "args"), numbered=True),
    "torch.multiprocessing.spawn.spawn": Launcher((0, "fn"), (1, "args"), numbered=True),
    "torch_xla.distributed.xla_multiprocessing.spawn": Launcher(
        (0, "fn"), (1, "args"), numbered=True
    ),
    "torch_xla.launch": Launcher((0, "fn"), (1, "args"), numbered=True),
    "ignite.distributed.spawn": Launcher((1, "fn"), (2, "args"), (3, "kwargs_dict"), numbered=True),
    "accelerate.notebook_launcher": Launcher((0, "function"), (1, "args")),
    "accelerate.launchers.notebook_launcher": Launcher((0, "function"), (1, "args")),
    "accelerate.debug_launcher": Launcher((0, "function"), (1, "args")),
    "detectron2.engine.launch": Launcher((0, "main_func"), (5, "args")),
    "horovod.run": Launcher((0, "func"), (1, "args"), (2, "kwargs")),
}
"""Those that start processes."""
PROCESSES = frozenset(
    {
        "torch.multiprocessing.Process",
        "torch.multiprocessing.process.Process",
        "multiprocessing.Process",
        "multiprocessing.process.Process",
    }
)
PROCESS = Launcher((1, "target"), (3, "args"), (4, "kwargs"))
COMMAND_LINES = frozenset(
    {
        "fire.Fire",
        "fire.core.Fire",
        "typer.run",
        "typer.main.run",
        "tyro.cli",
        "jsonargparse.CLI",
        "jsonargparse.auto_cli",
        "simple_parsing.parse",
        "plac.call",
        "defopt.run",
        "argh.dispatch_command",
    }
)
"""Functions that call a function with what the command line says, or else with its defaults."""


@library_function(*PROCESSES)
def _process(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    made = new_instance(m, None, path, site)
    made.arguments, made.resolved = bind_loosely(arguments), not arguments.opened
    return made


@library_function(*LAUNCHERS)
def _launch(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    run_process(m, LAUNCHERS[path], arguments, site, scope)
    return Unknown("processes")


def start_process(m: Machine, process: Instance, site: Site, scope: Scope) -> None:
    """``Process(target=..., args=...).start()``."""
    given = {name: bound.value for name, bound in process.arguments.items()}
    positional = [given.pop(str(n)) for n in range(len(given)) if str(n) in given]
    run_process(m, PROCESS, Arguments(positional, given), site, scope)


def run_process(
    m: Machine, launcher: Launcher, arguments: Arguments, site: Site, scope: Scope
) -> None:
    """Call a function as another process does: what it changes stays there."""
    function = arguments.get(*launcher.function)
    if not isinstance(function, Function | Method | Partial):
        return
    before = m.heap.snapshot()
    m.grad = Known.YES
    m.call(function, _passed_on(m, launcher, arguments), site, scope)
    m.heap.restore(before)


def _passed_on(m: Machine, launcher: Launcher, arguments: Arguments) -> Arguments:
    made = Arguments([RANK] if launcher.numbered else [])
    given = arguments.get(*launcher.args, ()) if launcher.args is not None else ()
    items = elements(m, given)
    made.opened = arguments.opened or items is None
    made.positional.extend(items or [])
    named = arguments.get(*launcher.kwargs) if launcher.kwargs is not None else None
    if isinstance(named, dict):
        made.keywords = {name: value for name, value in named.items() if isinstance(name, str)}
    made.nodes = [None] * len(made.positional)
    return made


@library_function("memory_profiler.memory_usage")
def _memory_usage(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """Call what is measured, ``f`` or ``(f, args, kwargs)``, in this process."""
    measured = arguments.get(0, "proc")
    parts = measured if isinstance(measured, tuple) else (measured,)
    function, given, named = (*parts, *((), {})[len(parts) - 1 :])[:3]
    if not isinstance(function, Function | Method | Partial | Builtin):
        return Unknown(f"{path}()")
    call = Arguments([function, given, named])
    passed = _passed_on(m, Launcher((0, "f"), (1, "args"), (2, "kw")), call)
    answer = m.call(function, passed, site, scope)
    usage = Unknown("memory usage")
    return (usage, answer) if arguments.keywords.get("retval") is True else usage


@library_function(*COMMAND_LINES)
def _command_line(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    component = arguments.get(0, "component")
    if path.startswith("fire.") and m.command_line.invocation is not None:
        return run_fire(m, component, site, scope)
    if path.startswith("fire.") and component is None:
        component = own_commands(scope.namespace)
    if path.startswith("fire.") and isinstance(component, dict | Class | Instance):
        run_each(m, component, site, scope)
        return Unknown(f"{path}()")
    if isinstance(component, Function | Method | Partial) or is_dataclass(component):
        style = TYPER if path.startswith("typer") else TYRO
        style = DATACLASSES if path.startswith("simple_parsing") else style
        given = given_parameters(m, [callee_of(component)], style, site) or {}
        return m.call(component, Arguments([], given), site, scope)
    return Unknown(f"{path}()")


def is_dataclass(component: Value) -> bool:
    """Whether something is a dataclass of the project."""
    return isinstance(component, Class) and component.dataclass


@library_function("absl.app.run")
def _app_run(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    main = arguments.get(0, "main")
    if not isinstance(main, Function | Method | Partial):
        return Unknown("main")
    read_flags(m)
    return m.call(main, Arguments([Unknown("arguments of the command line")]), site, scope)
