"""Lines put before, after and into statements."""

import ast
import io
import tokenize
from collections.abc import Callable, Iterator

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.finding import Edit
from bnlint.source import SourceFile, parse_text

Insert = Callable[[SourceFile, cst.CSTNode, str], Edit | None]


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


def applied(source: SourceFile, edit: Edit | None) -> str | None:
    if edit is None:
        return None
    return source.content[: edit.start] + edit.text + source.content[edit.end :]


def before(code: str, name: str = "here", line: str = "new()") -> str | None:
    source = parse_text(code)
    return applied(source, source.insert_before(named(source, name), line))


def after(code: str, name: str = "here", line: str = "new()") -> str | None:
    source = parse_text(code)
    return applied(source, source.insert_after(named(source, name), line))


def first(code: str, name: str = "here") -> str | None:
    source = parse_text(code)
    return applied(source, source.insert_first(named(source, name), "new()"))


def last(code: str, name: str = "here") -> str | None:
    source = parse_text(code)
    return applied(source, source.insert_last(named(source, name), "new()"))


@pytest.mark.parametrize(
    ("code", "result"),
    [
        pytest.param("here\n", "new()\nhere\n", id="the only line"),
        pytest.param("a\nx = f(1, here)", "a\nnew()\nx = f(1, here)", id="deep in an expression"),
        pytest.param("if a:\n\there\n", "if a:\n\tnew()\n\there\n", id="tabs"),
        pytest.param("if here:\n    b\n", "new()\nif here:\n    b\n", id="a header"),
        pytest.param("if here: b\n", "new()\nif here: b\n", id="header of a one-line suite"),
        pytest.param("# c\nhere\n", "# c\nnew()\nhere\n", id="comment above"),
        pytest.param("f(\n  here)\n", "new()\nf(\n  here)\n", id="inner line of a statement"),
        pytest.param("a\r\nhere\r\n", "a\r\nnew()\r\nhere\r\n", id="CRLF"),
        pytest.param("a\rhere\r", "a\rnew()\rhere\r", id="CR"),
        pytest.param("@a\n@here\n# c\ndef f(): b\n", "new()\n@a\n@here\n# c\ndef f(): b\n", id="@"),
        pytest.param("@a\nclass here: b\n", "new()\n@a\nclass here: b\n", id="decorated class"),
        pytest.param("x = 1;\nhere;\n", "x = 1;\nnew()\nhere;\n", id="final semicolon"),
        pytest.param(
            "if a:\n  b\nelif here:\n  c\n", "new()\nif a:\n  b\nelif here:\n  c\n", id="elif"
        ),
        pytest.param(
            "if a:\n  b\nelse:\n  here\n", "if a:\n  b\nelse:\n  new()\n  here\n", id="else"
        ),
        pytest.param("if a: here\n", None, id="one-line suite"),
        pytest.param("a; here\n", None, id="semicolons"),
        pytest.param("x = lambda: here\n", "new()\nx = lambda: here\n", id="lambda"),
        pytest.param(
            "try:\n  a\nexcept here:\n  b\n", "new()\ntry:\n  a\nexcept here:\n  b\n", id="except"
        ),
    ],
)
def test_insert_before(code: str, result: str | None) -> None:
    assert before(code) == result


@pytest.mark.parametrize(
    ("code", "result"),
    [
        pytest.param("here\n", "here\nnew()\n", id="the only line"),
        pytest.param("here", "here\nnew()", id="no newline at the end"),
        pytest.param("a\r\nhere", "a\r\nhere\r\nnew()", id="no newline at the end, CRLF"),
        pytest.param("here  # c\nb\n", "here  # c\nnew()\nb\n", id="comment behind"),
        pytest.param("here;  # c\nb\n", "here;  # c\nnew()\nb\n", id="final semicolon"),
        pytest.param("f(here,\n  1)\nb", "f(here,\n  1)\nnew()\nb", id="several lines"),
        pytest.param("x = here + '''a\n  b'''\n", "x = here + '''a\n  b'''\nnew()\n", id="string"),
        pytest.param(
            "for here in a:\n    b\n    # c\n# d\ne\n",
            "for here in a:\n    b\n    # c\nnew()\n# d\ne\n",
            id="after the body's comments",
        ),
        pytest.param(
            "for here in a:\n    b\n\n\ne\n",
            "for here in a:\n    b\nnew()\n\n\ne\n",
            id="before blank lines",
        ),
        pytest.param(
            "if here:\n  a\nelse:\n  b\nc\n", "if here:\n  a\nelse:\n  b\nnew()\nc\n", id="else"
        ),
        pytest.param(
            "if a:\n  b\nelif here:\n  c\nd\n", "if a:\n  b\nelif here:\n  c\nnew()\nd\n", id="elif"
        ),
        pytest.param(
            "try:\n  here\nfinally:\n  b; c\nd\n",
            "try:\n  here\n  new()\nfinally:\n  b; c\nd\n",
            id="try",
        ),
        pytest.param("with here: a; b\nc\n", "with here: a; b\nnew()\nc\n", id="one-line body"),
        pytest.param("if a: here\n", None, id="one-line suite"),
        pytest.param("here; a\n", None, id="semicolons"),
        pytest.param(
            "@here\ndef f():\n  a\nb\n", "@here\ndef f():\n  a\nnew()\nb\n", id="decorator"
        ),
    ],
)
def test_insert_after(code: str, result: str | None) -> None:
    assert after(code) == result


