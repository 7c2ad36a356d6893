"""Calls of scripts that a README shows are rehearsed where the defaults do not say what is built."""

from pathlib import Path
from textwrap import dedent

import pytest

import bnlint
from bnlint import interpreter
from bnlint.interpreter.documented_calls import documented_calls
from bnlint.source import Project

SCRIPT = """
    import argparse
    import json

    import torch
    from torch import nn
    from torch.utils.data import DataLoader, TensorDataset

    parser = argparse.ArgumentParser()
    parser.add_argument("--config", required=True)
    args = parser.parse_args()
    with open(args.config) as file:
        config = json.load(file)

    KINDS = {"normalized": nn.BatchNorm1d, "plain": nn.Identity}
    net = nn.Sequential(nn.Linear(8, 16), KINDS[config["norm"]](16), nn.ReLU(), nn.Linear(16, 1))
    data = TensorDataset(torch.randn(256, 8), torch.randn(256, 1))
    loader = DataLoader(data, batch_size=32, shuffle=True, drop_last=True)
    val_loader = DataLoader(data, batch_size=32)
    optimizer = torch.optim.Adam(net.parameters())
    for epoch in range(10):
        net.train()
        for x, y in loader:
            optimizer.zero_grad()
            nn.functional.mse_loss(net(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            print(sum(nn.functional.mse_loss(net(x), y).item() for x, y in val_loader))
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "train.py").write_text(dedent(SCRIPT))
    (tmp_path / "normalized.json").write_text('{"norm": "normalized"}')
    return tmp_path


def called(project: Path, readme: str, script: str = "tools/train.py") -> list[tuple[str, ...]]:
    """The arguments of the calls that are found."""
    (project / "README.md").write_text(readme)
    return [call.arguments for call in documented_calls(Project(), project / script)]


def missing_eval(project: Path) -> list[str]:
    found = bnlint.lint_paths([project / "tools" / "train.py"])
    return [finding.message for finding in found if finding.rule == "BN301"]


def test_what_only_the_call_in_the_readme_builds_is_linted_and_says_so(project: Path) -> None:
    assert not missing_eval(project)
    (project / "README.md").write_text("Run `python tools/train.py --config normalized.json`.")
    assert [text.split(",")[0] for text in missing_eval(project)] == [
        "With `--config normalized.json`"
    ]


def test_a_script_that_is_too_long_to_follow_without_arguments_may_be_short_with_them(
    project: Path,
) -> None:
    calls = [f"def f{n + 1}():\n    return [f{n}(), f{n}()]" for n in range(24)]
    endless = [
        "def f0():\n    return nn.Linear(8, 8).eval()",
        *calls,
        'if config["norm"] == "deep":\n    f24()',
    ]
    script = dedent(SCRIPT).replace("KINDS = {", "\n".join([*endless, "KINDS = {"]))
    (project / "tools" / "train.py").write_text(script)
    (project / "README.md").write_text("    python tools/train.py --config normalized.json")
    assert len(missing_eval(project)) == 1


def test_a_call_that_the_script_refuses_is_passed_over(project: Path) -> None:
    (project / "README.md").write_text("    python tools/train.py --configuration normalized.json")
    assert not missing_eval(project)


def test_a_call_that_names_no_file_of_the_project_is_left_out(project: Path) -> None:
    assert not called(project, "python tools/train.py --config your_config.yaml")
    assert not called(project, "python tools/train.py --config=configs/your_config.json")
    assert not called(project, "python tools/train.py --model your_model.py")


@pytest.mark.parametrize(
    "name",
    ["your_config.json", "./[your config].json", "<name>.json", "sets/{data}-{model}.json"],
)
@pytest.mark.parametrize("option", ["--config {}", "--config={}"])
def test_a_configuration_to_be_named_is_each_of_its_folder(
    project: Path, name: str, option: str
) -> None:
    folder = (project / name).parent
    folder.mkdir(exist_ok=True)
    for number in range(5):
        (folder / f"a{number}.json").write_text("{}")
    found = called(project, f"python tools/train.py {option.format(name)} --fast")
    firsts = [str(Path(name).parent / f"a{n}.json").removeprefix("./") for n in range(3)]
    assert [" ".join(call).replace("./", "") for call in found] == [
        f"{option.format(first)} --fast" for first in firsts
    ]


def test_each_command_has_its_first_configuration_before_the_second_of_another(
    project: Path,
) -> None:
    (project / "plain.json").write_text("{}")
    command = "python tools/train.py --config [name].json"
    words = [" ".join(call[1:]) for call in called(project, f"{command}\n{command} --test y/z")]
    assert words[:2] == ["normalized.json", "normalized.json --test y/z"]
    assert sorted(words[2:]) == ["plain.json", "plain.json --test y/z"]


def test_a_configuration_to_be_named_is_no_list_of_packages(project: Path) -> None:
    (project / "environment.yaml").write_text("name: train\ndependencies:\n  - pytorch\n")
    (project / "configs" / "img").mkdir(parents=True)
    (project / "configs" / "img" / "onet.yaml").write_text("norm: plain\n")
    (project / "notes").mkdir()
    (project / "notes" / "a.yaml").write_text("norm: plain\n")
    found = called(project, "python tools/train.py CONFIG.yaml")
    assert [" ".join(call) for call in found] == ["configs/img/onet.yaml"]


@pytest.mark.parametrize("blank", ["<config>", "[config]", "{config}", "$CONFIG", "..."])
def test_a_call_with_a_blank_is_left_out(project: Path, blank: str) -> None:
    assert not called(project, f"python tools/train.py --config {blank}")


@pytest.mark.parametrize(
    "line",
    [
        "$ python tools/train.py --config normalized.json  # trains",
        "CUDA_VISIBLE_DEVICES=0 python3.11 tools/train.py --config normalized.json && ls",
        "python -m torch.distributed.launch --nproc_per_node=4 tools/train.py --config normalized.json",
        "python tools/train.py \\\n    --config normalized.json > log.txt",
        "`python tools/train.py --config normalized.json` trains it",
    ],
)
def test_the_words_after_the_script_are_its_arguments(project: Path, line: str) -> None:
    assert called(project, line) == [("--config", "normalized.json")]


def test_a_call_of_another_script_of_that_name_is_none_of_this_one(project: Path) -> None:
    (project / "train.py").touch()
    assert not called(project, "python train.py --fast")
    assert called(project, "python train.py --fast", "train.py") == [("--fast",)]


def test_a_line_without_end_costs_little(project: Path) -> None:
    assert not called(project, "python " * 30_000 + "python train.py --config normalized.json")


OPTIONAL = SCRIPT.replace("required=True", "default=None")
BUILT_ANYWAY = OPTIONAL.replace("nn.Linear(8, 16)", "nn.Linear(8, 16), nn.BatchNorm1d(16)")


@pytest.mark.parametrize(
    "reading",
    [
        "open(args.config)",
        "Path(args.config).open()",
        "open(os.path.join(args.config, 'normalized.json'))",
        "open(f'./{args.config}')",
    ],
)
@pytest.mark.parametrize("script", [OPTIONAL, BUILT_ANYWAY])
def test_a_file_that_an_option_has_to_name_takes_a_call(
    project: Path, script: str, reading: str
) -> None:
    imports = "import os\nfrom pathlib import Path\n"
    text = imports + dedent(script).replace("open(args.config)", reading)
    (project / "tools" / "train.py").write_text(text)
    given = "." if "join" in reading else "normalized.json"
    (project / "README.md").write_text(f"Run `python tools/train.py --config {given}`.")
    assert (f"--config {given}",) in options_of_runs(project)


def test_what_has_to_be_given_takes_a_call_whatever_its_default(project: Path) -> None:
    script = SCRIPT.replace('"--config", required=True', '"config", default="None"')
    (project / "tools" / "train.py").write_text(dedent(script))
    (project / "README.md").write_text("Run `python tools/train.py normalized.json`.")
    assert ("normalized.json",) in options_of_runs(project)


def options_of_runs(project: Path) -> set[tuple[str, ...]]:
    whole = Project()
    script = whole.load(project / "tools" / "train.py")
    return {run.options for run in interpreter.rehearse([script], whole).runs}


def test_calls_go_on_until_two_build_batch_norm(project: Path) -> None:
    for name in ("plain", "a", "b", "c"):
        norm = "plain" if name == "plain" else "normalized"
        (project / f"{name}.json").write_text(f'{{"norm": "{norm}"}}')
    (project / "README.md").write_text(
        "".join(f"    python tools/train.py --config {n}.json\n" for n in ("plain", "a", "b", "c"))
    )
    assert options_of_runs(project) == {
        (),
        *((f"--config {name}.json",) for name in ("plain", "a", "b")),
    }


CHOOSING = """
    import argparse

    import torch
    from torch import nn

    parser = argparse.ArgumentParser()
    parser.add_argument("--net", default=None)
    parser.add_argument("--width", type=int)
    args = parser.parse_args()

    def net_of(name, width):
        if name == "plain":
            return nn.Linear(8, width)
        elif name == "wide":
            return nn.Linear(8, 2 * width)
        elif name == "normed":
            return Normed(width)
        raise KeyError(name)

    class Normed(nn.Module):
        def __init__(self, width):
            super().__init__()
            self.norm = nn.BatchNorm1d(width)

        def forward(self, x):
            return self.norm(x)

    net = net_of(args.net, args.width)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net(torch.randn(16, args.width)).sum().backward()
    optimizer.step()
