"""Write the comments that silence findings: ``--add-ignores``."""

import re
from collections.abc import Iterable, Iterator, Mapping

from bnlint.finding import Edit, Finding
from bnlint.lint import suppress
from bnlint.lint.comments import Comments, comments_of
from bnlint.lint.suppress import Ignore
from bnlint.lint.text_lines import Listing

REASON = "TODO: say why"
"""What stands behind a new comment, for its author to replace."""


def edits_of(text: str, path: str, findings: Iterable[Finding]) -> list[Edit]:
    """The edits of a file after which comments silence its findings.

    A comment goes to the end of the line that something is found on; where that is within a string
    or before a continuation, above the statement. A comment that is there already gets more rules.
    """
    rules: dict[int, dict[str, None]] = {}
    for finding in findings:
        rules.setdefault(finding.span.line, {})[finding.rule] = None
    listing, comments = Listing.of(text), comments_of(text)
    known = {own.line: own for own in suppress.read(text).comments if _takes_rules(own)}
    edits: list[Edit] = []
    above: dict[int, dict[str, None]] = {}
    for line, own in rules.items():
        if line in known:
            edits.append(_longer(path, known[line], own))
        elif line in comments.ends:
            place = listing.start(line) + len(listing.line(line).rstrip())
            edits.append(Edit(path, place, place, f"  {_comment(own)}"))
        else:
            above.setdefault(_first_line(comments, line), {}).update(own)
    return sorted([*edits, *_lines_above(path, listing, above)])


def _takes_rules(ignore: Ignore) -> bool:
    """Whether a comment at the end of a line names rules in brackets."""
    return not ignore.standard and bool(ignore.selectors) and not ignore.comment.alone


def _longer(path: str, ignore: Ignore, rules: Iterable[str]) -> Edit:
    comment = ignore.comment
    place = comment.text.index("]", ignore.start - comment.start) + comment.start
    return Edit(path, place, place, "".join(f", {rule}" for rule in rules))


def _first_line(comments: Comments, line: int) -> int:
    """The first line of the statement that a line belongs to."""
    first = [one.first for one in comments.statements if one.first <= line <= one.last]
    return first[-1] if first else line


def _lines_above(path: str, listing: Listing, above: Mapping[int, Iterable[str]]) -> Iterator[Edit]:
    for line, rules in above.items():
        place, code = listing.start(line), listing.line(line)
        blanks = re.match(r"[ \t\f]*", code)
        margin = blanks[0] if blanks else ""
        end = code[len(code.rstrip("\r\n")) :] or "\n"
        yield Edit(path, place, place, f"{margin}{_comment(rules)}{end}")


def _comment(rules: Iterable[str]) -> str:
    return f"# bnlint: ignore[{', '.join(rules)}] {REASON}"
