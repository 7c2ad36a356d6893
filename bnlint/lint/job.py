"""A program to lint and what came of it, in plain data that any process can be given."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from bnlint.facts.types.account import Account
from bnlint.finding import Finding
from bnlint.immutable import immutable
from bnlint.lint.files import LintTarget
from bnlint.rule import Rule, Settings
from bnlint.source import Project, TextFile
from bnlint.source.lookups import Lookup

if TYPE_CHECKING:
    from bnlint.facts.types.graph import ModelGraph
    from bnlint.facts.types.invocation import Invocation, Refusal
    from bnlint.facts.types.rehearsal import Rehearsal
    from bnlint.facts.types.run import Run
    from bnlint.lint.trace_program import Attempt, Traced
    from bnlint.source import SourceFile

Progress = Callable[[int, int], None]
Trace = Callable[["Rehearsal", Project], "Traced"]


@immutable(eq=False)
class Job:
    """A program to lint, in plain data that any process can be given.

    ``overrides`` are texts that replace those on disk, ``files`` all that the targets may import,
    ``calls`` the known calls of scripts, by their files. ``elsewhere`` are overrides of other programs,
    whose files this one may find by a path that it computes.
    """

    targets: tuple[LintTarget, ...]
    rules: tuple[Rule, ...]
    settings: Settings = field(default_factory=Settings)
    overrides: "Mapping[Path, SourceFile]" = field(default_factory=dict)
    elsewhere: "Mapping[Path, SourceFile]" = field(default_factory=dict)
    files: frozenset[Path] = frozenset()
    calls: "Mapping[Path, Sequence[Invocation]]" = field(default_factory=dict)


@immutable
class Outcome:
    """What came of one program.

    ``files`` are all that were read, ``texts`` what could be decoded of unreadable ones, by their
    display paths. ``refusals`` are calls that a script does not take, ``unread`` calls whose arguments
    nothing asks for. ``attempts`` are the models that were traced or not, ``added`` the findings that
    reading alone did not give. ``runs`` are what the program does, ``graphs`` its models, ``lookups`` what was asked of the
    file system beside the files.
    """

    findings: tuple[Finding, ...]
    files: tuple[TextFile, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    account: Account = field(default_factory=Account)
    refusals: "tuple[Refusal, ...]" = ()
    unread: "tuple[Invocation, ...]" = ()
    attempts: "tuple[Attempt, ...]" = ()
    added: frozenset[Finding] = frozenset()
    runs: "tuple[Run, ...]" = ()
    graphs: "tuple[ModelGraph, ...]" = ()
    lookups: tuple[Lookup, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
