"""Edits of calls: what they look like, and that no layout or comment breaks them."""

import ast
import io
import tokenize

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.finding import Edit
from bnlint.source import SourceFile, parse_text


def nodes(tree: cst.CSTNode) -> list[cst.CSTNode]:
    found = [tree]
    for node in found:
        found.extend(node.children)
    return found


def call_to(source: SourceFile, name: str = "f") -> cst.Call:
    for node in nodes(source.tree):
        match node:
            case cst.Call(func=cst.Name(value=called)) if called == name:
                return node
    raise AssertionError(f"no call of {name}")


def applied(source: SourceFile, edit: Edit | None) -> str:
    assert edit is not None
    return source.content[: edit.start] + edit.text + source.content[edit.end :]


def add(code: str, text: str = "new=1") -> str:
    source = parse_text(code)
    return applied(source, source.add_argument(call_to(source), text))


def remove(code: str, place: int) -> str:
    source = parse_text(code)
    call = call_to(source)
    return applied(source, source.remove_argument(call, call.args[place].value))


def comments(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return sorted(token.string for token in tokens if token.type == tokenize.COMMENT)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("f()", "f(new=1)", id="no arguments"),
        pytest.param("f( )", "f( new=1)", id="no arguments but a blank"),
        pytest.param("f(\n)", "f(\nnew=1)", id="no arguments on two lines"),
        pytest.param("f(a)", "f(a, new=1)", id="one argument"),
        pytest.param("f(a,)", "f(a, new=1,)", id="trailing comma"),
        pytest.param("f(a, **k)", "f(a, new=1, **k)", id="before unpacked keywords"),
        pytest.param("f(**k)", "f(new=1, **k)", id="only unpacked keywords"),
        pytest.param("f(*a, b=2)", "f(*a, b=2, new=1)", id="after unpacked positions"),
        pytest.param("f((x for x in y))", "f((x for x in y), new=1)", id="generator in brackets"),
        pytest.param(
            "f(\n    a,\n    b,\n)", "f(\n    a,\n    b,\n    new=1,\n)", id="one argument per line"
        ),
        pytest.param(
            "f(\n    a,\n    b\n)",
            "f(\n    a,\n    b,\n    new=1\n)",
            id="one argument per line without trailing comma",
        ),
        pytest.param(
            "f(\n    a,  # one\n    b,  # two\n)",
            "f(\n    a,  # one\n    b,  # two\n    new=1,\n)",
            id="comments after arguments",
        ),
        pytest.param(
            "f(\n    a,\n    b  # two\n)",
            "f(\n    a,\n    b,  # two\n    new=1\n)",
            id="comment after the last argument without comma",
        ),
        pytest.param("f(a,\n  b)", "f(a,\n  b,\n  new=1)", id="aligned, one per line"),
        pytest.param("f(a, b,\n  c)", "f(a, b,\n  c, new=1)", id="several per line"),
        pytest.param("f(\n    a, b\n)", "f(\n    a, b, new=1\n)", id="all on one inner line"),
        pytest.param("f(\n    a,\n)", "f(\n    a,\n    new=1,\n)", id="one with trailing comma"),
        pytest.param("f(\n    a\n)", "f(\n    a, new=1\n)", id="one without trailing comma"),
        pytest.param("f(\n\ta,\n\tb,\n)", "f(\n\ta,\n\tb,\n\tnew=1,\n)", id="tabs"),
        pytest.param("f(\r\n  a,\r\n  b,\r\n)", "f(\r\n  a,\r\n  b,\r\n  new=1,\r\n)", id="CRLF"),
        pytest.param(
            "f(\n    a,\n    **k,\n)",
            "f(\n    a,\n    new=1,\n    **k,\n)",
            id="per line, unpacked",
        ),
        pytest.param("f(a)(b)", "f(a, new=1)(b)", id="call of a call"),
        pytest.param("f(lambda: 0)", "f(lambda: 0, new=1)", id="lambda"),
        pytest.param("f(')')", "f(')', new=1)", id="a bracket in a string"),
        pytest.param("(f(a))", "(f(a, new=1))", id="call in brackets"),
        pytest.param("f(\n    (a),\n    (b),\n)", "f(\n    (a),\n    (b),\n    new=1,\n)", id="()"),
    ],
)
def test_add_argument(before: str, after: str) -> None:
    assert add(before) == after


