"""Where nodes stand, in files whose lines and characters are odd."""

import sys
import time
from random import Random

import libcst as cst
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bnlint.finding import Span
from bnlint.source import SourceFile, parse_text, positions
from bnlint.source.code_offsets import record
from bnlint.source.positions import Positions, located_by_provider

BLANKS = (cst.BaseParenthesizableWhitespace, cst.EmptyLine, cst.TrailingWhitespace, cst.Newline)


def nodes(tree: cst.CSTNode) -> list[cst.CSTNode]:
    found = [tree]
    for node in found:
        found.extend(node.children)
    return found


def named(source: SourceFile, name: str) -> cst.CSTNode:
    for node in nodes(source.tree):
        if isinstance(node, cst.Name) and node.value == name:
            return node
    raise AssertionError(f"no name {name}")


@pytest.mark.parametrize(
    ("code", "line", "column", "start"),
    [
        pytest.param("here", 1, 1, 0, id="start"),
        pytest.param("a\nhere", 2, 1, 2, id="LF"),
        pytest.param("a\r\nhere", 2, 1, 3, id="CRLF"),
        pytest.param("a\rhere\r", 2, 1, 2, id="CR"),
        pytest.param("a\nb\r\nc\rhere\r\n", 4, 1, 7, id="mixed line endings"),
        pytest.param("if a:\n\there\n", 2, 2, 7, id="a tab is one column"),
        pytest.param("f('\U0001f600', here)", 1, 8, 7, id="beyond the basic plane"),
        pytest.param("é = here", 1, 5, 4, id="accent"),
        pytest.param("e\u0301 = here", 1, 6, 5, id="combining accent"),
        pytest.param("a\n\x0chere\n", 2, 2, 3, id="form feed before a statement"),
        pytest.param("if a:\n  b\n\x0c  here\n", 3, 4, 13, id="form feed before indentation"),
        pytest.param("a\n\x0c\nhere\n", 3, 1, 4, id="form feed on a line of its own"),
        pytest.param(
            "'''\x0b\x1c\u2028\x85'''; here", 1, 13, 12, id="other separators in a string"
        ),
        pytest.param("'''\r\n\r'''; here", 3, 6, 11, id="line endings in a string"),
        pytest.param("\\\nhere\n", 2, 1, 2, id="continuation first"),
        pytest.param("a = \\\r\n  here", 2, 3, 9, id="continuation"),
        pytest.param("\ufeffhere", 1, 1, 0, id="byte order mark"),
        pytest.param("if a:\n    b\n  \n\t# c\n\nhere", 6, 1, 21, id="blank lines"),
        pytest.param("f'{a!r:>{here}}'", 1, 10, 9, id="in an f-string"),
        pytest.param("x = ((here))", 1, 7, 6, id="brackets are not part"),
    ],
)
def test_a_name_is_found_where_it_stands(code: str, line: int, column: int, start: int) -> None:
    source = parse_text(code)
    span = source.span(named(source, "here"))
    assert span == Span("<text>", start, start + 4, line, column, line, column + 4)
    assert source.content[start : start + 4] == "here"


def test_a_span_ends_after_the_last_character() -> None:
    source = parse_text("x = f(1,\r\n  2)  # c\r\n")
    line = source.tree.body[0]
    assert source.span(line) == Span("<text>", 0, 14, 1, 1, 2, 5)
    assert source.text(line) == "x = f(1,\r\n  2)"


def test_text_is_what_was_written_even_when_read_by_substitution() -> None:
    source = parse_text("x = y.cuda(async=True)\n")
    assert source.text(source.tree.body[0]) == "x = y.cuda(async=True)"


def test_substitution_and_dropped_blanks_together() -> None:
    source = parse_text("\x0ca\nx = y.cuda(async=True)\nhere\r")
    assert source.text(source.tree.body[1]) == "x = y.cuda(async=True)"
    assert source.span(named(source, "here")).start == 26


@pytest.mark.parametrize("code", ["", "a", "a\n", "a\r", "# c", "\n", "a\n  "])
def test_the_module_itself_ends_where_the_text_ends(code: str) -> None:
    source = parse_text(code)
    assert source.span(source.tree).end == len(code)


def test_only_nodes_have_places() -> None:
    source = parse_text("a\n")
    with pytest.raises(TypeError, match="not a node"):
        source.span("a")


