"""``bnlint train.py -- ARGUMENTS`` and ``runs``: argparse itself says what the arguments mean."""

import argparse
import contextlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bnlint import interpreter
from bnlint.facts.types.invocation import Invocation
from bnlint.facts.types.run import Forward
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Unknown
from bnlint.interpreter.entry_points import Rehearser
from bnlint.source import Project, parse_text
from tests.rehearsing import HEAD

Write = Callable[..., Path]
Run = Callable[..., Any]


def names_after(code: str, *arguments: str) -> dict[str, object]:
    """The global names of a script that was called with arguments."""
    file = parse_text(HEAD + dedent(code), "train.py", Path("/bnlint-example/train.py"))
    machine, facts = interpreter._machine(Project({file.file: file}))
    rehearser = Rehearser(machine, facts)
    with interpreter._deep_recursion():
        rehearser.run_script(file, [Invocation(arguments)])
    assert not machine.journal.failures
    refused = [refusal.message for refusal in machine.command_line.refusals]
    return rehearser.namespace_of(file).names | {"refused": "".join(refused)}


def options_after(code: str, *arguments: str) -> object:
    """The options that a script reads, or the message that it ends with."""
    found = names_after("import argparse\n" + dedent(code), *arguments)
    args = found.get("args")
    return args.attributes if isinstance(args, Instance) else found.get("refused")


def options_of_argparse(code: str, arguments: Sequence[str]) -> object:
    """The same, by executing it."""
    scope: dict[str, Any] = {"sys_argv": list(arguments)}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            exec("import argparse\n" + code.replace("parse_args()", "parse_args(sys_argv)"), scope)
    except SystemExit:
        return printed.getvalue().rpartition("error: ")[2].strip()
    return vars(scope["args"])


KEYWORDS = {
    "an integer": "'--{name}', type=int, default=1000",
    "a number": "'-{short}', '--{name}', type=float",
    "a string": "'--{name}', default='a b'",
    "a choice": "'--{name}', choices=['a', 'b', 'c'], default='c'",
    "an integer of few": "'--{name}', type=int, choices=range(4)",
    "a switch": "'-{short}', '--{name}', action='store_true'",
    "a switch off": "'--{name}', action='store_false'",
    "a constant": "'--{name}', action='store_const', const=7",
    "both ways": "'--{name}', action=argparse.BooleanOptionalAction, default=None",
    "several": "'--{name}', nargs='+', type=int, default=[1]",
    "two": "'--{name}', nargs=2",
    "perhaps one": "'--{name}', nargs='?', const='c', default='d'",
    "perhaps a number": "'--{name}', nargs='?', const='5', type=int",
    "again and again": "'--{name}', action='append', type=int",
    "more": "'--{name}', action='extend', nargs='*', default=['z']",
    "a count": "'-{short}', action='count', default=1, dest='{name}'",
    "a truth": "'--{name}', type=bool, default=None",
    "one of the script's": "'--{name}', type=lambda text: text.lower() == 'yes', default=None",
    "required": "'--{name}', required=True",
    "elsewhere": "'--{name}', dest='{name}_there', type=int",
    "left out": "'--{name}', default=argparse.SUPPRESS",
    "a place": "'{name}'",
    "a number's place": "'{name}', type=int",
    "perhaps a place": "'{name}', nargs='?', default='p'",
    "any places": "'{name}', nargs='*'",
    "the rest": "'{name}', nargs=argparse.REMAINDER",
}
"""No default is among the words: in a group of which one is required, argparse takes for not given what
*is* the default, an interned number or string."""
NAMES = ("alpha", "beta", "batch_size", "lr")
WORDS = st.sampled_from(
    """--alpha --beta --batch_size --lr --alp --batch_size=4 --lr=0.1 --alpha=a --no-alpha --no-beta
    -a -b -a4 -bb -l 3 4 0.5 1e-3 -1 -- a b yes run go no x=1 --unknown --lr= 07""".split()
)


