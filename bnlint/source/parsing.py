"""From text to a LibCST tree, whatever the text."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import libcst as cst

from bnlint.source import nesting, parse_memory, unreadable
from bnlint.source.plain_nodes import make_plain
from bnlint.source.unreadable import Unreadable

_ASYNC_ARGUMENT = re.compile(
    rf"({nesting.STRING} | \#[^\r\n]* | [(,](?:\s|\\|\#[^\r\n]*)*) (async(?=\s*=(?!=)))?",
    re.VERBOSE,
)
_PYTHON_2 = re.compile(
    rf"""(?P<left>{nesting.STRING} | \#[^\r\n]*)
    | (?P<print>(?:^|[;:])[ \t]*print)[ \t](?=[ \t]*[\w"'\[{{-])(?![ \t]*(?:in|is|and|or|if|not)\b)
    | (?P<except>^[ \t]*except[ \t]+[\w.]+),(?=[ \t]*\w+[ \t]*:)""",
    re.VERBOSE | re.MULTILINE,
)
_STACK = 64 * 1024 * 1024
_VALIDATE = cst.CSTNode.__post_init__
_one_at_a_time = threading.Lock()
make_plain()


def parse(text: str) -> tuple[cst.Module, bool]:
    """Return the tree, and whether it is the tree of ``text`` itself.

    Code from before Python 3.7 says ``x.cuda(async=True)``; it is read with another keyword of the
    same length. Python 2's ``print x`` and ``except A, e`` are read as the operations ``print@x`` and
    ``A| e``, in which the same names are used. Raises :class:`Unreadable`.
    """
    parse_module = _parse_with_room if nesting.check(text) else _parse_module
    parse_memory.check(text)
    try:
        return parse_module(text), True
    except Unreadable as error:
        substitute = substituted(text)
        if substitute == text:
            raise error from None
        try:
            return parse_module(substitute), False
        except Unreadable as other:
            raise (error if _is_python_2(error) else other) from None


def _is_python_2(error: Unreadable) -> bool:
    """Whether an error says that the file is not of Python 3, which tells more than what else is."""
    return error.message.startswith(unreadable.PYTHON_2)


def substituted(text: str) -> str:
    """Return the text of the same length that is parsed when ``text`` itself cannot be."""
    return _PYTHON_2.sub(_as_operation, _ASYNC_ARGUMENT.sub(_renamed, text))


def _as_operation(match: re.Match[str]) -> str:
    if match["print"] is not None:
        return f"{match['print']}@"
    return f"{match['except']}|" if match["except"] is not None else match[0]


def _renamed(match: re.Match[str]) -> str:
    return match[0] if match[2] is None else f"{match[1]}asynk"


def _parse_module(text: str) -> cst.Module:
    try:
        with _not_validated():
            return cst.parse_module(text)
    except cst.ParserSyntaxError as error:
        said, line, column = _place(error)
    except UnicodeEncodeError:
        raise Unreadable("the text has lone surrogates, which no encoding can store") from None
    except RecursionError:
        raise Unreadable("the code nests too deeply to be read") from None
    raise unreadable.of_syntax(text, said, line, column)


@contextmanager
def _not_validated() -> Iterator[None]:
    """What LibCST's own parser makes is valid: asking each node takes a tenth of the time."""
    setattr(cst.CSTNode, "__post_init__", lambda node: None)  # noqa: B010
    try:
        yield
    finally:
        setattr(cst.CSTNode, "__post_init__", _VALIDATE)  # noqa: B010


def _place(error: cst.ParserSyntaxError) -> tuple[str, int, int]:
    said = re.sub(r"^\w+ error: ", "", error.message.splitlines()[0])
    found = re.match(r"error at (\d+):(\d+)", said)
    if found is None:
        return said, error.raw_line, error.raw_column + 1
    return "unexpected text", int(found[1]), int(found[2]) or 1


def _parse_with_room(text: str) -> cst.Module:
    """Run the parser in a thread whose stack is large enough for the deepest code we accept."""
    outcome: list[cst.Module | Unreadable] = []

    def run() -> None:
        try:
            outcome.append(_parse_module(text))
        except Unreadable as error:
            outcome.append(error)

    _run_with_stack(run, _STACK)
    match outcome:
        case [cst.Module() as tree]:
            return tree
        case [Unreadable() as error]:
            raise error
        case _:
            raise Unreadable("the code could not be parsed")


def _run_with_stack(run: Callable[[], None], size: int) -> None:
    with _one_at_a_time:
        usual = threading.stack_size()
        try:
            threading.stack_size(size)
            thread = threading.Thread(target=run)
            thread.start()
        except (ValueError, RuntimeError):  # no such stack or no threads here: the usual one
            run()
            return
        finally:
            threading.stack_size(usual)
    thread.join()
