"""What imports mean inside a project."""

import os
from pathlib import Path

import pytest

from bnlint.source import Project, SourceFile, Unreadable, parse_text
from bnlint.source.imports import ModuleFinder


def tree(root: Path, *files: str) -> None:
    for name in files:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("/"):
            file.mkdir(exist_ok=True)
        else:
            file.write_text(f"name = {name!r}\n")


def found(root: Path, importer: str, name: str, level: int = 0) -> str | None:
    """The file or folder an import means, relative to ``root``; folders end with a slash."""
    match Project().resolve(name, level, root / importer):
        case SourceFile() as source:
            return source.file.relative_to(root).as_posix()
        case Path() as folder:
            return folder.relative_to(root).as_posix() + "/"
        case None:
            return None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    tree(folder, "pyproject.toml", "train.py", "utils.py", "models/__init__.py", "models/resnet.py")
    tree(folder, "models/layers/norm.py", "src/pkg/__init__.py", "src/pkg/data.py")
    tree(folder, "tools/run.py", "tools/args.py", "tools/deep/x.py")
    return folder


@pytest.mark.parametrize(
    ("importer", "name", "level", "expected"),
    [
        pytest.param("train.py", "utils", 0, "utils.py", id="module beside"),
        pytest.param("train.py", "models", 0, "models/__init__.py", id="package"),
        pytest.param("train.py", "models.resnet", 0, "models/resnet.py", id="module of a package"),
        pytest.param("train.py", "models.layers", 0, "models/layers/", id="namespace package"),
        pytest.param("train.py", "models.layers.norm", 0, "models/layers/norm.py", id="inside it"),
        pytest.param("train.py", "models.resnet.ResNet", 0, None, id="a name in a module"),
        pytest.param("train.py", "nothing", 0, None, id="unknown"),
        pytest.param("train.py", "pkg.data", 0, "src/pkg/data.py", id="src folder"),
        pytest.param("train.py", "src.pkg.data", 0, "src/pkg/data.py", id="src as a namespace"),
        pytest.param("tools/run.py", "args", 0, "tools/args.py", id="beside a nested script"),
        pytest.param("tools/run.py", "utils", 0, "utils.py", id="from an ancestor"),
        pytest.param("tools/deep/x.py", "models.resnet", 0, "models/resnet.py", id="two up"),
        pytest.param("tools/run.py", "pkg", 0, "src/pkg/__init__.py", id="src of an ancestor"),
        pytest.param("models/resnet.py", "", 1, "models/__init__.py", id="from . import"),
        pytest.param("models/resnet.py", "layers.norm", 1, "models/layers/norm.py", id="from .a.b"),
        pytest.param("models/__init__.py", "resnet", 1, "models/resnet.py", id="in __init__"),
        pytest.param("models/layers/norm.py", "resnet", 2, "models/resnet.py", id="from ..a"),
        pytest.param("models/layers/norm.py", "", 1, "models/layers/", id="from . in a namespace"),
        pytest.param("models/resnet.py", "utils", 1, None, id="a dot does not search upwards"),
        pytest.param("train.py", "", 0, None, id="no name"),
        pytest.param("train.py", "a..b", 0, None, id="damaged name"),
        pytest.param("train.py", "models.resnet", 40, None, id="more dots than folders"),
        pytest.param("train.py", "project", 2, None, id="dots that lead out of the project"),
    ],
)
def test_resolve(root: Path, importer: str, name: str, level: int, expected: str | None) -> None:
    assert found(root, importer, name, level) == expected


def test_packages_that_are_never_the_projects(root: Path) -> None:
    tree(root, "torch/__init__.py", "numpy.py", "torchvision/models.py", "timm.py", "sys.py")
    for name in ("torch", "numpy", "torchvision", "torchvision.models", "timm", "sys"):
        assert found(root, "train.py", name) is None


def test_known_packages_only_in_the_folders_of_the_importer(root: Path) -> None:
    tree(root, "src/transformers/__init__.py", "src/logging.py", "datasets/__init__.py", "queue.py")
    tree(root, "models/logging.py")
    assert found(root, "train.py", "transformers") is None
    assert found(root, "train.py", "logging") is None
    assert found(root, "tools/run.py", "datasets") == "datasets/__init__.py"
    assert found(root, "train.py", "queue") == "queue.py"
    assert found(root, "models/resnet.py", "logging") is None


