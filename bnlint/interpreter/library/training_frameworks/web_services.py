"""Functions that a service calls for each request or message: FastAPI, Flask, Gradio, bots and their like."""

from collections.abc import Callable
from functools import partial

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Builtin, Function, Instance, Method, Partial, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.training_frameworks.framework_objects import framework_object
from bnlint.source import SourceFile

MESSAGES = frozenset(
    """message message_handler callback_query callback_query_handler inline_query command hybrid_command
    event listen task""".split()
)
"""Methods of bots and queues that decorate a function, with arguments in between or without."""
ROUTES = frozenset("get post put patch delete route api_route websocket websocket_route".split())
"""Methods of an application that make a decorator for a path."""
LISTENERS = frozenset("click change input load select submit upload".split())
"""Methods of what a page shows that take the function to call when somebody uses it."""
STARTING = tuple(
    """startup lifespan before_request before_first_request before_serving Depends middleware post_init
    on_ready setup_hook worker_process_init""".split()
)
"""Words of files in which something may be done before the first request, or around each."""
SERVED = "<served>"
"""The method, of no name that code can say, that enters what such a decorator is put on."""


@framework_object("fastapi", "FastAPI", "APIRouter")
@framework_object("flask", "Flask", "Blueprint")
@framework_object("quart", "Quart", "Blueprint")
@framework_object("sanic", "Sanic", "Blueprint")
@framework_object("aiohttp", "RouteTableDef")
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


@framework_object("discord", "Bot", "Client", "AutoShardedBot")
@framework_object("aiogram", "Dispatcher", "Router")
@framework_object("telebot", "TeleBot", "AsyncTeleBot")
@framework_object("celery", "Celery")
def _call_bot(
    m: Machine, bot: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    function = arguments.get(0, "function")
    if name == SERVED or (name in MESSAGES and isinstance(function, Function)):
        _note_served(m, function, site)
        return function
    if name in MESSAGES:
        return Partial(Builtin(bot, SERVED), (), ())
    return Unknown(f"bot {name}", site, bot)


@library_function("telegram.ext.MessageHandler", "telegram.ext.CommandHandler")
@library_function(*(f"aiohttp.web.{method}" for method in ("get", "post", "put")))
def _handled(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    keyword = "callback" if path.startswith("telegram.") else "handler"
    _note_served(m, arguments.get(1, keyword), site)
    return Unknown(path, site)


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
    """Call the functions of a script's service, each of them or not.

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