PIECES = [
    "a = f(1, k=(2), *b, **c)",
    'x = \'\U0001f600é\' + """m\nl\x0b\u2028""" \'j\'',
    "if d:\n\tpass\n\telse_ = 1  # é\nelif e: g; h;\nelse:\n    i = [\n# c\n\n1,\n]",
    "\x0cj = 1",
    "class K(L, metaclass=M):\n\n    '''d'''\n    \x0c\n    @n\n    # c\n    async def o(self, *, p: int = 1) -> q: await r",
    "\x0cfor s in t:\n  with u as v, w: pass\n\x0c  continue",
    "y = ( # c\n  (z\n ) )",
    "é = lambda λ, *_: (yield) if not π else ж[1:2, ...]",
    "print(f'{a!r:>{b}} {c}', end = '')",
    "try:\n    pass\nexcept (A, B) as e:\n    raise C from e\nfinally:\n    del f, g",
    "match a:\n  case [1, *_] | {'k': v, **r}: pass\n  case C(x=1) as d if e: pass",
    "from ..a import (b as c,\n  d,)\nimport e.f as g",
    "  \n\t\n# only a comment",
    "assert (yield_ := 1) < 2 <= 3, {**a, 'b': {c for c in d if e}}",
    "a = (), ((), ), ((1, 2)), (x for y in z), ( # c\n  (3, )\n )",
    "a = \\\n   -b ** \\\n  ~c",
]


@st.composite
def odd_modules(draw: st.DrawFn) -> str:
    pieces = draw(st.lists(st.sampled_from(PIECES), max_size=4))
    endings = st.sampled_from(["\n", "\r\n", "\r"])
    text = draw(st.sampled_from(["", "", "\\\n", "\x0c"])) + "\n".join(pieces)
    if not pieces:
        return ""
    text += draw(st.sampled_from(["", "\n", "\n\n", "\n  ", "\n\x0c"]))
    ending = draw(endings)
    parts = text.split("\n")
    if draw(st.booleans()):
        return ending.join(parts)
    return "".join(part + draw(endings) for part in parts[:-1]) + parts[-1]


def bare(node: cst.CSTNode) -> cst.CSTNode:
    """The node without what a span leaves out: brackets around it, a comma, a semicolon."""
    if isinstance(node, cst.Arg):
        blank = cst.SimpleWhitespace("")
        return node.with_changes(comma=cst.MaybeSentinel.DEFAULT, whitespace_after_arg=blank)
    if isinstance(node, cst.BaseSmallStatement):
        return node.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
    if isinstance(node, cst.Tuple | cst.GeneratorExp):
        return node.with_changes(lpar=node.lpar[-1:], rpar=node.rpar[:1])
    return node.with_changes(lpar=[], rpar=[])


@settings(deadline=None)
@given(odd_modules())
@example("a\r")
@example("\x0ca\r")
@example("\\\r\n\\\r\na")
def test_every_span_holds_the_code_of_its_node(code: str) -> None:
    source = parse_text(code)
    assert source.content == code
    kinds = (cst.BaseExpression, cst.Arg, cst.BaseSmallStatement)
    for node in nodes(source.tree):
        if not isinstance(node, kinds):
            continue
        span = source.span(node)
        wanted = source.tree.code_for_node(bare(node)).strip()
        assert code[span.start : span.end] == wanted
        head = code[: span.start].replace("\r\n", "\n").replace("\r", "\n")
        assert (span.line, span.column) == (head.count("\n") + 1, len(head.rpartition("\n")[2]) + 1)


@settings(deadline=None)
@given(odd_modules())
def test_fast_positions_are_those_of_libcst(code: str) -> None:
    source = parse_text(code)
    offsets, generated = record(source.tree)
    fast = {node: (start, min(end, len(generated))) for node, (start, end) in offsets.items()}
    assert (fast, generated) == located_by_provider(source.tree)


@settings(deadline=None)
@given(odd_modules(), st.randoms(use_true_random=False))
@example(
    "class A:\n    class B:\n        \tdef f(self):\n        \t\ta\n\n    def g(self): b\n",
    Random(1),
)
@example("class A:\n    x = 1\n\nclass B:\n    x = 1\n    # c\n    y = 2", Random(1))
def test_a_statement_s_positions_are_those_in_the_whole(code: str, random: Random) -> None:
    """Wherever one begins, and whether or not the same code stands elsewhere, too."""
    source = parse_text(code)
    whole = Positions.of(source.tree, code, lambda node: ())
    every = [node for node in nodes(source.tree) if not isinstance(node, BLANKS)]
    random.shuffle(every)
    assert all(source.positions.offsets(node) == whole.offsets(node) for node in every)


