"""Which options of a script are worth an execution in which they do not have their defaults."""

from collections.abc import Iterable, Iterator, Sequence

from bnlint.facts.types.known import Known
from bnlint.interpreter.core.branches import Branch
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.namespaces import Namespace
from bnlint.interpreter.core.objects import Class
from bnlint.interpreter.core.script_options import Option
from bnlint.interpreter.library.torch_library.models import contains_batchnorm
from bnlint.interpreter.prefilter import mentions_unexplored, mentions_unexplored_part
from bnlint.interpreter.python.looked_up_options import freezing_options, looked_up_options
from bnlint.interpreter.python.unnamed_models import (
    builds_something,
    is_of_batchnorm,
    names_batchnorm,
)
from bnlint.interpreter.torch.module_classes import is_module_class
from bnlint.interpreter.torch.norms import has_batchnorm

MOST_OPTIONS = 2
"""Options of a script that are tried out."""


def tried_options(
    m: Machine, namespace: Namespace, first: int, *, unknown_models: int, trains: bool
) -> list[Option]:
    """The options to try after an execution with the defaults, those that promise most first.

    Those of the command line go before constants of the script, which are tried only where they
    promise something of BatchNorm.
    ``first`` is the number of the first model that it built, ``unknown_models`` how often it used
    one that is not known, and ``trains`` whether it trained any.
    """
    offered = dict(m.command_line.offered)
    words = {option: _words(branches) for option, branches in offered.items()}
    found: list[Option] = [] if trains else [option for option in offered if option.trains]
    if not builds_batchnorm(m, first):
        found += [o for o in offered if _names_batchnorm(m, words[o], namespace)]
        found += [
            o
            for o, branches in offered.items()
            if any(_builds_batchnorm(m, one) for one in branches)
        ]
        found += looked_up_options(m, unknown_models=unknown_models)
    else:
        found += freezing_options(m)
    found += freezing(offered)
    found += [o for o, branches in offered.items() if any(b.is_telling for b in branches)]
    given = {option: b for option, b in offered.items() if not option.is_constant}
    found += [o for o in given if words[o] and mentions_unexplored(m, words[o], namespace)]
    found += [o for o, branches in given.items() if any(_is_unexplored(m, b) for b in branches)]
    found += [o for o in given if mentions_unexplored_part(m, words[o], namespace)]
    if unknown_models:
        found += [o for o in offered if _names_models(m, words[o], namespace)]
    found += _building_options(m, first)
    return sorted(dict.fromkeys(found), key=lambda o: o.is_constant)[:MOST_OPTIONS]


def freezing(options: Iterable[Option]) -> list[Option]:
    """Those whose names say that they freeze: switches first, of one that is a string one value."""
    named = [option for option in options if option.freezes]
    named.sort(key=lambda option: (isinstance(option.value, str), str(option)))
    one_of_each: dict[str, Option] = {}
    for option in named:
        one_of_each.setdefault(option.flag, option)
    return list(one_of_each.values())


def builds_batchnorm(m: Machine, first: int) -> bool:
    """Whether a model that was built since the ``first`` has BatchNorm."""
    built = (module for module in m.journal.built[first:] if not module.has_parent)
    return any(has_batchnorm(module) is Known.YES for module in built)


def _is_unexplored(m: Machine, branch: Branch) -> bool:
    """Whether a branch has a function, of the function that it is in, that nothing has called."""
    return not m.reached.issuperset(branch.functions)


def _words(branches: Iterable[Branch]) -> frozenset[str]:
    return frozenset[str]().union(*(branch.words for branch in branches))


def _building_options(m: Machine, first: int) -> Iterator[Option]:
    """The options under whose tests a model with BatchNorm was built, each with one value."""
    undecided = m.command_line.undecided
    if not undecided:
        return
    tests = {
        assumption.condition.site.node
        for module in m.journal.built[first:]
        if not module.has_parent and has_batchnorm(module) is Known.YES
        for assumption in module.assumptions
        if assumption.holds
    }
    flags: set[str] = set()
    for option, decided in undecided.items():
        if option.flag not in flags and not tests.isdisjoint(decided):
            flags.add(option.flag)
            yield option


def _names_batchnorm(m: Machine, words: frozenset[str], namespace: Namespace) -> bool:
    """Whether words name a model with BatchNorm, torchvision's or of a file that speaks of it."""
    for word in sorted(words):
        if contains_batchnorm(f"torchvision.models.{word}", {}) is Known.YES:
            return True
        value = namespace.lookup(m, word) if word in namespace.definitions else None
        if builds_something(value) and is_of_batchnorm(value):
            return True
    return False


def instead_of_own(m: Machine, arguments: Sequence[str]) -> tuple[str, ...] | None:
    """The arguments of a call of a script with another value of one, under which it builds what has BatchNorm."""
    for option, branches in m.command_line.offered.items():
        flag, value = option.flag, option.value
        if not isinstance(value, str) or not any(_builds_batchnorm(m, one) for one in branches):
            continue
        for place, word in enumerate(arguments):
            if word.startswith(f"{flag}="):
                return (*arguments[:place], f"{flag}={value}", *arguments[place + 1 :])
            if word == flag and place + 1 < len(arguments):
                return (*arguments[: place + 1], value, *arguments[place + 2 :])
    return None


def _builds_batchnorm(m: Machine, branch: Branch) -> bool:
    """Whether a branch names, of its own file, what is defined with BatchNorm."""
    space = branch.namespace
    if space is None:
        return False
    values = (space.lookup(m, word) for word in sorted(branch.words & space.definitions.keys()))
    return any(builds_something(value) and names_batchnorm(m, value) for value in values)


def _names_models(m: Machine, words: frozenset[str], namespace: Namespace) -> bool:
    """Whether words name a class of models."""
    defined = sorted(words & namespace.definitions.keys())
    named = (namespace.lookup(m, word) for word in defined)
    bases = (value.library_base() for value in named if isinstance(value, Class))
    return any(base is not None and is_module_class(base.path) for base in bases)
