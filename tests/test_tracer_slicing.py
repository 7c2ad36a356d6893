"""Modules of a project whose names are evaluated when they are used, and nothing else."""

import ast
import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from textwrap import dedent
from types import FunctionType, ModuleType
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from bnlint.source import Project
from bnlint.tracer.slicing import importing
from bnlint.tracer.slicing.importing import SlicedProject
from bnlint.tracer.slicing.lazy_globals import Unavailable
from bnlint.tracer.slicing.slices import outline

Write = Callable[[Mapping[str, str]], SlicedProject]
RAN: list[str] = []
"""What the code of a test did."""


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Write files and let them be imported."""
    RAN.clear()
    with importing.project(str(tmp_path)) as project:

        def write_files(files: Mapping[str, str]) -> SlicedProject:
            for name, text in files.items():
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(dedent(text), encoding="utf-8")
            return project

        yield write_files


def load(write: Write, text: str, **others: str) -> ModuleType:
    """The module of a script, beside which there are other modules."""
    project = write({"script.py": text, **{f"{name}.py": other for name, other in others.items()}})
    return project.load_file(str(Path(project.home, "script.py")))


def ran(text: str) -> str:
    """An expression that tells that it was evaluated."""
    return f"__import__('sys').modules[{__name__!r}].RAN.append({text!r})"


@pytest.fixture(autouse=True)
def known_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or _this())


def _this() -> ModuleType:
    module = ModuleType(__name__)
    module.__dict__.update(globals())
    return module


# -- what is executed ---------------------------------------------------------------------------

TRAINING = f"""
import argparse
import torch
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--width", type=int, default=8)
group = parser.add_argument_group("more")
group.add_argument("--depth", type=int, default=2)
opt = parser.parse_args([])
opt.total = opt.width * opt.depth
{ran("printed")}

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(opt.width, opt.total)

net = Net()
data = {ran("downloaded")}
if opt.width > 4:
    net.train()
    {ran("moved")}
for epoch in range(3):
    loss = {ran("trained")}
    net.zero_grad()
with open(__file__) as file:
    {ran("read")}
