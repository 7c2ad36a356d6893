"""Registries fill when sibling modules are imported, by name or as all that a folder holds."""

from pathlib import Path

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import ModelBuilt
from bnlint.interpreter.core.values import Unknown
from tests.rehearsing import rehearse_files, widths
from tests.test_configuration_files import names_after

REGISTRY = {
    "a function": """#
MODELS = {}
def register(name):
    def decorator(function):
        MODELS[name] = function
        return function
    return decorator
def create(name, **options):
    if name not in MODELS:
        raise ValueError(name)
    return MODELS[name](**options)
""",
    "an object": """#
class Registry:
    def __init__(self):
        self._entries = {}
    def register(self, name):
        def decorator(cls):
            self._entries[name] = cls
            return cls
        return decorator
    def get(self, name):
        return self._entries.get(name)
_REGISTRY = Registry()
register = _REGISTRY.register
def create(name, **options):
    return _REGISTRY.get(name)(**options)
""",
    "a dict of a class of its own": """#
class Registry(dict):
    def register(self, name):
        def decorator(cls):
            self[name] = cls
            return cls
        return decorator
MODELS = Registry()
register = MODELS.register
def create(name, **options):
    return MODELS[name](**options)
""",
    "its name": """#
MODELS = dict()
def register_model(function):
    MODELS[function.__name__] = function
    return function
def register(name):
    return register_model
def create(name, **options):
    return MODELS[name](**options)
""",
}
NET = """#
from torch import nn
from {registry} import register
@register("wide")
def wide(width=8):
    return nn.BatchNorm2d(width)
"""
IMPORTS = {
    "by name": "from . import registry, nets\n",
    "with a star": "from .registry import *\nfrom .nets import *\n",
    "listdir": """
import os
from importlib import import_module
here = os.path.dirname(__file__)
for file in sorted(os.listdir(here)):
    if file.endswith('.py') and not file.startswith('_'):
        name = file[:-3]
        module = import_module('models.' + name)
""",
    "listdir and relative": """
import os, importlib
for file in os.listdir(os.path.dirname(os.path.abspath(__file__))):
    path, extension = os.path.splitext(file)
    if extension == '.py' and path != '__init__':
        importlib.import_module(f'.{path}', __package__)
""",
    "pkgutil": """
import importlib, pkgutil
for _, name, _ in pkgutil.iter_modules(__path__):
    importlib.import_module(f"models.{name}")
""",
    "pkgutil's names": """
import importlib, pkgutil
for info in pkgutil.iter_modules(__path__, prefix="models."):
    importlib.import_module(info.name)
""",
    "glob": """
import glob, os
from importlib import import_module
for path in glob.glob(os.path.join(os.path.dirname(__file__), '*.py')):
    if os.path.basename(path) != '__init__.py':
        import_module('models.' + os.path.basename(path)[:-3])
""",
    "pathlib": """
import importlib
from pathlib import Path
for path in Path(__file__).parent.glob('*.py'):
    if path.stem != '__init__':
        importlib.import_module('models.' + path.stem)
""",
}
SCRIPT = "import models\nfrom models.registry import create\nnet = create('wide', width=5)\n"


@pytest.mark.parametrize("imports", IMPORTS.values(), ids=IMPORTS)
@pytest.mark.parametrize("registry", REGISTRY.values(), ids=REGISTRY)
def test_what_a_folder_registers_is_known(registry: str, imports: str, tmp_path: Path) -> None:
    files = {
        "train.py": SCRIPT,
        "models/__init__.py": imports,
        "models/registry.py": registry,
        "models/nets.py": NET.format(registry="models.registry"),
    }
    assert widths(rehearse_files(tmp_path, files)) == [5]


@pytest.mark.parametrize("registry", ["a function", "a dict of a class of its own"])
def test_what_another_module_puts_into_a_registry_is_known(registry: str, tmp_path: Path) -> None:
    files = {
        "train.py": SCRIPT,
        "models/__init__.py": "from . import registry, nets\n",
        "models/registry.py": REGISTRY[registry],
        "models/nets.py": "from .registry import MODELS\nMODELS['wide'] = nn.BatchNorm2d\n",
    }
    script = SCRIPT.replace("width", "num_features")
    assert widths(rehearse_files(tmp_path, files | {"train.py": script})) == [5]


