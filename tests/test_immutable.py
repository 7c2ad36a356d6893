"""Values: made fast, compared by their fields, and kept from changes by the type checker."""

import subprocess
import sys
from dataclasses import field, replace
from pathlib import Path

from bnlint.immutable import immutable


@immutable
class Point:
    x: int
    y: int = 0


@immutable(eq=False)
class Place:
    x: int


@immutable
class Own:
    x: int

    def __repr__(self) -> str:
        return "own"

    def __hash__(self) -> int:
        return 7


def test_equal_fields_are_equal_values() -> None:
    assert Point(1, 2) == Point(1, 2) != Point(2, 1)
    assert len({Point(1, 2), Point(1, 2)}) == 1
    assert replace(Point(1, 2), x=3) == Point(3, 2)
    assert Place(1) != Place(1)


@immutable(order=True)
class Version:
    major: int
    note: str = field(default="", compare=False)


@immutable
class Nothing:
    pass


def test_what_is_not_compared_is_not_hashed() -> None:
    assert Version(1, "a") == Version(1, "b") < Version(2)
    assert len({Version(1, "a"), Version(1, "b")}) == 1


def test_values_of_two_classes_differ() -> None:
    assert Version(1) != Own(1)
    assert Nothing() == Nothing() != Point(1)
    assert hash(Nothing()) == hash(Nothing())


def test_they_have_no_other_attributes() -> None:
    assert not hasattr(Point(1), "__dict__")


def test_they_show_their_fields_unless_they_say_how() -> None:
    assert repr(Point(1)) == "Point(x=1, y=0)"
    assert repr(Own(1)) == "own"
    assert hash(Own(1)) == 7


def test_the_type_checker_refuses_changes(tmp_path: Path) -> None:
    code = tmp_path / "changed.py"
    code.write_text(
        "from bnlint.immutable import immutable\n\n\n@immutable\nclass Point:\n    x: int\n\n\n"
        "Point(1).x = 2\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", str(code)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.returncode == 1, said.stdout + said.stderr
    assert 'Property "x" defined in "Point" is read-only' in said.stdout
