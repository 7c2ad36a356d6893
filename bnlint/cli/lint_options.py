"""What to look for and what to leave out, by the options and the configuration."""

from collections.abc import Callable, Sequence
from pathlib import Path

from bnlint import diagnostics, registry
from bnlint.cli.options import CheckOptions, TraceOptions
from bnlint.config import Config
from bnlint.immutable import immutable
from bnlint.lint.files import Patterns
from bnlint.lint.selection import LintOptions, tests_below
from bnlint.registry import RuleChoice
from bnlint.selector import weight


def plan_of(
    options: CheckOptions | TraceOptions, config: Config, *, unused_ignores: bool = False
) -> LintOptions:
    """What to look for by the options and the configuration; raises :class:`Misuse`."""
    configured = RuleChoice(config.select, config.ignore, config.extend_select, config.origin)
    given = RuleChoice(options.select, options.ignore or ())
    for selectors in config.per_file_ignores.values():
        registry.require_known(selectors, config.origin)
    registry.require_known(config.severity, config.origin)
    exclude = Patterns.of(config.root, config.exclude)
    return LintOptions(
        registry.chosen(configured, given),
        config.settings,
        likely=options.pedantic,
        unused_ignores=unused_ignores,
        is_excluded=exclude.cover,
        ignored_in=_IgnoredIn.of(config, (*config.ignore, *(options.ignore or ()))),
        is_test=_tests_left_out(options, config),
        severity=config.severity,
    )


def _tests_left_out(options: CheckOptions | TraceOptions, config: Config) -> Callable[[Path], bool]:
    """Tells the test files, by their paths within the project, unless they are linted in full."""
    if config.lint_tests or options.lint_tests:
        return lambda file: False
    return tests_below(config.root if config.origin else Path.cwd())


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