"""


@pytest.mark.parametrize(
    ("calls", "tried"),
    [
        (["--net plain --width 4"], "--net normed --width 4"),
        (["--width 4 --net=wide"], "--width 4 --net=normed"),
        (["--net plain --width 4", "--net wide --width 8"], "--net normed --width 4"),
        (["--net normed --width 4"], ""),
        (["--net plain --width 4", "--net normed --width 8"], ""),
    ],
)
def test_where_no_call_builds_batch_norm_another_value_does(
    project: Path, calls: list[str], tried: str
) -> None:
    (project / "tools" / "train.py").write_text(dedent(CHOOSING))
    (project / "README.md").write_text(
        "".join(f"    python tools/train.py {call}\n" for call in calls)
    )
    expected = {(), *((call,) for call in calls), *([(tried,)] if tried else [])}
    assert options_of_runs(project) == expected


def test_calls_with_the_paths_of_an_earlier_one_come_last(project: Path) -> None:
    calls = ["normalized.json", "normalized.json --resume", "pyproject.toml"]
    readme = "\n".join(f"python tools/train.py --config {call}" for call in calls)
    assert [words[1:] for words in called(project, readme)] == [
        ("normalized.json",),
        ("pyproject.toml",),
        ("normalized.json", "--resume"),
    ]


@pytest.mark.parametrize("blank", ["PATH_TO_CONFIG", "CONFIG_FILE", "CONFIG"])
def test_a_blank_for_a_configuration_is_each_of_them(project: Path, blank: str) -> None:
    for name in ("a/one.yaml", "a/two.yaml", "b/three.json", "b/notes.txt"):
        file = project / "configs" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert called(project, f"python tools/train.py --config={blank}")[:1] == [
        ("--config=configs/a/one.yaml",)
    ]
    assert called(project, f"python tools/train.py {blank} --fast")[1:] == [
        ("configs/b/three.json", "--fast"),
        ("configs/a/two.yaml", "--fast"),
    ]


def test_without_configurations_a_blank_for_one_stays(project: Path) -> None:
    assert called(project, "python tools/train.py CONFIG") == [("CONFIG",)]


TRAINS = "python tools/train.py --config normalized.json"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRAINING.md", f"    {TRAINS}"),
        ("docs/start.md", "`./tools/train.py --config normalized.json` trains"),
        ("train.sh", f"#!/bin/sh\n{TRAINS}"),
        ("scripts/train.sh", f"cd ..\n{TRAINS}"),
        ("scripts/small/train.sh", TRAINS),
        ("train.sh", "CONFIG=normalized.json\npython tools/train.py --config ${CONFIG}"),
        ("train.sh", "export C='normalized.json'\npython tools/train.py --config $C"),
        ("train.sh", "for c in normalized.json b.json; do python tools/train.py --config $c; done"),
    ],
)
def test_other_documents_and_shell_scripts_show_calls(project: Path, name: str, text: str) -> None:
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text(text)
    found = [*documented_calls(Project(), project / "tools" / "train.py")]
    assert [call.arguments for call in found] == [("--config", "normalized.json")]
    assert found[0].origin == Path(name).name


def test_experiments_have_shell_scripts_of_their_own(project: Path) -> None:
    folder = project / "experiments" / "set" / "small" / "ours"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text("width: 8")
    (folder / "train.sh").write_text(
        "ROOT=../../../..\npython -m torch.distributed.launch --nproc_per_node=$1 \\\n"
        "  $ROOT/tools/train.py --config=config.yaml 2>&1 | tee log.txt"
    )
    (call,) = documented_calls(Project(), project / "tools" / "train.py")
    assert (call.arguments, call.folder) == (("--config=config.yaml",), folder)


@pytest.mark.parametrize(
    "text",
    [
        "C=normalized.json\nC=other.json\npython tools/train.py --config $C",
        "C=$1\npython tools/train.py --config $C",
        "python tools/train.py --config $1",
        "python tools/train.py --help",
        "python tools/test.py --config normalized.json",
    ],
)
def test_what_a_shell_script_does_not_say_is_left_out(project: Path, text: str) -> None:
    (project / "train.sh").write_text(text)
    assert not [*documented_calls(Project(), project / "tools" / "train.py")]


def test_a_shell_script_may_be_called_in_its_own_folder(project: Path) -> None:
    (project / "scripts").mkdir()
    call = "python ../tools/train.py --config ../normalized.json"
    (project / "scripts" / "train.sh").write_text(call)
    (found,) = documented_calls(Project(), project / "tools" / "train.py")
    assert (found.arguments[1], found.folder) == ("../normalized.json", project / "scripts")


def test_readmes_come_before_shell_scripts(project: Path) -> None:
    (project / "train.sh").write_text("python tools/train.py --fast")
    assert called(project, TRAINS) == [("--config", "normalized.json"), ("--fast",)]


def test_a_finding_under_a_call_of_a_shell_script_says_so(project: Path) -> None:
    (project / "train.sh").write_text(TRAINS)
    assert [text.split(",")[0] for text in missing_eval(project)] == [
        "With `--config normalized.json`"
    ]


def test_a_configuration_without_its_folder_is_the_only_one_of_its_name(project: Path) -> None:
    (project / "models" / "small").mkdir(parents=True)
    (project / "models" / "small" / "net.json").write_text("{}")
    (project / "models" / "other.json").write_text("{}")
    call = "python tools/train.py --config net.json"
    assert called(project, call) == [("--config", "models/small/net.json")]
    (project / "models" / "net.json").write_text("{}")
    assert called(project, call) == [("--config", "normalized.json")]


def test_a_documented_call_is_tried_with_an_option_that_freezes(project: Path) -> None:
    script = project / "tools" / "train.py"
    options = """parser.add_argument("--config", required=True)
