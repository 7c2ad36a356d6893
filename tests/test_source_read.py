"""Files as they come: encodings, damage, Python 2, absurd depth."""

import codecs
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint.facts.types.site import Site, Source
from bnlint.source import SourceFile, Unreadable, parse_text, read
from bnlint.source.decoding import decode
from bnlint.source.nesting import BRACKETS, TERMS, deepest


def failure(text: str) -> tuple[str, int, int]:
    with pytest.raises(Unreadable) as caught:
        parse_text(text)
    error = caught.value
    assert str(error) == error.message
    assert "\n" not in error.message and not error.message.endswith(".")
    return error.message, error.line, error.column


def read_bytes(tmp_path: Path, raw: bytes) -> SourceFile:
    file = tmp_path / "a.py"
    file.write_bytes(raw)
    return read(file)


def unreadable_bytes(tmp_path: Path, raw: bytes) -> tuple[str, int, int]:
    with pytest.raises(Unreadable) as caught:
        read_bytes(tmp_path, raw)
    return caught.value.message, caught.value.line, caught.value.column


def test_a_source_file_is_what_facts_call_a_source() -> None:
    source: Source = parse_text("f(1)\n", path="train.py")
    file = source
    assert isinstance(file, SourceFile)
    site = Site(source, file.tree.body[0])
    assert (site.path, site.text, site.span.end_column) == ("train.py", "f(1)", 5)


def test_an_empty_file() -> None:
    source = parse_text("")
    assert (source.content, source.tree.body, source.newline) == ("", (), "\n")
    assert source.span(source.tree).end == 0


@pytest.mark.parametrize(
    ("raw", "text", "encoding", "bom"),
    [
        pytest.param("é".encode(), "é", "utf-8", False, id="UTF-8 without saying so"),
        pytest.param(codecs.BOM_UTF8 + b"a", "a", "utf-8", True, id="byte order mark"),
        pytest.param(
            codecs.BOM_UTF8 + b"# coding: utf-8\n", "# coding: utf-8\n", "utf-8", True, id="both"
        ),
        pytest.param(
            b"# -*- coding: latin-1 -*-\nx = '\xe9'\n",
            "# -*- coding: latin-1 -*-\nx = 'é'\n",
            "iso-8859-1",
            False,
            id="Latin-1",
        ),
        pytest.param(
            b"#!/bin/x\n# vim: fileencoding=gbk\n'\xc4\xe3'\n",
            "#!/bin/x\n# vim: fileencoding=gbk\n'你'\n",
            "gbk",
            False,
            id="second line",
        ),
    ],
)
def test_decoding(tmp_path: Path, raw: bytes, text: str, encoding: str, bom: bool) -> None:
    source = read_bytes(tmp_path, raw)
    assert (source.content, source.encoding, source.bom) == (text, encoding, bom)
    assert (codecs.BOM_UTF8 if bom else b"") + source.content.encode(encoding) == raw


@pytest.mark.parametrize(
    ("raw", "message", "line", "column"),
    [
        pytest.param(b"a\nb = '\xe9'\n", "not valid UTF-8", 2, 6, id="Latin-1 without saying so"),
        pytest.param(b"a\n\n\n# \xff\n", "not valid UTF-8", 4, 3, id="beyond the first lines"),
        pytest.param(b"# coding: klingon\n", "unknown encoding: klingon", 1, 1, id="unknown"),
        pytest.param(b"# coding: hex\n61\n", "not valid hex", 1, 1, id="no text encoding"),
        pytest.param(b"# coding: ascii\n\n\xe9\n", "not valid ascii", 3, 1, id="not ASCII"),
        pytest.param(
            codecs.BOM_UTF8 + b"# coding: latin-1\n", "another encoding", 1, 1, id="contradiction"
        ),
        pytest.param(b"a = 1\n\x00\x01", "NUL bytes", 2, 1, id="binary"),
        pytest.param("a = 1\n".encode("utf-16"), "UTF-16", 1, 1, id="UTF-16"),
    ],
)
def test_what_is_no_text(tmp_path: Path, raw: bytes, message: str, line: int, column: int) -> None:
    said, *place = unreadable_bytes(tmp_path, raw)
    assert message in said
    assert place == [line, column]


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="is a directory"):
        read(tmp_path)
    with pytest.raises(Unreadable, match="no such file"):
        read(tmp_path / "none.py")
    with pytest.raises(Unreadable, match="cannot be read"):
        read(tmp_path / ("x" * 300))


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_permission_denied(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("a\n")
    file.chmod(0)
    with pytest.raises(Unreadable, match="permission"):
        read(file)


def test_permission_denied_as_the_system_says_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.py").touch()
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Unreadable, match="permission to read the file was denied"):
        read(tmp_path / "a.py")


