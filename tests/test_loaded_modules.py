"""Modules that are loaded from paths, and names that a package's own loops give it."""

from pathlib import Path

import pytest

from tests.rehearsing import rehearse_files, widths

NET = """#
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(8)
    def forward(self, x):
        return self.norm(x)
"""
LOADERS = {
    "a spec": """#
import importlib.util
spec = importlib.util.spec_from_file_location("net", "parts/net.py")
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
""",
    "a spec of a loader": """#
import importlib.machinery, importlib.util
loader = importlib.machinery.SourceFileLoader("net", "parts/net.py")
module = importlib.util.module_from_spec(importlib.util.spec_from_loader("net", loader))
loader.exec_module(module)
""",
    "a loader": """#
from importlib.machinery import SourceFileLoader
module = SourceFileLoader("net", "parts/net.py").load_module()
""",
    "imp": """#
import imp
module = imp.load_source("net", "parts/net.py")
""",
    "beside the script": """#
import os
from importlib.util import module_from_spec, spec_from_file_location
here = os.path.dirname(os.path.abspath(__file__))
spec = spec_from_file_location("", os.path.join(here, "parts", "net.py"))
module = module_from_spec(spec)
spec.loader.exec_module(module)
""",
}
"""Scripts that load a module from its path."""
FILLING = {
    "every class": """#
from importlib import import_module
from inspect import isclass
from pathlib import Path
from pkgutil import iter_modules
folder = Path(__file__).resolve().parent
for (_, name, _) in iter_modules([str(folder)]):
    module = import_module(f"{__name__}.{name}")
    for attribute in dir(module):
        value = getattr(module, attribute)
        if isclass(value):
            globals()[attribute] = value
""",
    "all at once": """#
import os
from importlib import import_module
for file in os.listdir(os.path.dirname(__file__)):
    if file.endswith(".py") and file != "__init__.py":
        module = import_module("." + file[:-3], __name__)
        globals().update({"Net": module.Net})
""",
    "by setattr": """#
import sys
from .net import Net as made
for name in ["Net", "Other"]:
    setattr(sys.modules[__name__], name, made)
""",
    "in the dict of the module": """#
import sys
from .net import Net as made
for name in ["Net", "Other"]:
    sys.modules[__name__].__dict__[name] = made
""",
}
"""What gives a package names that no statement of it defines."""
USES = {
    "as an attribute": "import parts\nnet = parts.Net()\n",
    "by its name": "import parts\nnet = getattr(parts, 'Net')()\n",
    "imported": "from parts import Net\nnet = Net()\n",
    "by a star": "from parts import *\nnet = globals()['Net']()\n",
}


def _widths(tmp_path: Path, package: str, script: str) -> object:
    files = {"parts/__init__.py": "#\n" + package, "parts/net.py": NET, "train.py": "#\n" + script}
    return widths(rehearse_files(tmp_path, files, "train.py"))


@pytest.mark.parametrize("loader", LOADERS)
def test_a_module_is_loaded_from_its_path(tmp_path: Path, loader: str) -> None:
    script = LOADERS[loader] + "net = module.Net()\n"
    assert _widths(tmp_path, "", script) == [8]


def test_a_path_that_is_not_known_gives_no_module(tmp_path: Path) -> None:
    script = "import sys\n" + LOADERS["a spec"].replace('"parts/net.py"', "sys.argv[1]")
    assert _widths(tmp_path, "", script + "net = module.Net()\n") == []


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("package", FILLING)
def test_a_package_gets_names_from_its_loops(tmp_path: Path, package: str, use: str) -> None:
    assert _widths(tmp_path, FILLING[package], USES[use]) == [8]
