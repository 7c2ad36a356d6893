"""What one value becomes where paths with different ones meet."""

from functools import reduce

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.joins import join_values
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.tape import Tape
from bnlint.interpreter.core.values import Choice, Unknown, Value
from bnlint.source import parse_text


def test_in_a_choice_what_is_not_known_stands_once() -> None:
    source = parse_text("x")
    site, tape = Site(source, source.tree), Tape()
    values: list[Value] = [Unknown(f"path {number}") for number in range(40)]
    net: Value = Instance(None, "torch.nn.ReLU", {}, site)
    joined = reduce(lambda one, other: join_values(tape, one, other), values, net)
    assert isinstance(joined, Choice) and joined.known == (net,)
    assert len(joined.values) == 2
