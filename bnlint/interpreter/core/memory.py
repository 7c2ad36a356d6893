"""What a rehearsal remembers so that it need not be worked out again."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import libcst as cst

from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Value

if TYPE_CHECKING:
    from bnlint.interpreter.core.journal import ModelRecord, Named
    from bnlint.interpreter.core.namespaces import Namespace
    from bnlint.interpreter.python.answers import Answer
    from bnlint.interpreter.torch.like_layers import Treatment
    from bnlint.interpreter.torch.prototypes import Prototype


@dataclass(slots=True, eq=False)
class Memory:
    """Kept for all entry points; outside of the heap, since no path can change what it says."""

    parts: "dict[Instance, tuple[int, list[Named]]]" = field(default_factory=dict)
    """The modules below each, and the heap's structure when they were listed."""
    norms: "dict[Instance, tuple[int, list[Named]]]" = field(default_factory=dict)
    """Of these, the BatchNorm layers and third-party models."""
    models: "dict[tuple[Instance, str], ModelRecord]" = field(default_factory=dict)
    """The last record of each, under each of its names."""
    answers: "dict[Hashable, Answer | None]" = field(default_factory=dict)
    """What calls returned that did nothing else, ``None`` for what was called once or does more."""
    prototypes: "dict[Hashable, Prototype | None]" = field(default_factory=dict)
    """Modules by what they are built from, ``None`` for what was built once or cannot be copied."""
    treatments: "dict[Hashable, list[Treatment] | None]" = field(default_factory=dict)
    """What code does to layers that are alike, ``None`` where it does more or was not finished."""
    used: dict[cst.CSTNode, tuple[str, ...]] = field(default_factory=dict)
    """The names that bodies of loops use and do not set first."""
    given_up: set[cst.CSTNode] = field(default_factory=set)
    """Functions that took so much of a script that they are not followed."""
    documents: dict[tuple[str, str], object] = field(default_factory=dict)
    """What texts of data hold, by their formats."""
    filled: dict[int, dict[Value, Value]] = field(default_factory=dict)
    """Registries whose registrations were executed, by their identities."""
    registered: "set[Namespace]" = field(default_factory=set)
    """The modules whose registrations were executed."""
    shared_files: frozenset[str] = frozenset()
    """The names of files that one script may save a model to, and another may load it from."""
    handed: dict[tuple[str, str], tuple[str, Value]] = field(default_factory=dict)
    """What scripts have saved whole, by their folders and the names of files; with the script's name."""
