"""From files to findings, with rules and rehearsals that do what a test needs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bnlint import interpreter, registry
from bnlint.facts.types.graph import ModelGraph
from bnlint.facts.types.rehearsal import Rehearsal
from bnlint.finding import Applicability, Finding, Severity
from bnlint.interpreter.core.machine import Machine
from bnlint.lint import engine, files
from bnlint.lint.engine import Result
from bnlint.lint.files import LintTarget, Patterns
from bnlint.lint.selection import LintOptions
from bnlint.rule import Rule

Write = Callable[..., Path]
BAD = "import torch\nfrom torch import nn\nnet = nn.BatchNorm2d(3, momentum=0.99)\n"
MOMENTUM = registry.rules()["BN102"]


def lint(root: Path, *paths: str, plan: LintOptions | None = None) -> Result:
    targets = files.find(paths or (str(root),), Patterns.of(root, ())).targets
    return engine.lint(targets, plan or LintOptions((MOMENTUM,)))


def shown(result: Result) -> list[tuple[str, int, str]]:
    return [(f.span.path, f.span.line, f.rule) for f in result.findings]


def test_findings_come_in_order_of_path_and_place(project: Write) -> None:
    root = project({"b.py": BAD, "a.py": BAD + "net = nn.BatchNorm2d(3, momentum=0.9)\n"})
    result = lint(root)
    assert shown(result) == [("a.py", 3, "BN102"), ("a.py", 4, "BN102"), ("b.py", 3, "BN102")]
    assert result.checked == 2
    assert result.texts["b.py"] == BAD


def test_a_file_of_no_interest_is_counted_but_not_read(project: Write) -> None:
    result = lint(project({"a.py": "x = 1\n", "b.py": BAD}))
    assert set(result.sources) == {"b.py"}
    assert result.checked == 2


def test_no_file_at_all_is_fine(project: Write) -> None:
    assert lint(project({})).findings == ()


def test_imported_project_files_are_reported_unless_excluded(project: Write) -> None:
    root = project({"train.py": "import torch\nfrom nets import net\nnet()\n", "nets.py": BAD})
    assert shown(lint(root, "train.py")) == [("nets.py", 3, "BN102")]
    plan = LintOptions((MOMENTUM,), is_excluded=lambda file: file.name == "nets.py")
    assert shown(lint(root, "train.py", plan=plan)) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"import torch\ndef f(:\n", "nvalid syntax"),
        (b"import torch\nexec 'x'\n", "Python 2"),
        (b"import torch\nx = '\xff'\n", "not valid UTF-8"),
        (b"# coding: nonsense\nimport torch\n", "unknown encoding"),
        (b"import torch\0\0", "NUL"),
    ],
)
def test_an_unreadable_file_is_one_finding_and_the_others_are_linted(
    project: Write, content: bytes, message: str
) -> None:
    result = lint(project({"a.py": content, "b.py": BAD}))
    assert [f.rule for f in result.findings] == ["BN000", "BN102"]
    assert message in result.findings[0].message
    assert result.findings[0].severity is Severity.ERROR


def test_an_unreadable_file_that_is_imported_is_a_finding(project: Write) -> None:
    root = project(
        {"train.py": "import torch\nfrom nets import net\nnet()\n", "nets.py": "def f(:\n"}
    )
    assert shown(lint(root, "train.py")) == [("nets.py", 1, "BN000")]
    plan = LintOptions((), is_excluded=lambda file: file.name == "nets.py")
    assert shown(lint(root, "train.py", plan=plan)) == []


@pytest.mark.parametrize("content", ["", "\n", "# torch\n", "\ufeff", "\x0c", "'torch'"])
def test_files_without_code_are_silent(project: Write, content: str) -> None:
    assert lint(project({"a.py": content}), "a.py").findings == ()


def crashing(error: type[BaseException]) -> Rule:
    rule = Rule("BN999", "always-crashes", Severity.ERROR)

    @rule.on_graphs
    def check(graphs: Sequence[ModelGraph]) -> Iterator[Finding]:
        yield rule.at(graphs[0].layers[0].site, "before")
        raise error("boom")

    return rule


@pytest.mark.parametrize("error", [KeyError, RecursionError, MemoryError, AssertionError])
def test_a_rule_that_crashes_is_named_and_the_others_run(
    project: Write, error: type[BaseException]
) -> None:
    result = lint(project({"a.py": BAD}), plan=LintOptions((crashing(error), MOMENTUM)))
    assert sorted(f.rule for f in result.findings) == ["BN001", "BN102", "BN999"]
    (crash,) = [f for f in result.findings if f.rule == "BN001"]
    assert crash.message.startswith(f"Rule `BN999` stopped with `{error.__name__}: ")
    assert "boom" in crash.message
    assert "test_engine.py:" in crash.message


ENTRIES = """import torch
from torch import nn


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3)

    def forward(self, x):
        return self.bn(x).bang


class Sound(nn.Module):
    def __init__(self):
        super().__init__()
        self.bn = nn.BatchNorm2d(3, momentum=0.999)

    def forward(self, x):
        return self.bn(x)
