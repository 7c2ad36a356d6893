"""What to call residual blocks."""

from collections import Counter
from collections.abc import Sequence

from torch import fx

from bnlint.tracer.signal.residuals import Addition, GraphFlow


def block_names(flow: GraphFlow, additions: Sequence[Addition]) -> list[str]:
    """The module around each addition or, where that holds several, what its branch has in common.

    The root module, whose own name is empty, is called by the branch, too.
    """
    around = [_modules(addition.add)[-1] for addition in additions]
    counts = Counter(around)
    return [
        name if name and counts[name] == 1 else _branch_name(flow, addition) or name
        for name, addition in zip(around, additions, strict=True)
    ]


def _branch_name(flow: GraphFlow, addition: Addition) -> str:
    owners = [_owner(node).split(".") for node in flow.learning(addition.branch_path)]
    common = [parts[0] for parts in zip(*owners, strict=False) if len(set(parts)) == 1]
    return ".".join(common)


def _owner(node: fx.Node) -> str:
    if node.op == "call_module":
        return str(node.target)
    return str(node.meta.get("owner") or _modules(node)[-1])


def _modules(node: fx.Node) -> tuple[str, ...]:
    return tuple(node.meta.get("modules", ())) or ("",)