def test_one_function_is_located_without_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Positions, "_everywhere", None)
    source = parse_text("class A:\n" + "".join(f"  def f{i}(s):\n    g{i}(1)\n" for i in range(9)))
    assert source.span(named(source, "g7")).line == 17


def test_without_the_fast_way_the_slow_one_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bnlint.source.code_offsets", None)
    source = parse_text("a\n\x0chere")
    assert source.span(named(source, "here")) == Span("<text>", 3, 7, 2, 2, 2, 6)


@settings(deadline=None)
@given(odd_modules())
def test_statements_lie_one_after_another(code: str) -> None:
    source = parse_text(code)
    place = 0
    for statement in source.tree.body:
        span = source.span(statement)
        assert place <= span.start < span.end
        place = span.end


def test_positions_are_computed_only_when_asked_for() -> None:
    source = parse_text("a = f(1)\n")
    assert "positions" not in vars(source)
    source.span(source.tree.body[0])
    assert "positions" in vars(source)


def test_many_alike_are_not_located_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    searched: list[object] = []
    usual = positions.code_and_offsets
    monkeypatch.setattr(
        positions, "code_and_offsets", lambda *of: searched.append(of) or usual(*of)
    )
    source = parse_text("class A:\n" + "".join(f"  x{i} = f(1, k=2)\n" for i in range(1000)))
    for node in nodes(source.tree):
        source.span(node)
    assert len(searched) <= positions.MOST_PIECES + 1


def test_locating_costs_less_than_parsing() -> None:
    code = "class A:\n" + "    x = f(1, k=[2, 3])\n" * 1000
    start = time.process_time()
    source = parse_text(code)
    parsed = time.process_time()
    source.span(source.tree.body[0])
    assert time.process_time() - parsed < parsed - start


def test_a_file_of_five_thousand_lines() -> None:
    source = parse_text("def f():\n" + "    x = g(1, k=[2, 3])\n" * 5000)
    [function] = source.tree.body
    assert source.span(function).end_line == 5001


@pytest.mark.parametrize(
    "code",
    [
        "a.b.c(d)",
        "a . b.c",
        "(a).b",
        "(a.b)",
        "(a\n .b)",
        "a.\\\n b",
        "f(x).y.z",
        "a[0].b",
        "print a.b\nf(x, async=True)",
        "f( x,k = [1 , 2], *a,  ** b )",
        "f(\n    x, [1,  # c\n  2])",
        "lambda a , * b : a+1",
        "'a' \\\n  f'{b!r:>{c}}'",
        "((a , b), (c ,))",
        "not  x [ 1 :2 , ...]",
        "{ ** a , 'b' :c }, [ i for(i)in j if k ]",
    ],
)
def test_the_text_of_an_expression_is_that_at_its_place(code: str) -> None:
    """It is told without positions, as long as it is written in one line."""
    assert_texts_are_at_their_places(parse_text(f"{code}\n"))


@settings(deadline=None)
@given(odd_modules())
def test_the_text_of_every_expression_is_that_at_its_place(code: str) -> None:
    assert_texts_are_at_their_places(parse_text(code))


def assert_texts_are_at_their_places(source: SourceFile) -> None:
    for node in nodes(source.tree):
        if isinstance(node, cst.BaseExpression):
            start, end = source.positions.offsets(node)
            assert source.text(node) == source.content[start:end]


def test_a_line_of_a_long_function_is_located_without_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pieces: list[object] = []
    usual = positions.code_and_offsets
    monkeypatch.setattr(
        positions, "code_and_offsets", lambda *of: pieces.append(of[1]) or usual(*of)
    )
    lines = "".join(f"        with a as b{i}:\n            f{i % 8}(1)\n" for i in range(9))
    source = parse_text(f"class A:\n    def f(self):\n{lines}")
    assert source.span(named(source, "f5")).line == 14
    assert source.span(named(source, "f0")).line == 4
    kinds = [type(piece) for piece in pieces]
    assert kinds == [cst.SimpleStatementLine, cst.SimpleStatementLine, cst.With]
