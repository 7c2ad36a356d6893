"""Objects that Hydra makes of configurations that name their class under ``_target_``."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Partial, Scope
from bnlint.interpreter.core.values import Arguments, Configuration, Library, Unknown, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.python.configurations import OMEGACONF, configured, entry, pay_for

MOST_PARTS = 40
"""Of a dotted path to an object; each of its beginnings is looked for as a module."""
OLD_TARGETS = ("cls", "target", "class")
SETTINGS = frozenset({"_target_", "_partial_", "_args_", "_recursive_", "_convert_"})


@library_function(
    *(f"hydra.{n}" for n in ("utils.instantiate", "utils.call", "_internal.instantiate"))
)
def _instantiate(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    config, *rest = arguments.positional or [arguments.keywords.get("config")]
    config = _with_target(m, config)
    given = {k: v for k, v in arguments.keywords.items() if k not in (*SETTINGS, "config")}
    recursive = arguments.keywords.get("_recursive_", True)
    return instantiated(m, config, Arguments(rest, given), site, scope, deep=recursive is not False)


def _with_target(m: Machine, config: Value) -> Value:
    """The same of a configuration of Hydra up to 1.0: the class under ``cls``, the arguments under ``params``."""
    names = [name for name in OLD_TARGETS if isinstance(config, dict) and name in config]
    if not names or not isinstance(config, dict) or config.keys() - {*names, "params"}:
        return config
    made = configured(m, {}, OMEGACONF)
    given = config.get("params")
    assert isinstance(made, Configuration)
    for key, value in _entries(given) if isinstance(given, dict) else ():
        made[key] = value
    made["_target_"] = dict(_entries(config))[names[0]]
    return made


def instantiated(
    m: Machine, config: Value, more: Arguments, site: Site, scope: Scope, *, deep: bool = True
) -> Value:
    """The object that a configuration's ``_target_`` makes of its other entries."""
    pay_for(m, config)
    match config:
        case list():
            return m.new([instantiated(m, v, Arguments(), site, scope) for v in config])
        case Configuration() | dict() if "_target_" not in config:
            made = configured(m, {}, OMEGACONF)
            assert isinstance(made, Configuration)
            for key, value in _entries(config):
                made[key] = instantiated(m, value, Arguments(), site, scope)
            return made
        case Configuration() | dict():
            return _made(m, config, more, site, scope, deep=deep)
    return config


def _entries(config: dict[Value, Value]) -> list[tuple[Value, Value]]:
    known = isinstance(config, Configuration)
    return [(key, entry(config, key) if known else config[key]) for key in config]  # type: ignore[arg-type]


def _made(
    m: Machine,
    config: dict[Value, Value],
    more: Arguments,
    site: Site,
    scope: Scope,
    *,
    deep: bool,
) -> Value:
    entries = dict(_entries(config))
    target, deep = entries.get("_target_"), deep and entries.get("_recursive_") is not False
    callee = _named(m, target, site, scope) if isinstance(target, str) else Unknown("target")
    keywords: dict[str, Value] = {}
    for key, value in entries.items():
        if isinstance(key, str) and key not in SETTINGS and key not in more.keywords:
            inner = instantiated(m, value, Arguments(), site, scope) if deep else value
            keywords[str(key)] = inner
    keywords |= more.keywords
    positional = list(more.positional)
    own = entries.get("_args_")
    if isinstance(own, list) and not positional:
        positional = list(own)
    if entries.get("_partial_") is True:
        return Partial(callee, tuple(positional), tuple(keywords.items()))
    return m.call(callee, Arguments(positional, keywords), site, scope)


def _named(m: Machine, path: str, site: Site, scope: Scope) -> Value:
    """What a dotted path means: something of the project, or of a package."""
    parts = path.split(".")
    if len(parts) > MOST_PARTS:
        return Unknown("target")
    for end in range(len(parts) - 1, 0, -1):
        module = m.namespaces.load(".".join(parts[:end]), 0, scope.namespace)
        if isinstance(module, Namespace):
            value: Value = module
            for name in parts[end:]:
                value = m.attribute(value, name, site.node, scope)  # type: ignore[arg-type]
            return value
    return Library(path)


@library_function("hydra.utils.get_class", "hydra.utils.get_method", "hydra.utils.get_object")
def _get(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    name = arguments.get(0, "path")
    return _named(m, str(name), site, scope) if isinstance(name, str) else Unknown(f"{path}()")
