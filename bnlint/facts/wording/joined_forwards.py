"""One forward for two batches, in place of one for each."""

from bnlint.facts.types.run import Forward
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import assigned_name, call_of_one, is_dotted_name
from bnlint.finding import Edit
from bnlint.immutable import immutable


def joined(first: Forward, second: Forward) -> list[Edit | None]:
    """Concatenate the batches in the first of two statements and take the outputs apart in the second.

    Both are like ``scores = net(images)``, one below the other, in a file that knows ``torch``; else
    nothing can be written.
    """
    one, other = _taken_apart(first.site), _taken_apart(second.site)
    if one is None or other is None or one.callee != other.callee or one.output == other.batch:
        return [None]
    lines = [site.statement.span for site in (first.site, second.site)]
    near = lines[0].path == lines[1].path and lines[0].end_line + 1 == lines[1].line
    if not near or not first.site.source.mentions("import torch\n"):
        return [None]
    both = f"{one.callee}(torch.cat([{one.batch}, {other.batch}]))"
    name, size = one.output, f"len({one.batch})"
    parts = f"{name}, {other.output} = {name}[:{size}], {name}[{size}:]"
    return [first.site.replace(both), second.site.statement.replace(parts)]


@immutable
class _Statement:
    """``output = callee(batch)``."""

    output: str
    callee: str
    batch: str


def _taken_apart(call: Site) -> _Statement | None:
    output, parts = assigned_name(call.statement.text), call_of_one(call.text)
    if output is None or parts is None or not is_dotted_name(parts[1]):
        return None
    whole = call.statement.text == f"{output} = {call.text}"
    return _Statement(output, *parts) if whole else None