parser.add_argument("--freeze", nargs="+", type=int, default=[0])
"""
    code = script.read_text().replace('parser.add_argument("--config", required=True)\n', options)
    frozen = "for p in net[: args.freeze[0] + 1].parameters():\n    p.requires_grad = args.freeze[0] == 0\n"
    script.write_text(code.replace("optimizer =", frozen + "optimizer ="))
    (project / "README.md").write_text(TRAINS)
    assert options_of_runs(project) == {
        (),
        ("--freeze 1",),
        ("--config normalized.json",),
        ("--config normalized.json", "--freeze 1"),
    }
    found = bnlint.lint_paths([script])
    starts = [f.message.split(",")[0] for f in found if f.rule == "BN701"]
    assert starts == ["With `--config normalized.json --freeze 1`"]
    (project / "README.md").write_text(f"{TRAINS} --freeze 0")
    assert len(options_of_runs(project)) == 3


FILLED_IN = {
    "--config normalized.json --root $DATA": "--config normalized.json --root $DATA",
    "--config normalized.json --lr <rate> --fast": "--config normalized.json --fast",
    "--config normalized.json --sizes $A $B --fast": "--config normalized.json --fast",
    "--config normalized.json --gpu=${GPU}": "--config normalized.json",
    "--config normalized.json --out={path to results}": "--config normalized.json --out={path to results}",
    "--config normalized.json [imagenet folder]": "--config normalized.json [imagenet folder]",
    '--config normalized.json [--lr LR] [--fast [FAST]] "$@"': "--config normalized.json",
    "--config normalized.json --key ... > log.txt": "--config normalized.json",
    "--config normalized.json --blocks '[1, 2]' --net \"{'depth': 50}\"": (
        "--config normalized.json --blocks [1, 2] --net {'depth': 50}"
    ),
}


@pytest.mark.parametrize(("written", "arguments"), FILLED_IN.items())
def test_options_with_blanks_have_their_defaults_but_for_files_and_folders(
    project: Path, written: str, arguments: str
) -> None:
    found = called(project, f"python tools/train.py {written}")
    assert [" ".join(call) for call in found] == [arguments]


@pytest.mark.parametrize(
    "line",
    [
        "python -m torch.distributed.launch --nproc_per_node=$GPUS tools/train.py --config normalized.json",
        "torchrun --nproc_per_node=2 tools/train.py --config normalized.json",
        "accelerate launch tools/train.py --config normalized.json",
    ],
)
def test_what_a_launcher_is_given_does_not_matter(project: Path, line: str) -> None:
    assert called(project, line) == [("--config", "normalized.json")]


@pytest.mark.parametrize(
    ("line", "script"),
    [
        ("python -m tools.train --config normalized.json", "tools/train.py"),
        ("Run `python3 -u -m tools.train --config normalized.json` to train.", "tools/train.py"),
        ("$ CUDA_VISIBLE_DEVICES=0 python -m tools --config normalized.json", "tools/__main__.py"),
        ("python tools/train --config normalized.json", "tools/train.py"),
        ("    $ python3 tools/train --config normalized.json", "tools/train.py"),
        (
            "> CUDA_VISIBLE_DEVICES=0,1 python tools/train --config normalized.json",
            "tools/train.py",
        ),
    ],
)
def test_a_script_may_be_called_as_a_module_or_without_its_suffix(
    project: Path, line: str, script: str
) -> None:
    assert called(project, line, script) == [("--config", "normalized.json")]


def test_a_module_may_be_given_a_python_file(project: Path) -> None:
    (project / "settings.py").touch()
    line = "python -m tools.train --config settings.py"
    assert called(project, line) == [("--config", "settings.py")]
    assert not called(project, line, "settings.py")


@pytest.mark.parametrize(
    "line",
    [
        "Use python tools/train --config normalized.json",
        "python -m pip install tools.train",
        "python -m other.train --config normalized.json",
        "python -m torch.distributed.run tools.train --config normalized.json",
        "python tools/trainer --config normalized.json",
        "python $FOLDER/train.py --config normalized.json",
        "The python file [tools/train.py](tools/train.py) takes --config normalized.json",
        "python tools/train.py) takes --config normalized.json",
        "python tools/train.py --config normalized.json < input",
    ],
)
def test_what_is_no_call_of_the_script_is_left_out(project: Path, line: str) -> None:
    assert not called(project, line)


def test_calls_with_blanks_come_last(project: Path) -> None:
    lines = [f"python tools/train.py {words}" for words in ("--root $DATA", "--fast", "--slow")]
    assert called(project, "\n".join(lines)) == [("--fast",), ("--slow",), ("--root", "$DATA")]


@pytest.mark.parametrize(
    "own",
    [
        '"""Train.\n\nUsage:\n    $ python tools/train.py --config normalized.json  # for once\n"""\nimport torch\n',
        '# Of 2024.\n"""Train,\nwith what a file says:\n\npython tools/train.py --config normalized.json\n"""\nimport torch\n',
        "#!/usr/bin/env python\n# python tools/train.py --config normalized.json\nimport torch\n",
        "import torch\n\n# CUDA_VISIBLE_DEVICES=0 python tools/train.py --config normalized.json\n",
    ],
)
def test_a_script_says_itself_how_it_is_called(project: Path, own: str) -> None:
    script = project / "tools" / "train.py"
    (found,) = documented_calls(Project(), script, own)
    assert found.arguments == ("--config", "normalized.json")
    assert found.origin == "train.py"
    script.write_text(own + dedent(SCRIPT))
    (message,) = missing_eval(project)
    assert "--config normalized.json" in message


def test_what_a_script_executes_is_no_description_of_its_call(project: Path) -> None:
    own = "import os\n\nos.system('python tools/train.py --config normalized.json')\n"
    assert not [*documented_calls(Project(), project / "tools" / "train.py", own)]
