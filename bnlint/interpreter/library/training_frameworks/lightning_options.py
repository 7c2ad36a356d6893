"""Lightning's trainer made of command line options, as up to version 1.9."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import Arguments, Value
from bnlint.interpreter.library.calls import library_function
from bnlint.interpreter.library.command_lines.parser_declarations import open_parsers
from bnlint.interpreter.library.training_frameworks.lightning_cli import TRAINER
from bnlint.interpreter.python.construction import build_library

_PLACES = (
    "pytorch_lightning",
    "pytorch_lightning.trainer",
    "pytorch_lightning.trainer.trainer",
    "lightning",
    "lightning.pytorch",
)


def _methods(name: str) -> list[str]:
    return [f"{place}.Trainer.{name}" for place in _PLACES]


@library_function(*_methods("add_argparse_args"))
def _add_options(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """The same parser, with further options."""
    open_parsers(m, arguments)
    return arguments.get(0, "parent_parser")


@library_function(*_methods("from_argparse_args"))
def _of_options(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    """A trainer; what options say beside the keywords is left open."""
    given = Arguments(keywords=arguments.keywords)
    given.opened = True
    return build_library(m, TRAINER, given, site)
