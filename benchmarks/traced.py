"""(layer, BatchNorm) pairs of a model as ``torch.fx.symbolic_trace`` sees it.

A pair is the dotted name of the layer that produces a BatchNorm's input, or the kind of the
operation where it is no layer, and the dotted name of the BatchNorm. Operations that leave values
as they are (identity, dropout, ``contiguous``) are looked through.
"""

import importlib
import importlib.util
import sys
from pathlib import Path

import torch
from torch import fx, nn

from bnlint.facts.types.kind import Kind
from bnlint.vocabulary.layers import KINDS
from bnlint.vocabulary.operations import FUNCTIONS, METHODS

Pair = tuple[str, str]

TRANSPARENT = (Kind.PASS, Kind.DROPOUT)
OPERATORS = {"truediv": Kind.DIV, "getitem": Kind.SPLIT, "matmul": Kind.MATMUL}


class NotAModule(TypeError):
    """The expression built something else."""


def warm_up() -> None:
    """Import what torch imports at the first operation on the meta device."""
    with torch.device("meta"):
        fx.symbolic_trace(nn.Linear(1, 1))


def pairs_of(file: Path, expression: str, roots: list[Path]) -> list[Pair]:
    """Build a model and trace it; raises whatever building or tracing raises."""
    model = build(file, expression, roots)
    if any(isinstance(module, torch.jit.ScriptModule) for module in model.modules()):
        raise NotImplementedError("torch.fx does not look into scripted modules")
    graph = fx.Tracer().trace(model.train())
    names = {id(module): name for name, module in model.named_modules()}
    return [
        (_producer(node, model, names), _owner(node, model, names))
        for node in graph.nodes
        if _kind(node, model) is Kind.BATCH_NORM
    ]


def build(file: Path, expression: str, roots: list[Path]) -> nn.Module:
    """Evaluate an expression in the scope of a file that is imported; parameters hold no data."""
    scope = vars(imported(file, roots))
    try:
        with torch.device("meta"):
            model = eval(expression, scope)
    except Exception:
        model = eval(expression, scope)
    if not isinstance(model, nn.Module):
        raise NotAModule(type(model).__name__)
    return model


def imported(file: Path, roots: list[Path]) -> object:
    """Import a file as the module that it is; raises what its code raises."""
    sys.path[:0] = map(str, roots)
    package = file.parent
    while (package / "__init__.py").is_file():
        package = package.parent
    name = ".".join(file.relative_to(package).with_suffix("").parts).removesuffix(".__init__")
    if package != file.parent:
        sys.path.insert(0, str(package))
        return importlib.import_module(name)
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _kind(node: fx.Node, model: nn.Module) -> Kind:
    match node.op:
        case "placeholder":
            return Kind.INPUT
        case "get_attr":
            return Kind.PARAMETER
        case "call_module":
            classes = type(model.get_submodule(str(node.target))).__mro__
            return next((KINDS[c.__name__] for c in classes if c.__name__ in KINDS), Kind.OTHER)
        case "call_method":
            return METHODS.get(str(node.target), Kind.OTHER)
        case "call_function":
            return _kind_of_function(getattr(node.target, "__name__", ""))
    return Kind.OTHER


def _kind_of_function(name: str) -> Kind:
    plain = name.removeprefix("i") if name in ("iadd", "isub", "imul", "itruediv") else name
    return OPERATORS.get(plain) or FUNCTIONS.get(plain, Kind.OTHER)


def _data(node: fx.Node) -> fx.Node | None:
    """The first operand of a node that is no parameter."""
    return next((source for source in node.all_input_nodes if source.op != "get_attr"), None)


def _producer(norm: fx.Node, model: nn.Module, names: dict[int, str]) -> str:
    node = _data(norm)
    while node is not None and _kind(node, model) in TRANSPARENT:
        node = _data(node)
    if node is None:
        return Kind.PARAMETER
    return _owner(node, model, names) or _kind(node, model)


def _owner(node: fx.Node, model: nn.Module, names: dict[int, str]) -> str:
    """The first name of the module that a node calls, or whose parameters a function takes."""
    if node.op == "call_module":
        return names[id(model.get_submodule(str(node.target)))]
    if node.op == "call_function" and _kind(node, model) in (
        Kind.CONV,
        Kind.LINEAR,
        Kind.BATCH_NORM,
    ):
        for source in node.all_input_nodes:
            if source.op == "get_attr":
                return str(source.target).rpartition(".")[0]
    return ""
