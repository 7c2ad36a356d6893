"""The module classes of torch.nn: constructors, kinds, base classes, parameters and buffers."""

from ast import literal_eval
from collections.abc import Iterator, Mapping
from functools import cache

from bnlint.facts.types.kind import Kind
from bnlint.immutable import immutable
from bnlint.vocabulary.torch_classes import BASES, CLASSES
from bnlint.vocabulary.words import words


class _Required:
    def __repr__(self) -> str:
        return "REQUIRED"


REQUIRED = _Required()
"""The default of a parameter that has none."""


@immutable
class Parameter:
    """One constructor parameter; ``default`` is a Python constant or ``REQUIRED``."""

    name: str
    default: object = REQUIRED
    keyword_only: bool = False


CONTAINERS = frozenset(
    words("Module Container Sequential ModuleList ModuleDict ParameterList ParameterDict")
)
"""Classes that take any number of modules or parameters and have no signature here."""

ANY_ARGUMENTS = frozenset({"Identity"})
"""Classes whose constructor takes and ignores whatever it is given."""


class _Signatures(Mapping[str, tuple[Parameter, ...]]):
    """Parameters by class name, parsed when first asked for."""

    def __init__(self, written: Mapping[str, str]) -> None:
        self._written = written
        self._parsed: dict[str, tuple[Parameter, ...]] = {}

    def __getitem__(self, name: str) -> tuple[Parameter, ...]:
        if name not in self._parsed:
            self._parsed[name] = tuple(_parameters(self._written[name]))
        return self._parsed[name]

    def __contains__(self, name: object) -> bool:
        return name in self._written

    def __iter__(self) -> Iterator[str]:
        return iter(self._written)

    def __len__(self) -> int:
        return len(self._written)


def _parameters(written: str) -> Iterator[Parameter]:
    keyword_only = False
    for word in written.split():
        name, equals, default = word.partition("=")
        if name == "*":
            keyword_only = True
        else:
            yield Parameter(name, literal_eval(default) if equals else REQUIRED, keyword_only)


def _entries(text: str) -> Iterator[tuple[list[str], str, str]]:
    """Class names, base class and parameters of each entry of a table."""
    for line in text.strip().replace("\n    ", " ").splitlines():
        names, _, rest = line.partition(" < ")
        parent, _, parameters = rest.partition(" :")
        yield names.split(), parent, parameters


_written: dict[str, str] = {}
_kinds: dict[str, Kind] = dict.fromkeys(CONTAINERS, Kind.CONTAINER)
_parents: dict[str, str] = {n: parent for names, parent, _ in _entries(BASES) for n in names}
for _kind, _text in CLASSES.items():
    for _names, _parent, _rest in _entries(_text):
        for _name in _names:
            _written[_name], _kinds[_name], _parents[_name] = _rest, _kind, _parent

SIGNATURES: Mapping[str, tuple[Parameter, ...]] = _Signatures(_written)
"""Constructor parameters of the classes of torch.nn, in order, by bare class name."""

KINDS: Mapping[str, Kind] = _kinds
"""Kinds of the classes of torch.nn and of its containers, by bare class name."""

PARENTS: Mapping[str, str] = _parents
"""The base class of each class, private ones included, up to ``Module``, which has none here.

Of two bases the mixins of lazy modules are left out.
"""

_NORMALIZATIONS = frozenset({Kind.BATCH_NORM, Kind.INSTANCE_NORM})
_AFFINE: Mapping[str, str] = {"GroupNorm": "affine", "LayerNorm": "elementwise_affine"}


@cache
def bare_name(qualified: str) -> str | None:
    """The name in these tables of a class by the dotted path under which code may import it.

    ``torch.nn.modules.batchnorm.BatchNorm2d`` and ``torch.nn.BatchNorm2d`` are ``BatchNorm2d``;
    ``None`` for anything that is no module class of torch.nn.
    """
    path, _, name = qualified.rpartition(".")
    if name not in PARENTS and name != "Module":
        return None
    if path in ("torch.nn", "torch.nn.modules", "torch.nn.parallel"):
        return None if name.startswith("_") else name
    return name if path.startswith(("torch.nn.modules.", "torch.nn.parallel.")) else None


def ancestors(name: str) -> Iterator[str]:
    """A class of torch.nn and its base classes, nearest first, ``Module`` last."""
    while name in PARENTS:
        yield name
        name = PARENTS[name]
    yield "Module"


def parameter_names(class_name: str, arguments: Mapping[str, object]) -> tuple[str, ...]:
    """The parameters that a layer owns; an argument that is not known counts as true.

    Layers that keep theirs in layers of their own (the Transformer stacks) have none here.
    """
    kind = KINDS.get(class_name)
    if kind in (Kind.CONV, Kind.LINEAR) or class_name == "Bilinear":
        return _weight_and_bias(arguments)
    if switch := _AFFINE.get(class_name) or ("affine" if kind in _NORMALIZATIONS else None):
        return _weight_and_bias(arguments) if arguments.get(switch, True) else ()
    if kind is Kind.RECURRENT:
        return tuple(_recurrent_parameters(class_name, arguments))
    if class_name == "MultiheadAttention":
        return tuple(_attention_parameters(arguments))
    if class_name == "RMSNorm":
        return ("weight",) if arguments.get("elementwise_affine", True) else ()
    return ("weight",) if kind is Kind.EMBEDDING or class_name == "PReLU" else ()


def _weight_and_bias(arguments: Mapping[str, object]) -> tuple[str, ...]:
    return ("weight", "bias") if arguments.get("bias", True) else ("weight",)


def _recurrent_parameters(class_name: str, arguments: Mapping[str, object]) -> Iterator[str]:
    names = ["weight_ih", "weight_hh"]
    if arguments.get("bias", True):
        names += ["bias_ih", "bias_hh"]
    if class_name.endswith(("Cell", "CellBase")):
        yield from names
        return
    if arguments.get("proj_size", 0):
        names.append("weight_hr")
    number = arguments.get("num_layers", 1)
    directions = ("", "_reverse") if arguments.get("bidirectional", False) else ("",)
    for layer in range(number if isinstance(number, int) else 1):
        for direction in directions:
            yield from (f"{name}_l{layer}{direction}" for name in names)


def _attention_parameters(arguments: Mapping[str, object]) -> Iterator[str]:
    width = arguments.get("embed_dim")
    others = [arguments.get(name) for name in ("kdim", "vdim")]
    if all(other == width for other in others if type(other) is int):
        yield "in_proj_weight"
    else:
        yield from ("q_proj_weight", "k_proj_weight", "v_proj_weight")
    if arguments.get("bias", True):
        yield from ("in_proj_bias", "out_proj.bias")
    yield "out_proj.weight"
    if arguments.get("add_bias_kv", False):
        yield from ("bias_k", "bias_v")
