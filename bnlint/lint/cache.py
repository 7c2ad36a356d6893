"""What came of programs, kept on disk for as long as everything that it depends on is the same.

Entries are JSON and read by types: a cache that is damaged, or made up, is passed over.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import bnlint
from bnlint import typed_json
from bnlint.facts.types.account import Account
from bnlint.finding import Finding
from bnlint.immutable import immutable
from bnlint.lint.files import LintTarget
from bnlint.lint.job import Job, Outcome, Progress, Trace
from bnlint.lint.workers import Workers
from bnlint.source import TextFile, lookups
from bnlint.source.decoding import decode_file
from bnlint.source.lookups import Lookup, digest
from bnlint.source.regular import read_bytes
from bnlint.source.unreadable import Unreadable

FOLDER = ".bnlint_cache"
MOST_DAYS = 30
"""After so many days without use an entry is removed."""
LARGEST = 16 << 20
"""Bytes of one entry."""
_TAG = "CACHEDIR.TAG"
"""What tells backup programs to pass over a folder: https://bford.info/cachedir/"""
_SIGNATURE = "Signature: 8a477f597d28d172789f06886806bc55\n# This folder is a cache of bnlint.\n"


@immutable
class _File:
    """A file that was read, but for its text."""

    path: str
    file: str


@immutable
class _Entry:
    """What came of one program, and the key of all that was known before it was linted."""

    key: str
    findings: tuple[Finding, ...]
    files: tuple[_File, ...]
    texts: Mapping[str, str]
    account: Account
    lookups: tuple[Lookup, ...]


@dataclass(slots=True)
class Cache:
    """A folder of entries, one for each program; concurrent runs may share it."""

    folder: Path

    def find(self, job: Job) -> Outcome | None:
        """What came of a program, if nothing has changed that it depends on."""
        file = self.folder / _name(job)
        try:
            data = json.loads(read_bytes(file, LARGEST, through_links=False))
            entry: _Entry = typed_json.read(_Entry, data)
            if entry.key != self._key(job) or not all(
                lookups.asked_again(one) == one for one in entry.lookups
            ):
                return None
            files = tuple(map(_source, entry.files))
            os.utime(file)
        except (OSError, ValueError, RecursionError, Unreadable):
            return None
        return Outcome(entry.findings, files, entry.texts, entry.account)

    def keep(self, job: Job, outcome: Outcome) -> None:
        """Keep what came of a program; where that cannot be written, nothing is kept."""
        if outcome.refusals or outcome.unread or not outcome.files:
            return
        with suppress(OSError):
            self._prepare()
            entry = _entry(self._key(job), job, outcome)
            _write(self.folder / _name(job), json.dumps(asdict(entry)))

    def _key(self, job: Job) -> str:
        """All that decides on what comes of a program, but for what is asked while it is linted.

        It tells when this folder was made here, too, so that no repository can bring its own answers.
        """
        tag = (self.folder / _TAG).stat(follow_symlinks=False)
        contents = sorted((str(file), lookups.content(file).answer) for file in job.files)
        known = [tag.st_ino, tag.st_ctime_ns, _ourselves(), _asked(job), contents]
        return digest(json.dumps(known).encode())

    def _prepare(self) -> None:
        """Make the folder, which git and backups pass over."""
        if self.folder.is_symlink():
            raise OSError("a link may lead anywhere")
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            _write(self.folder / _TAG, _SIGNATURE)
            _write(self.folder / ".gitignore", "*\n")

    def prune(self) -> None:
        """Remove entries that nobody has asked for in a long time."""
        oldest = time.time() - MOST_DAYS * 24 * 3600
        with suppress(OSError):
            for entry in os.scandir(self.folder):
                if entry.name.endswith(".json") and entry.stat().st_mtime < oldest:
                    os.unlink(entry)

    def clear(self) -> int:
        """Remove all entries and the folder; how many there were."""
        if self.folder.is_symlink() or not (self.folder / _TAG).is_file():
            return 0
        entries = [*self.folder.glob("*.json")]
        for file in (*entries, self.folder / _TAG, self.folder / ".gitignore"):
            file.unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()
        return len(entries)


def cached(workers: Workers, store: Cache) -> Workers:
    """Let workers lint only what has changed; models are always traced anew."""

    def work(
        jobs: Sequence[Job], progress: Progress | None, trace: Trace | None
    ) -> Iterator[Outcome]:
        if trace is not None:
            yield from workers(jobs, progress, trace)
            return
        found = {job: _untouched(job, store.find(job)) for job in jobs if _is_saved(job)}
        left = [job for job in jobs if found.get(job) is None]
        new = dict(zip(left, workers(left, progress, None), strict=True))
        for job in left:
            if job in found and _untouched(job, new[job]):
                store.keep(job, new[job])
        store.prune()
        yield from (found.get(job) or new[job] for job in jobs)

    return work


def _untouched(job: Job, outcome: Outcome | None) -> Outcome | None:
    """What came of a program, unless it reads a file of another one whose text is not that on disk."""
    touched = outcome is not None and any(one.file in job.elsewhere for one in outcome.files)
    return None if touched else outcome


def _is_saved(job: Job) -> bool:
    return not job.overrides and all(target.content is None for target in job.targets)


def _name(job: Job) -> str:
    """The name of a program's entry, whatever its files say."""
    return f"{digest(json.dumps(_asked(job)).encode())[:40]}.json"


def _entry(key: str, job: Job, outcome: Outcome) -> _Entry:
    others = [file.file for file in outcome.files if file.file not in job.files]
    return _Entry(
        key,
        outcome.findings,
        tuple(_File(f.path, str(f.file)) for f in outcome.files),
        outcome.texts,
        outcome.account,
        (*outcome.lookups, *map(lookups.content, others)),
    )


def _asked(job: Job) -> list[object]:
    calls = [(str(f), str(call), call.origin) for f, own in job.calls.items() for call in own]
    rules, settings = [rule.id for rule in job.rules], asdict(job.settings)
    return [os.getcwd(), [*map(_target, job.targets)], rules, settings, calls]


def _target(target: LintTarget) -> tuple[str, str | None]:
    return str(target.path), target.display


@cache
def _ourselves() -> list[object]:
    """What we are: versions, and the state of our own files, which change while one works on them."""
    root, parser = Path(bnlint.__file__).parent, find_spec("libcst")
    code = [
        *sorted(root.rglob("*.py")),
        *([Path(parser.origin)] if parser and parser.origin else []),
    ]
    return [bnlint.__version__, sys.version, [(str(f), f.stat().st_mtime_ns) for f in code]]


def _source(kept: _File) -> TextFile:
    file = Path(kept.file)
    return TextFile(kept.path, file, decode_file(read_bytes(file), file))


def _write(file: Path, text: str) -> None:
    """Write a file at once, so that nobody reads half of it."""
    beside = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        with beside.open("x", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(beside, file)
    finally:
        beside.unlink(missing_ok=True)
