"""What bnlint finds in a folder of checkouts, held against a review of each place by a reader.

    python benchmarks/ecosystem.py FOLDER [--repos FILE] [--review FILE] [--findings FOLDER] [--select BN301,BN303]

Each folder in FOLDER is a repository, named OWNER+NAME. A place is a line of a file with one rule, whatever the
number of findings there. The review is one JSON object a line: repository, commit, path, line, rule, verdict
(right: true, and it matters; debatable: true; wrong), and why.
"""

import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path

import click

from bnlint.cli.option_groups import words
from bnlint.lint.files import Patterns, find

REVIEW = Path(__file__).with_name("review.jsonl")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
SHIFT = 10
"""Lines by which edits may have moved a reviewed place, if the commit is another."""


class Verdict(StrEnum):
    """What a reader says of a finding."""

    RIGHT = "right"
    DEBATABLE = "debatable"
    WRONG = "wrong"


@dataclass(frozen=True, order=True)
class Place:
    """Where something was found; ``path`` is relative to the repository, ``commit`` empty if unknown."""

    repository: str
    path: str
    rule: str
    line: int
    commit: str = ""

    @property
    def group(self) -> tuple[str, str, str]:
        """What does not change when lines are inserted above."""
        return self.repository, self.path, self.rule

    def __str__(self) -> str:
        return f"{self.repository} {self.path}:{self.line} {self.rule}"


@dataclass(frozen=True)
class Comparison:
    """Places found now beside those of the review."""

    judged: Mapping[Place, Verdict]
    new: Sequence[Place]
    gone: Mapping[Place, Verdict]


def compare(found: Iterable[Place], review: Mapping[Place, Verdict]) -> Comparison:
    """Match each place found with one of the review, the nearest pairs first.

    Lines are the same if commits are known and the same, and at most :data:`SHIFT` apart otherwise.
    """
    places = sorted(set(found))
    known = {group: [*each] for group, each in groupby(sorted(review), lambda place: place.group)}
    pairs = [(place, other) for place in places for other in known.get(place.group, ())]
    judged: dict[Place, Verdict] = {}
    gone = dict(sorted(review.items()))
    for place, other in sorted((pair for pair in pairs if near(*pair)), key=apart):
        if place not in judged and other in gone:
            judged[place] = gone.pop(other)
    return Comparison(judged, [place for place in places if place not in judged], gone)


def near(place: Place, other: Place) -> bool:
    """Whether two places of one group may be the same."""
    unchanged = place.commit != "" and place.commit == other.commit
    return apart((place, other)) <= (0 if unchanged else SHIFT)


def apart(pair: tuple[Place, Place]) -> int:
    """Lines between two places."""
    return abs(pair[0].line - pair[1].line)


def read_review(file: Path) -> dict[Place, Verdict]:
    """Read a review; raises click.ClickException with the line that cannot be read."""
    review = {}
    for number, text in enumerate(file.read_text().splitlines(), 1):
        try:
            line = json.loads(text)
            place = Place(*(line[key] for key in ("repository", "path", "rule", "line", "commit")))
            review[place] = Verdict(line["verdict"])
        except (ValueError, KeyError, TypeError) as error:
            raise click.ClickException(f"{file}:{number}: {error!r}") from error
    return review


@dataclass(frozen=True)
class Checkout:
    """One repository on disk."""

    folder: Path
    name: str
    commit: str

    @property
    def lines(self) -> int:
        """Lines of the Python files that are linted, blank ones left out; notebooks are not counted."""
        targets = find([str(self.folder)], Patterns.of(self.folder, ())).targets
        files = (target.path for target in targets if target.path.suffix == ".py")
        return sum(bool(line.strip()) for file in files for line in file.read_bytes().splitlines())

    def places(self, findings: str) -> Iterator[Place]:
        """Where the findings are; raises ValueError for what is not the JSON of a report."""
        for each in json.loads(findings):
            yield Place(self.name, each["path"], each["rule"], each["line"], self.commit)


def checkouts(folder: Path, repos: Path | None) -> Iterator[Checkout]:
    """The repositories in a folder, by a list of names and commits where it has them, and by git else."""
    listed = json.loads(repos.read_text()) if repos else []
    commits = {each["repo"]: each["commit"] for each in listed}
    for each in sorted(child for child in folder.iterdir() if child.is_dir()):
        name = each.name.replace("+", "/", 1)
        origin = re.search(r"([^/:]+/[^/]+?)(\.git)?$", git(each, "remote", "get-url", "origin"))
        if name not in commits and origin:
            name = origin[1]
        yield Checkout(each, name, commits.get(name) or git(each, "rev-parse", "HEAD"))


def git(folder: Path, *words: str) -> str:
    """What git says of a work tree; empty for any other folder."""
    if not (folder / ".git").exists():
        return ""
    return subprocess.run(
        ["git", "-C", folder, *words], capture_output=True, text=True
    ).stdout.strip()


