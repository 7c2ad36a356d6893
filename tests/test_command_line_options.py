"""Options of a script that decide about BatchNorm get an execution in which they are given."""

from pathlib import Path

import pytest

from tests.rehearsing import rehearse, rehearse_files, widths

FREEZE = """
if {test}:
    for p in net.parameters():
        p.requires_grad = False
"""


def tried(code: str) -> set[str]:
    """The options that were given in some execution."""
    setup = "import argparse\nparser = argparse.ArgumentParser()\nnet = Net()\n"
    return {option for run in rehearse(setup + code, net=True).runs for option in run.options}


DECLARED = {
    "store_true": "'--{name}', action='store_true'",
    "a boolean optional": "'--{name}', action=argparse.BooleanOptionalAction, default=False",
    "a type": "'--{name}', type=bool, default=False",
    "a type of the script's": "'--{name}', type=lambda s: s == 'yes', default=False",
    "a default alone": "'--{name}', default=False",
}


@pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)
@pytest.mark.parametrize("name", ["freeze", "head_only", "linear-probe"])
def test_switches_that_freeze_are_tried(declared: str, name: str) -> None:
    declared = declared.format(name=name)
    test = f"args.{name.replace('-', '_')}"
    code = f"parser.add_argument({declared})\nargs = parser.parse_args()\n"
    assert tried(code + FREEZE.format(test=test)) == {f"--{name}"}


def test_a_switch_is_found_among_conditions() -> None:
    code = "parser.add_argument('--probe', action='store_true')\nargs = parser.parse_args()\n"
    for test in ("args.probe", "args.probe and args", "args.probe or args.probe"):
        assert tried(code + FREEZE.format(test=test)) == {"--probe"}


def test_the_other_branch_of_a_negation_is_one() -> None:
    code = """
parser.add_argument('--probe', action='store_true')
args = parser.parse_args()
if not args.probe:
    print('everything')
else:
    net.requires_grad_(False)
"""
    assert tried(code) == {"--probe"}


def test_a_switch_that_decides_nothing_of_batchnorm_is_not_tried() -> None:
    code = """
parser.add_argument('--verbose', action='store_true')
args = parser.parse_args()
if args.verbose:
    print(net)
"""
    assert tried(code) == set()


def test_a_switch_that_is_on_by_default_is_not_tried() -> None:
    code = "parser.add_argument('--probe', action='store_false')\nargs = parser.parse_args()\n"
    assert tried(code + FREEZE.format(test="args.probe")) == set()


METHODS = """
class Other(Net):
    pass
parser.add_argument('--method', default='net')
args = parser.parse_args()
if args.method == 'net':
    net = Net()
elif args.method == 'other':
    net = Other()
elif args.method == 'print':
    print(net)
net(torch.rand(2, 3, 8, 8))
"""


def test_a_string_that_leads_to_code_that_nothing_executed_is_tried() -> None:
    assert tried(METHODS) == {"--method other"}


def test_few_options_are_tried() -> None:
    code = "".join(f"parser.add_argument('--freeze{n}', action='store_true')\n" for n in range(9))
    code += "args = parser.parse_args()\nnet.train(False)\n"
    assert tried(code) == {"--freeze0", "--freeze1"}


def test_options_of_one_script_are_not_given_to_the_next() -> None:
    code = "parser.add_argument('--probe', action='store_true')\nargs = parser.parse_args()\n"
    first = tried(code + FREEZE.format(test="args.probe"))
    assert first == {"--probe"}
    assert tried("args = parser.parse_args()\n" + FREEZE.format(test="args.probe")) == set()


COMMANDS = """
commands = parser.add_subparsers(dest="mode")
train = commands.add_parser("train")
train.add_argument("--size", type=int, default=5)
probe = commands.add_parser("probe")
probe.add_argument("--size", type=int, default=7)
args = parser.parse_args()
if args.mode == "train":
    Net(args.size)(torch.rand(2, 3, 8, 8))
elif args.mode == "probe":
    Net(args.size).requires_grad_(False)(torch.rand(2, 3, 8, 8))
"""


def test_the_first_command_is_given_and_others_are_tried() -> None:
    rehearsal = rehearse(
        "import argparse\nparser = argparse.ArgumentParser()\n" + COMMANDS, net=True
    )
    assert [run.options for run in rehearsal.runs if run.main] == [(), ("probe",)]
    assert widths(rehearsal) == [5, 7]