@pytest.mark.parametrize(
    ("code", "message", "line"),
    [
        pytest.param("x = (1,\n", "invalid syntax: '(' was never closed", 1, id="open bracket"),
        pytest.param("a\ndef f(:\n  pass\n", "invalid syntax", 2, id="plain"),
        pytest.param("if a:\n  \\\n  b\n", "LibCST cannot parse this", 3, id="only Python can"),
        pytest.param("x = 'abc\n", "unterminated string literal", 1, id="string"),
        pytest.param("if a:\n\tb\n        c\n", "inconsistent use of tabs", 3, id="tabs"),
        pytest.param(
            "if a:\n    if b:\n\t    c\n    d\n    if e:\n        f\n        g\n",
            "tabs and spaces together; indent with spaces alone",
            3,
            id="tabs that Python reads",
        ),
        pytest.param("  a\n", "unexpected indent", 1, id="indent"),
        pytest.param("a\nx = $\n", "invalid syntax", 2, id="stray character"),
        pytest.param("x\u2028y\n", "invalid non-printable character", 1, id="separator"),
        pytest.param("x = '\x00'\n", "NUL", 1, id="NUL in text"),
        pytest.param("x = '\ud800'\n", "lone surrogates", 1, id="lone surrogate"),
    ],
)
def test_what_is_no_python(code: str, message: str, line: int) -> None:
    said, at, _column = failure(code)
    assert message in said
    assert at == line


@pytest.mark.parametrize(
    "line",
    [
        "print 'loss', loss",
        "print loss",
        "print 'a' % (b)",
        "print",
        "exec 'a = 1'",
        "raise ValueError, 'a'",
        "if a <> b: pass",
        "x = `a`",
        "x = 10L",
        "os.chmod(a, 0755)",
        "x = ur'a'",
        "def f(a, (b, c)): pass",
        "f = lambda (a, b): a",
        "try: a\nexcept (A, B), e: b",
    ],
)
def test_python_2_is_called_by_its_name_or_read(line: str) -> None:
    try:
        parse_text("import os\n" + line + "\n")
    except Unreadable as error:
        assert error.message.startswith("Python 2 syntax: ")
        assert error.line == 2
    else:
        assert line.startswith(("try", "print"))


def test_an_error_can_be_handed_between_processes() -> None:
    error = pickle.loads(pickle.dumps(Unreadable("no such file", 3, 4)))
    assert (error.message, error.line, error.column) == ("no such file", 3, 4)


def test_an_exec_statement_further_down_is_named() -> None:
    assert failure("def f(x):\n    y = 1\n    exec 'x'\n") == (
        "Python 2 syntax: `exec` is a function in Python 3",
        3,
        5,
    )


FRAGMENTS = st.sampled_from(
    [
        "(",
        ")",
        "[",
        "{",
        "}",
        "'",
        '"""',
        "f'{",
        ":",
        "\n",
        "\n  ",
        "\t",
        "\r",
        "\\",
        "\x0c",
        ",",
        ";",
    ]
) | st.sampled_from(
    [
        "def f",
        "class A",
        "if x",
        "else",
        "async=",
        "print ",
        "lambda",
        "*",
        "=",
        "#",
        "a",
        "0",
        "é",
        "\0",
    ]
)


@settings(deadline=None)
@given(st.lists(FRAGMENTS, max_size=30).map("".join))
def test_damaged_code_is_read_or_unreadable(code: str) -> None:
    try:
        source = parse_text(code)
    except Unreadable as error:
        assert error.line >= 1 and error.column >= 1
    else:
        assert source.span(source.tree).end == len(code)


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from([b"", codecs.BOM_UTF8, b"# coding: utf-7\n"]))
def test_any_bytes_are_text_or_unreadable(raw: bytes, head: bytes) -> None:
    try:
        decoded = decode(head + raw)
    except Unreadable as error:
        assert error.line >= 1 and error.column >= 1
    else:
        assert isinstance(decoded.text, str)