def lint(checkout: Checkout, select: Sequence[str], seconds: float) -> str:
    """What bnlint prints for a repository; raises RuntimeError if it fails or takes too long."""
    rules = [word for each in select for word in ("--select", each)]
    with subprocess.Popen(
        [sys.executable, "-m", "bnlint", ".", "--format", "json", "--exit-zero", *rules],
        cwd=checkout.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            findings, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started
            raise RuntimeError(f"not done in {seconds:g} s") from error
    if process.returncode != 0:
        raise RuntimeError(said.strip()[-300:])
    return findings


def table(comparison: Comparison) -> Iterator[str]:
    """Counts of each rule and its precision: right / (right + wrong)."""
    verdicts = Counter((place.rule, verdict) for place, verdict in comparison.judged.items())
    new = Counter(place.rule for place in comparison.new)
    rules = sorted({*new, *(rule for rule, _ in verdicts)})
    yield f"{'rule':8} {'right':>6} {'wrong':>6} {'debatable':>10} {'new':>6} {'precision':>10}"
    for name, members in [*((rule, [rule]) for rule in rules), ("all", rules)]:
        right, wrong, debatable = (
            sum(verdicts[rule, verdict] for rule in members)
            for verdict in (Verdict.RIGHT, Verdict.WRONG, Verdict.DEBATABLE)
        )
        unread = sum(new[rule] for rule in members)
        precision = f"{right / (right + wrong):.2f}" if right + wrong else "-"
        yield f"{name:8} {right:6} {wrong:6} {debatable:10} {unread:6} {precision:>10}"


@dataclass(frozen=True)
class Source:
    """Where findings come from: linted now within some seconds, or a folder of reports made before."""

    select: tuple[str, ...] = ()
    seconds: float = 0.0
    reports: Path | None = None

    def selects(self, place: Place) -> bool:
        """Whether the rule of a place was asked for."""
        return not self.select or place.rule.startswith(self.select)

    def places(self, checkout: Checkout) -> list[Place] | str:
        """The places of one repository, or in a line why there are none."""
        try:
            if self.reports is None:
                findings = lint(checkout, self.select, self.seconds)
            else:
                findings = (self.reports / f"{checkout.folder.name}.json").read_text()
            return [place for place in checkout.places(findings) if self.selects(place)]
        except (RuntimeError, OSError, ValueError) as error:
            return f"{checkout.name}: {error}"


@click.command(help=__doc__.splitlines()[0])
@click.argument("folder", type=FOLDER)
@click.option("--review", type=FILE, default=REVIEW, help="The review.  [default: review.jsonl]")
@click.option("--repos", type=FILE, help="JSON with `repo` and `commit` of each.  [default: git's]")
@click.option("--findings", type=FOLDER, help="Compare reports made before, OWNER+NAME.json.")
@click.option("--select", multiple=True, callback=words, help="Ids of rules, or their starts.")
@click.option("--timeout", default=240.0, show_default=True, help="Seconds for one repository.")
@click.option("--jobs", default=1, show_default=True, help="Repositories linted at a time.")
def main(
    folder: Path,
    review: Path,
    repos: Path | None,
    findings: Path | None,
    select: tuple[str, ...] | None,
    timeout: float,
    jobs: int,
) -> None:
    """Lint, compare and print; exit with 1 if a repository could not be linted."""
    source = Source(select or (), timeout, findings)
    reviewed = read_review(review)
    cloned = list(checkouts(folder.resolve(), repos))
    with ThreadPoolExecutor(jobs) as pool:
        answers = list(zip(cloned, pool.map(source.places, cloned), strict=True))
    linted = {checkout: places for checkout, places in answers if not isinstance(places, str)}
    names = {checkout.name for checkout in linted}
    known = {
        place: verdict
        for place, verdict in reviewed.items()
        if place.repository in names and source.selects(place)
    }
    found = [place for places in linted.values() for place in places]
    report(compare(found, known), sum(checkout.lines for checkout in linted))
    failures = [said for _, said in answers if isinstance(said, str)]
    for failure in failures:
        click.echo(f"not linted: {failure}", err=True)
    sys.exit(bool(failures))


def report(comparison: Comparison, lines: int) -> None:
    """Print what a reader has to look at, then the table."""
    for place in comparison.new:
        click.echo(f"new: {place}")
    for place, verdict in comparison.gone.items():
        click.echo(f"gone, {verdict}: {place}")
    count = len(comparison.judged) + len(comparison.new)
    click.echo("\n".join(table(comparison)))
    click.echo(f"{count} places in {lines} lines: {1e3 * count / max(1, lines):.2f} in 1,000")


if __name__ == "__main__":
    main()