@st.composite
def parsers(draw: st.DrawFn) -> str:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    lines = [f"parser = argparse.ArgumentParser(allow_abbrev={draw(st.booleans())})"]
    holders = ["parser"]
    match draw(st.sampled_from(["", "group", "exclusive", "parents", "commands"])):
        case "group":
            lines.append("group = parser.add_argument_group('some')")
            holders.append("group")
        case "exclusive":
            required = draw(st.booleans())
            lines.append(f"group = parser.add_mutually_exclusive_group(required={required})")
            holders.append("group")
        case "parents":
            lines[:0] = ["base = argparse.ArgumentParser(add_help=False)"]
            lines.insert(1, "base.add_argument('--shared', type=int, default=2)")
            lines[2] = "parser = argparse.ArgumentParser(parents=[base])"
        case "commands":
            dest = draw(st.sampled_from(["dest='cmd'", "dest='cmd', required=True", ""]))
            lines.append(f"sub = parser.add_subparsers({dest})")
            lines.append("run = sub.add_parser('run', aliases=['r'])")
            lines.append("go = sub.add_parser('go')")
            lines.append("go.set_defaults(speed=3)")
            holders = ["run", "go"]
    for number, name in enumerate(names):
        keywords = draw(st.sampled_from(sorted(KEYWORDS.values())))
        declared = keywords.format(name=name, short="abxy"[number])
        lines.append(f"{draw(st.sampled_from(holders))}.add_argument({declared})")
    return "\n".join([*lines, "args = parser.parse_args()", ""])


@settings(max_examples=150, deadline=None)
@given(parsers(), st.lists(WORDS, max_size=6))
def test_options_are_those_of_argparse_or_not_known(code: str, words: list[str]) -> None:
    try:
        expected = options_of_argparse(code, words)
    except (ValueError, TypeError):  # argparse does not take such a parser
        return
    found = options_after(code, *words)
    if isinstance(found, dict) and all(map(_is_unknown, found.values())):
        return
    if isinstance(expected, str) or not isinstance(found, dict):
        assert found == expected or (not expected and "only prints" in str(found)), (code, words)
        return
    assert found.keys() == expected.keys(), (code, words)
    for name, value in expected.items():
        assert isinstance(found[name], Unknown) or found[name] == value, (code, words)


def test_few_options_are_not_known() -> None:
    """The property above is not kept by knowing nothing."""
    known = 0
    for keywords in KEYWORDS.values():
        code = "parser = argparse.ArgumentParser()\n"
        code += f"parser.add_argument({keywords.format(name='alpha', short='a')})\n"
        code += "args = parser.parse_args()\n"
        for words in ([], ["--alpha"], ["--alpha", "3"], ["3"], ["--alpha", "1", "2"]):
            found = options_after(code, *words)
            known += isinstance(found, dict) and not any(map(_is_unknown, found.values()))
            assert found == options_of_argparse(code, words), (code, words)
    assert known > 40


def _is_unknown(value: object) -> bool:
    return isinstance(value, Unknown)


def test_a_parser_that_others_may_extend_takes_what_is_not_known() -> None:
    code = """
    import framework
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=3)
    framework.add_options(parser)
    args = parser.parse_args()
    """
    assert options_after(code, "--size", "4", "--other", "5") == {"size": 4}


@pytest.mark.parametrize(
    "declared",
    [
        "*flags, type=int",
        "'--size', type=number",
        "'--size', type=argparse.FileType('w')",
        "'--size', action=Mine",
        "'--size', nargs=number",
    ],
)
def test_what_cannot_be_read_is_not_known(declared: str) -> None:
    code = f"""
    from elsewhere import Mine, flags, number
    parser = argparse.ArgumentParser()
    parser.add_argument({declared})
    args = parser.parse_args()
    """
    found = options_after(code, "--size", "/dev/null")
    assert isinstance(found, dict)
    assert isinstance(found.get("size", Unknown()), Unknown)


def test_arguments_that_the_code_gives_itself_are_read() -> None:
    code = """
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=3)
    args = parser.parse_args(["--size", "5"])
    """
    assert options_after(code) == {"size": 5}
    assert options_after(code, "--size", "7") == {"size": 5}


