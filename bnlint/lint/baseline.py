"""Findings that were there before: a baseline keeps their fingerprints, so that only new ones are told."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypedDict

from bnlint.errors import UsageError
from bnlint.finding import Finding
from bnlint.immutable import immutable
from bnlint.lint.fingerprints import fingerprints
from bnlint.source import TextFile
from bnlint.source.regular import read_bytes

LARGEST = 64 << 20
"""Bytes of a baseline that is read."""
VERSION = 1


class KnownJson(TypedDict):
    """One finding that was there before."""

    rule: str
    path: Annotated[str, "relative to the working directory"]
    fingerprint: str


class BaselineJson(TypedDict):
    """All of them."""

    version: int
    findings: Sequence[KnownJson]


@immutable
class Baseline:
    """The findings that are not to be reported: their files by their fingerprints.

    ``file`` is where they were read.
    """

    file: Path
    known: Mapping[str, str]

    def new(self, findings: Sequence[Finding], sources: Mapping[str, TextFile]) -> list[Finding]:
        """The findings that were not there before."""
        named = zip(findings, fingerprints(findings, sources), strict=True)
        return [finding for finding, fingerprint in named if fingerprint not in self.known]

    def gone(self, findings: Sequence[Finding], sources: Mapping[str, TextFile]) -> int:
        """How many of them are no longer found in files that were read."""
        found = {*fingerprints(findings, sources)}
        return sum(path in sources and mark not in found for mark, path in self.known.items())


def read(file: Path) -> Baseline:
    """Read what :func:`text` wrote; raises :class:`UsageError`."""
    try:
        data = json.loads(read_bytes(file, LARGEST))
        if data["version"] != VERSION:
            raise UsageError(f"`{file}` is a baseline of another version of bnlint; write it anew")
        known = {str(known["fingerprint"]): str(known["path"]) for known in data["findings"]}
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"cannot read the baseline `{file}`: {reason}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError(f"`{file}` is no baseline: --write-baseline writes one") from None
    return Baseline(file, known)


def text(findings: Sequence[Finding], sources: Mapping[str, TextFile]) -> str:
    """What a baseline of these findings holds."""
    named = zip(findings, fingerprints(findings, sources), strict=True)
    known: list[KnownJson] = [
        {"rule": finding.rule, "path": finding.span.path, "fingerprint": fingerprint}
        for finding, fingerprint in named
    ]
    return json.dumps(BaselineJson(version=VERSION, findings=known), indent=1) + "\n"
