"""fire: a function, a class or a dict of them, called with the words of the command line."""

from collections.abc import Sequence

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.interruptions import ProgramEnds
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class, Function, Instance, Method, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.evaluation.data_formats import NotData, parsed

LONGEST = 1_000
MOST_COMMANDS = 12
"""Functions that are called where nothing says which one."""


def run_fire(m: Machine, component: Value, site: Site, scope: Scope) -> Value:
    """``fire.Fire(component)`` with a command line that is known."""
    words = m.command_line.words()
    if component is None:
        component = dict(scope.namespace.names)
    if isinstance(component, dict):
        if not words or words[0] not in component:
            return Unknown("fire")
        component, words = component[words[0]], words[1:]
    if isinstance(component, Class):
        return _of_class(m, component, words, site, scope)
    if isinstance(component, Instance):
        return _method(m, component, words, site, scope)
    if isinstance(component, Function | Method):
        given, _ = _arguments(m, component, words, site)
        return m.call(component, given, site, scope)
    return Unknown("fire")


def run_each(m: Machine, component: Value, site: Site, scope: Scope) -> None:
    """What a command line that is not known may mean: each is called as the only one, with its defaults."""
    made = (
        m.call(component, Arguments(), site, scope) if isinstance(component, Class) else component
    )
    call_each(m, _commands(made), site, scope)


def call_each(m: Machine, functions: Sequence[Value], site: Site, scope: Scope) -> None:
    """Call each of several functions as if it were the only one."""
    for function in functions[:MOST_COMMANDS]:
        before = m.heap.snapshot()
        m.call(function, Arguments(), site, scope)
        m.heap.restore(before)


def own_commands(module: Namespace) -> dict[str, Value]:
    """The functions of a module itself that need no arguments."""
    return {
        name: value
        for name, value in module.names.items()
        if isinstance(value, Function)
        and value.scope.namespace is module
        and all(p.name.value in value.defaults for p in value.node.params.params)
    }


def _commands(component: Value) -> list[Value]:
    """The functions of a dict, or the public methods of an object, in their order."""
    if isinstance(component, dict):
        return [value for value in component.values() if isinstance(value, Function | Method)]
    if not isinstance(component, Instance) or component.cls is None or component.is_module:
        return []
    classes = [cls for cls in reversed(component.cls.mro) if isinstance(cls, Class)]
    names = dict.fromkeys(name for cls in classes for name in cls.names if not name.startswith("_"))
    found = (component.cls.find(name) for name in names)
    return [Method(value, component) for value in found if isinstance(value, Function)]


def _of_class(m: Machine, cls: Class, words: list[str], site: Site, scope: Scope) -> Value:
    """The constructor takes its flags, wherever they stand; the first other word is a method."""
    init = cls.find("__init__")
    given, rest = Arguments(), words
    if isinstance(init, Function):
        plain = [
            number for number, word in enumerate(words) if isinstance(cls.find(word), Function)
        ]
        end = plain[0] if plain else len(words)
        own, _ = _arguments(m, Method(init, None), words[:end], site)
        late, left = _flags_of(init, words[end + 1 :])
        more, _ = _arguments(m, Method(init, None), late, site)
        own.keywords |= more.keywords
        given, rest = own, [*words[end : end + 1], *left]
    made = m.call(cls, given, site, scope)
    return _method(m, made, rest, site, scope) if isinstance(made, Instance) else made


def _flags_of(function: Function, words: list[str]) -> tuple[list[str], list[str]]:
    """The flags among words that a function has parameters for, with their values, and the others."""
    names, taken, left = _names(function), list[str](), list[str]()
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        own = word.startswith("--") and word[2:].partition("=")[0].replace("-", "_") in names
        target = taken if own else left
        target.append(word)
        if word.startswith("--") and "=" not in word and waiting and not _is_flag(waiting[0]):
            target.append(waiting.pop(0))
    return taken, left


def _method(m: Machine, owner: Instance, words: list[str], site: Site, scope: Scope) -> Value:
    function = owner.cls.find(words[0]) if owner.cls is not None and words else None
    if not isinstance(function, Function):
        return owner
    given, _ = _arguments(m, Method(function, owner), words[1:], site)
    return m.call(Method(function, owner), given, site, scope)


def _names(function: Function) -> list[str]:
    params = function.node.params
    return [p.name.value for p in (*params.posonly_params, *params.params, *params.kwonly_params)]


def _arguments(
    m: Machine, component: Function | Method, words: list[str], site: Site
) -> tuple[Arguments, list[str]]:
    """The arguments that words give to a function."""
    function = component.function if isinstance(component, Method) else component
    names = _names(function)[isinstance(component, Method) :]
    open_ = function.node.params.star_kwarg is not None
    made, waiting = Arguments(), list(words)
    while waiting:
        word = waiting.pop(0)
        if not _is_flag(word):
            made.positional.append(_value(m, word, word, site))
            made.nodes.append(None)
            continue
        key, given, text = word.lstrip("-").partition("=")
        name = _meant(key.replace("-", "_"), names, short=not word.startswith("--"))
        if name not in names and not open_:
            if name.startswith("no") and name[2:] in names and not given:
                made.keywords[name[2:]] = False
                continue
            m.command_line.refuse(f"could not consume arg: {word}")
            raise ProgramEnds
        if not given and (not waiting or _is_flag(waiting[0])):
            made.keywords[name] = True
            continue
        text = text if given else waiting.pop(0)
        made.keywords[name] = _value(m, text, f"--{key} {text}", site)
    return made, waiting


def _is_flag(word: str) -> bool:
    return (word.startswith("-") and word[1:2].isalpha()) or (
        word.startswith("--") and len(word) > 2
    )


def _meant(key: str, names: list[str], *, short: bool) -> str:
    """A flag of one letter is the only parameter that begins with it."""
    alike = [name for name in names if name.startswith(key)] if short or len(key) == 1 else []
    return alike[0] if len(alike) == 1 else key


def _value(m: Machine, text: str, written: str, site: Site) -> Value:
    """What Python would read there, else the text itself."""
    value: object = text
    if len(text) <= LONGEST:
        try:
            value = parsed("literal", text)
        except NotData:
            bare = text[:1] in "[({"
            value = Unknown("words in brackets") if bare else text
    return with_site(value, site, given_by=f"`{written}`, {m.command_line.source}")