def test_known_options_leave_a_rest() -> None:
    code = """
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=3)
    args, rest = parser.parse_known_args()
    other = argparse.ArgumentParser()
    other.add_argument("--lr", type=float)
    last = other.parse_args(rest)
    """
    found = names_after("import argparse" + dedent(code), "--size", "5", "--lr", "0.1")
    assert found["rest"] == ["--lr", "0.1"]
    assert isinstance(found["last"], Instance)
    assert found["last"].attributes == {"lr": 0.1}


def test_a_parser_of_a_class_of_the_script() -> None:
    code = """
    class Options(argparse.ArgumentParser):
        def __init__(self):
            super().__init__()
            self.add_argument("--size", type=int, default=3)

        def parse_args(self):
            found = super().parse_args()
            found.double = 2 * found.size
            return found

    args = Options().parse_args()
    """
    assert options_after(code, "--size", "5") == {"size": 5, "double": 10}


@pytest.mark.parametrize(
    "code",
    [
        "from elsewhere import p\nparser = argparse.ArgumentParser(parents=[p])\n",
        "from elsewhere import o\nparser = argparse.ArgumentParser(**o)\n",
        "from elsewhere import p\nparser = argparse.ArgumentParser()\n"
        "parser.add_subparsers(dest='c').add_parser('a', parents=[p])\n",
    ],
)
def test_unknown_parents_may_bring_options(code: str) -> None:
    words = ["a", "--size", "4"] if "sub" in code else ["--size", "4"]
    assert isinstance(options_after(code + "args = parser.parse_args()\n", *words), dict)


def test_a_namespace_of_the_script_is_filled() -> None:
    code = """
    class Options:
        pass
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=3)
    args = Options()
    parser.parse_args(namespace=args)
    """
    assert options_after(code, "--size", "5") == {"size": 5}


@pytest.mark.parametrize("imported", ["import sys\nargv = sys.argv", "from sys import argv"])
def test_the_arguments_themselves(imported: str) -> None:
    code = f"{imported}\nsize, rest = int(argv[1]), argv[2:]\nmany = len(argv) > 2\n"
    found = names_after(code, "5", "b")
    assert (found["size"], found["rest"], found["many"]) == (5, ["b"], True)


# -- as users meet it ----------------------------------------------------------------------------

SCRIPT = """\
import argparse
import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, models

parser = argparse.ArgumentParser()
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--verbose", action="store_true")
args = parser.parse_args()
net = models.resnet18()
loader = DataLoader(datasets.ImageFolder("."), args.batch_size, shuffle=True)
for x, y in loader:
    nn.functional.cross_entropy(net(x), y).backward()
"""
TINY = "batches of 4 (`--batch-size 4`, given after `--`)"


def test_the_script_is_linted_as_it_is_called(project: Write, run: Run) -> None:
    project({"train.py": SCRIPT})
    assert run("train.py").status == 0
    printed = run("train.py", "--", "--batch-size", "4")
    assert printed.status == 1
    assert TINY in printed.out.replace("\n      ", " ")
    assert "train.py:8:1: `--batch-size 4`, given after `--`\n" in printed.out
    assert run("train.py", "--", "--batch-size", "32").status == 0


def test_what_is_given_comes_from_standard_input_too(project: Write, run: Run) -> None:
    project({})
    printed = run("-", "--", "--batch-size=4", stdin=SCRIPT.encode())
    assert "`--batch-size 4`, given after `--`" in printed.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train.py", "--", "--size", "4"], "unrecognized arguments: --size 4"),
        (["train.py", "--", "--batch-size", "x"], "argument --batch-size: invalid int value: 'x'"),
        (["train.py", "--", "--batch-size"], "argument --batch-size: expected one argument"),
        (["train.py", "--", "--help"], "with these arguments it only prints how it is used"),
        ([".", "--", "x"], "arguments after `--` go to exactly one script; `.` is a folder"),
        (["--", "x"], "arguments after `--` go to exactly one script, and none is named before"),
        (["train.py", "b.py", "--", "x"], "arguments after `--` go to exactly one script, and 2"),
        (["trace", "train.py", "--", "x"], "arguments after `--` are those of a script that"),
        (["train.py", "--", *"x" * 251], "the arguments after `--` are more than 250"),
    ],
)
def test_what_is_not_taken_is_one_line(
    arguments: list[str], message: str, project: Write, run: Run
) -> None:
    project({"train.py": SCRIPT, "b.py": ""})
    printed = run(*arguments)
    assert printed.status == 2
    assert printed.out == ""
    assert printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1