@pytest.mark.parametrize(
    ("code", "result"),
    [
        pytest.param("for here in a:\n  b\n", "for here in a:\n  new()\n  b\n", id="for"),
        pytest.param("def here():\n  '''d'''\n", "def here():\n  '''d'''\n  new()\n", id="docstring"),
        pytest.param("def here():\n  'd'  # c\n  a", "def here():\n  'd'  # c\n  new()\n  a", id="#"),
        pytest.param("if here:\n  'd'\n", "if here:\n  new()\n  'd'\n", id="string that is none"),
        pytest.param("def here():\n  'd'; a\n", None, id="docstring that shares its line"),
        pytest.param("def here(): a\n", None, id="one-line suite"),
        pytest.param("here = 1\n", None, id="simple statement"),
        pytest.param("class here:\n\n  @a\n  def f(self): b\n", "class here:\n\n  new()\n  @a\n  def f(self): b\n", id="decorated"),
        pytest.param("match here:\n  case 1:\n    a\n", None, id="match"),
    ],
)  # fmt: skip
def test_insert_first(code: str, result: str | None) -> None:
    assert first(code) == result


@pytest.mark.parametrize(
    ("code", "result"),
    [
        pytest.param("for here in a:\n  b\nc\n", "for here in a:\n  b\n  new()\nc\n", id="for"),
        pytest.param(
            "while here:\n  if a:\n    b", "while here:\n  if a:\n    b\n  new()", id="nested"
        ),
        pytest.param(
            "if here:\n  a\nelse:\n  b\n", "if here:\n  a\n  new()\nelse:\n  b\n", id="if"
        ),
        pytest.param("for here in a:\n\tb; c\n", "for here in a:\n\tb; c\n\tnew()\n", id="tabs"),
        pytest.param("for here in a: b\n", None, id="one-line suite"),
    ],
)
def test_insert_last(code: str, result: str | None) -> None:
    assert last(code) == result


def test_into_a_module_means_after_its_docstring_and_future_imports() -> None:
    source = parse_text("#!/bin/python\n'''doc'''\nfrom __future__ import division\nimport os\n")
    edit = source.insert_first(source.tree, "import torch")
    assert applied(source, edit) == (
        "#!/bin/python\n'''doc'''\nfrom __future__ import division\nimport torch\nimport os\n"
    )


def test_into_an_empty_module_nothing_is_put() -> None:
    source = parse_text("# nothing\n")
    assert source.insert_first(source.tree, "a") is None
    assert source.insert_last(source.tree, "a") is None


def test_several_lines_are_all_indented() -> None:
    code = "if a:\r\n\there\r\n"
    assert before(code, line="if b:\n    c") == "if a:\r\n\tif b:\r\n\t    c\r\n\there\r\n"


def test_a_form_feed_before_the_statement_stays() -> None:
    assert before("a\n\x0chere\n") == "a\nnew()\n\x0chere\n"


SIMPLE = st.sampled_from(
    [
        "a()",
        "b(1,\n  2)",
        "c('''x\ny''')  # c1",
        "d; e  # c2",
        "f;",
        "# c3\ng",
        "\nh = [\n# c4\n1]",
        "k = 1 + \\\n  2",
        "\n# c5\n\nl",
        "pass",
    ]
)
HEADERS = st.sampled_from(
    [
        "if m:",
        "for n in o:  # c6",
        "while p:",
        "with q: # c7",
        "def r():",
        "class S:",
        "@t\n@u\ndef v():",
    ]
)


def indented(code: str, by: str) -> str:
    head, *rest = code.split("\n")
    inside_string = "'''" in code
    return "\n".join([by + head, *(part if inside_string else by + part for part in rest)])


