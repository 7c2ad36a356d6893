"""What to look for and what to leave out, by a project's configuration and what is asked for besides."""

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bnlint import diagnostics, registry
from bnlint.config import Config
from bnlint.errors import UsageError
from bnlint.facts.types.invocation import Invocation
from bnlint.immutable import immutable
from bnlint.lint import baseline
from bnlint.lint.baseline import Baseline
from bnlint.lint.cache import FOLDER
from bnlint.lint.files import Patterns, absolute
from bnlint.lint.selection import LintOptions, tests_below
from bnlint.registry import RuleChoice
from bnlint.selector import weight

MOST_RUNS = 20
"""Calls that a configuration keeps; each takes as long as the script with its default options."""
MOST_ARGUMENTS = 250
LONGEST_ARGUMENT = 10_000

Calls = Mapping[Path, Sequence[Invocation]]


def plan_of_project(
    config: Config, *, select: Sequence[str] | None = None, ignore: Sequence[str] = ()
) -> LintOptions:
    """All that the configuration of a project says, with its calls and its baseline.

    Raises:
        UsageError: the configuration names what there is not.
    """
    plan = plan_of(config, select=select, ignore=ignore)
    return replace(plan, calls=calls_of(config), baseline=baseline_of(config))


def plan_of(
    config: Config,
    *,
    select: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    pedantic: bool = False,
    lint_tests: bool = False,
    unused_ignores: bool = False,
) -> LintOptions:
    """What to look for by the configuration and what is asked for besides.

    Raises:
        UsageError: a rule is not known.
    """
    configured = RuleChoice(config.select, config.ignore, config.extend_select, config.origin)
    for selectors in config.per_file_ignores.values():
        registry.require_known(selectors, config.origin)
    registry.require_known(config.severity, config.origin)
    exclude = Patterns.of(config.root, config.exclude)
    return LintOptions(
        registry.chosen(configured, RuleChoice(select, ignore)),
        config.settings,
        likely=pedantic,
        unused_ignores=unused_ignores,
        is_excluded=exclude.cover,
        ignored_in=_IgnoredIn.of(config, (*config.ignore, *ignore)),
        is_test=_no_file if config.lint_tests or lint_tests else tests_below(_folder(config)),
        severity=config.severity,
    )


def calls_of(config: Config) -> Calls:
    """The calls that a configuration keeps, by the files of their scripts.

    Raises:
        UsageError: one of them is malformed.
    """
    if len(config.runs) > MOST_RUNS:
        raise UsageError(f"`runs` in {config.origin} has more than {MOST_RUNS} commands")
    found: dict[Path, list[Invocation]] = {}
    for command in config.runs:
        where = f"`{command}` in `runs` of {config.origin}"
        try:
            script, *arguments = shlex.split(command)
        except ValueError as error:
            reason = str(error).lower() if command.strip() else "it names no script"
            raise UsageError(f"{where} is no command: {reason}") from None
        require_few(arguments, f"of {where}")
        file = absolute(config.root / script)
        if not os.path.isfile(file):
            raise UsageError(f"{where}: there is no script `{script}` in {config.root}")
        found.setdefault(file, []).append(Invocation(tuple(arguments), config.origin, config.root))
    return found


def require_few(arguments: Sequence[str], where: str) -> None:
    """Refuse arguments that are too many or too long to be meant."""
    if len(arguments) > MOST_ARGUMENTS:
        raise UsageError(f"the arguments {where} are more than {MOST_ARGUMENTS}")
    if any(len(argument) > LONGEST_ARGUMENT for argument in arguments):
        raise UsageError(f"an argument {where} is longer than {LONGEST_ARGUMENT} characters")


def baseline_of(config: Config) -> Baseline | None:
    """The baseline that the configuration names, if any; raises :class:`UsageError`."""
    return baseline.read(config.root / config.baseline) if config.baseline is not None else None


def cache_folder(config: Config) -> Path:
    """Where the cache is, unless it is said to be elsewhere: in the folder of the configuration."""
    return _folder(config) / FOLDER


def _folder(config: Config) -> Path:
    return config.root if config.origin else Path.cwd()


def _no_file(file: Path) -> bool:
    return False


@immutable
class _IgnoredIn:
    """Which selectors are ignored in a file. ``everywhere`` are ids of diagnostics."""

    everywhere: tuple[str, ...]
    by_pattern: tuple[tuple[Patterns, tuple[str, ...]], ...]

    @classmethod
    def of(cls, config: Config, ignored: Sequence[str]) -> "_IgnoredIn":
        everywhere = [
            item.id
            for item in diagnostics.ALL
            if any(weight(word, item.id, item.name) for word in ignored)
        ]
        by_pattern = [
            (Patterns.of(config.root, [pattern]), words)
            for pattern, words in config.per_file_ignores.items()
        ]
        return cls(tuple(everywhere), tuple(by_pattern))

    def __call__(self, file: Path) -> list[str]:
        found = list(self.everywhere)
        for patterns, words in self.by_pattern:
            if patterns.cover(file):
                found.extend(words)
        return found