def test_arguments_that_nothing_reads_are_said(project: Write, run: Run) -> None:
    project({"a.py": "import torch\nprint(torch.rand(2))\n", "b.py": "print(1)\n"})
    for name in ("a.py", "b.py"):
        printed = run(name, "--", "--size", "4")
        assert printed.status == 0
        assert "nothing that was understood of the script reads the arguments" in printed.err


def test_kept_calls_are_linted_besides_the_defaults(project: Write, run: Run) -> None:
    kept = '[tool.bnlint]\nruns = ["train.py --batch-size 4", "other.py"]\n'
    project({"pyproject.toml": kept, "train.py": SCRIPT, "other.py": "import torch\n"})
    for path in ("train.py", "."):
        out = run("--format", "concise", path).out
        assert out.count("BN501") == 1
        assert "With `--batch-size 4`, BatchNorm in `net` is trained on batches of 4" in out


@pytest.mark.parametrize("holder", ["parser", "group"])
def test_options_of_an_imported_module(holder: str, project: Write, run: Run) -> None:
    head, tail = SCRIPT.split("net = ")
    head = head.replace("args =", "group = parser.add_argument_group()\nargs =")
    declared = 'add_argument("--batch-size", type=int, default=64)'
    head = head.replace(f"parser.{declared}\n", "")
    head = head.replace("args =", f"{holder}.{declared}\nargs =")
    body = f"{head.partition('parser')[0]}from options import args\nnet = {tail}"
    project({"options.py": head, "train.py": body})
    assert TINY in run("--format", "concise", "train.py", "--", "--batch-size", "4").out


def test_a_kept_call_imports_afresh(project: Write, run: Run) -> None:
    head, tail = SCRIPT.split("net = ")
    project(
        {
            "pyproject.toml": '[tool.bnlint]\nruns = ["train.py --batch-size 4"]\n',
            "options.py": head,
            "train.py": f"{head.partition('parser')[0]}from options import args\nnet = {tail}",
        }
    )
    assert "With `--batch-size 4`" in run("--format", "concise", "train.py").out


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ('"train.py"', "must be a list of strings"),
        ("[3]", "must be a list of strings"),
        ("['train.py \"x']", '`train.py "x` in `runs` of'),
        ("['']", "is no command: it names no script"),
        ("['no.py --x']", "there is no script `no.py` in"),
        ("['train.py --x']", "unrecognized arguments: --x"),
        (str(["train.py"] * 21), "has more than 20 commands"),
    ],
)
def test_bad_kept_calls_are_one_line(runs: str, message: str, project: Write, run: Run) -> None:
    project({"pyproject.toml": f"[tool.bnlint]\nruns = {runs}\n", "train.py": SCRIPT})
    printed = run("train.py")
    assert printed.status == 2
    assert message in printed.err
    assert printed.err.count("\n") == 1


def test_a_call_decides_for_branches() -> None:
    code = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--mode", choices=["train", "eval"], default="train")
    args = parser.parse_args()
    net = nn.BatchNorm2d(3)
    if args.mode == "eval":
        net.eval()
    net(torch.rand(2, 3, 4, 4))
    """
    file = parse_text(HEAD + dedent(code), "train.py", Path("/bnlint-example/train.py"))
    calls = {file.file: [Invocation(("--mode", "eval"))]}
    rehearsal = interpreter.rehearse([file], Project({file.file: file}), calls=calls)
    (forward,) = [event for r in rehearsal.runs for event in r.of_type(Forward)]
    assert {switch.training for switch in forward.mode} == {False}


def test_the_oracle_sees_errors() -> None:
    code = "parser = argparse.ArgumentParser()\nargs = parser.parse_args()\n"
    assert options_of_argparse(code, ["--x"]) == "unrecognized arguments: --x"
    assert argparse.ArgumentParser().prog


# -- other parsers ------------------------------------------------------------------------------

DATACLASS = """
from dataclasses import dataclass, field
from typing import List, Optional

