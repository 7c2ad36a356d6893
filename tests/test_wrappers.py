"""DataParallel and the like around a module, also where paths join and one of them is what it wraps."""

from pathlib import Path

from bnlint.facts.types.site import Site
from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import Choice
from bnlint.interpreter.torch.wrappers import unwrapped, wrappers
from bnlint.source import parse_text

SOURCE = parse_text("", "train.py", Path("train.py"))
SITE = Site(SOURCE, SOURCE.tree)
PARALLEL = "torch.nn.DataParallel"


def module(library: str, **attributes: object) -> Instance:
    return Instance(None, library, dict(attributes), SITE, is_module=True)


def test_wrappers_are_taken_off() -> None:
    net = module("torch.nn.Linear")
    inner = module(PARALLEL, module=net)
    outer = module(PARALLEL, module=inner)
    assert wrappers(outer) == [outer, inner]
    assert unwrapped(outer) is net


def test_what_is_not_wrapped_stays() -> None:
    net, empty = module("torch.nn.Linear"), module(PARALLEL)
    assert (wrappers(net), unwrapped(net)) == ([], net)
    assert unwrapped(empty) is empty


def test_a_wrapper_of_itself_ends() -> None:
    net, outer = module("torch.nn.Linear"), module(PARALLEL)
    outer.attributes["module"] = Choice((outer, net))
    assert wrappers(outer) == [outer]


def test_wrappers_of_one_another_end() -> None:
    one, other = module(PARALLEL), module(PARALLEL)
    one.attributes["module"] = other
    other.attributes["module"] = one
    assert wrappers(one) == [one, other]
