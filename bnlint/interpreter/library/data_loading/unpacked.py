"""Keywords that a call of ``DataLoader`` gets by unpacking, and what they may be on other paths."""

import re

import libcst as cst

from bnlint.facts.types.site import Site
from bnlint.source import SourceFile
from bnlint.source.enclosing_parameters import parameters_around

_ORDER = re.compile(r"""['"](?:(?:batch_)?sampler|shuffle)['"]|\b(?:batch_)?sampler\s*=""")


def may_bring_order(call: Site) -> bool:
    """Whether ``**options`` of a call may hold a sampler or ``shuffle`` that this path did not see.

    They may where they are a parameter or are made elsewhere, and where the file speaks of a key or
    keyword of that name.
    """
    node, source = call.node, call.source
    if not isinstance(node, cst.Call) or not isinstance(source, SourceFile):
        return False
    unpacked = [arg.value for arg in node.args if arg.star]
    if not unpacked:
        return False
    parameters = set(parameters_around(source, node))
    plain = all(isinstance(v, cst.Name) and v.value not in parameters for v in unpacked)
    return not plain or _ORDER.search(source.content) is not None