def test_a_module_within_a_known_package_may_be_one_of_a_root_that_is_a_package(root: Path) -> None:
    tree(root, "__init__.py", "datasets/__init__.py", "datasets/digits/reading.py", "torch/own.py")
    assert found(root, "tools/run.py", "datasets") is None
    assert found(root, "tools/run.py", "datasets.digits.reading") == "datasets/digits/reading.py"
    assert found(root, "tools/run.py", "datasets.digits.other") is None
    assert found(root, "tools/run.py", "torch.own") is None


def test_a_package_wins_over_a_module_and_both_over_a_namespace(root: Path) -> None:
    tree(root, "net.py", "net/__init__.py", "data.py", "data/x.py", "tools/models/y.py")
    assert found(root, "train.py", "net") == "net/__init__.py"
    assert found(root, "train.py", "data") == "data.py"
    assert found(root, "tools/run.py", "models") == "models/__init__.py"


def test_absolute_imports_inside_a_package_mean_the_folders_above_it(root: Path) -> None:
    tree(root, "models/utils.py", "models/only_here.py")
    assert found(root, "models/resnet.py", "utils") == "utils.py"
    assert found(root, "models/resnet.py", "only_here") == "models/only_here.py"


def test_the_search_ends_at_the_projects_root(root: Path) -> None:
    tree(root.parent, "outside.py")
    assert found(root, "train.py", "outside") is None


@pytest.mark.parametrize("marker", ["pyproject.toml", "setup.py", "setup.cfg", ".git/"])
def test_a_marker_makes_a_root(tmp_path: Path, marker: str) -> None:
    tree(tmp_path, "a/b/c/x.py", "a/" + marker)
    assert Project().root_of(tmp_path / "a/b/c/x.py") == tmp_path / "a"
    assert Project().root_of(tmp_path / "a/b") == tmp_path / "a"


def test_without_a_marker_the_root_is_four_levels_up(tmp_path: Path) -> None:
    tree(tmp_path, "a/b/c/d/e/f/x.py")
    assert Project().root_of(tmp_path / "a/b/c/d/e/f/x.py") == tmp_path / "a/b"


def test_neither_home_nor_the_file_systems_root_is_a_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "home/a/x.py", "home/y.py")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Project().root_of(tmp_path / "home/a/x.py") == tmp_path / "home/a"
    assert Project().root_of(tmp_path / "home/y.py") == tmp_path / "home"
    assert Project().root_of(Path(tmp_path.anchor) / "no" / "x.py") != Path(tmp_path.anchor)


def test_a_home_directory_with_a_marker_is_a_root_nevertheless(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "home/a/x.py", "home/pyproject.toml")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Project().root_of(tmp_path / "home/a/x.py") == tmp_path / "home"


def test_files_are_read_once_and_remembered_in_order(root: Path) -> None:
    project = Project()
    train = project.load(root / "train.py", display="train.py")
    models = project.resolve("models", 0, root / "train.py")
    (root / "train.py").unlink()
    assert project.load(root / "tools" / ".." / "train.py") is train
    assert project.resolve("models", 0, root / "tools/run.py") is models
    assert project.files == (train, models)
    assert train.path == "train.py"


def test_what_is_not_there_stays_so(root: Path) -> None:
    project = Project()
    assert project.resolve("later", 0, root / "train.py") is None
    tree(root, "later.py")
    assert project.resolve("later", 0, root / "train.py") is None


def test_an_unreadable_import_is_remembered(root: Path) -> None:
    broken = root / "broken.py"
    broken.write_text("def f(:\n")
    project = Project()
    assert project.resolve("broken", 0, root / "train.py") is None
    assert project.unreadable[broken].line == 1
    with pytest.raises(Unreadable):
        project.load(broken)
    assert project.files == ()


def test_overrides_stand_in_for_files_on_disk(root: Path) -> None:
    utils = parse_text("a\n", path="utils.py", file=root / "utils.py")
    fresh = parse_text("b\n", path="fresh.py", file=root / "fresh.py")
    project = Project({root / "utils.py": utils, root / "fresh.py": fresh})
    assert project.resolve("utils", 0, root / "train.py") is utils
    assert project.resolve("fresh", 0, root / "train.py") is fresh
    assert project.load(root / "fresh.py") is fresh
    assert project.files == (utils, fresh)


def test_display_paths(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "models")
    project = Project()
    inside = project.resolve("models.resnet", 0, root / "train.py")
    outside = project.resolve("utils", 0, root / "train.py")
    assert isinstance(inside, SourceFile) and inside.path == "resnet.py"
    assert isinstance(outside, SourceFile) and outside.path == (root / "utils.py").as_posix()