@dataclass
class Config:
    batch_size: int = 64
    freeze: bool = False
    shuffle: bool = True
    lr: Optional[float] = None
    name: str = "a"
    sizes: List[int] = field(default_factory=lambda: [1])
"""
FUNCTION = """
def main(batch_size: int = 64, freeze: bool = False, shuffle: bool = True,
         lr: float = None, name: str = "a"):
    global found
    found = batch_size, freeze, shuffle, lr, name
"""
FOUND = """
found = cfg.batch_size, cfg.freeze, cfg.shuffle, cfg.lr, cfg.name
"""
CLICK = """
import click

@click.command()
@click.option("--batch-size", "-b", type=int, default=64)
@click.option("--freeze", is_flag=True)
@click.option("--shuffle/--no-shuffle", default=True)
@click.option("--lr", type=float)
@click.option("--name", type=click.Choice(["a", "b"]), default="a")
def main(batch_size, freeze, shuffle, lr, name):
    global found
    found = batch_size, freeze, shuffle, lr, name

if __name__ == "__main__":
    main()
"""
ABSL = """
from absl import app, flags
FLAGS = flags.FLAGS
flags.DEFINE_integer("batch_size", 64, "how many")
flags.DEFINE_bool("freeze", False, "whether")
flags.DEFINE_boolean("shuffle", True, "whether")
flags.DEFINE_float("lr", None, "rate")
flags.DEFINE_enum("name", "a", ["a", "b"], "name")

def main(argv):
    global found
    found = FLAGS.batch_size, FLAGS.freeze, FLAGS.shuffle, FLAGS.lr, FLAGS.name

if __name__ == "__main__":
    app.run(main)
"""
DASHES = "--batch-size 4 --freeze --no-shuffle --lr 0.1 --name b"
UNDERSCORES = "--batch_size 4 --freeze --no_shuffle --lr 0.1 --name=b"
OTHERS = {
    "click": (CLICK, DASHES),
    "click, short": (CLICK, "-b4 --freeze --no-shuffle --lr=0.1 --name b"),
    "typer.run": ("import typer\n" + FUNCTION + "typer.run(main)\n", DASHES),
    "a typer app": (
        "import typer\napp = typer.Typer()\n@app.command()" + FUNCTION + "app()\n",
        DASHES,
    ),
    "tyro": ("import tyro\n" + FUNCTION + "tyro.cli(main)\n", DASHES),
    "tyro and a dataclass": (
        "import tyro\n" + DATACLASS + "cfg = tyro.cli(Config)\n" + FOUND,
        DASHES,
    ),
    "fire": (
        "import fire\n" + FUNCTION + "fire.Fire(main)\n",
        "--batch_size=4 --freeze --noshuffle --lr 0.1 --name b",
    ),
    "fire and places": (
        "import fire\n" + FUNCTION + "fire.Fire({'train': main})\n",
        "train 4 True False 0.1 b",
    ),
    "HfArgumentParser": (
        "from transformers import HfArgumentParser\n"
        + DATACLASS
        + "(cfg,) = HfArgumentParser((Config,)).parse_args_into_dataclasses()\n"
        + FOUND,
        UNDERSCORES,
    ),
    "simple_parsing": (
        "from simple_parsing import ArgumentParser\n"
        + DATACLASS
        + "parser = ArgumentParser()\nparser.add_arguments(Config, dest='options')\n"
        + "cfg = parser.parse_args().options\n"
        + FOUND,
        "--batch_size 4 --freeze true --shuffle False --lr 0.1 --name b",
    ),
    "absl": (ABSL, "--batch_size=4 --freeze --noshuffle --lr 0.1 --name=b"),
}


@pytest.mark.parametrize("package", OTHERS)
def test_other_packages(package: str) -> None:
    code, words = OTHERS[package]
    if "places" not in package:
        assert names_after(code)["found"] == (64, False, True, None, "a")
    assert names_after(code, *words.split())["found"] == (4, True, False, 0.1, "b")


@pytest.mark.parametrize("package", sorted(OTHERS.keys() - {"fire and places"}))
def test_other_packages_refuse_in_one_line(package: str, project: Write, run: Run) -> None:
    code, _ = OTHERS[package]
    project({"train.py": HEAD + code})
    printed = run("train.py", "--", "--batchsize_of", "4")
    assert printed.status == 2
    assert printed.err.startswith("error: ")
    assert "batchsize_of" in printed.err
    assert printed.err.count("\n") == 1


GROUP = """
import click

