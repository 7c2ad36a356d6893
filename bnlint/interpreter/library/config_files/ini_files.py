"""configparser: sections of strings, read from the project's files."""

from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import OpenFile, Scope
from bnlint.interpreter.core.values import MISSING, Arguments, Configuration, Unknown, Value
from bnlint.interpreter.evaluation import evaluate
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.config_files.data_reading import loaded, loaded_file
from bnlint.interpreter.python.configurations import configured, entry, forget_entries, merge

INI = "configparser"
BOOLEANS: Mapping[str, bool] = {
    **dict.fromkeys(("1", "yes", "true", "on"), True),
    **dict.fromkeys(("0", "no", "false", "off"), False),
}


@library_function(
    *(f"configparser.{n}" for n in ("ConfigParser", "RawConfigParser", "SafeConfigParser"))
)
def _parser(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return configured(m, {}, INI)


def call_ini_method(
    m: Machine, owner: Configuration, name: str, arguments: Arguments, site: Site
) -> Value:
    """A method of a parser, or of one of its sections."""
    match name:
        case "read" | "read_file" | "readfp" | "read_string":
            _read(m, owner, name, arguments.get(0, "source"), site)
            return None
        case "sections":
            return [key for key in owner if key != "DEFAULT"]
        case "has_section":
            return arguments.get(0, "section") in owner
        case "options":
            section = owner.get(arguments.get(0, "section"))
            return list(section) if isinstance(section, Configuration) else Unknown("options")
        case "has_option" | "get" | "getint" | "getfloat" | "getboolean":
            return _option(m, owner, name, arguments)
        case "items" if arguments.positional:
            section = owner.get(arguments.positional[0])
            return list(section.items()) if isinstance(section, dict) else Unknown("items")
    return MISSING


def _read(m: Machine, owner: Configuration, method: str, source: Value, site: Site) -> None:
    sources = source if isinstance(source, list | tuple) else [source]
    for one in sources:
        match one:
            case OpenFile(path=path):
                tree = loaded_file(m, "ini", path, site)
            case str() if method == "read_string":
                tree = loaded(m, "ini", str(one), "", site)
            case str():
                tree = loaded_file(m, "ini", str(one), site)
            case _:
                m.command_line.note_file(one)
                tree = Unknown("ini")
        if isinstance(tree, dict) or not isinstance(one, str):
            merge(m, owner, tree)
        else:
            forget_entries(m, owner)


def _option(m: Machine, owner: Configuration, method: str, arguments: Arguments) -> Value:
    names = list(arguments.positional)
    section: Value = owner
    if any(isinstance(value, dict) for value in owner.values()) or not owner:
        section = entry(owner, names.pop(0)) if names and isinstance(names[0], str) else None
    name = names.pop(0) if names else arguments.keywords.get("option")
    if not isinstance(section, Configuration) or not isinstance(name, str):
        return _fallback(method, arguments, names)
    held = entry(section, name.lower())
    if method == "has_option":
        return held is not MISSING
    if held is MISSING:
        return _fallback(method, arguments, names)
    if not isinstance(held, str) or "%" in held or "${" in held:
        return Unknown(f"{method}()")
    match method:
        case "getint" | "getfloat":
            return evaluate(f"builtins.{method[3:]}", [held], m.allowance)
        case "getboolean":
            return BOOLEANS.get(held.lower(), Unknown("getboolean()"))
    return held


def _fallback(method: str, arguments: Arguments, names: list[Value]) -> Value:
    default = names[0] if names else Unknown(f"{method}()")
    return arguments.keywords.get("fallback", default)