ASYNC = "x = x.cuda(async=True)\ny = y.cuda(0,  # gpu\n  async = z)\nw = 'f(async=1)'\n"


def test_the_old_async_argument_is_read_but_nothing_is_fixed() -> None:
    source = parse_text(ASYNC)
    assert not source.fixable
    assert source.content == ASYNC
    line = source.tree.body[1]
    call = cst.ensure_type(cst.ensure_type(line, cst.SimpleStatementLine).body[0], cst.Assign).value
    assert isinstance(call, cst.Call)
    assert "'f(async=1)'" in source.tree.code
    assert source.text(call) == "y.cuda(0,  # gpu\n  async = z)"
    assert source.replace(call, "a") is None
    assert source.add_argument(call, "a=1") is None
    assert source.remove_argument(call, call.args[0].value) is None
    assert source.insert_before(call, "a") is None
    assert source.insert_after(call, "a") is None
    assert source.insert_first(source.tree, "a") is None
    assert source.insert_last(source.tree, "a") is None


def test_async_as_a_keyword_is_left_alone() -> None:
    source = parse_text("async def f(): await g(a == b)\ns = 'x.cuda(async=True)'\n")
    assert source.fixable
    assert "asynk" not in source.tree.code


def test_another_error_beside_the_old_async_is_told() -> None:
    assert failure("x.cuda(async=True)\nexec 'a'\n")[:2] == (
        "Python 2 syntax: `exec` is a function in Python 3",
        2,
    )


PYTHON_2 = {
    "a name": ("print x", "print@x"),
    "a string": ("if a:\n    print 'b', c", "if a:\n    print@'b', c"),
    "a format": ('print "%d" % n', 'print@"%d" % n'),
    "behind a colon": ("if a: print b", "if a: print@b"),
    "behind a semicolon": ("a = 1; print a", "a = 1; print@a"),
    "several blanks": ("print   x", "print@  x"),
    "an exception": (
        "try:\n    a\nexcept ValueError, e:\n    print e",
        "try:\n    a\nexcept ValueError| e:\n    print@e",
    ),
}


@pytest.mark.parametrize(("code", "read"), PYTHON_2.values(), ids=PYTHON_2)
def test_python_2_is_read_as_operations_but_nothing_is_fixed(code: str, read: str) -> None:
    source = parse_text(code)
    assert source.tree.code == read
    assert source.content == code
    assert not source.fixable


def test_print_in_strings_and_comments_stays() -> None:
    code = 'print x\ns = \'print y\'\n# print z\nt = """\nprint u\n"""\n'
    assert parse_text(code).tree.code == code.replace("print x", "print@x")


def test_python_3_is_left_alone() -> None:
    code = "print (x)\nprint -x\nx = print if a else b\n"
    source = parse_text(code)
    assert source.fixable
    assert source.tree.code == code


def test_what_else_only_python_2_reads_is_told() -> None:
    assert failure("print 'a'\nx = 0777\n")[0].startswith("Python 2 syntax: ")


DEEP = {
    "brackets": "x = {}1{}".format("(" * 5000, ")" * 5000),
    "lists": "[" * 5000 + "]" * 5000,
    "open brackets": "(" * 5000,
    "calls": "f(" * 3000 + ")" * 3000,
    "a sum": "x = " + "1+" * 20000 + "1",
    "a sum over lines": "x = (\n" + "1 +\n" * 20000 + "1)",
    "an alternative": "x = (" + "a or\n" * 20000 + "b)",
    "attributes": "x = a" + ".b" * 20000,
    "negations": "x = " + "not " * 20000 + "a",
    "signs": "x = " + "-" * 20000 + "a",
    "conditions": "x = " + "a if b else " * 20000 + "c",
    "functions": "x = " + "lambda a, b=1: " * 20000 + "c",
    "comprehensions": "x = [a " + "for a, b in c " * 20000 + "]",
    "strings": "x = (" + "'a'\n" * 20000 + ")",
    "branches": "if a: b\n" + "elif a: b\n" * 20000,
    "a pattern": "match a:\n    case {}1{}: pass\n".format("(" * 30, ",)" * 30),
    "targets of del": "del {}a{}\n".format("(" * 30, ",)" * 30),
    "an f-string": "x = f'{" + "(" * 5000 + ")" * 5000 + "}'",
    "keywords": "f(a=" * 5000 + ")" * 5000,
    "with strings between": "x = '''\ndef f'''\n" + "('''\nreturn''', " * 3000 + ")" * 3000,
}