@click.group()
@click.option("--device", default="cpu")
def cli(device):
    global where
    where = device

@cli.command()
@click.argument("sizes", nargs=-1, type=int)
def train(sizes):
    global found
    found = sizes

@cli.command("test-it")
@click.option("--size", default=3)
def test(size):
    global found
    found = size

if __name__ == "__main__":
    cli()
"""


def test_groups_of_commands() -> None:
    found = names_after(GROUP, "--device", "cuda", "train", "3", "4")
    assert (found["where"], found["found"]) == ("cuda", (3, 4))
    assert names_after(GROUP, "test-it", "--size", "9")["found"] == 9
    assert names_after(GROUP, "no")["refused"] == "no such command 'no'"


def test_lists_and_files_of_dataclasses(tmp_path: Path) -> None:
    code = "from transformers import HfArgumentParser\n" + DATACLASS
    code += (
        "(cfg,) = HfArgumentParser((Config,)).parse_args_into_dataclasses()\nsizes = cfg.sizes\n"
    )
    assert names_after(code, "--sizes", "1", "2")["sizes"] == [1, 2]


def test_a_dataclass_of_what_is_not_known_says_so() -> None:
    code = DATACLASS + "import yaml\ncfg = Config(**yaml.safe_load(open('none.yaml')))\n"
    cfg = names_after(code)["cfg"]
    assert isinstance(cfg, Instance)
    said = getattr(cfg.attributes["batch_size"], "given_by", None)
    assert said == "the default of `Config.batch_size`, which `**` may change"


NESTED = """
import tyro
from dataclasses import dataclass, field

@dataclass
class Norm:
    eps: float = 0.1
    track: bool = True

@dataclass
class Data:
    batch_size: int = 64
    root: str = "a"

@dataclass
class Config:
    data: Data = field(default_factory=Data)
    other: Data = Data(batch_size=8, root="b")
    norm: Norm = field(default_factory=Norm)
    seed: int = 0
"""
SHOWN = """
def main(cfg: Config, name: str = "n"):
    global found
    found = (cfg.data.batch_size, cfg.data.root, cfg.other.batch_size, cfg.other.root,
             cfg.norm.track, cfg.seed, name)
"""


@pytest.mark.parametrize(
    ("call", "words", "expected"),
    [
        ("main(tyro.cli(Config))", "", (64, "a", 8, "b", True, 0, "n")),
        ("main(tyro.cli(Config))", "--data.batch-size 4 --seed 3", (4, "a", 8, "b", True, 3, "n")),
        (
            "main(tyro.cli(Config))",
            "--other.root c --norm.no-track",
            (64, "a", 8, "c", False, 0, "n"),
        ),
        ("tyro.cli(main)", "--cfg.data.batch-size 4 --name m", (4, "a", 8, "b", True, 0, "m")),
    ],
)
def test_fields_of_dataclasses_within_dataclasses(call: str, words: str, expected: object) -> None:
    assert names_after(NESTED + SHOWN + call, *words.split())["found"] == expected


def test_the_words_of_optparse() -> None:
    code = """
    from optparse import OptionParser
    parser = OptionParser()
    parser.add_option("--width", default="4", type="int")
    parser.add_option("--quick", action="store_true", default=False)
    parser.add_option("--name", dest="called")
    (args, rest) = parser.parse_args()
    """
    found = names_after(code, "--width=8", "data", "--quick")
    assert isinstance(found["args"], Instance)
    assert found["args"].attributes == {"width": 8, "quick": True, "called": None}
    assert found["rest"] == ["data"]
