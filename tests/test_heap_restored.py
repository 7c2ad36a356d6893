"""What a path changes is undone before the other path is taken, whatever it is."""

from collections.abc import Iterator, Set

import pytest

from bnlint.facts.types.context import Condition
from bnlint.interpreter.core.frames import Completion
from bnlint.interpreter.core.heap import Heap
from bnlint.interpreter.core.machine import Machine, Path
from bnlint.interpreter.core.objects import Class, Function, Instance, Scope
from tests.random_programs import CONSTRUCTS, HEAD, program
from tests.rehearsing import rehearse

Fingerprint = dict[str, object]


def state_of(m: Machine) -> Fingerprint:
    """Everything that the program at hand can reach, by where it is reached from."""
    found: Fingerprint = {"registers": dict(m.registers), "modules": list(m.modules)}
    found["loops"] = [loop.node for loop in m.loops]
    seen: set[int] = set()
    for name, value in list(m.namespaces.first.names.items()) if m.namespaces.first else ():
        found.update(_parts(f"global {name}", value, seen))
    return found


def _parts(path: str, value: object, seen: set[int]) -> Iterator[tuple[str, object]]:
    if id(value) in seen:
        return
    match value:
        case Instance():
            seen.add(id(value))
            fixed = value.cls, value.library, value.is_module, value.assumptions
            yield path, (*fixed, dict(value.assigned))
            for name, item in value.attributes.items():
                yield f"{path}.{name}", _shallow(item)
                yield from _parts(f"{path}.{name}", item, seen)
        case dict():
            seen.add(id(value))
            yield path, {key: _shallow(item) for key, item in value.items()}
            for key, item in value.items():
                yield from _parts(f"{path}[{key!r}]", item, seen)
        case list():
            seen.add(id(value))
            yield path, [_shallow(item) for item in value]
            for number, item in enumerate(value):
                yield from _parts(f"{path}[{number}]", item, seen)
        case Function(grad=grad, managed=managed):
            yield path, (grad, managed)
        case _ if not isinstance(value, Class | Scope):
            yield path, _shallow(value)


def _shallow(value: object) -> object:
    return id(value) if isinstance(value, list | dict | Instance) else value


def changed_by_first_paths(code: str, monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """For each fork of a rehearsal: what differs when the second path is taken."""
    parted = Machine.part
    found: list[set[str]] = []

    def part(
        m: Machine,
        condition: Condition,
        first: Path,
        second: Path,
        apart: Set[int] = frozenset(),
    ) -> Completion | None:
        before = state_of(m)

        def other() -> Completion | None:
            after = state_of(m)
            found.append({name for name in before if after.get(name) != before[name]})
            return second()

        return parted(m, condition, first, other, apart)

    with monkeypatch.context() as patch:
        patch.setattr(Machine, "part", part)
        rehearse(code, net=True)
    return found


@pytest.mark.parametrize("construct", CONSTRUCTS)
def test_a_path_leaves_nothing_to_the_other(
    construct: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = [code for seed in range(6) if (code := program(seed, construct)) is not None]
    found = [each for code in programs for each in changed_by_first_paths(code, monkeypatch)]
    assert found
    assert not any(found), found


def test_a_change_that_bypasses_the_heap_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    code = f"{HEAD}net = Net()\nif flag():\n    net.eval()\nelse:\n    net(x)\n"
    assert changed_by_first_paths(code, monkeypatch) == [set()]
    monkeypatch.setattr("bnlint.interpreter.core.heap.Heap.restore", Heap.drop)
    assert any(changed_by_first_paths(code, monkeypatch))