def test_what_nothing_imports_is_not_registered(tmp_path: Path) -> None:
    files = {
        "models/__init__.py": "",
        "models/registry.py": REGISTRY["an object"],
        "models/nets.py": NET.format(registry="models.registry"),
    }
    found = names_after(tmp_path, SCRIPT.replace("create", "_REGISTRY", 1) + "", files)
    assert isinstance(found.get("net", Unknown()), Unknown)


def test_a_folder_of_data_is_not_listed(tmp_path: Path) -> None:
    files = {"data/a.txt": "", "code/b.py": ""}
    code = "import os\ndata, code = os.listdir('data'), os.listdir('code')\nup = os.listdir('..')\n"
    found = names_after(tmp_path, code, files)
    assert isinstance(found["data"], Unknown)
    assert isinstance(found["up"], Unknown)
    assert found["code"] == ["b.py"]


FVCORE = """#
from fvcore.common.registry import Registry
MODELS = Registry("MODELS")
def create(name, **options):
    return MODELS.get(name)(**options)
"""
REGISTERED = {
    "a function": """#
from torch import nn
from .registry import MODELS
@MODELS.register()
def wide(width=8):
    return nn.BatchNorm2d(width)
""",
    "a class": """#
from torch import nn
from .registry import MODELS
class wide(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.norm = nn.BatchNorm2d(width)
MODELS.register(wide)
""",
}
"""What fills a registry of fvcore."""


@pytest.mark.parametrize("entry", REGISTERED)
def test_a_registry_of_a_package_is_filled(entry: str, tmp_path: Path) -> None:
    files = {
        "train.py": SCRIPT,
        "models/__init__.py": "#\nfrom . import nets\n",
        "models/registry.py": FVCORE,
        "models/nets.py": REGISTERED[entry],
    }
    assert widths(rehearse_files(tmp_path, files)) == [5]


def test_a_name_that_is_not_known_is_one_of_what_is_registered(tmp_path: Path) -> None:
    files = {
        "train.py": "import sys\n" + SCRIPT.replace("'wide'", "sys.argv[1]"),
        "models/__init__.py": "#\nfrom . import nets\n",
        "models/registry.py": REGISTRY["a function"].replace(
            "    if name not in MODELS:\n        raise ValueError(name)\n", ""
        ),
        "models/nets.py": NET.format(registry="models.registry"),
    }
    assert widths(rehearse_files(tmp_path, files)) == [5]


def test_importing_a_module_executes_its_packages(tmp_path: Path) -> None:
    files = {
        "train.py": SCRIPT.replace("import models\n", "#\n"),
        "models/__init__.py": "#\nfrom .nets import *\n",
        "models/registry.py": REGISTRY["a function"],
        "models/nets.py": NET.format(registry="models.registry"),
    }
    assert widths(rehearse_files(tmp_path, files)) == [5]


TIMM = {
    "train.py": """
from timm.models import create_model
import nets
create_model("wide", pretrained=False, width=8, depth=None)
""",
    "nets.py": """#
from torch import nn
from timm.models.registry import register_model
@register_model
def wide(pretrained=False, depth=1, width=4):
    return nn.BatchNorm2d(width * depth)
""",
}


def test_timm_builds_what_a_project_has_registered(tmp_path: Path) -> None:
    assert widths(rehearse_files(tmp_path, TIMM)) == [8]


def test_timm_does_not_know_what_nothing_has_imported(tmp_path: Path) -> None:
    files = TIMM | {"train.py": TIMM["train.py"].replace("import nets\n", "")}
    assert widths(rehearse_files(tmp_path, files)) == [None]


def test_timm_has_models_of_its_own(tmp_path: Path) -> None:
    files = TIMM | {"train.py": TIMM["train.py"].replace('"wide"', '"resnet18"')}
    built = [e for run in rehearse_files(tmp_path, files).runs for e in run.of_type(ModelBuilt)]
    assert [event.model.has_batchnorm for event in built] == [Known.YES]
