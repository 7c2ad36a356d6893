"""``concurrent.futures``: functions that threads or other processes execute, and what these return."""

from bnlint.facts.types.known import Known
from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Function, Instance, Method, Partial, Scope
from bnlint.interpreter.core.values import Arguments, Library, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.python.iteration import elements

FUTURE = "concurrent.futures.Future"
RETURNED = "<returned>"
"""The attribute, of no name in Python, under which a future has what its function returns."""
_OWN_PROCESS = "ProcessPoolExecutor"
_EXECUTORS = ("ThreadPoolExecutor", _OWN_PROCESS)


@library_function(
    *(f"concurrent.futures.{name}" for name in _EXECUTORS),
    "concurrent.futures.thread.ThreadPoolExecutor",
    "concurrent.futures.process.ProcessPoolExecutor",
)
def _executor(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return new_instance(m, None, path, site)


@framework_object("concurrent", *_EXECUTORS)
def _call_executor(
    m: Machine, executor: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    function, *given = arguments.positional or [None]
    if name not in ("submit", "map") or not isinstance(function, Function | Method | Partial):
        return m.call_unknown(Unknown(name, None, executor), arguments, site)
    before = m.heap.snapshot()
    with m.gradients_given_back():
        m.grad = Known.YES  # what records gradients is a thread's own
        if name == "map":
            made = m.call(Library("builtins.map"), Arguments([function, *given]), site, scope)
        else:
            handed = Arguments(given, arguments.keywords)
            handed.opened = arguments.opened
            made = new_instance(m, None, FUTURE, site)
            made.attributes[RETURNED] = m.call(function, handed, site, scope)
    if executor.library.endswith(_OWN_PROCESS):
        m.heap.restore(before)
    else:
        m.heap.drop(before)
    return made


@framework_object("concurrent", "Future")
def _call_future(
    m: Machine, future: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    return future.attributes[RETURNED] if name == "result" else Unknown(f"future {name}")


@library_function("concurrent.futures.as_completed", "concurrent.futures.wait")
def _completed(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    futures = elements(m, arguments.get(0, "fs"))
    if futures is None:
        return Unknown(f"{path}()", site, arguments.get(0, "fs"))
    return m.new([*futures]) if path.endswith("completed") else (m.new([*futures]), [])