def test_a_command_may_bring_its_function() -> None:
    code = """
def train(args):
    Net(args.size)(torch.rand(2, 3, 8, 8))
command = parser.add_subparsers().add_parser("train")
command.add_argument("--size", type=int, default=5)
command.set_defaults(run=train)
args = parser.parse_args()
args.run(args)
"""
    text = "import argparse\nparser = argparse.ArgumentParser()\n" + code
    assert widths(rehearse(text, net=True)) == [5]


def test_parents_hand_their_options_on() -> None:
    code = """
import argparse
common = argparse.ArgumentParser(add_help=False)
common.add_argument("--size", type=int, default=5)
args = argparse.ArgumentParser(parents=[common]).parse_args()
Net(args.size)(torch.rand(2, 3, 8, 8))
"""
    assert widths(rehearse(code, net=True)) == [5]


@pytest.mark.parametrize("default", ["0", "[0]"])
def test_a_number_of_frozen_layers_is_tried_with_one(default: str) -> None:
    code = f"""
parser.add_argument("--freeze", type=int, default={default})
args = parser.parse_args()
if args.freeze in (1, [1]):
    net.requires_grad_(False)
"""
    assert tried(code) == {"--freeze 1"}


def test_switches_go_before_strings_whose_names_are_alike() -> None:
    code = """
parser.add_argument("--finetune", type=int, default=0)
parser.add_argument("--data-finetune", default="a")
args = parser.parse_args()
width = 3
if args.data_finetune == "b":
    width = 4
if args.data_finetune == "c":
    width = 5
if args.finetune:
    net.requires_grad_(False)
"""
    assert tried(code) == {"--finetune 1", "--data-finetune b"}


CHOICES = """
import u
parser.add_argument("--kind", default="whole", choices=["whole", "weights"])
args = parser.parse_args()
if args.kind == "whole":
    model = {other}
else:
    model = Net(width=5)
    model.load_state_dict(torch.load("weights.pt"))
model.eval()
"""


def test_what_is_left_of_the_choices_is_tried_where_the_model_is_not_known() -> None:
    assert tried(CHOICES.format(other="torch.load('whole.pt')")) == {"--kind weights"}
    assert tried(CHOICES.format(other="Net(width=3)")) == set()
    assert tried(CHOICES.format(other="u.make()").replace("else:", "elif u.c():")) == set()


def test_what_the_parser_refuses_is_not_tried() -> None:
    code = """
parser.add_argument("--norm", default="group", choices=[{choices}])
args = parser.parse_args()
if args.norm == "group":
    norm = nn.GroupNorm(1, 3)
elif args.norm == "batch":
    norm = nn.BatchNorm1d(3)
"""
    assert tried(code.format(choices="'group', 'batch'")) == {"--norm batch"}
    assert tried(code.format(choices="'group', 'layer'")) == set()


OPEN = """
parser.add_argument({declared})
args = parser.parse_args()
if args.net == 'plain':
    model = nn.Linear(3, 3)
elif args.net == 'small':
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8))
elif args.net == 'large':
    model = nn.Sequential(nn.Conv2d(3, 64, 3), nn.BatchNorm2d(64))
else:
    model = None
"""


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ("'--net', required=True", {"--net small"}),
        ("'-net', type=str, required=True", {"-net small"}),
        ("'net'", {"small"}),
        ("'--net'", set()),
    ],
)
def test_what_has_no_default_is_given_so_that_there_is_batchnorm(
    declared: str, said: set[str]
) -> None:
    assert tried(OPEN.format(declared=declared)) == said


def test_a_default_that_is_refused_is_given_so_that_there_is_batchnorm() -> None:
    code = OPEN.format(declared="'--net', default='none'")
    assert tried(code.replace("model = None", "raise ValueError(args.net)")) == {"--net small"}


PLAIN_BY_DEFAULT = """
import torchvision
parser.add_argument("--model", default="mlp", type=str)
args = parser.parse_args()
def make(kind):
    if kind == "mlp":
        return nn.Linear(3, 3)
    elif kind == "vgg":
        return torchvision.models.vgg11()
    elif kind in ("wide", "deep"):
        return torchvision.models.wide_resnet50_2()
    return {last}
make(args.model)(x)
"""


@pytest.mark.parametrize(
    ("flag", "before", "expected"),
    [
        ("--train", "", {"--train", "--freeze"}),
        ("--do_train", "", {"--do_train", "--freeze"}),
        ("--train", "net(torch.randn(2, 3, 8, 8)).sum().backward()", {"--freeze", "--freeze-bn"}),
    ],
)
def test_where_the_default_trains_nothing_what_trains_is_tried(
    flag: str, before: str, expected: set[str]
) -> None:
    code = f"""
{before}
for name in ("{flag}", "--freeze", "--freeze-bn"):
    parser.add_argument(name, action="store_true")
args = parser.parse_args()
if args.{flag[2:]}:
    net(torch.randn(2, 3, 8, 8)).sum().backward()
"""
    assert tried(code) == expected


