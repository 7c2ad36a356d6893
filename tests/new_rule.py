"""Begin a rule that the catalogue knows: ``python -m tests.new_rule BN305`` in a checkout.

It writes the page, the check and a file of cases, each with its example still to be thought of, and
puts the rule into README's table. ``pytest -k BN305`` is red until page and check agree. Without an
id it only writes the table again.
"""

import csv
import re
import sys
from collections.abc import Mapping
from pathlib import Path

from bnlint import registry
from bnlint.rule import Rule

ROOT = Path(__file__).parents[1]

PAGE = """# {id} {name}

What the code does, in one sentence.

## Why

What goes wrong, by how much, and from whom that is known. What to do instead.

## Bad

```python
pass  # {id}
```
{fixed}
## Good

```python
pass
```
{safety}"""

FIXED = """
## Fixed

```python
pass
```
"""

SAFETY = """
## Fix safety

What else the fix changes.
"""

CASES = """# {id} {name}

## Good

### the first trap of its entry

```python
pass
```
"""

CHECK = '''"""{id}: what the code does."""

from collections.abc import Iterator

from bnlint.facts.types.run import (Forward, Run)
from bnlint.finding import {imported}
from bnlint.rule import Rule, Settings

RULE = Rule({arguments})


@RULE.on_run
def check(run: Run, settings: Settings) -> Iterator[Finding]:
    """Report what is wrong, once for each cause."""
    for forward in run.of_type(Forward):
        if _is_wrong(forward):
            yield RULE.at(forward.site, "What, why, what to do")


def _is_wrong(forward: Forward) -> bool:
    """Whether the code proves it."""
    return False
'''


def catalogue() -> dict[str, dict[str, str]]:
    """The rules that are planned or there, by id."""
    with (ROOT / "tests" / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


def files(row: Mapping[str, str]) -> dict[Path, str]:
    """What a new rule consists of, by path in the repository."""
    rule_id, name = row["id"], row["name"]
    fixed = FIXED if row["fix"] != "-" else ""
    safety = SAFETY if row["fix"] == "unsafe" else ""
    module = f"{rule_id.lower()}_{name.replace('-', '_')}.py"
    return {
        Path("rules") / f"{rule_id}.md": PAGE.format(**row, fixed=fixed, safety=safety),
        Path("tests") / "cases" / f"{rule_id}.md": CASES.format(**row),
        Path("bnlint") / "checks" / module: _check(row),
    }


def _check(row: Mapping[str, str]) -> str:
    severity = row["severity"].split("/")[0].upper()
    arguments = [f'"{row["id"]}"', f'"{row["name"]}"', f"Severity.{severity}"]
    imported = ["Finding", "Severity"]
    if row["fix"] != "-":
        arguments.append(f"fix=Applicability.{row['fix'].upper()}")
        imported.insert(0, "Applicability")
    if row["default"] == "off":
        arguments.append("default=False")
    return CHECK.format(id=row["id"], arguments=", ".join(arguments), imported=", ".join(imported))


def table(rules: Mapping[str, Rule]) -> str:
    """README's table of rules."""
    lines = ["| id | name | severity | fix |", "|---|---|---|---|"]
    for rule in rules.values():
        name = rule.name if rule.default else f"{rule.name} (off)"
        fix = rule.fix.value if rule.fix else "-"
        lines.append(
            f"| [{rule.id}](rules/{rule.id}.md) | {name} | {rule.severity.label} | {fix} |"
        )
    return "\n".join(lines)


def with_table(readme: str, rules: Mapping[str, Rule]) -> str:
    """README with its table of rules made anew."""
    head = re.escape("| id | name | severity | fix |")
    return re.sub(rf"^{head}\n(\|.*\n)*", lambda _: table(rules) + "\n", readme, flags=re.MULTILINE)


def main(words: list[str]) -> int:
    """Write what is missing; returns the exit status."""
    for rule_id in words:
        row = catalogue().get(rule_id)
        if row is None:
            print(f"error: the catalogue has no rule `{rule_id}`", file=sys.stderr)
            return 2
        for path in files(row):
            if (ROOT / path).exists():
                print(f"error: `{path}` is there already", file=sys.stderr)
                return 2
        for path, content in files(row).items():
            (ROOT / path).write_text(content, encoding="utf-8")
            print(f"wrote {path}")
    registry.rules.cache_clear()
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text("utf-8"), registry.rules()), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
