"""Rule pages, ``rules/<id>.md``: what ``bnlint explain`` prints and the tests run."""

import re
from collections.abc import Mapping
from pathlib import Path

from bnlint.immutable import immutable

_HERE = Path(__file__).parent
_INSTALLED = _HERE / "rules"
DIRECTORY = _INSTALLED if _INSTALLED.is_dir() else _HERE.parent / "rules"

SECTIONS = ("Preludes", "Why", "Bad", "Fixed", "Good", "Fix safety", "Known limits", "References")
"""The sections that a page may have, in their order."""

_BLOCK = re.compile(
    r"^```python(?P<run> run)?(?P<unsafe> unsafe)?( trace (?P<trace>\S+))?( after (?P<after>[\w-]+))?[ \t]*\n"
    r"(?P<code>.*?)^```[ \t]*$",
    re.M | re.S,
)
_FENCE = re.compile(r"^```python.*", re.MULTILINE)
_MARK = re.compile(r"[ \t]*#[ \t]*(BN\d{3}(?:[ \t,]+BN\d{3})*)[ \t]*$", re.MULTILINE)
_HEADING = re.compile(r"^### (.*)$", re.MULTILINE)


@immutable
class Example:
    """One code block: its source without marks, and the (line, rule) pairs that its marks expect.

    ``heading`` is the nearest ``###`` heading above it in its section, ``line`` where its code
    starts in the page. ``run`` says that the block can be executed as it stands, ``trace`` is the
    size of an input (``2x3x32x32``) if its last class is to be traced instead of read. ``unsafe`` says that
    only unsafe fixes make it of its Bad block, though the rule has safe ones. A block marked
    ``after NAME`` begins with the code under that heading of the section Preludes, which is no
    example of its own.
    """

    section: str
    heading: str
    line: int
    code: str
    expected: tuple[tuple[int, str], ...]
    run: bool
    trace: str | None = None
    unsafe: bool = False


@immutable
class Page:
    """One parsed rule page; ``title`` is ``BN301 missing-eval``."""

    title: str
    sections: tuple[str, ...]
    examples: tuple[Example, ...]

    def of(self, section: str) -> tuple[Example, ...]:
        """Return the examples of one section."""
        return tuple(example for example in self.examples if example.section == section)


def text(rule_id: str) -> str:
    """Return the page of a rule as Markdown."""
    return (DIRECTORY / f"{rule_id}.md").read_text(encoding="utf-8")


def why(rule_id: str) -> str:
    """Return what a rule's page says first: why."""
    return text(rule_id).partition("\n## Why\n")[2].partition("\n## ")[0].strip()


def parse(content: str) -> Page:
    """Parse a page; raises :class:`ValueError` for an odd block, or a prelude that it does not have."""
    title = content.partition("\n")[0].removeprefix("# ").strip()
    outside = _BLOCK.sub(lambda match: " " * len(match[0]), content)
    if odd := _FENCE.search(outside):
        raise ValueError(f"what `{odd[0]}` says of a block is not known")
    heads = list(re.finditer(r"^## (.*)$", outside, re.MULTILINE))
    ends = [*(head.start() for head in heads[1:]), len(content)]
    preludes: dict[str, str] = {}
    examples: list[Example] = []
    for head, end in zip(heads, ends, strict=False):
        section = head[1].strip()
        for block in _BLOCK.finditer(content, head.end(), end):
            above = _HEADING.findall(outside, head.end(), block.start())
            heading = above[-1].strip() if above else ""
            if section == SECTIONS[0]:
                preludes[heading] = block["code"]
            else:
                line = content.count("\n", 0, block.start("code")) + 1
                examples.append(_example(block, section, heading, line, preludes))
    return Page(title, tuple(head[1].strip() for head in heads), tuple(examples))


def _example(
    block: re.Match[str], section: str, heading: str, line: int, preludes: Mapping[str, str]
) -> Example:
    name = block["after"]
    if name is not None and name not in preludes:
        raise ValueError(f"line {line}: there is no prelude `{name}`")
    code = preludes.get(name, "") + block["code"]
    expected = [
        (number, rule_id)
        for number, text in enumerate(code.split("\n"), 1)
        for marks in _MARK.findall(text)
        for rule_id in re.findall(r"BN\d{3}", marks)
    ]
    return Example(
        section,
        heading,
        line,
        _MARK.sub("", code),
        tuple(expected),
        block["run"] is not None,
        block["trace"],
        block["unsafe"] is not None,
    )
