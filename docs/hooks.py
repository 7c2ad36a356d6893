"""The pages of the site that stand elsewhere in the repository, and what nobody writes: navigation, numbers, links.

MkDocs calls the functions that begin with ``on_``; the others need no MkDocs. Paths are those of files
from the top of the repository, or of pages from the top of the site.
"""

import json
import re
from collections import Counter
from functools import cache
from itertools import groupby
from pathlib import Path
from posixpath import dirname, join, normpath, relpath
from typing import Any

from bnlint import registry
from bnlint.rule import ASPECTS
from bnlint.urls import REPOSITORY

ROOT = Path(__file__).parents[1]

_CODE_OR_LINK = re.compile(
    r"^(?P<fence>`{3,}).*?^(?P=fence)[ \t]*$|(?P<ticks>`+)[^`].*?(?P=ticks)|\]\((?P<target>[^)\s]+)\)",
    re.MULTILINE | re.DOTALL,
)
_FENCE_WORDS = re.compile(r"^(```\w+) .*$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"<!-- generated: ([\w-]+) -->")
_VERDICTS = ("right", "debatable", "wrong")


def on_config(config: Any) -> None:
    """Put the pages of the rules under the entry of their table."""
    for entry in config.nav:
        if "Rules" in entry:
            entry["Rules"] = [entry["Rules"], *navigation()]


def on_files(files: Any, config: Any) -> None:
    """Add what does not stand in ``docs/``."""
    from mkdocs.structure.files import File

    for path, page in sources().items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / path)))


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is generated, and let links lead to pages of the site where there are such."""
    return content(markdown, page.file.src_uri)


@cache
def sources() -> dict[str, str]:
    """The page of each file that stands outside ``docs/``, README as the first page."""
    top = {path.name: f"{path.stem.lower()}.md" for path in ROOT.glob("*.md")}
    rules = {f"rules/{rule_id}.md": f"rules/{rule_id}.md" for rule_id in registry.rules()}
    pictures = {
        f"pictures/{path.name}": f"pictures/{path.name}" for path in ROOT.glob("pictures/*.svg")
    }
    first = {"README.md": "index.md", "rules/README.md": "rules/index.md"}
    return {**top, **rules, **pictures, **first}


def navigation() -> list[dict[str, list[dict[str, str]]]]:
    """The pages of the rules by aspect, in the order of their ids."""
    return [
        {ASPECTS[start]: [{f"{rule.id} {rule.name}": f"rules/{rule.id}.md"} for rule in rules]}
        for start, rules in groupby(registry.rules().values(), key=lambda rule: rule.id[:3])
    ]


def content(markdown: str, page: str) -> str:
    """The Markdown of a page as the site has it."""
    if (rule := registry.rules().get(Path(page).stem)) is not None:
        title, _, rest = markdown.partition("\n")
        markdown = "\n\n".join((title, _row(rule.id), _FENCE_WORDS.sub(r"\1", rest)))
    markdown = _PLACEHOLDER.sub(lambda found: _GENERATED[found[1]](), markdown)
    return _CODE_OR_LINK.sub(lambda found: _led(found, page), markdown)


def _led(found: re.Match[str], page: str) -> str:
    """A link of a page, whose target is written from its file, to where that is on the site."""
    target = found["target"]
    if target is None or re.match(r"[a-z]+:|#", target):
        return found[0]
    path, mark, anchor = target.partition("#")
    file = normpath(join(dirname(_file_of(page)), path))
    there = _page_of(file)
    if there is None:
        return f"]({REPOSITORY}/blob/main/{file}{mark}{anchor})"
    return f"]({relpath(there, dirname(page) or '.')}{mark}{anchor})"


def _file_of(page: str) -> str:
    files = {there: path for path, there in sources().items()}
    return files.get(page, f"docs/{page}")


def _page_of(file: str) -> str | None:
    """The page of a file, ``None`` if the site has none."""
    if file == "rules":
        return "rules/index.md"
    if file.startswith("docs/"):
        return file.removeprefix("docs/")
    return sources().get(file)


def _row(rule_id: str) -> str:
    """The rule's row in the table of all, under its head."""
    table = (ROOT / "rules" / "README.md").read_text(encoding="utf-8")
    head = re.search(r"^\| id .*\n.*\n", table, re.MULTILINE)
    row = re.search(rf"^\| \[{rule_id}\].*\n", table, re.MULTILINE)
    return f"{head[0]}{row[0]}" if head and row else ""


def _review() -> str:
    """What readers judged of the findings in other people's code, by rule."""
    text = (ROOT / "benchmarks" / "review.jsonl").read_text(encoding="utf-8")
    places = [json.loads(line) for line in text.splitlines()]
    counts = Counter((place["rule"], place["verdict"]) for place in places)
    lines = [
        f"{len(places)} places in {len({place['repository'] for place in places})} repositories:\n",
        f"| rule | {' | '.join(_VERDICTS)} |",
        "|---|---:|---:|---:|",
    ]
    for rule in registry.rules().values():
        numbers = [counts[rule.id, verdict] for verdict in _VERDICTS]
        if any(numbers):
            cells = " | ".join(map(str, numbers))
            lines.append(f"| [{rule.id}](../rules/{rule.id}.md) {rule.name} | {cells} |")
    return "\n".join(lines) + "\n"


_GENERATED = {"review": _review}