@pytest.mark.parametrize("code", DEEP.values(), ids=DEEP)
def test_absurd_depth_is_told_and_not_a_crash(code: str) -> None:
    assert "too deeply" in failure(code)[0]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("x = {}1{}".format("(" * 190, ")" * 190), id="brackets"),
        pytest.param("x = " + "1+" * 990 + "1\n", id="sum"),
        pytest.param("x = a" + ".b" * 990 + "\n", id="attributes"),
        pytest.param("if a: b\n" + "elif a: b\n" * 900, id="branches"),
        pytest.param("x = (" + "'a'\n" * 900 + ")\n", id="strings"),
    ],
)
def test_great_depth_is_read_and_located(code: str) -> None:
    source = parse_text(code)
    limit = sys.getrecursionlimit()
    assert source.span(source.tree.body[0]).end == len(code.rstrip("\n"))
    assert sys.getrecursionlimit() == limit
    assert source.insert_after(source.tree.body[0], "a") is not None


def test_where_no_thread_can_be_started_the_usual_stack_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert len(parse_text("x = " + "1+" * 200 + "1\n").tree.body) == 1
    assert failure("x = " + "1+" * 200 + "\n") == ("invalid syntax", 1, 405)


def test_errors_cross_from_the_thread() -> None:
    assert failure("x = " + "1+" * 200 + "\n") == ("invalid syntax", 1, 405)


def test_a_sum_of_two_thousand_terms_is_told() -> None:
    assert "too deeply" in failure("x = " + "1+" * 2000 + "1\n")[0]


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("x = [" + "(1, -2),\n" * 5000 + "]\n", id="a table"),
        pytest.param("x = {" + "'a': b.c(d + 1),\n" * 3000 + "}\n", id="a dictionary"),
        pytest.param("a = '(' + b\n" * 3000, id="unbalanced brackets in strings"),
        pytest.param("# ((( [[[\n" * 3000, id="brackets in comments"),
        pytest.param('"""\n((( a "b\n"""\n' * 1000, id="brackets in docstrings"),
        pytest.param(
            "x = f(\n" + "  k=a.b or not c,\n" * 2000 + ")\n", id="a call of many keywords"
        ),
        pytest.param("x = a if b else c\n" * 3000, id="many lines"),
        pytest.param("x = f'{a} ({b}'\n" * 2000, id="f-strings"),
        pytest.param("case = 1\ndel a\nf(((((((((1)))))))))\n" * 100, id="del before brackets"),
    ],
)
def test_long_is_not_deep(code: str) -> None:
    brackets, terms, _ = deepest(code)
    assert brackets < BRACKETS / 10 and terms < TERMS / 10
    assert parse_text(code).tree.body is not None


def test_reading_for_a_display_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pkg" / "a.py"
    file.parent.mkdir()
    file.write_text("import torch\r\n", newline="")
    monkeypatch.chdir(tmp_path)
    source = read("pkg/a.py")
    assert (source.path, source.file, source.newline) == ("pkg/a.py", file, "\r\n")
    assert source.mentions("torch")
    assert read(file, display="./pkg/a.py").path == "./pkg/a.py"
    monkeypatch.chdir(file.parent)
    assert read("a.py").path == "a.py"
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    assert read(file).path == file.as_posix()


def test_reading_loads_neither_matchers_nor_codemods_nor_torch() -> None:
    code = (
        "import sys; from bnlint.source import parse_text; parse_text('a');"
        "print([m for m in sys.modules if m in "
        "('torch', 'libcst.matchers', 'libcst.codemod')])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd()
    )
    assert run.stdout.strip() == "[]"
