"""What the child process tells about a model: plain values that survive JSON."""

from collections.abc import Mapping
from dataclasses import asdict, field
from typing import Any

from bnlint import typed_json
from bnlint.facts.types.initialisation import Draw
from bnlint.facts.types.kind import Kind
from bnlint.immutable import immutable
from bnlint.typed_json import Malformed


@immutable
class TracePlace:
    """A stretch of a file as Python's code objects give it.

    Lines count from 1, columns from 0 in bytes of UTF-8; columns are ``None`` where Python kept
    none. ``file`` is absolute, ``function`` is the name of the function around it.
    """

    file: str
    line: int
    end_line: int
    column: int | None = None
    end_column: int | None = None
    function: str = ""


@immutable
class LayerRecord:
    """One module; the fields are those of :class:`bnlint.facts.types.graph.Layer` before sites.

    ``places`` are the constructor call and the calls that led to it, nearest first; empty for a
    module whose construction was not watched. ``arguments`` are the constructor parameters of the
    library class with the values that the live layer has now. ``initial`` are the parameters that
    hold one constant, ``drawn`` the random numbers of the weight. ``class_places`` are where the class and its bases are defined, as far as they
    are not torch's.
    """

    name: str
    type: str
    class_name: str
    aliases: tuple[str, ...] = ()
    own_forward: bool = False
    arguments: Mapping[str, object] = field(default_factory=dict)
    initial: Mapping[str, float] = field(default_factory=dict)
    drawn: Draw | None = None
    places: tuple[TracePlace, ...] = ()
    class_places: tuple[TracePlace, ...] = ()


@immutable
class CallRecord:
    """One operation; the fields are those of :class:`bnlint.facts.types.graph.Call` before sites.

    ``layer`` is the first dotted name of the module that it calls or whose parameters it uses.
    ``sizes`` is the output's shape, of the first tensor where there are several; ``error`` is what
    torch raises here.
    """

    kind: str
    op: str
    inputs: tuple[int, ...] = ()
    layer: str | None = None
    place: TracePlace | None = None
    callers: tuple[TracePlace, ...] = ()
    modules: tuple[str, ...] = ()
    arguments: Mapping[str, object] = field(default_factory=dict)
    sizes: tuple[int, ...] | None = None
    error: str | None = None
    in_eval: bool = False


@immutable
class TraceRecord:
    """One traced model.

    ``how`` is ``meta``, ``cpu``, ``symbolic`` or ``partial``: the link of the chain that gave the
    calls. ``inputs`` are the shapes that the model was called with, ``guessed`` whether nobody
    gave them. ``problems`` say what is missing and why; without any the trace is complete.
    ``never_called`` are dotted names of layers that neither train nor eval mode calls. ``notes`` say
    what was taken for the model where that is not plain.
    """

    name: str
    layers: tuple[LayerRecord, ...] = ()
    calls: tuple[CallRecord, ...] = ()
    outputs: tuple[int, ...] = ()
    how: str = "partial"
    inputs: tuple[str, ...] = ()
    guessed: bool = False
    problems: tuple[str, ...] = ()
    never_called: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0


def to_json(trace: TraceRecord) -> dict[str, Any]:
    """Return what :func:`from_json` takes."""
    return asdict(trace)


def from_json(data: object) -> TraceRecord:
    """Read a trace back; raises :class:`bnlint.typed_json.Malformed` for anything else."""
    trace: TraceRecord = typed_json.read(TraceRecord, data)
    for index, call in enumerate(trace.calls):
        if call.kind not in _KINDS or not all(0 <= source < index for source in call.inputs):
            raise Malformed(f"call {index} is none")
    if not all(0 <= output < len(trace.calls) for output in trace.outputs):
        raise Malformed("outputs that no call makes")
    return trace


_KINDS = frozenset(kind.value for kind in Kind)