def tried_for_batchnorm(code: str, **filled: str) -> set[str]:
    """The options that were given by a script whose default builds none."""
    setup = "import argparse\nparser = argparse.ArgumentParser()\n"
    text = setup + code.format(**filled)
    return {option for run in rehearse(text, net=True).runs for option in run.options}


def test_where_the_default_builds_no_batchnorm_what_builds_it_is_tried() -> None:
    assert tried_for_batchnorm(PLAIN_BY_DEFAULT, last="None") == {"--model wide"}
    plain = PLAIN_BY_DEFAULT.replace("wide_resnet50_2", "alexnet")
    assert tried_for_batchnorm(plain, last="None") == set()
    assert tried_for_batchnorm(plain.replace("torchvision.models.alexnet", "Net"), last="x") == {
        "--model wide"
    }


def test_a_default_that_builds_batchnorm_is_enough() -> None:
    code = PLAIN_BY_DEFAULT.replace("nn.Linear(3, 3)", "nn.BatchNorm1d(3)")
    assert tried_for_batchnorm(code, last="None") == set()


NETS = """#
from torch import nn

class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 4)

class Wide(Plain):
    pass

class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)

def net_of(name):
    if name == "plain":
        return Plain()
    elif name == "wide":
        return Wide()
    elif name == "normed":
        return Normed()
    raise KeyError(name)
"""
CHOOSING = """#
import argparse
from nets import net_of
parser = argparse.ArgumentParser()
parser.add_argument("--net", default="{default}")
net = net_of(parser.parse_args().net)
"""


@pytest.mark.parametrize(
    ("default", "expected"), [("plain", {"--net normed"}), ("normed", set[str]())]
)
def test_what_builds_batchnorm_is_tried_where_another_file_chooses(
    tmp_path: Path, default: str, expected: set[str]
) -> None:
    files = {"main.py": CHOOSING.format(default=default), "nets.py": NETS}
    runs = rehearse_files(tmp_path, files).runs
    assert {option for run in runs for option in run.options} == expected


def test_options_that_freeze_are_tried_where_no_model_is_known() -> None:
    code = "import u\nparser.add_argument('--freeze', action='store_true')\nargs = parser.parse_args()\nu.net().eval()\n"
    assert tried_for_batchnorm(code) == {"--freeze"}


def test_an_option_that_calls_a_function_of_a_function_is_tried() -> None:
    code = """
parser.add_argument("--fit", action="store_true")
args = parser.parse_args()
def main():
    def fit():
        net.requires_grad_(True)
    {before}
    if args.fit:
        fit()
main()
"""
    assert tried(code.format(before="pass")) == {"--fit"}
    assert tried(code.format(before="fit()")) == set()


def test_an_option_that_switches_to_train_mode_is_tried() -> None:
    code = """
parser.add_argument("--sample", action="store_true")
args = parser.parse_args()
if not args.sample:
    net.eval()
else:
    net.{call}
"""
    assert tried(code.format(call="train()")) == {"--sample"}
    assert tried(code.format(call="to('cuda')")) == set()


@pytest.mark.parametrize("name", ["probe", "linear-probe"])
def test_an_option_that_is_given_goes_before_a_default_of_the_parser(name: str) -> None:
    code = f"""
parser.add_argument("--{name}", action="store_true")
parser.set_defaults({name.replace("-", "_")}=False)
args = parser.parse_args()
if args.{name.replace("-", "_")}:
    net = Net(64)
    net.requires_grad_(False)
"""
    assert tried(code) == {f"--{name}"}
    setup = "import argparse\nparser = argparse.ArgumentParser()\nnet = Net()\n"
    assert 64 in widths(rehearse(setup + code, net=True))


EVALUATION = """
import torch
def test(net, loader):
    {body}
def show(curve):
    print(curve)
"""


def test_an_option_that_calls_a_function_of_a_module_is_tried(tmp_path: Path) -> None:
    code = """#
import argparse
import evaluation
from torch import nn
parser = argparse.ArgumentParser()
parser.add_argument("--test", action="store_true")
parser.add_argument("--show", action="store_true")
args = parser.parse_args()
net = nn.BatchNorm1d(8)
if args.test:
    evaluation.test(net, [])
if args.show:
    evaluation.show([])
"""
    for body, expected in (("with torch.no_grad(): net(loader)", {"--test"}), ("pass", set[str]())):
        files = {"train.py": code, "evaluation.py": "#" + EVALUATION.format(body=body)}
        runs = rehearse_files(tmp_path, files, "train.py").runs
        assert {option for run in runs for option in run.options} == expected