"""


@pytest.mark.parametrize("error", [MemoryError, KeyError, AssertionError])
def test_a_crash_of_the_rehearsal_costs_one_entry_point(
    project: Write, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    real = Machine.attribute

    def attribute(m: Machine, value: object, name: str, *rest: object) -> object:
        if name == "bang":
            raise error("boom")
        return real(m, value, name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Machine, "attribute", attribute)
    result = lint(project({"a.py": ENTRIES, "b.py": BAD}))
    assert shown(result) == [("a.py", 5, "BN003"), ("a.py", 17, "BN102"), ("b.py", 3, "BN102")]
    (crash,) = [f for f in result.findings if f.rule == "BN003"]
    assert crash.message.startswith("Reading what `Broken` does stopped with")
    assert error.__name__ in crash.message


def test_what_nests_too_deep_ends_its_entry_point_as_too_many_steps_do(
    project: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def attribute(m: Machine, value: object, name: str, *rest: object) -> object:
        return attribute(m, value, name, *rest)

    monkeypatch.setattr(Machine, "attribute", attribute)
    assert "BN003" not in [rule for _, _, rule in shown(lint(project({"a.py": ENTRIES})))]


def test_an_interrupt_is_not_caught(project: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    def rehearse(*_: object, **__: object) -> Rehearsal:
        raise KeyboardInterrupt

    monkeypatch.setattr(interpreter, "rehearse", rehearse)
    with pytest.raises(KeyboardInterrupt):
        lint(project({"a.py": BAD}))


def saying(*messages: tuple[str, bool]) -> Rule:
    """A rule that says several things about the first layer, each proven or only likely."""
    rule = Rule("BN999", "says-things", Severity.WARNING)

    @rule.on_graphs
    def check(graphs: Sequence[ModelGraph]) -> Iterator[Finding]:
        for message, likely in messages:
            yield rule.at(graphs[0].layers[0].site, message, likely=likely)

    return rule


def test_one_finding_of_a_rule_is_kept_at_each_place(project: Write) -> None:
    rule = saying(("likely", True), ("first", False), ("second", False))
    result = lint(project({"a.py": BAD}), plan=LintOptions((rule,)))
    assert [f.message for f in result.findings] == ["first"]


def test_likely_findings_need_to_be_asked_for(project: Write) -> None:
    root, rule = project({"a.py": BAD}), saying(("likely", True))
    assert lint(root, plan=LintOptions((rule,))).findings == ()
    assert len(lint(root, plan=LintOptions((rule,), likely=True)).findings) == 1


def test_comments_and_patterns_silence(project: Write) -> None:
    marked = BAD.replace("\nnet", "\n# bnlint: ignore[BN102] wanted\nnet")
    root = project({"a.py": marked, "b.py": BAD, "c.py": BAD + "# bnlint: skip-file\n"})
    assert shown(lint(root)) == [("b.py", 3, "BN102")]
    plan = LintOptions((MOMENTUM,), ignored_in=lambda file: ["BN1"] if file.name == "b.py" else [])
    assert shown(lint(root, plan=plan)) == []


def test_unused_ignores_are_reported_where_their_rules_ran(project: Write) -> None:
    text = "import torch\nx = 1  # bnlint: ignore[BN102]\ny = 1  # bnlint: ignore[BN301]\n"
    root = project({"a.py": text + "z = 1  # bnlint: ignore[nonsense]\n", "b.py": BAD})
    assert shown(lint(root, "a.py", plan=LintOptions((MOMENTUM,)))) == []
    plan = LintOptions((MOMENTUM,), unused_ignores=True)
    assert shown(lint(root, "a.py", plan=plan)) == [("a.py", 2, "BN002"), ("a.py", 4, "BN002")]


def test_fixes_reach_imported_files_but_not_closed_ones(project: Write) -> None:
    root = project({"train.py": "import torch\nfrom nets import net\nnet()\n", "nets.py": BAD})
    targets = [LintTarget(root / "train.py", named=True)]
    settled = engine.fix(targets, LintOptions((MOMENTUM,)), {Applicability.SAFE})
    assert [change.after for change in settled.changes] == [BAD.replace("0.99", "0.01")]
    closed = LintOptions((MOMENTUM,), is_excluded=lambda file: file.name == "nets.py")
    assert engine.fix(targets, closed, {Applicability.SAFE}).changes == ()


def test_fixes_reach_files_that_are_found_by_a_computed_path(project: Write) -> None:
    script = "import torch, _init_paths\nfrom core.nets import net\nnet()\n"
    added = (
        "import sys, os.path as osp\n"
        "sys.path.insert(0, osp.join(osp.dirname(__file__), '..', 'lib'))\n"
    )
    files = {"tools/train.py": script, "tools/_init_paths.py": added, "lib/core/__init__.py": ""}
    root = project(files | {"lib/core/nets.py": BAD})
    targets = [LintTarget(root / "tools/train.py"), LintTarget(root / "lib/core/nets.py")]
    settled = engine.fix(targets, LintOptions((MOMENTUM,)), {Applicability.SAFE})
    assert [change.after for change in settled.changes] == [BAD.replace("0.99", "0.01")]
    assert settled.result.findings == ()


def test_a_fix_that_edits_a_closed_file_is_only_shown(project: Write) -> None:
    rule = Rule("BN999", "edits-elsewhere", Severity.WARNING, Applicability.SAFE)

    @rule.on_graphs
    def check(graphs: Sequence[ModelGraph]) -> Iterator[Finding]:
        site = graphs[0].layers[0].site
        edit = site.replace("None")
        assert edit is not None
        yield rule.at(site, "m", fix=rule.fixed_by("t", replace(edit, path="closed.py")))

    closed = "import torch\n# bnlint: skip-file\n"
    result = lint(project({"a.py": BAD, "closed.py": closed}), plan=LintOptions((rule,)))
    (finding,) = result.findings
    assert finding.fix is not None
    assert finding.fix.applicability is Applicability.DISPLAY


def test_a_text_is_linted_with_the_default_rules() -> None:
    assert [f.rule for f in engine.lint_text(BAD)] == ["BN102"]
    assert [f.span.path for f in engine.lint_text(BAD, "x.py")] == ["x.py"]
    assert [f.rule for f in engine.lint_text("def f(:")] == ["BN000"]
