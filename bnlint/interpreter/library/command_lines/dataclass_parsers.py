"""Parsers that make dataclasses of the command line: of transformers, and simple-parsing."""

from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance, Scope
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.command_lines.signature_options import (
    DATACLASSES,
    given_parameters,
    parameters_of,
)
from bnlint.interpreter.library.config_files.data_reading import loaded_file
from bnlint.interpreter.python.construction import new_instance
from bnlint.interpreter.python.iteration import elements

DATACLASS_PARSERS = frozenset(
    {
        "transformers.HfArgumentParser",
        "transformers.hf_argparser.HfArgumentParser",
        "trl.TrlParser",
        "simple_parsing.ArgumentParser",
    }
)
PARSING = frozenset(
    """parse_args_into_dataclasses parse_args_and_config parse_json_file parse_yaml_file parse_dict
    add_arguments parse_args""".split()
)
ADDED = "<dataclasses>"
"""Where a parser keeps the dataclasses that were added to it, by their destinations."""


def parse_dataclasses(
    m: Machine, parser: Instance, name: str, arguments: Arguments, site: Site, scope: Scope
) -> Value:
    """``parser.name(...)``."""
    match name:
        case "add_arguments":
            return _add(m, parser, arguments)
        case "parse_args":
            return _parsed(m, parser, site, scope)
        case "parse_dict" | "parse_json_file" | "parse_yaml_file":
            source = arguments.get(0, "args")
            kind = "json" if "json" in name else "yaml"
            tree = loaded_file(m, kind, source, site) if isinstance(source, str) else source
            known: Mapping[Value, Value] | None = tree if isinstance(tree, dict) else None
        case _:
            given = given_parameters(m, _classes(m, parser), DATACLASSES, site)
            known = dict((given or {}).items())
    return tuple(_made(m, cls, known, site, scope) for cls in _classes(m, parser))


def _classes(m: Machine, parser: Instance) -> list[Value]:
    bound = parser.arguments.get("0") or parser.arguments.get("dataclass_types")
    if bound is None:
        return []
    return elements(m, bound.value) or [bound.value]


def _made(
    m: Machine, cls: Value, given: Mapping[Value, Value] | None, site: Site, scope: Scope
) -> Value:
    """A dataclass with what is given of its fields; without them, it is not known what is."""
    if not parameters_of(cls):
        return m.call(cls, Arguments(), site, scope)
    names = {parameter.name for parameter in parameters_of(cls)}
    keywords = {str(k): v for k, v in (given or {}).items() if k in names}
    made = Arguments([], keywords)
    made.opened = given is None
    return m.call(cls, made, site, scope)


def _add(m: Machine, parser: Instance, arguments: Arguments) -> Value:
    added = parser.attributes.get(ADDED)
    held: dict[Value, Value] = dict(added) if isinstance(added, dict) else {}
    destination = arguments.get(1, "dest")
    if isinstance(destination, str):
        held[str(destination)] = arguments.get(0, "dataclass")
        m.heap.put(parser.attributes, ADDED, m.new(held))
    return None


def _parsed(m: Machine, parser: Instance, site: Site, scope: Scope) -> Value:
    added = parser.attributes.get(ADDED)
    if not isinstance(added, dict):
        return Unknown("options")
    given = given_parameters(m, list(added.values()), DATACLASSES, site) or {}
    made = new_instance(m, None, "argparse.Namespace", site)
    for name, cls in added.items():
        made.attributes[str(name)] = _made(m, cls, dict(given.items()), site, scope)
    return made
