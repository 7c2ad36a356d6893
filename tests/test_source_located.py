"""From places as the compiler gives them to nodes."""

import ast

import libcst as cst
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bnlint.source import parse_text

TEXT = """\
import torch
@decorated
class Net:
    @property
    def é(self, x):
        ü = "日本"; y = conv(
            x) + (x)
        y += x
        return (foo(x))
"""


def places(text: str, *kinds: type[ast.AST]) -> list[tuple[int, int, int, int]]:
    found = (node for node in ast.walk(ast.parse(text)) if isinstance(node, kinds))
    return [
        (n.lineno, n.col_offset, n.end_lineno or 0, n.end_col_offset or 0)  # type: ignore[attr-defined]
        for n in found
    ]


@pytest.mark.parametrize(
    ("kind", "node", "number"),
    [
        (ast.Call, cst.Call, 2),
        (ast.BinOp, cst.BinaryOperation, 1),
        (ast.AugAssign, cst.AugAssign, 1),
    ],
)
def test_a_place_of_the_compiler_is_the_node(
    kind: type[ast.AST], node: type[cst.CSTNode], number: int
) -> None:
    located = parse_text(TEXT).located
    found = [located.node(*place) for place in places(TEXT, kind)]
    assert len(found) == number
    assert all(isinstance(each, node) for each in found)


@pytest.mark.parametrize(("line", "name"), [(2, "Net"), (3, "Net"), (9, "Net"), (9, "Other")])
def test_a_class_is_found_by_its_name_and_any_of_its_lines(line: int, name: str) -> None:
    node = parse_text(TEXT).located.definition(line, name)
    assert (node is not None) == (name == "Net")
    assert parse_text(TEXT).located.definition(1, name) is None


def test_a_line_belongs_to_its_smallest_statement() -> None:
    source = parse_text(TEXT)
    for line, text in ((7, "y = conv("), (8, "y += x"), (3, "class Net:"), (1, "import torch")):
        node = source.located.around(line)
        assert node is not None
        assert text in source.text(node)
    assert source.located.around(99) is None


@pytest.mark.parametrize("place", [(0, 0, 1, 2), (1, 0, 99, 2), (1, 3, 1, 5)])
def test_other_places_are_no_nodes(place: tuple[int, int, int, int]) -> None:
    assert parse_text(TEXT).located.node(*place) is None


@given(st.lists(st.sampled_from(["é", "x", "日", "_1"]), min_size=1, max_size=5).map("".join))
def test_columns_in_bytes_are_columns_in_characters(name: str) -> None:
    name = "n" + name
    text = f'"{name}"; {name} = f({name}, g({name}))\n'
    located = parse_text(text).located
    assert all(isinstance(located.node(*p), cst.Call) for p in places(text, ast.Call))
