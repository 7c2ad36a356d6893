"""Edits of expressions: replace a node, add an argument to a call, remove one."""

import re
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.finding import Edit

if TYPE_CHECKING:
    from bnlint.source.file import SourceFile

_REST_OF_LINE = re.compile(r"[ \t\f]*(?:#[^\r\n]*)?(?=[\r\n]|\Z)")
_BLANKS = re.compile(r"[ \t\f]*")


def replace(source: "SourceFile", node: cst.CSTNode, text: str) -> Edit | None:
    """Replace a node; ``None`` inside an f-string, whose quotes the text might end."""
    if _in_f_string(source, node):
        return None
    start, end = source.positions.offsets(node)
    before, after = source.content[max(start - 1, 0) : start], source.content[end : end + 1]
    # `return[1]` and `"a"if b` need no blank, but what replaces them may
    left = " " if _join(before, text[:1]) else ""
    right = " " if _join(text[-1:], after) else ""
    return Edit(source.path, start, end, left + text + right)


def add_argument(source: "SourceFile", call: cst.CSTNode, text: str) -> Edit | None:
    """Append an argument, before any ``**kwargs``, in the layout that the call has."""
    if not isinstance(call, cst.Call) or _in_f_string(source, call) or _takes_generator(call):
        return None
    before = [arg for arg in call.args if arg.star != "**"]
    if len(before) < len(call.args):
        return _put_before(source, call, call.args[_first_unpacked(call)], text)
    if not before:
        return _insert(source, source.positions.offsets(call)[1] - 1, text)
    return _put_after(source, call, before[-1], text)


def remove_argument(source: "SourceFile", call: cst.CSTNode, value: cst.CSTNode) -> Edit | None:
    """Remove an argument and its comma; comments near it stay."""
    if not isinstance(call, cst.Call) or _in_f_string(source, call):
        return None
    matching = [n for n, arg in enumerate(call.args) if arg.value is value or arg is value]
    if not matching:
        return None
    place = matching[0]
    if place + 1 < len(call.args):
        return _remove_with_comma(source, call, place)
    if place > 0:
        return _remove_last(source, call)
    start, end = source.positions.offsets(call.args[0])
    return _cut(source, call.args[0], start, _after_comma(source, call.args[0]) or end)


def _join(left: str, right: str) -> bool:
    """Whether two characters side by side would be read as one word."""
    return all(side != "" and f"_{side}".isidentifier() for side in (left, right))


def _first_unpacked(call: cst.Call) -> int:
    return next(n for n, arg in enumerate(call.args) if arg.star == "**")


def _put_before(source: "SourceFile", call: cst.Call, arg: cst.Arg, text: str) -> Edit:
    start = source.positions.offsets(arg)[0]
    if _one_per_line(source, call):
        return _insert(source, start, text + "," + _line_break(source, start))
    return _insert(source, start, text + ", ")


def _put_after(source: "SourceFile", call: cst.Call, arg: cst.Arg, text: str) -> Edit:
    start, end = source.positions.offsets(arg)
    comma = _after_comma(source, arg)
    place = end if comma is None else comma
    own_line = _one_per_line(source, call) and (len(call.args) > 1 or comma is not None)
    rest = _REST_OF_LINE.match(source.content, place)
    if own_line and rest is not None:
        line = _line_break(source, start) + text + ("" if comma is None else ",")
        between = rest[0] if comma is not None else "," + rest[0]
        return Edit(source.path, place, rest.end(), between + line)
    if comma is not None:
        return _insert(source, place, f" {text},")
    return _insert(source, place, "," + (_line_break(source, start) if own_line else " ") + text)