@st.composite
def blocks(draw: st.DrawFn, depth: int = 2) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            parts.append(draw(compounds(depth)))
        else:
            parts.append(draw(SIMPLE))
    return "\n".join(parts) + draw(st.sampled_from(["", "", "\n# c8", "\n\n"]))


@st.composite
def compounds(draw: st.DrawFn, depth: int) -> str:
    kind = draw(st.sampled_from(["suite", "plain", "plain", "documented", "else", "try", "match"]))
    by = draw(st.sampled_from(["    ", "  ", "\t"]))

    def block() -> str:
        return "\n".join(indented(line, by) for line in _lines(draw(blocks(depth - 1))))

    header = draw(HEADERS)
    match kind:
        case "suite":
            return header.partition("#")[0].rstrip() + " w; x  # c9"
        case "plain":
            return f"{header}\n{block()}"
        case "documented":
            return f"{header}\n{by}'''doc'''  # c10\n{block()}"
        case "else":
            return f"if a:\n{block()}\nelif b:\n{block()}\nelse:  # c11\n{block()}"
        case "try":
            return f"try:\n{block()}\nexcept E:\n{block()}\nfinally:\n{block()}"
        case _:
            return f"match a:\n{by}case 1:\n{by}{by}b\n{by}case _: c"


def _lines(code: str) -> Iterator[str]:
    """Split into pieces that are indented as one, so that strings keep their lines."""
    if "'''x" not in code:
        yield from code.split("\n")
        return
    start = code.index("c('''x")
    end = code.index("''')", start) + 4
    line_start = code.rfind("\n", 0, start) + 1
    yield from code[:line_start].split("\n")[:-1]
    rest, found, tail = code[end:].partition("\n")
    yield code[line_start:end] + rest
    if found:
        yield from _lines(tail)


@st.composite
def modules(draw: st.DrawFn) -> str:
    code = draw(blocks()) + draw(st.sampled_from(["\n", "", "\n\n"]))
    code = draw(st.sampled_from(["", "", "#!/bin/x\n\n", "\n"])) + code
    return code.replace("\n", draw(st.sampled_from(["\n", "\n", "\r\n"])))


def comments(code: str) -> list[str]:
    tokens = tokenize.generate_tokens(io.StringIO(code, newline="").readline)
    return sorted(token.string for token in tokens if token.type == tokenize.COMMENT)


class _Removed(ast.NodeTransformer):
    count = 0

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        if ast.unparse(node) == "new()":
            self.count += 1
            return None
        return node


INSERTS: list[Insert] = [
    SourceFile.insert_before,
    SourceFile.insert_after,
    SourceFile.insert_first,
    SourceFile.insert_last,
]


@settings(deadline=None)
@given(modules(), st.sampled_from(INSERTS), st.data())
def test_an_inserted_line_changes_nothing_else(
    code: str, insert: Insert, data: st.DataObject
) -> None:
    source = parse_text(code)
    statements = (cst.BaseSmallStatement, cst.BaseCompoundStatement, cst.Name, cst.Else)
    places = [node for node in nodes(source.tree) if isinstance(node, statements)]
    node = data.draw(st.sampled_from(places))
    changed = applied(source, insert(source, node, "new()"))
    if changed is None:
        return
    removed = _Removed()
    tree = removed.visit(ast.parse(changed))
    assert removed.count == 1
    assert ast.dump(tree) == ast.dump(ast.parse(code))
    assert comments(changed) == comments(code)
    assert "\r\n" not in code or "\n" not in changed.replace("\r\n", "")


@settings(deadline=None)
@given(modules(), st.data())
def test_a_line_before_and_a_line_after_are_neighbours(code: str, data: st.DataObject) -> None:
    source = parse_text(code)
    lines = [n for n in nodes(source.tree) if isinstance(n, cst.SimpleStatementLine)]
    if not lines:
        return
    node = data.draw(st.sampled_from(lines))
    edits = [source.insert_before(node, "new()"), source.insert_after(node, "new()")]
    if None in edits or len(node.body) > 1:
        assert edits == [None, None]
        return
    for edit, step in zip(edits, (1, -1), strict=True):
        tree = ast.parse(applied(source, edit) or "")
        places = [
            (block, place)
            for holder in ast.walk(tree)
            for block in (getattr(holder, name, None) for name in ("body", "orelse", "finalbody"))
            if isinstance(block, list)
            for place, statement in enumerate(block)
            if ast.unparse(statement) == "new()"
        ]
        [(block, place)] = places
        own = ast.parse(source.text(node.body[0])).body[0]
        assert ast.dump(block[place + step]) == ast.dump(own)
