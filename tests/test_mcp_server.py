"""The tools for coding agents, over standard input and output, with the SDK's own client."""

import asyncio
import os
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT, Run
from tests.test_flake8_plugin import EVALUATE, TRAIN

if find_spec("mcp") is None:
    pytest.skip("needs mcp", allow_module_level=True)

from mcp import Client, StdioServerParameters
from mcp.types import TextContent

from bnlint.mcp_server import made

Write = Callable[..., Path]
MODEL = "from torch import nn\n\nnet = nn.Sequential(nn.BatchNorm2d(8, momentum=0.99))\n"


async def ask(client: Client, tool: str, **arguments: str) -> str:
    answer = await client.call_tool(tool, arguments)
    (content,) = answer.content
    assert isinstance(content, TextContent)
    return f"error: {content.text}" if answer.is_error else content.text


def test_an_agent_lints_asks_why_and_fixes_over_standard_input(project: Write) -> None:
    folder = project({"model.py": MODEL, "train.py": TRAIN, "evaluate.py": EVALUATE})
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "bnlint", "mcp"], env=environment, cwd=folder
    )

    async def session() -> None:
        async with Client(command) as client:
            tools = {tool.name: tool.description for tool in (await client.list_tools()).tools}
            assert set(tools) == {"lint", "lint_text", "explain", "timeline", "fix"}
            assert all(tools.values())
            found = await ask(client, "lint", path="model.py")
            assert found.startswith("model.py:3:48: warning BN102 tensorflow-momentum: `momentum=")
            assert found.endswith("Fix (safe): Use `momentum=0.01`.")
            why = await ask(client, "explain", rule="BN102")
            assert why.startswith("BN102 tensorflow-momentum (warning)\n")
            assert "net runs: train" in await ask(client, "timeline", path="train.py")
            fixed = await ask(client, "fix", path="model.py")
            assert fixed == "fixed model.py:3: BN102 Use `momentum=0.01`\nNothing found in 1 files."

    asyncio.run(session())
    assert (folder / "model.py").read_text() == MODEL.replace("0.99", "0.01")


def test_texts_are_linted_and_nothing_outside_is_touched(project: Write) -> None:
    folder = project({"in/pyproject.toml": "", "in/model.py": MODEL, "out.py": MODEL})
    (folder / "in" / "link.py").symlink_to(folder / "out.py")

    async def session() -> None:
        async with Client(made(folder / "in")) as client:
            assert "BN102" in await ask(client, "lint_text", text=MODEL)
            assert not (folder / "in" / "unsaved.py").exists()
            for path in ("../out.py", "link.py", str(folder / "out.py")):
                for tool in ("lint", "fix", "timeline"):
                    refused = await ask(client, tool, path=path)
                    assert refused.startswith("error: ")
                    assert "is outside" in refused
            assert "no such file" in await ask(client, "lint", path="none.py")
            assert "no rule `BN999`" in await ask(client, "explain", rule="BN999")
            (folder / "in" / "pyproject.toml").write_text("[tool.bnlint]\nsurprise = 1\n")
            assert "unknown key" in await ask(client, "lint", path="model.py")

    asyncio.run(session())
    assert (folder / "out.py").read_text() == MODEL


def test_answers_are_short(project: Write) -> None:
    many = "from torch import nn\n" + "".join(
        f"n{i} = nn.Sequential(nn.BatchNorm2d({i + 8}, momentum=0.9{i}))\n" for i in range(10, 60)
    )
    folder = project({"many.py": many})

    async def session() -> None:
        async with Client(made(folder)) as client:
            found = await ask(client, "lint", path="many.py")
            assert found.endswith("\n... and 42 more")
            assert len(found.splitlines()) == 9

    asyncio.run(session())


def test_without_the_sdk_one_line_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bnlint.cli.extras.find_spec", lambda name: None)
    assert run("mcp").err == 'error: the server for agents needs mcp: pip install "bnlint[mcp]"\n'
