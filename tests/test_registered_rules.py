"""Every module of bnlint.checks keeps to the conventions."""

import ast
import re
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import pytest

from bnlint import checks, registry

MODULES = sorted(info.name for info in iter_modules(checks.__path__))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_for_its_rule(module: str) -> None:
    rule = import_module(f"bnlint.checks.{module}").RULE
    assert module == f"{rule.id.lower()}_{rule.name.replace('-', '_')}"
    assert re.fullmatch(r"BN[1-9]\d\d", rule.id)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name)
    assert rule.graph_check or rule.run_check


@pytest.mark.parametrize("module", MODULES)
def test_a_check_parses_nothing(module: str) -> None:
    """What text means and what is the same are facts, for all rules that ask."""
    source = Path(import_module(f"bnlint.checks.{module}").__file__ or "").read_text("utf-8")
    nodes = list(ast.walk(ast.parse(source)))
    imported = {
        name.partition(".")[0]
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""]
        )
    }
    assert not imported & {"ast", "re", "tokenize", "libcst", "torch"}
    assert "seen" not in {node.id for node in nodes if isinstance(node, ast.Name)}


def test_ids_and_names_are_unique() -> None:
    assert len(registry.rules()) == len(MODULES)
    assert len(set(registry.names().values())) == len(registry.names())