def test_links_that_go_round_do_not_hang(root: Path) -> None:
    (root / "loop").symlink_to(root, target_is_directory=True)
    (root / "self").symlink_to(root / "self")
    (root / "dead.py").symlink_to(root / "nowhere.py")
    project = Project()
    assert isinstance(project.resolve("loop.loop.utils", 0, root / "train.py"), SourceFile)
    assert project.resolve("self", 0, root / "train.py") is None
    assert project.resolve("dead", 0, root / "train.py") is None
    assert "no such file" in str(project.unreadable[root / "dead.py"])


def test_each_folder_is_listed_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    scandir = os.scandir

    def counted(path: str) -> object:
        listed.append(path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    monkeypatch.setattr(Path, "stat", None)
    project = Project()
    for name in ("utils", "models", "models.resnet", "nothing", "pkg.data", "nothing.at.all"):
        for importer in ("train.py", "tools/run.py", "models/resnet.py"):
            project.resolve(name, 0, root / importer)
    assert len(listed) == len(set(listed))


def test_a_folder_that_may_not_be_listed_holds_nothing(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    assert Project().resolve("utils", 0, root / "train.py") is None


def test_the_folder_of_a_script_is_a_root_whatever_lies_below(tmp_path: Path) -> None:
    tree(tmp_path, "train.py", "models/setup.py", "models/__init__.py", "models/block.py")
    tree(tmp_path, "models/net.py")
    alone, project = Project(), Project()
    assert alone.resolve("models.block", 0, tmp_path / "models/net.py") is None
    project.load(tmp_path / "train.py")
    inside = project.resolve("models.block", 0, tmp_path / "models/net.py")
    assert isinstance(inside, SourceFile) and inside.file == tmp_path / "models/block.py"


def test_a_folder_without_a_script_above_the_project_is_no_root(root: Path) -> None:
    tree(root.parent, "outside.py")
    project = Project()
    project.load(root / "train.py")
    assert project.resolve("outside", 0, root / "models/resnet.py") is None


@pytest.mark.parametrize(
    "code",
    [
        "import sys\nsys.path.append('core')\n",
        "import sys\nsys.path.insert(0, '/home/someone/project/core')\n",
        "import os, sys\nhere = os.path.dirname(__file__)\n"
        "def add(path):\n    sys.path.insert(0, path)\nadd(os.path.join(here, '..', 'core'))\n",
        "import sys\nsys.path += ['./core/']\n",
    ],
    ids=["relative", "of another machine", "joined", "a list"],
)
def test_a_folder_that_code_puts_on_the_search_path(tmp_path: Path, code: str) -> None:
    tree(tmp_path, "setup.py", "core/raft.py", "core/update.py", "other/lone.py")
    (tmp_path / "train.py").write_text(code)
    project = Project()
    assert project.resolve("raft", 0, tmp_path / "train.py") is None
    project.load(tmp_path / "train.py")
    found = project.resolve("raft", 0, tmp_path / "train.py")
    assert isinstance(found, SourceFile)
    assert found.file == tmp_path / "core/raft.py"
    assert project.resolve("lone", 0, tmp_path / "train.py") is None


def test_a_path_that_is_only_read_adds_no_folder(tmp_path: Path) -> None:
    tree(tmp_path, "setup.py", "core/raft.py")
    (tmp_path / "train.py").write_text("import sys\nprint(sys.path, 'core')\n")
    project = Project()
    project.load(tmp_path / "train.py")
    assert project.resolve("raft", 0, tmp_path / "train.py") is None


def test_a_folder_that_is_only_near_hides_no_module_of_the_standard_library(
    tmp_path: Path,
) -> None:
    script = tmp_path / "experiments" / "first" / "train.py"
    script.parent.mkdir(parents=True)
    for name in ("re.py", "layers.py"):
        (tmp_path / name).touch()
    finder = ModuleFinder()
    assert finder.locate("layers", 0, script) == tmp_path / "layers.py"
    assert finder.locate("re", 0, script) is None
    (script.parent / "queue.py").touch()
    assert ModuleFinder().locate("queue", 0, script) == script.parent / "queue.py"
    (tmp_path / "setup.py").touch()
    assert ModuleFinder().locate("re", 0, script) == tmp_path / "re.py"


def test_a_folder_without_init_hides_no_module_of_the_standard_library(tmp_path: Path) -> None:
    tree(tmp_path, "setup.py", "copy/old.py", "code/__init__.py", "layers/norm.py")
    train = tmp_path / "train.py"
    finder = ModuleFinder()
    assert finder.locate("copy", 0, train) is finder.locate("copy.old", 0, train) is None
    assert finder.locate("code", 0, train) == tmp_path / "code" / "__init__.py"
    assert finder.locate("layers", 0, train) == tmp_path / "layers"
