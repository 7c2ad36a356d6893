"""The language server, over standard input and output, with a real client."""

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import Run

if find_spec("pygls") is None:
    pytest.skip("needs pygls", allow_module_level=True)

from bnlint.language_server.client_positions import ClientPositions
from tests.editor import applied, editing
from tests.test_flake8_plugin import EVALUATE, TRAIN

Write = Callable[..., Path]
MODEL = "from torch import nn\n\nnet = nn.Sequential(nn.BatchNorm2d(8, momentum=0.99))\n"


def test_findings_come_while_one_types(project: Write) -> None:
    folder = project({"model.py": MODEL})

    async def session() -> None:
        async with editing(folder) as editor:
            await editor.open("model.py")
            assert editor.rules("model.py") == ["BN102"]
            (shown,) = editor.shown["model.py"]
            assert (shown.range.start.line, shown.source) == (2, "bnlint")
            assert shown.message.startswith("`momentum=0.99` gives the newest batch")
            editor.type("model.py", MODEL.replace("0.99", "0.1"))
            await editor.news()
            assert editor.rules("model.py") == []
            editor.type(
                "model.py", MODEL.replace("0.99))", "0.9")
            )  # not Python, so nothing is told
            editor.type("model.py", f"# 😀\nimport torch\n{MODEL}")
            await editor.news()
            assert editor.shown["model.py"][0].range.start.line == 4

    asyncio.run(session())


def test_fixes_ignores_and_pages_are_at_hand(project: Write) -> None:
    folder = project({"model.py": MODEL})

    async def session() -> None:
        async with editing(folder) as editor:
            await editor.open("model.py")
            (shown,) = editor.shown["model.py"]
            place = shown.range
            page = await editor.hover("model.py", place.start.line, place.start.character)
            assert page.startswith("# BN102 tensorflow-momentum")
            assert await editor.hover("model.py", 0, 0) == ""
            fix, ignore, _ = await editor.actions("model.py", place)
            made = {}
            for action in (fix, ignore):
                assert action.edit is not None and action.edit.changes is not None
                made[action.title] = applied(MODEL, [*action.edit.changes[editor.uri("model.py")]])
            assert made == {
                "Use `momentum=0.01`": MODEL.replace("0.99", "0.01"),
                "Ignore BN102 tensorflow-momentum here": MODEL.rstrip("\n")
                + "  # bnlint: ignore[BN102] TODO: say why\n",
            }
            assert (fix.is_preferred, ignore.is_preferred) == (True, False)

    asyncio.run(session())


def test_all_safe_fixes_are_one_action(project: Write) -> None:
    more = MODEL + "second = nn.Sequential(nn.BatchNorm2d(9, momentum=0.9))\n"
    folder = project({"model.py": more})

    async def session() -> None:
        async with editing(folder) as editor:
            await editor.open("model.py")
            start = editor.shown["model.py"][0].range
            assert await editor.actions("model.py", start, "refactor") == []
            assert await editor.actions("model.py", start, "source.organizeImports") == []
            for kind in ("source", "source.fixAll", "source.fixAll.bnlint"):
                (action,) = await editor.actions("model.py", start, kind)
                assert action.edit is not None and action.edit.changes is not None
                text = applied(more, [*action.edit.changes[editor.uri("model.py")]])
                assert text == more.replace("0.99", "0.01").replace("=0.9)", "=0.1)")

    asyncio.run(session())


def test_what_an_edit_touches_is_told_of_all_files(project: Write) -> None:
    folder = project({"train.py": TRAIN, "evaluate.py": EVALUATE, "other.py": MODEL})

    async def session() -> None:
        async with editing(folder) as editor:
            await editor.open("evaluate.py")
            assert editor.rules("evaluate.py") == ["BN301"]
            assert "other.py" not in editor.shown
            (shown,) = editor.shown["evaluate.py"]
            related = shown.related_information or []
            assert {Path(item.location.uri).name for item in related} == {"train.py"}
            editor.type("evaluate.py", EVALUATE.replace("    with", "    net.eval()\n    with"))
            await editor.news()
            assert "BN301" not in editor.rules("evaluate.py")
            editor.type("evaluate.py", EVALUATE)
            await editor.news()
            await editor.open("train.py")
            editor.type("train.py", TRAIN.replace("    validate", "    net.eval()\n    validate"))
            await editor.news()
            assert editor.rules("evaluate.py") == ["BN301"]  # nothing of it leads to train.py
            editor.save("train.py")
            await editor.news()
            assert editor.rules("evaluate.py") == []

    asyncio.run(session())


def test_the_projects_configuration_counts_and_its_mistakes_are_said(project: Write) -> None:
    folder = project({"model.py": MODEL, "bnlint.toml": 'ignore = ["BN102"]'})

    async def session() -> None:
        async with editing(folder) as editor:
            await editor.open("model.py", MODEL.replace("0.99", "0"))
            assert editor.rules("model.py") == ["BN103"]
            (folder / "bnlint.toml").write_text("surprise = 1")
            editor.save("model.py")
            await editor.news()
            assert editor.messages[0].startswith("bnlint: unknown key `surprise`")

    asyncio.run(session())


@pytest.mark.parametrize(("encoding", "column"), [("utf-8", 5), ("utf-16", 3), ("utf-32", 2)])
def test_columns_are_counted_as_the_client_does(encoding: str, column: int) -> None:
    places = ClientPositions.of("x\n😀 é = 1", encoding)
    assert (places.at(4).line, places.at(4).character) == (1, column)


def test_without_pygls_one_line_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnlint.cli.extras.find_spec", lambda name: None)
    printed = run("server")
    assert printed.status == 2
    assert printed.err == ('error: the language server needs pygls: pip install "bnlint[lsp]"\n')
