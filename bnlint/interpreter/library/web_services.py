"""Functions that a web service calls for each request: FastAPI, Flask, Gradio and their like."""

from collections.abc import Callable
from functools import partial

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Function, Instance, Method, Partial, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.framework_objects import framework_object
from bnlint.source import SourceFile

ROUTES = frozenset("get post put patch delete route api_route websocket websocket_route".split())
"""Methods of an application that make a decorator for a path."""
LISTENERS = frozenset("click change input load select submit upload".split())
"""Methods of what a page shows that take the function to call when somebody uses it."""
STARTING = tuple(
    "startup lifespan before_request before_first_request before_serving Depends middleware".split()
)
"""Words of files in which something may be done before the first request, or around each."""
SERVED = "<served>"
"""The method, of no name that code can say, that enters what such a decorator is put on."""


@framework_object("fastapi", "FastAPI", "APIRouter")
@framework_object("flask", "Flask", "Blueprint")
@framework_object("quart", "Quart", "Blueprint")
@framework_object("sanic", "Sanic", "Blueprint")
def _call_service(
    m: Machine, service: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if name in ROUTES:
        return Partial(Builtin(service, SERVED), (), ())
    function = arguments.get(0, "function")
    if name == SERVED and isinstance(function, Function):
        m.journal.served.append((function, site))
        return function
    return Unknown(f"service {name}", site, service)


@library_function("gradio.Interface", "gradio.ChatInterface")
def _interface(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    _note_served(m, arguments.get(0, "fn"), site)
    return Unknown(path, site)


@framework_object("gradio", "Blocks", "Button", "Image", "Textbox", "Audio", "Video", "Dropdown")
@framework_object("gradio", "Slider", "Checkbox", "Radio", "File", "UploadButton", "Gallery")
def _call_component(
    m: Machine, component: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    if name in LISTENERS:
        _note_served(m, arguments.get(0, "fn"), site)
    return component if name == "__enter__" else Unknown(f"component {name}", site, component)


def _note_served(m: Machine, function: Value, site: Site) -> None:
    if isinstance(function, Function | Method | Instance):
        m.journal.served.append((function, site))


def serve(m: Machine, source: SourceFile, call: Callable[[Value, Site], None]) -> None:
    """Call the functions of a script's web service, each of them or not.

    Nothing is called where something else may come before a request: in this file, or in another one
    that may import it and switch modes.
    """
    if any(source.mentions(word) for word in STARTING):
        return
    project = m.namespaces.project
    others = (other for other in (*project.overrides, *project.files) if other is not source)
    if any(other.mentions(source.file.stem) and other.calls("eval") for other in others):
        return
    for function, site in m.journal.served:
        m.fork(partial(call, function, site), lambda: None, site)
