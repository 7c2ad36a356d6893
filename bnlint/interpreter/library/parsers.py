"""argparse: options whose values are their defaults, marked as such."""

import re

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.layer_arguments import with_site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.evaluation import evaluate

PARSERS = frozenset(
    {
        "argparse.ArgumentParser",
        "configargparse.ArgumentParser",
        "configargparse.ArgParser",
        "argument group",
    }
)
FREEZING = re.compile(r"freeze|frozen|fix[-_]|finetune|fine[-_]tune", re.IGNORECASE)
"""Names of options whose effect on BatchNorm is worth an execution of the script."""
NAMESPACE = "argparse.Namespace"


def call_parser_method(
    m: Machine, parser: Instance, name: str, arguments: Arguments, site: Site
) -> Value:
    """``parser.name(...)``."""
    match name:
        case "add_argument":
            _add_argument(m, parser, arguments, site)
            return None
        case "add_argument_group" | "add_mutually_exclusive_group":
            group = Instance(None, "argument group", parser.attributes, site)
            return group
        case "set_defaults":
            for key, value in arguments.keywords.items():
                m.heap.put(parser.attributes, key, value)
            return None
        case "parse_args" | "parse_known_args" | "parse_intermixed_args":
            options = Instance(None, NAMESPACE, dict(parser.attributes), site)
            return (options, Unknown("rest")) if "known" in name else options
    return Unknown(f"parser {name}")


def _add_argument(m: Machine, parser: Instance, arguments: Arguments, site: Site) -> None:
    flags = [value for value in arguments.positional if isinstance(value, str)]
    destination = arguments.keywords.get("dest")
    if not isinstance(destination, str):
        if not flags:
            return
        long = [flag for flag in flags if flag.startswith("--")]
        destination = (long or flags)[0].lstrip("-").replace("-", "_")
    option = next((flag for flag in flags if flag.startswith("--")), flags[0] if flags else "")
    m.heap.put(parser.attributes, destination, _default(m, arguments, option, site))


def _default(m: Machine, arguments: Arguments, option: str, site: Site) -> Value:
    keywords = arguments.keywords
    action = keywords.get("action")
    if "default" not in keywords:
        match action:
            case "store_true":
                return _is_given(m, option)
            case "store_false":
                return True
        required = keywords.get("required") is True or not option.startswith("-")
        return Unknown(f"option {option}") if required else None
    value = keywords["default"]
    if value is False and action == "store_true":
        return _is_given(m, option)
    kind = getattr(keywords.get("type"), "path", "")
    if isinstance(value, str) and kind in ("builtins.int", "builtins.float"):
        value = evaluate(kind, [value], m.allowance)
        if isinstance(value, Unknown):
            return Unknown(f"option {option}")
    return with_site(value, site, option)


def _is_given(m: Machine, option: str) -> bool:
    if FREEZING.search(option):
        m.offered.add(option)
    return option == m.given