def _remove_with_comma(source: "SourceFile", call: cst.Call, place: int) -> Edit | None:
    """Remove an argument that another one follows."""
    arg = call.args[place]
    start = source.positions.offsets(arg)[0]
    comma = _after_comma(source, arg)
    following = source.positions.offsets(call.args[place + 1])[0]
    if comma is None:
        return None
    gap = source.content[comma:following]
    ends_line = "\n" in gap or "\r" in gap
    if "#" not in gap and (not ends_line or _first_on_line(source, start) or place == 0):
        return _cut(source, arg, start, following)
    if place > 0 and not _first_on_line(source, start):
        previous = _after_comma(source, call.args[place - 1])
        if previous is not None and not source.content[previous:start].strip():
            return _cut(source, arg, previous, comma)
    blanks = _BLANKS.match(source.content, comma)
    return _cut(source, arg, start, comma if blanks is None else blanks.end())


def _remove_last(source: "SourceFile", call: cst.Call) -> Edit | None:
    """Remove the last of several arguments, with the comma that is not needed any more."""
    last, previous = call.args[-1], call.args[-2]
    start, end = source.positions.offsets(last)
    before = source.positions.offsets(previous)[1]
    after_previous = _after_comma(source, previous)
    if after_previous is None:
        return None
    comma = _after_comma(source, last)
    gap = source.content[before:start]
    if "#" not in gap:
        return _cut(source, last, after_previous if comma else before, comma or end)
    rest = _REST_OF_LINE.match(source.content, comma or end)
    alone = rest is not None and "#" not in rest[0] and _first_on_line(source, start)
    if alone and not _comment_before_comma(source, last):
        start = before + len(gap.rstrip())
    return _cut(source, last, start, comma or end)


def _cut(source: "SourceFile", arg: cst.Arg, start: int, stop: int) -> Edit:
    """Remove ``start:stop``, but keep a comment that stands between ``arg`` and its comma."""
    return Edit(source.path, start, stop, _comment_before_comma(source, arg))


def _comment_before_comma(source: "SourceFile", arg: cst.Arg) -> str:
    """What stands between an argument and its comma, if a comment is in it."""
    if not isinstance(arg.comma, cst.Comma):
        return ""
    end, comma = source.positions.offsets(arg)[1], source.positions.offsets(arg.comma)[0]
    between = source.content[end:comma]
    return between if "#" in between else ""


def _insert(source: "SourceFile", place: int, text: str) -> Edit:
    return Edit(source.path, place, place, text)


def _after_comma(source: "SourceFile", arg: cst.Arg) -> int | None:
    if not isinstance(arg.comma, cst.Comma):
        return None
    return source.positions.offsets(arg.comma)[1]


def _one_per_line(source: "SourceFile", call: cst.Call) -> bool:
    starts = [source.positions.offsets(arg)[0] for arg in call.args]
    lines = {source.positions.lines.place(start)[0] for start in starts}
    return len(lines) == len(starts) and _first_on_line(source, starts[-1])


def _first_on_line(source: "SourceFile", place: int) -> bool:
    lines = source.positions.lines
    start = lines.start(place)
    return not source.content[start:place].strip(" \t\f")


def _line_break(source: "SourceFile", place: int) -> str:
    """The line ending before the line of ``place``, and that line's indentation."""
    lines = source.positions.lines
    start = lines.start(place)
    blanks = _BLANKS.match(source.content, start)
    return _newline_before(source, start) + ("" if blanks is None else blanks[0])


def _newline_before(source: "SourceFile", line_start: int) -> str:
    endings = ("\r\n", "\n", "\r")
    found = [end for end in endings if source.content.endswith(end, 0, line_start)]
    return found[0] if found else source.newline


def _takes_generator(call: cst.Call) -> bool:
    match call.args:
        case [cst.Arg(value=cst.GeneratorExp(lpar=[]))]:
            return True
        case _:
            return False


def _in_f_string(source: "SourceFile", node: cst.CSTNode) -> bool:
    above = (type(parent).__name__ for parent in source.parents.above(node))
    return any(name in ("FormattedString", "TemplatedString") for name in above)
