"""Classes and files whose functions a server or a search calls, in an order that their framework sets."""

from collections.abc import Mapping

from bnlint.facts.types.site import Site
from bnlint.immutable import immutable
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Class, Function, Instance, Method
from bnlint.interpreter.core.tape import tensors_in
from bnlint.interpreter.core.values import Arguments, Unknown, Value
from bnlint.interpreter.library.training_frameworks.trainer_loops import PASSES, in_pass


@immutable
class Lifecycle:
    """What is called when an object is set up, and what then again and again.

    Each of ``again`` gets what the one before it returned; where the class has the method ``whole`` of
    its own, that is called in their place.
    """

    first: str
    again: tuple[str, ...]
    whole: str = ""


_LIFECYCLES = {
    ("cog", "BasePredictor"): Lifecycle("setup", ("predict",)),
    ("litserve", "LitAPI"): Lifecycle("setup", ("decode_request", "predict", "encode_response")),
    ("mlflow", "PythonModel"): Lifecycle("load_context", ("predict",)),
    ("ray", "Trainable"): Lifecycle("setup", ("step",)),
    **dict.fromkeys(
        (("ts", f"{kind}Handler") for kind in ("Base", "Vision", "Text")),
        Lifecycle("initialize", ("preprocess", "inference", "postprocess"), "handle"),
    ),
}
"""By package and class."""


ENDPOINT = frozenset({"model_fn", "predict_fn"})
"""Functions of a file that SageMaker's server calls: without its own ``predict_fn`` it calls ``eval()``.

Source: "Deploy PyTorch models" in the documentation of SageMaker's Python SDK.
"""


def lifecycle_of(cls: Class) -> Lifecycle | None:
    """What the framework does with the objects of a class, if it has what is called first."""
    base = cls.library_base()
    path = base.path if base is not None else ""
    found = _LIFECYCLES.get((path.partition(".")[0], path.rpartition(".")[2]))
    found = found or _of_servicer(cls, path)
    return found if found is not None and isinstance(cls.find(found.first), Function) else None


def _of_servicer(cls: Class, path: str) -> Lifecycle | None:
    """What gRPC does with objects of a class that derives from a generated one and has one method."""
    module, _, base = path.rpartition(".")
    if not module.endswith("_pb2_grpc") or not base.endswith("Servicer"):
        return None
    own = [n for n, v in cls.names.items() if isinstance(v, Function) and not n.startswith("_")]
    return Lifecycle("__init__", (own[0],)) if len(own) == 1 else None


def live(m: Machine, instance: Instance, lifecycle: Lifecycle, site: Site) -> None:
    """Set an object up and use it, for all of its life."""
    _call(m, instance, lifecycle.first, [], site)
    own = lifecycle.whole and _method(instance, lifecycle.whole) is not None
    for number in range(1, PASSES + 1):
        with in_pass(m, number, site):
            values: list[Value] = []
            for name in (lifecycle.whole,) if own else lifecycle.again:
                values = _call(m, instance, name, values, site)


def answer(m: Machine, functions: Mapping[str, Function], site: Site) -> None:
    """Load the model of an endpoint, and answer requests by it."""

    def call(name: str, *values: Value) -> Value:
        arguments = Arguments([*values])
        arguments.further = True
        return m.call(functions[name], arguments, site, m.namespaces.anywhere)

    model = call("model_fn", Unknown("model directory"))
    for number in range(1, PASSES + 1):
        with in_pass(m, number, site):
            request = Unknown("request")
            data = call("input_fn", request) if "input_fn" in functions else request
            predicted = call("predict_fn", data, model)
            m.journal.measure(tensors_in([predicted]))
            if "output_fn" in functions:
                call("output_fn", predicted)


def _method(instance: Instance, name: str) -> Function | None:
    found = instance.cls.find(name) if instance.cls is not None else None
    return found if isinstance(found, Function) else None


def _call(
    m: Machine, instance: Instance, name: str, values: list[Value], site: Site
) -> list[Value]:
    """Call a method of the program's own; without one, what is given goes on to the next."""
    function = _method(instance, name)
    if function is None:
        return values
    arguments = Arguments(values)
    arguments.further = True
    return [m.call(Method(function, instance), arguments, site, m.namespaces.anywhere)]
