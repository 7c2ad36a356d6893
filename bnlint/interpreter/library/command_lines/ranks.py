"""Which of several processes of one training it is that executes the code."""

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.machine import Machine
from bnlint.interpreter.core.objects import Scope
from bnlint.interpreter.core.values import RANKS, Arguments, Rank, Unknown, Value
from bnlint.interpreter.library.calls import library_function


@library_function("torch.distributed.get_rank", "torch.distributed.distributed_c10d.get_rank")
def _rank(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    return Rank(f"{path}()", site)


@library_function("os.environ.get", "os.getenv")
def _variable(m: Machine, path: str, arguments: Arguments, site: Site, scope: Scope) -> Value:
    key = arguments.get(0, "key")
    kind = Rank if isinstance(key, str) and key in RANKS else Unknown
    return kind(f"{path}()", site)
