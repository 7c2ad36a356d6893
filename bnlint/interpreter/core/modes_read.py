"""Modes of modules that the code which is being executed has asked for."""

from dataclasses import dataclass

import libcst as cst

from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import KeptMode


@dataclass(slots=True)
class ModesRead:
    """The last question, and the answer that an ``if`` around the present place was decided by."""

    last: tuple[cst.CSTNode, Instance] | None = None
    """The expression, and the module."""
    deciding: KeptMode | None = None