raise SystemExit(1)
"""


def test_a_class_is_had_without_running_the_script(write: Write) -> None:
    net = load(write, TRAINING).Net()
    assert (net.layer.in_features, net.layer.out_features) == (8, 16)
    assert RAN == []


def test_a_name_is_evaluated_once(write: Write) -> None:
    module = load(write, f"value = [{ran('made')}]\ndef get(): return value\n")
    assert module.get() is module.get() is module.value
    assert RAN == ["made"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = 1\nx += 2\n", 3),
        ("x = {}\nx['a'] = 1\nx.update(b=2)\n", {"a": 1, "b": 2}),
        ("x = []\nx.append(1)\nx.extend([2])\nx.clear()\n", [1, 2]),
        ("x = {}\nfor key in 'ab':\n    name = key * 2\n    x[name] = 1\n", {"aa": 1, "bb": 1}),
        ("x = {}\nfor key in 'ab':\n    print(key)\n    x[key] = 1\n", {}),
        ("x, y = 1, 2\nx = x + y\n", 3),
        ("y, x = 1, 2\n[x, *rest] = [y, 2, 3]\n", 1),
        ("a = 2\nif a > 1:\n    b = 3\n    x = b\nelse:\n    x = 4\n", 3),
        ("try:\n    import nowhere\n    x = 1\nexcept ImportError:\n    x = 2\n", 2),
        ("try:\n    x = 1 / 0\nexcept ZeroDivisionError:\n    x = 0\n", 0),
        ("import contextlib\nwith contextlib.nullcontext(5) as y:\n    x = y\n", 5),
        ("x: int = 3\n", 3),
        ("def f(): return g()\ndef g(): return 4\nx = f()\n", 4),
        ("x = [y for y in (1, 2) if y in z]\nz = {2}\n", [2]),
        ("if __name__ == '__main__':\n    x = 6\n", 6),
        ("x = 1\nif __name__ == '__main__':\n    x = 6\n", 1),
        ("def register(f): return f\n@register\ndef x(): pass\nx = x.__name__\n", "x"),
        ("class R:\n    all = []\n    @classmethod\n    def register(cls, f): cls.all.append(f.__name__)"
         "\nx = R\n@R.register\ndef f(): pass\nx = R.all\n", ["f"]),
        ("def add_options(o): o.append(1)\nx = []\nadd_options(x)\n", [1]),
        ("def log(o): o.append(1)\nx = []\nlog(x)\n", []),
        ("class C: pass\nx = C()\nsetattr(x, 'y', 1)\nx = x.y\n", 1),
    ],
)  # fmt: skip
def test_statements_that_define_a_name(write: Write, text: str, expected: object) -> None:
    assert load(write, text).x == expected


def test_names_that_come_along_are_finished(write: Write) -> None:
    module = load(write, "a, b = 1, 2\nb = 3\n")
    assert (module.a, module.b) == (1, 3)


def test_a_class_body_finds_globals(write: Write) -> None:
    module = load(write, "BASE = 2\nclass A:\n    n = BASE\n    def f(self, m=BASE): return m\n")
    assert (module.A.n, module.A().f()) == (2, 2)


def test_globals_of_a_module_are_dicts_of_all_its_definitions(write: Write) -> None:
    text = f"""
        import math
        from others import *
        def small(): return "small"
        def get(name): return globals()[name]()
        data = {ran("data")}
    """
    module = load(write, text, others="def large(): return 'large'\n_own = 1\n")
    names = sorted(name for name in vars(module) if not name.startswith("__"))
    assert names == ["get", "large", "math", "small"]
    assert vars(module)["large"]() == module.get("large") == "large"
    assert "small" in vars(module)
    assert vars(module).get("nothing", 1) == 1
    assert RAN == []


def test_functions_keep_their_places(write: Write) -> None:
    function = load(write, "\n\ndef f(x):\n    return x.a.b\n").f
    assert isinstance(function, FunctionType)
    assert Path(function.__code__.co_filename).name == "script.py"
    places = [place for place in islice(function.__code__.co_positions(), None) if place[0] == 4]
    assert (4, 4, 11, 16) in places


def test_decorated_by_what_is_missing(write: Write) -> None:
    text = """
        import gin
        import nowhere
        @gin.configurable
        def f(x: nowhere.Tensor = 2) -> nowhere.Tensor: return x
        class A:
            @property
            def n(self) -> nowhere.Tensor: return 3
    """
    module = load(write, text)
    assert (module.f(), module.A().n) == (2, 3)


def test_files_in_other_encodings(write: Write) -> None:
    project = write({})
    path = Path(project.home, "old.py")
    path.write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    assert project.load_file(str(path)).x == "é"


def test_texts_stand_in_for_files(write: Write) -> None:
    project = write({"script.py": "x = 1\n", "pkg/a.py": "y = 1\n"})
    root = project.home
    project.texts[f"{root}/script.py"] = "# coding: latin-1\nfrom pkg.a import y\nx = 'é'\n"
    project.texts[f"{root}/pkg/a.py"] = "from .b import y\n"
    project.texts[f"{root}/pkg/b.py"] = "y = 2\n"
    Path(root, "pkg", "b.py").touch()
    module = project.load_file(f"{root}/script.py")
    assert (module.x, module.y) == ("é", 2)


# -- what is missing or fails -------------------------------------------------------------------


def test_missing_packages_matter_only_where_they_are_used(write: Write) -> None:
    project = write(
        {"script.py": "import os, yacs\nfrom nowhere import a\ndef f(): return yacs.b\n"}
    )
    module = project.load_file(f"{project.home}/script.py")
    assert module.os is importlib.import_module("os")
    assert project.missing == []
    with pytest.raises(ModuleNotFoundError, match="yacs") as caught:
        module.f()
    assert caught.value.name == "yacs"
    assert project.missing == ["yacs"]


def test_a_definition_that_fails_says_so_where_it_is_used(write: Write) -> None:
    module = load(write, "\nx = {}['key']\ndef f(): return x\ndef g(): return 1\n")
    assert module.g() == 1
    for _ in range(2):
        with pytest.raises(Unavailable, match="`x` could not be made: KeyError: 'key'") as caught:
            module.f()
        trace = caught.value.__traceback__
        lines = []
        while trace is not None:
            lines.append((Path(trace.tb_frame.f_code.co_filename).name, trace.tb_lineno))
            trace = trace.tb_next
        assert lines[-1] == ("script.py", 2)
        assert ("script.py", 3) in lines


def test_a_statement_that_fails_spoils_only_its_name(write: Write) -> None:
    module = load(write, "x = 1\nx = x / 0\ny = 2\n")
    assert (module.x, module.y) == (1, 2)


def test_a_program_that_ends_itself(write: Write) -> None:
    module = load(write, "import sys\nx = sys.exit(3)\n")
    with pytest.raises(Unavailable, match="SystemExit: 3"):
        _ = module.x


@pytest.mark.parametrize("text", ["def f(): return nothing\n", "f = lambda: f.x\nf = lambda: y\n"])
def test_a_name_that_nothing_defines(write: Write, text: str) -> None:
    with pytest.raises(NameError, match="is not defined"):
        load(write, text).f()


def test_a_name_that_needs_itself(write: Write) -> None:
    with pytest.raises(Unavailable, match="name 'x' is not defined"):
        _ = load(write, "x = y + 1\ny = x + 1\n").x


def test_an_attribute_that_no_module_has(write: Write) -> None:
    with pytest.raises(AttributeError, match="module `script` has no attribute `y`"):
        _ = load(write, "x = 1\n").y


def test_other_versions_of_python(write: Write) -> None:
    assert load(write, "def f(x): return x.cuda(async=True)\ny = 3\n").y == 3
    project = write({"old.py": "print 'hello'\n"})
    with pytest.raises(SyntaxError) as caught:
        project.load_file(f"{project.home}/old.py")
    assert (caught.value.filename, caught.value.lineno) == (f"{project.home}/old.py", 1)


# -- imports ------------------------------------------------------------------------------------

PACKAGE = {
    "pkg/__init__.py": "from .nets import *\nfrom . import tools\nfrom .deep import deep\n",
    "pkg/nets.py": "from __future__ import annotations\nfrom .tools import double\n__all__ = ['Net']\n"
    "class Net:\n    n = double(2)\n    def f(self, x: nowhere): pass\nclass Hidden: pass\n",
    "pkg/tools.py": "from pkg import nets\ndef double(x): return 2 * x\ndef net(): return nets.Net\n",
    "pkg/deep.py": "from .plain.leaf import leaf\ndef deep(): return leaf\n",
    "pkg/plain/leaf.py": "import pkg.nets as nets\nleaf = nets.Net.n\n",
}


def test_packages(write: Write) -> None:
    project = write({**PACKAGE, "script.py": "import pkg\nfrom pkg.tools import net\n"})
    module = project.load_file(f"{project.home}/script.py")
    assert module.pkg.Net.n == 4
    assert module.net() is module.pkg.Net
    assert module.pkg.deep() == 4
    assert not hasattr(module.pkg, "Hidden")
    assert module.pkg.__path__ == [f"{project.home}/pkg"]
    assert module.pkg.nets.__package__ == "pkg"


def test_a_relative_import_that_leads_nowhere(write: Write) -> None:
    lost = {"pkg/deep.py": "from ..pkg.nets import Net\ndef deep(): return Net\n"}
    project = write({**PACKAGE, **lost, "script.py": "import pkg\n"})
    module = project.load_file(f"{project.home}/script.py")
    with pytest.raises(ImportError, match="beyond top-level package"):
        module.pkg.deep()


def test_a_file_is_one_module_however_it_is_reached(write: Write) -> None:
    project = write({**PACKAGE, "script.py": "from pkg.nets import Net\n"})
    net = project.load_file(f"{project.home}/script.py").Net
    assert project.load_file(f"{project.home}/pkg/nets.py").Net is net
    assert project.load_module("pkg.nets").Net is net
    assert net.__module__ == "pkg.nets"


def test_files_in_folders_that_are_no_packages(write: Write) -> None:
    files = {"nets/a.py": "from nets.b import x\n", "nets/b.py": "from . import c\nx = c.y\n"}
    project = write({**files, "nets/c.py": "y = 5\n"})
    assert project.load_file(f"{project.home}/nets/a.py").x == 5


def test_circular_imports(write: Write) -> None:
    files = {
        "a.py": "from b import g\ndef f(): return g\n",
        "b.py": "from a import f\ndef g(): return f\n",
    }
    project = write(files)
    module = project.load_module("a")
    assert module.f()() is module.f


def test_star_imports(write: Write) -> None:
    module = load(
        write,
        "from math import *\nfrom base import *\nfrom nowhere import *\nopt.append(floor(pi))\n"
        "def f(): return opt, len(opt), _own\n",
        base="opt = [1]\n_own = 2\n",
    )
    assert module.opt == [1, 3]
    with pytest.raises((NameError, ModuleNotFoundError)):
        module.f()


def test_submodules_that_other_imports_would_have_brought(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = importlib.import_module("wsgiref")
    monkeypatch.delitem(sys.modules, "wsgiref.validate", raising=False)
    monkeypatch.delattr(package, "validate", raising=False)
    module = load(write, "import wsgiref\nx = wsgiref.validate.validator\ny = wsgiref.nothing\n")
    assert module.x.__name__ == "validator"
    with pytest.raises(Unavailable, match="has no attribute 'nothing'"):
        _ = module.y


def test_only_the_project_finds_its_modules(write: Write) -> None:
    project = write({"colorsys.py": "mine = True\n", "script.py": "import colorsys\n"})
    sys.modules.pop("colorsys", None)
    assert project.load_file(f"{project.home}/script.py").colorsys.mine
    del sys.modules["colorsys"]
    assert not hasattr(importlib.import_module("colorsys"), "mine")


def test_torch_is_never_the_projects(write: Write) -> None:
    project = write({"torch/__init__.py": "", "script.py": "import torch\n"})
    assert project.load_file(f"{project.home}/script.py").torch is torch


def test_a_dotted_import_chooses_the_folder_that_has_it_all(tmp_path: Path) -> None:
    nested = tmp_path / "models"
    nested.mkdir()
    (nested / "models.py").touch()
    (nested / "parts.py").write_text("x = 7\n", encoding="utf-8")
    (tmp_path / "script.py").write_text("import models.parts as parts\n", encoding="utf-8")
    with importing.project(str(nested)) as project:
        assert project.load_file(str(tmp_path / "script.py")).parts.x == 7


@pytest.mark.parametrize("imported", ["from parts import x", "from parts import *"])
def test_modules_are_found_where_the_rehearsal_finds_them(write: Write, imported: str) -> None:
    files = {"setup.py": "", "nets/net.py": f"{imported}\n", "nets/parts.py": "x = 1\n"}
    added = {
        "more/parts.py": "x = 2\n",
        "run.py": f"import sys\nsys.path.append('more')\n{imported}",
    }
    project = write({**files, **added})
    assert project.load_file(f"{project.home}/nets/net.py").x == 1
    del sys.modules["parts"]
    assert project.load_file(f"{project.home}/run.py").x == 2
    rehearsed = Project()
    for file, found in (("nets/net.py", "nets/parts.py"), ("run.py", "more/parts.py")):
        rehearsed.load(project.home / file)
        assert rehearsed.modules.locate("parts", 0, project.home / file) == project.home / found


def test_relative_imports_need_no_package(tmp_path: Path) -> None:
    nested = tmp_path / "nets"
    nested.mkdir()
    (nested / "a.py").write_text("from .b import x\n", encoding="utf-8")
    (nested / "b.py").write_text("x = 8\n", encoding="utf-8")
    with importing.project(str(nested)) as project:
        assert project.load_file(str(nested / "a.py")).x == 8


def test_afterwards_all_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "bnlint_sliced_example.py").write_text("x = 1\n", encoding="utf-8")
    with importing.project(str(tmp_path)) as project:
        assert project.load_module("bnlint_sliced_example").x == 1
    assert "bnlint_sliced_example" not in sys.modules
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("bnlint_sliced_example")


# -- within a running model -----------------------------------------------------------------------


class Recording(TorchFunctionMode):
    """Notes the functions of torch that are called."""

    def __init__(self) -> None:
        super().__init__()
        self.called: list[str] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self.called.append(func.__name__)
        return func(*args, **(kwargs or {}))


def test_definitions_are_no_part_of_what_a_model_computes(write: Write) -> None:
    module = load(
        write, "import torch\nmean = torch.ones(3) * 2\ndef forward(x): return x - mean\n"
    )
    x = torch.zeros(3)
    with torch.device("meta"), Recording() as recorded:
        y = module.forward(x)
    assert y.tolist() == [-2.0, -2.0, -2.0]
    assert recorded.called == ["sub"]


# -- outlines -------------------------------------------------------------------------------------


def test_what_an_outline_keeps_of_compound_statements() -> None:
    found = outline("if a:\n    x = 1\n    run()\n    y = 2\nelif b:\n    x = 3\n", "f.py")
    (kept,) = found.definitions["x"]
    assert ast.unparse(kept) == "if a:\n    x = 1\nelif b:\n    x = 3"


def test_names_that_are_safe_to_list() -> None:
    text = "import os\nx = (1, 'a')\ny = f()\ndef f(): pass\ntry:\n    import a\nexcept E:\n    a = None"
    assert set(outline(text, "f.py").listed) == {"os", "x", "f", "a"}