def test_a_sole_generator_takes_no_further_argument() -> None:
    source = parse_text("f(x for x in y)")
    assert source.add_argument(call_to(source), "new=1") is None


def test_an_argument_can_only_be_added_to_a_call() -> None:
    source = parse_text("f(x)")
    assert source.add_argument(call_to(source).func, "new=1") is None


def test_nothing_is_edited_inside_an_f_string() -> None:
    source = parse_text("g(f'{f(a)}')")
    call = call_to(source)
    assert source.add_argument(call, "new=1") is None
    assert source.remove_argument(call, call.args[0].value) is None
    assert source.replace(call, "x") is None


@pytest.mark.parametrize(
    ("before", "place", "after"),
    [
        pytest.param("f(a)", 0, "f()", id="the only one"),
        pytest.param("f(a,)", 0, "f()", id="the only one, trailing comma"),
        pytest.param("f(a, b)", 0, "f(b)", id="the first"),
        pytest.param("f(a, b)", 1, "f(a)", id="the last"),
        pytest.param("f(a, b,)", 1, "f(a,)", id="the last, trailing comma"),
        pytest.param("f(a, b, c)", 1, "f(a, c)", id="a middle one"),
        pytest.param("f(a, b = 1 , c=2)", 1, "f(a, c=2)", id="blanks around"),
        pytest.param("f(a, (b))", 1, "f(a)", id="in brackets"),
        pytest.param("f(\n    a,\n    b,\n)", 0, "f(\n    b,\n)", id="first line"),
        pytest.param("f(\n    a,\n    b,\n)", 1, "f(\n    a,\n)", id="last line"),
        pytest.param("f(\n    a,\n    b\n)", 1, "f(\n    a\n)", id="last line without comma"),
        pytest.param("f(a, b,\n  c)", 1, "f(a,\n  c)", id="last on its line"),
        pytest.param("f(a, b,\n  c)", 2, "f(a, b)", id="alone on the last line"),
        pytest.param("f(a,\n  b)", 0, "f(b)", id="first, aligned"),
        pytest.param(
            "f(\n    a,  # one\n    b,  # two\n    c,\n)",
            2,
            "f(\n    a,  # one\n    b,  # two\n)",
            id="comments of others before",
        ),
        pytest.param(
            "f(\n    a,  # one\n    b,\n    c,  # three\n)",
            1,
            "f(\n    a,  # one\n    c,  # three\n)",
            id="comments of others around",
        ),
        pytest.param(
            "f(\n    a,\n    b,  # two\n    c,\n)",
            1,
            "f(\n    a,\n    # two\n    c,\n)",
            id="its own comment stays",
        ),
        pytest.param(
            "f(\n    a  # one, or\n    , b)",
            0,
            "f(\n      # one, or\n    b)",
            id="comment before comma",
        ),
        pytest.param(
            "f(\n  a,  # one\n  b  # two\n)", 1, "f(\n  a,  # one\n    # two\n)", id="two comments"
        ),
        pytest.param("f(a,  # one\n  b)", 1, "f(a,  # one\n  )", id="comment before the last"),
        pytest.param(
            "f(a,  # one\n  b  # two\n  ,)",
            1,
            "f(a,  # one\n    # two\n  )",
            id="comments before the last and its comma",
        ),
        pytest.param("f(\r\n  a,\r\n  b,\r\n)", 0, "f(\r\n  b,\r\n)", id="CRLF"),
    ],
)
def test_remove_argument(before: str, place: int, after: str) -> None:
    assert remove(before, place) == after


def test_an_argument_of_another_call_is_not_removed() -> None:
    source = parse_text("f(a); g(b)")
    assert source.remove_argument(call_to(source), call_to(source, "g").args[0].value) is None


def test_replace_keeps_brackets_and_blanks() -> None:
    source = parse_text("y = ( f(a) )  # keep\n")
    assert applied(source, source.replace(call_to(source), "g")) == "y = ( g )  # keep\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            "def g(): return(1, 2)", "def g(): return new", id="a tuple with its brackets"
        ),
        pytest.param("def g(): return(1)", "def g(): return(new)", id="brackets around a value"),
        pytest.param("def g(): return()", "def g(): return new", id="the empty tuple"),
        pytest.param("x = ()if a else b", "x = new if a else b", id="before a word"),
        pytest.param("x = ((1, 2))", "x = (new)", id="a tuple in brackets"),
        pytest.param("x = 1, 2", "x = new", id="a tuple without brackets"),
        pytest.param("f(x for x in y)", "f(new)", id="a generator"),
        pytest.param("f((x for x in y), 1)", "f(new, 1)", id="a generator in brackets"),
    ],
)
def test_replace_takes_no_more_and_no_less_than_the_value(before: str, after: str) -> None:
    source = parse_text(before)
    kinds = (cst.Tuple, cst.GeneratorExp, cst.Integer)
    value = next(node for node in nodes(source.tree) if isinstance(node, kinds))
    assert applied(source, source.replace(value, "new")) == after


