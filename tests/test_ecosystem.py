"""The ecosystem check, on made-up reviews, findings and repositories."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.ecosystem import (
    REVIEW,
    SHIFT,
    Checkout,
    Comparison,
    Place,
    Verdict,
    checkouts,
    compare,
    lint,
    main,
    read_review,
    table,
)

OLD, NEW = "a" * 40, "b" * 40
BAD = """
from torch import nn

net = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, 0.9), nn.ReLU())
"""


def place(line: int, rule: str = "BN301", commit: str = OLD, path: str = "train.py") -> Place:
    return Place("lab/net", path, rule, line, commit)


def review(
    *lines: int, verdict: Verdict = Verdict.RIGHT, commit: str = OLD
) -> Mapping[Place, Verdict]:
    return {place(line, commit=commit): verdict for line in lines}


def test_a_reviewed_place_is_neither_new_nor_gone() -> None:
    assert compare([place(3)], review(3)) == Comparison(review(3), [], {})


@pytest.mark.parametrize("found", [place(4), place(3, rule="BN302"), place(3, path="test.py")])
def test_another_line_rule_or_file_is_new_and_the_reviewed_one_gone(found: Place) -> None:
    assert compare([found], review(3)) == Comparison({}, [found], review(3))


def test_findings_on_one_line_are_one_place() -> None:
    assert compare([place(3), place(3)], {}).new == [place(3)]


@pytest.mark.parametrize("commit", [NEW, ""])
@pytest.mark.parametrize(("line", "matched"), [(3 + SHIFT, True), (4 + SHIFT, False)])
def test_another_or_an_unknown_commit_moves_lines_a_little(
    commit: str, line: int, matched: bool
) -> None:
    assert bool(compare([place(line, commit=commit)], review(3)).judged) is matched


def test_two_unknown_commits_may_differ() -> None:
    assert not compare([place(4, commit="")], review(3, commit="")).new


def test_the_nearest_lines_are_one_pair_and_each_is_taken_once() -> None:
    known = {**review(10), **review(14, verdict=Verdict.WRONG)}
    moved = [place(line, commit=NEW) for line in (11, 15, 16)]
    assert compare(moved, known) == Comparison(
        {moved[0]: Verdict.RIGHT, moved[1]: Verdict.WRONG}, [moved[2]], {}
    )


def test_precision_leaves_out_what_is_debatable_or_unread() -> None:
    known = {
        **review(1, 2, 3),
        **review(4, verdict=Verdict.WRONG),
        **review(5, verdict=Verdict.DEBATABLE),
    }
    found = [*known, place(6), place(1, rule="BN101")]
    assert [line.split() for line in table(compare(found, known))] == [
        ["rule", "right", "wrong", "debatable", "new", "precision"],
        ["BN101", "0", "0", "0", "1", "-"],
        ["BN301", "3", "1", "1", "1", "0.75"],
        ["all", "3", "1", "1", "2", "0.75"],
    ]


def test_names_and_commits_come_from_the_list_or_from_git(tmp_path: Path) -> None:
    listed, cloned = tmp_path / "lab+net", tmp_path / "clone"
    listed.mkdir()
    repos = tmp_path / "repos.json"
    repos.write_text(json.dumps([{"repo": "lab/net", "commit": OLD}]))
    for words in (
        ["init", "-q", str(cloned)],
        ["-C", str(cloned), "remote", "add", "origin", "git@github.com:me/other.git"],
        "-c user.name=me -c user.email=me@here commit -q --allow-empty -m first".split(),
    ):
        subprocess.run(["git", *words], check=True, cwd=cloned if cloned.exists() else tmp_path)
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], check=True, cwd=cloned, capture_output=True, text=True
    )
    assert list(checkouts(tmp_path, repos)) == [
        Checkout(cloned, "me/other", head.stdout.strip()),
        Checkout(listed, "lab/net", OLD),
    ]
    assert next(c for c in checkouts(tmp_path, None) if c.name == "lab/net").commit == ""


def run(*arguments: object) -> tuple[int, Sequence[str]]:
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    return done.exit_code, done.output.splitlines()


def written(file: Path, *lines: Mapping[str, object]) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return file


def test_repositories_are_linted_and_compared(tmp_path: Path) -> None:
    repository = tmp_path / "code" / "lab+net"
    repository.mkdir(parents=True)
    (repository / "train.py").write_text(BAD)
    known = {
        "repository": "lab/net",
        "commit": "",
        "path": "train.py",
        "line": 4,
        "rule": "BN101",
        "verdict": "right",
        "why": "a momentum given as eps",
    }
    reviewed = written(
        tmp_path / "review.jsonl",
        known,
        {**known, "path": "other.py"},
        {**known, "rule": "BN301"},  # not asked for
        {**known, "repository": "lab/elsewhere"},  # not in the folder
    )
    status, said = run(tmp_path / "code", "--review", reviewed, "--select", "BN1")
    assert status == 0
    assert said[0] == "gone, right: lab/net other.py:4 BN101"
    assert said[2].split() == ["BN101", "1", "0", "0", "0", "1.00"]
    assert said[-1] == "1 places in 2 lines: 500.00 in 1,000"


def test_reports_made_before_are_compared_and_missing_ones_said(tmp_path: Path) -> None:
    for name in ("code/lab+net", "code/lab+late", "reports"):
        (tmp_path / name).mkdir(parents=True)
    finding = {"path": "train.py", "line": 4, "rule": "BN101"}
    (tmp_path / "reports" / "lab+net.json").write_text(json.dumps([finding]))
    reviewed = written(tmp_path / "review.jsonl")
    status, said = run(tmp_path / "code", "--review", reviewed, "--findings", tmp_path / "reports")
    assert status == 1
    assert said[0] == "new: lab/net train.py:4 BN101"
    assert said[-1].startswith("not linted: lab/late: ")


def test_what_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="not done in"):
        lint(Checkout(tmp_path, "lab/net", OLD), (), 0.001)


def test_a_review_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    reviewed = written(tmp_path / "review.jsonl", {"repository": "lab/net"})
    status, said = run(tmp_path, "--review", reviewed)
    assert status == 1
    assert "review.jsonl:1" in said[0]


def test_the_stored_review_is_sorted_and_says_why() -> None:
    lines = [json.loads(line) for line in REVIEW.read_text().splitlines()]
    assert len(read_review(REVIEW)) == len(lines)
    assert all(line["why"] for line in lines)
    places = [(line["repository"], line["path"], line["line"], line["rule"]) for line in lines]
    assert places == sorted(places)
