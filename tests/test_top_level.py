"""What a module's body defines, and fills, is read alike by the rehearsal and by the tracer."""

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from bnlint.interpreter.core.top_level import TopLevel
from bnlint.source import parse_text
from bnlint.tracer.slicing import importing
from bnlint.tracer.slicing.slices import outline
from tests.test_configuration_files import names_after

REGISTRY = """
    class Registry(dict):
        def register(self, name):
            def decorator(entry):
                self[name] = name
                return entry
            return decorator
        register_backbone = register
        def command(self, name):
            return self.register(name)
"""
FILLED = {
    "items": ("x = {}\nx['a'] = 1\nx.update(b=2)\nx.setdefault('c', 3)\n", {"a": 1, "b": 2, "c": 3}),
    "a list": ("x = []\nx.append(1)\nx.extend([2])\nx.insert(0, 3)\nx += [4]\n", [3, 1, 2, 4]),
    "what does not fill": ("x = [1]\nx.clear()\n", [1]),
    "a loop": ("x = {}\nfor key in 'ab':\n    name = key * 2\n    x[name] = 1\n", {"aa": 1, "bb": 1}),
    "nested loops": ("x = []\nfor a in 'ab':\n    for b in 'cd':\n        x.append(a + b)\n",
                     ["ac", "ad", "bc", "bd"]),
    "a condition in a loop": ("x = {}\nfor a in 'ab':\n    if a == 'a':\n        x[a] = 1\n", {"a": 1}),
    "a function that sets up": ("def add_options(o): o.append(1)\nx = []\nadd_options(x)\n", [1]),
    "a function that does not": ("def log(o): o.append(1)\nx = []\nlog(x)\n", []),
    "setattr": ("class C: pass\nc = C()\nsetattr(c, 'y', 1)\nx = c.y\n", 1),
    "a part": ("class C: pass\nx = C()\nx.y = {}\nx.y.update(a=1)\nx = x.y\n", {"a": 1}),
    "a decorator": ("x = Registry()\n@x.register('a')\ndef f(): pass\n", {"a": "a"}),
    "a decorator of a class": ("x = Registry()\n@x.register_backbone('b')\nclass C: pass\n",
                               {"b": "b"}),
    "a command": ("x = Registry()\n@x.command('c')\ndef f(): pass\n", {"c": "c"}),
    "else": ("x = []\ntry:\n    import math\nexcept ImportError:\n    x = None\nelse:\n    x.append(1)\n",
             [1]),
    "a handler": ("try:\n    x = [1]\nexcept ValueError:\n    x = 2\n", [1]),
    "a mere annotation": ("y: int\nx = [1]\nx: list\n", [1]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FILLED.values(), ids=FILLED)
def test_both_read_a_registry_alike(tmp_path: Path, text: str, expected: object) -> None:
    table = dedent(REGISTRY) + text
    files: Mapping[str, str] = {"table.py": "#\n" + table}
    read = names_after(tmp_path, "import table\nx = table.x\n", files)
    with importing.project(str(tmp_path)) as project:
        traced = project.load_module("table").x
    assert read["x"] == expected
    assert traced == expected


STATEMENTS = """
import a.b
import c as d
from e import f, g as h
from z import *
x = 1
x, [y, *z] = f()
n: int = 1
m: int
x.part[0].more = h
def function(): pass
@x.register("f")
@d.no_grad()
class C: pass
x.freeze()
x.part.update(a=1)
merge_config(x, h)
setattr(h, "x", n)
run(x)
"""


def test_both_find_the_same_statements() -> None:
    source = parse_text(STATEMENTS)
    rehearsed = TopLevel()
    rehearsed.collect(source.tree.body)
    traced = outline(STATEMENTS, "f.py")
    lines = {
        name: sorted({source.span(node).line for node in nodes})
        for name, nodes in rehearsed.definitions.items()
    }
    assert lines == {
        name: sorted({node.lineno for node in nodes}) for name, nodes in traced.definitions.items()
    }
    assert len(rehearsed.stars) == len(traced.stars) == 1