DEFAULTS = {
    "one more than the script's name": "int(sys.argv[1]) if len(sys.argv) > 1 else 24",
    "the other way round": "24 if len(sys.argv) < 2 else int(sys.argv[1])",
    "those behind the name": "int(sys.argv[1]) if sys.argv[1:] else 24",
}


@pytest.mark.parametrize("width", DEFAULTS.values(), ids=DEFAULTS)
def test_a_number_that_the_command_line_may_replace_has_its_default(width: str) -> None:
    code = f"import sys\nnet = Net({width})\nnet(torch.randn(4, 3, 8, 8))\n"
    assert widths(rehearse(code, net=True)) == [24]


def test_a_word_that_the_command_line_may_replace_is_not_taken_for_its_default() -> None:
    code = """
import sys
phase = sys.argv[1] if len(sys.argv) > 1 else "test"
net = Net(24 if phase == "train" else 8)
net(torch.randn(4, 3, 8, 8))
"""
    assert widths(rehearse(code, net=True)) != [8]


def test_a_file_that_the_command_line_may_replace_is_read(tmp_path: Path) -> None:
    code = """
import sys
import yaml
with open(sys.argv[1] if len(sys.argv) > 1 else "width.yaml") as file:
    net = nn.BatchNorm2d(yaml.safe_load(file)["width"])
"""
    found = rehearse_files(tmp_path, {"train.py": code, "width.yaml": "# size\nwidth: 24\n"})
    assert widths(found) == [24]


RENAMED = """
parser.add_argument('--bn', action='store_true')
parser.add_argument('--verbose', action='store_true')
{rest}
args = parser.parse_args()


class Critic(nn.Module):
    def __init__(self, width, normalize=False, loud=False):
        super().__init__()
        self.wanted = normalize
        {layer}
        if loud:
            print("built")

    def forward(self, x):
        return self.norm(x)


critic = Critic(8, {given}, loud=args.verbose)
"""
IN_AN_EXPRESSION = "self.norm = nn.BatchNorm1d(width) if {} else nn.Identity()"


@pytest.mark.parametrize("given", ["args.bn", "normalize=args.bn"])
@pytest.mark.parametrize("name", ["normalize", "self.wanted"])
def test_a_switch_is_found_under_other_names(given: str, name: str) -> None:
    code = RENAMED.format(rest="", given=given, layer=IN_AN_EXPRESSION.format(name))
    assert tried(code) == {"--bn"}


def test_a_switch_is_found_where_an_expression_negates_it() -> None:
    layer = "self.norm = nn.Identity() if not normalize else nn.BatchNorm1d(width)"
    assert tried(RENAMED.format(rest="", given="args.bn", layer=layer)) == {"--bn"}


def test_a_word_that_chooses_a_layer_in_an_expression_is_tried() -> None:
    rest = "parser.add_argument('--norm', default='none', choices=['none', 'batch'])"
    layer = IN_AN_EXPRESSION.format("args.norm == 'batch'")
    assert tried(RENAMED.format(rest=rest, given="args.bn", layer=layer)) == {"--norm batch"}


def test_checkpointing_is_tried() -> None:
    code = """
from torch.utils.checkpoint import checkpoint
parser.add_argument('--low-memory', action='store_true')
parser.add_argument('--resume', action='store_true')
args = parser.parse_args()


def run(block, x, lean):
    if lean:
        return checkpoint(block, x, use_reentrant=False)
    return block(x)


if args.resume:
    print("going on with the last checkpoint")
run(net, torch.randn(8, 3, 32, 32), args.low_memory).sum().backward()
"""
    assert tried(code) == {"--low-memory"}


OPTPARSE = """
from optparse import OptionGroup, OptionParser
parser = OptionParser()
parser.add_option("-w", "--width", dest="width", default="4", type="int")
group = OptionGroup(parser, "more")
group.add_option("--frozen", action="store_true", default=False)
group.add_option("--name")
parser.add_option_group(group)
options, rest = parser.parse_args()
"""


def test_optparse() -> None:
    code = (
        OPTPARSE
        + "if options.name is None:\n    net = nn.Sequential(nn.BatchNorm2d(options.width))\n"
    )
    found = rehearse(code + "if options.frozen:\n    net.eval()\nnet(torch.ones(1, 4, 2, 2))\n")
    assert [run.options for run in found.runs if run.main] == [(), ("--frozen",)]
    assert widths(found) == [4, 4]
