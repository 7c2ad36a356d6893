"""What a node of a torch.fx graph does: its kind and its name, as in the rehearsal."""

from torch import fx, nn

from bnlint.facts.types.kind import Kind
from bnlint.immutable import immutable
from bnlint.tracer.record.layer_types import library_type
from bnlint.vocabulary.function_parameters import VARIADIC, parameter, parameter_named
from bnlint.vocabulary.layers import KINDS
from bnlint.vocabulary.operations import FUNCTIONS, METHODS

_OPERATORS = {
    "truediv": "div",
    "getitem": "getitem",
    "matmul": "matmul",
    "add": "add",
    "sub": "sub",
    "mul": "mul",
    "pow": "pow",
    "neg": "neg",
    "floordiv": "floor_divide",
    "mod": "remainder",
}
_PROPERTIES = {"T": "t", "mT": "transpose", "H": "adjoint", "mH": "adjoint", "data": "detach"}


@immutable
class Operation:
    """An operation; ``reflected`` is true of ``__rsub__`` and the like, whose operands swap."""

    kind: Kind
    name: str
    reflected: bool = False

    @property
    def variadic(self) -> bool:
        """Whether it takes sizes or dimensions one by one."""
        return self.name.rstrip("_") in VARIADIC

    def parameter(self, number: int) -> str:
        """The name of its parameter with this number, or the number."""
        return parameter(self.name, number)

    def parameter_named(self, word: str) -> str:
        """The name of its parameter that a keyword means."""
        return parameter_named(self.name, word)


def operation_of(node: fx.Node, model: nn.Module) -> Operation:
    """What a node does."""
    match node.op:
        case "placeholder":
            return Operation(Kind.INPUT, "input")
        case "get_attr":
            return Operation(Kind.PARAMETER, "parameter")
        case "call_module":
            return _module(model.get_submodule(str(node.target)))
    if node.meta.get("constant"):
        return Operation(Kind.OTHER, "constant")
    return _function(_name(node.target))


def _module(module: nn.Module) -> Operation:
    bare = library_type(module).rpartition(".")[2]
    return Operation(KINDS.get(bare, Kind.OTHER), bare)


def _name(target: object) -> str:
    if isinstance(target, str):
        return target
    name = str(getattr(target, "__name__", target))
    if name == "__get__":
        name = str(getattr(getattr(target, "__self__", None), "__name__", name))
    return name.partition(".")[0]


def _function(name: str) -> Operation:
    bare = name.removeprefix("__").removesuffix("__") if name.startswith("__") else name
    reflected = bare not in _OPERATORS and bare[:1] == "r" and bare[1:] in _OPERATORS
    if bare not in _OPERATORS and bare[:1] in ("r", "i") and bare[1:] in _OPERATORS:
        bare = bare[1:]
    bare = _PROPERTIES.get(bare, _OPERATORS.get(bare, bare))
    if bare == "getitem":
        return Operation(Kind.SPLIT, bare)
    plain = bare.rstrip("_")
    kind = FUNCTIONS.get(bare) or METHODS.get(bare) or FUNCTIONS.get(plain) or METHODS.get(plain)
    return Operation(kind or Kind.OTHER, bare, reflected)
