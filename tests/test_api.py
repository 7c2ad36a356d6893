"""What ``import bnlint`` offers for notebooks and tests: rules and measurements on live models."""

import copy
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import bnlint
from bnlint.facts.types.kind import Kind

torch = pytest.importorskip("torch")
nn = torch.nn


class Net(nn.Module):  # type: ignore[name-defined, misc]
    """A convolution with a dead bias."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 36, 4))

    def forward(self, x: Any) -> Any:
        return self.head(self.bn(self.conv(x)).relu())


class Stacked(nn.Module):  # type: ignore[name-defined, misc]
    """Residual blocks, with BatchNorm in the branch or without."""

    def __init__(self, depth: int, norm: bool) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Sequential(nn.BatchNorm2d(8) if norm else nn.Identity(), nn.ReLU(), conv(8, 8))
            for _ in range(depth)
        )

    def forward(self, x: Any) -> Any:
        for branch in self.branches:
            x = x + branch(x)
        return x


def conv(inside: int, outside: int) -> Any:
    made = nn.Conv2d(inside, outside, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(made.weight)
    return made


def state(model: Any) -> dict[str, Any]:
    return {
        "tensors": {name: tensor.clone() for name, tensor in model.state_dict().items()},
        "objects": {name: id(parameter) for name, parameter in model.named_parameters()},
        "modes": [module.training for module in model.modules()],
        "attributes": [sorted(module.__dict__) for module in model.modules()],
        "random": (torch.get_rng_state().tolist(), random.getstate()),
    }


def same(before: dict[str, Any], after: dict[str, Any]) -> bool:
    tensors = before.pop("tensors"), after.pop("tensors")
    equal = all(torch.equal(tensors[0][name], tensors[1][name]) for name in tensors[0])
    return equal and tensors[0].keys() == tensors[1].keys() and before == after


def test_a_model_is_traced_and_left_as_it_was() -> None:
    model = Net().eval()
    before = state(model)
    graph = bnlint.trace_model(model, input_size=(4, 3, 8, 8))
    assert same(before, state(model))
    assert graph.complete
    assert (graph.problems, graph.guessed_input) == ((), False)
    kinds = [call.kind for call in graph.calls if call.layer is not None]
    assert kinds == [Kind.CONV, Kind.BATCH_NORM, Kind.RESHAPE, Kind.LINEAR]
    assert graph.calls[1].shape.sizes == (4, 8, 6, 6)
    x = torch.randn(4, 3, 8, 8)
    replayed = torch.fx.Interpreter(graph.graph_module).run(x)
    assert torch.equal(replayed, model(x))


def test_findings_point_into_the_source_of_the_class() -> None:
    findings = bnlint.check_model(Net(), torch.zeros(4, 3, 8, 8))
    assert [(f.rule, f.layer) for f in findings] == [("BN201", "conv")]
    (finding,) = findings
    line = Path(__file__).read_text().splitlines()[finding.span.line - 1]
    assert line.strip() == "self.conv = nn.Conv2d(3, 8, 3)"
    assert Path(finding.span.path).name == "test_api.py"


def test_one_line_guards_a_model() -> None:
    model = Net()
    model.conv = nn.Conv2d(3, 8, 3, bias=False)
    assert not bnlint.check_model(model, input_size=(4, 3, 8, 8))


def test_rules_can_be_chosen() -> None:
    size = (4, 3, 8, 8)
    assert not bnlint.check_model(Net(), input_size=size, select=["BN2", "BN101"])[1:]
    assert not bnlint.check_model(Net(), input_size=size, select=["BN101"])
    with pytest.raises(ValueError, match="unknown rule `BN2O1` in `select`; did you mean `BN"):
        bnlint.check_model(Net(), select=["BN2O1"])
    with pytest.raises(TypeError, match="must be a list of rules"):
        bnlint.check_model(Net(), select="BN201")


def test_a_class_without_a_file_is_checked_all_the_same() -> None:
    scope: dict[str, Any] = {"nn": nn}
    exec(
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.conv, self.bn = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)\n"
        "    def forward(self, x):\n"
        "        return self.bn(self.conv(x))\n",
        scope,
    )
    (finding,) = bnlint.check_model(scope["Net"](), input_size=(2, 3, 8, 8))
    assert (finding.rule, finding.span.path, finding.fix) == ("BN201", "<no source>", None)


def test_the_input_is_guessed_and_said_so() -> None:
    graph = bnlint.trace_model(nn.Sequential(nn.Conv2d(5, 8, 3), nn.BatchNorm2d(8)))
    assert graph.complete
    assert graph.guessed_input


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((Net,), {}, TypeError, "must be a torch.nn.Module, not the class `Net`"),
        ((None,), {}, TypeError, "must be a torch.nn.Module, not NoneType"),
        ((3,), {}, TypeError, "example inputs must be tensors, not int"),
        ((), {"input_size": (0, 3)}, ValueError, "must be sizes such as"),
        ((), {"input_size": "8x3"}, ValueError, "must be sizes such as"),
        ((), {"input_size": []}, ValueError, "must be sizes such as"),
        ((torch.zeros(1),), {"input_size": (1,)}, ValueError, "not both"),
    ],
)
@pytest.mark.parametrize(
    "function", [bnlint.trace_model, bnlint.check_model, bnlint.signal_propagation]
)
def test_wrong_input_is_refused_clearly(
    function: Any, arguments: Any, keywords: Any, error: type[Exception], message: str
) -> None:
    models = () if error is TypeError and not isinstance(arguments[0], int) else (Net(),)
    with pytest.raises(error, match=message):
        function(*models, *arguments, **keywords)


def test_a_model_that_fails_says_where_and_stays_as_it_was() -> None:
    model = Net()
    before = state(copy.deepcopy(model))
    graph = bnlint.trace_model(model, input_size=(4, 3, 9, 9))
    assert not graph.complete
    assert "`head.1`" in graph.problems[0] or "linear" in graph.problems[0].lower()
    assert any(call.layer is not None and call.layer.name == "bn" for call in graph.calls)
    after = state(model)
    before["objects"], before["random"] = after["objects"], after["random"]
    assert same(before, after)
    rules = [finding.rule for finding in bnlint.check_model(model, input_size=(4, 3, 9, 9))]
    assert "BN004" in rules


def test_a_part_may_refer_to_the_whole() -> None:
    model = Net()
    model.head.owner = model
    graph = bnlint.trace_model(model, input_size=(4, 3, 8, 8))
    assert {layer.name for layer in graph.layers} >= {"conv", "bn", "head.0", "head.1"}


def test_the_signal_of_a_healthy_and_an_exploding_stack() -> None:
    torch.manual_seed(0)
    healthy = bnlint.signal_propagation(Stacked(12, norm=True), input_size=(8, 8, 16, 16))
    exploding = bnlint.signal_propagation(Stacked(12, norm=False), input_size=(8, 8, 16, 16))
    assert len(healthy.blocks) == len(exploding.blocks) == 12
    assert healthy.blocks[-1].variance < 20 < 100 < exploding.blocks[-1].variance


def test_exploding_signals_are_reported_when_asked_for() -> None:
    torch.manual_seed(0)
    size = (8, 8, 16, 16)
    found = bnlint.check_model(Stacked(12, norm=False), input_size=size, select=["BN808"])
    assert [finding.rule for finding in found] == ["BN808"]
    assert not bnlint.check_model(Stacked(12, norm=True), input_size=size, select=["BN808"])


def test_a_signal_needs_weights() -> None:
    with torch.device("meta"):
        model = Net()
    with pytest.raises(ValueError, match="meta device"):
        bnlint.signal_propagation(model, input_size=(4, 3, 8, 8))


def test_importing_bnlint_imports_no_torch() -> None:
    code = "import bnlint, sys; dir(bnlint); sys.exit('torch' in sys.modules or 'libcst' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'lint_all'"):
        bnlint.lint_all  # type: ignore[attr-defined]  # noqa: B018


def test_what_is_bad_enough_fails_a_test_with_the_report() -> None:
    bnlint.assert_clean(Net(), input_size=(2, 3, 8, 8))
    with pytest.raises(AssertionError) as failed:
        bnlint.assert_clean(Net(), input_size=(2, 3, 8, 8), fail_on="advice")
    text = str(failed.value)
    assert text.startswith("\nBN201 ")
    assert "Found 1 problem (1 advice) in 1 file." in text
    bnlint.assert_clean(Net(), input_size=(2, 3, 8, 8), fail_on="advice", ignore=["BN201"])


def test_rules_are_ignored_by_name() -> None:
    net = Net()
    assert [f.rule for f in bnlint.check_model(net, input_size=(2, 3, 8, 8))] == ["BN201"]
    assert not bnlint.check_model(net, input_size=(2, 3, 8, 8), ignore=["bias-before-batchnorm"])
    with pytest.raises(TypeError, match="`ignore` must be a list"):
        bnlint.check_model(net, ignore="BN201")
    with pytest.raises(ValueError, match="unknown rule `BN999`"):
        bnlint.check_model(net, ignore=["BN999"])
    with pytest.raises(ValueError, match="`fail_on` must be one of advice, warning, error"):
        bnlint.assert_clean(net, fail_on="never")


def test_loops_around_a_trace_are_none_of_the_model() -> None:
    for width in (8, 8):
        graph = bnlint.trace_model(Net(), input_size=(2, 3, width, width))
        assert not any(call.loops for call in graph.calls)
        assert {len(call.callers) for call in graph.calls if call.layer is graph.layers[1]} == {0}


def test_a_graph_is_short_to_look_at() -> None:
    graph = bnlint.trace_model(Net(), input_size=(2, 3, 8, 8))
    assert repr(graph) == "<TracedModel of Net: 6 layers, 6 calls>"
    assert repr(graph.layers[2]) == "<Layer bn: BatchNorm2d>"
    assert repr(graph.calls[2]) == "<Call 2: BatchNorm2d of bn>"
    shown = graph._repr_html_()
    assert shown.startswith("<p>&lt;TracedModel of Net: 6 layers, 6 calls&gt;</p><table>")
    assert "<td>BatchNorm2d</td><td>bn</td><td>2x8x6x6</td>" in shown
    assert len(shown) < 3_000