def test_replace_of_an_argument_value() -> None:
    source = parse_text("f(é='😀', eps = 1e-3)\n")
    value = call_to(source).args[1].value
    assert applied(source, source.replace(value, "1e-5")) == "f(é='😀', eps = 1e-5)\n"


def test_an_edit_names_the_path_as_the_user_gave_it() -> None:
    source = parse_text("f()\n", path="pkg/train.py")
    edit = source.add_argument(call_to(source), "a")
    assert edit == Edit("pkg/train.py", 2, 2, "a")


GAPS = st.sampled_from(["", "", "", " ", "  ", "\n    ", "  # c, (1)\n    ", "\\\n", "\n\n", "\t"])
POSITIONAL = st.sampled_from(
    [
        "1",
        "'s,#('",
        "g(1,\n  2)",
        "(x for x in y)",
        "lambda z: 0",
        "'''m\n,l'''",
        "(1)",
        "[1,]",
        "é",
    ]
)
STARRED = st.sampled_from(["*a", "*(b)", "k=(1)", "l = 2", "m=g(n=1)", "o=lambda: (1, 2)"])
UNPACKED = st.sampled_from(["**k", "** l", "**{'a': 1,}"])


@st.composite
def calls(draw: st.DrawFn) -> str:
    args = draw(st.lists(POSITIONAL, max_size=3))
    args += draw(st.lists(STARRED, max_size=3, unique=True))
    args += draw(st.lists(UNPACKED, max_size=2, unique=True))
    text = "f(" + draw(GAPS)
    for place, arg in enumerate(args):
        comma = place + 1 < len(args) or draw(st.booleans())
        text += arg + draw(GAPS) + ("," + draw(GAPS) if comma else "")
    return text + ")"


@st.composite
def modules(draw: st.DrawFn) -> str:
    frame = draw(
        st.sampled_from(
            ["{}\n", "x = {}", "x = [0, {}, 1]; y\n", "if {}:\n\tpass\n", "@{}\ndef g(): pass\n"]
        )
    )
    code: str = frame.format(draw(calls()))
    return code.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))


def arguments(code: str) -> list[str]:
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Call(func=ast.Name("f")):
                return [ast.dump(argument) for argument in [*node.args, *node.keywords]]
    raise AssertionError("no call")


@settings(deadline=None)
@given(modules())
def test_an_added_argument_leaves_everything_else(code: str) -> None:
    changed = add(code)
    new = ast.dump(ast.parse("f(new=1)", mode="eval").body.keywords[0])  # type: ignore[attr-defined]
    assert sorted(arguments(changed)) == sorted([*arguments(code), new])
    assert comments(changed) == comments(code)
    assert ("\r\n" in code) == ("\r\n" in changed)
    assert not ("\r\n" in code and "\n" in changed.replace("\r\n", ""))


@settings(deadline=None)
@given(modules(), st.data())
def test_a_removed_argument_takes_nothing_with_it(code: str, data: st.DataObject) -> None:
    source = parse_text(code)
    call = call_to(source)
    if not call.args:
        return
    place = data.draw(st.integers(0, len(call.args) - 1))
    changed = applied(source, source.remove_argument(call, call.args[place].value))
    alone = call.args[place].with_changes(comma=cst.MaybeSentinel.DEFAULT)
    gone = source.tree.code_for_node(alone)
    left = arguments(code)
    left.remove(arguments(f"f({gone})")[0])
    assert sorted(arguments(changed)) == sorted(left)
    assert comments(changed) == comments(code)


@settings(deadline=None)
@given(modules(), st.data())
def test_any_expression_can_be_replaced(code: str, data: st.DataObject) -> None:
    source = parse_text(code)
    values = [argument.value for argument in call_to(source).args]
    if values:
        node = data.draw(st.sampled_from(values))
        parse_text(applied(source, source.replace(node, "replacement")))
