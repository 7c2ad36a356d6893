"""Code blocks of pages whose models are traced instead of read."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

import bnlint
from bnlint.facts.types.graph import ModelGraph
from bnlint.finding import Finding
from bnlint.pages import Example


def traced(example: Example, rule_id: str, folder: Path) -> list[Finding]:
    """What a rule says of the model that a block builds: by ``model()``, or its last class."""
    model, sizes = _built(example, folder)
    return bnlint.check_model(model, input_size=sizes, select=[rule_id])


def traced_graph(example: Example) -> ModelGraph:
    """The graph of the model that a block builds."""
    with TemporaryDirectory() as folder:
        model, sizes = _built(example, Path(folder))
        return bnlint.trace_model(model, input_size=sizes)


def _built(example: Example, folder: Path) -> tuple[Any, tuple[int, ...]]:
    torch = pytest.importorskip("torch")
    from bnlint.tracer.building.observed import watched

    torch.manual_seed(0)
    file = folder / "example.py"
    file.write_text(example.code, encoding="utf-8")
    scope: dict[str, Any] = {"__name__": "example", "__file__": str(file)}
    exec(compile(example.code, str(file), "exec"), scope)
    modules = [v for v in scope.values() if isinstance(v, type) and v.__module__ == "example"]
    sizes = tuple(int(size) for size in (example.trace or "").split("x"))
    with watched(meta=False):
        model = scope.get("model", modules[-1] if modules else None)()
    return model, sizes
