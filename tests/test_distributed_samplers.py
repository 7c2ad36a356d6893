"""What is known of the samplers of a distributed training: their order, and who tells them the epoch."""

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Sampler, SamplerCode
from bnlint.facts.types.loader_events import EpochSet, LoaderIterated
from tests.rehearsing import main_run, rehearse

HEAD = "from torch.utils.data.distributed import DistributedSampler\n"


def drawn(code: str) -> list[LoaderIterated]:
    return list(main_run(rehearse(HEAD + code)).of_type(LoaderIterated))


def sampler_of(given: str) -> Sampler | None:
    (event,) = drawn(f"for x in DataLoader(data, {given}):\n    pass\n")
    return event.loader.sampler


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sampler=DistributedSampler(data)", Known.YES),
        ("sampler=DistributedSampler(data, shuffle=False)", Known.NO),
        ("sampler=DistributedSampler(data, 2, 0, False)", Known.NO),
        ("sampler=DistributedSampler(data, shuffle=mixed)", Known.UNKNOWN),
        ("sampler=DistributedSampler(data, **options)", Known.UNKNOWN),
        ("sampler=DistributedSampler(data) if several else None", Known.YES),
        (
            "batch_sampler=torch.utils.data.BatchSampler(DistributedSampler(data), 8, True)",
            Known.YES,
        ),
        ("sampler=torch.utils.data.RandomSampler(data)", None),
        ("shuffle=True", None),
    ],
)
def test_the_order_of_a_sampler(given: str, expected: Known | None) -> None:
    found = sampler_of(given)
    assert (None if found is None else found.shuffles) == expected


def test_one_of_two_samplers_is_not_known() -> None:
    given = "DistributedSampler(data, shuffle=False) if last else DistributedSampler(data)"
    assert sampler_of(f"sampler={given}") is None


@pytest.mark.parametrize(
    ("setting", "shared"),
    [
        ("sampler.set_epoch(epoch)", True),
        ("loader.sampler.set_epoch(epoch)", True),
        ("sampler.epoch = epoch", True),
        ("accelerator.prepare(loader)", True),
        ("hook(sampler)", True),
        ("whose.set_epoch(epoch)", False),
    ],
)
def test_who_is_told_the_epoch(setting: str, shared: bool) -> None:
    code = f"""
from accelerate import Accelerator
accelerator = Accelerator()
sampler = DistributedSampler(data)
loader = DataLoader(data, sampler=sampler)
for epoch in range(9):
    {setting}
    for x in loader:
        pass
"""
    run = main_run(rehearse(HEAD + code))
    told = {event.sampler for event in run.of_type(EpochSet)}
    assert told == {next(run.of_type(LoaderIterated)).loader.sampler if shared else None}


def test_calls_that_tell_no_sampler() -> None:
    code = """
sampler = DistributedSampler(data)
print(len(sampler))
for x in DataLoader(data, sampler=sampler):
    pass
"""
    assert not list(main_run(rehearse(HEAD + code)).of_type(EpochSet))


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (
            "sampler = DistributedSampler(data)\nloader = DataLoader(data, sampler=sampler)",
            "sampler",
        ),
        ("loader = DataLoader(data, sampler=DistributedSampler(data))", "loader.sampler"),
        (
            "inner = [DistributedSampler(data)]\n"
            "loader = DataLoader(data, batch_sampler=torch.utils.data.BatchSampler(inner[0], 8, True))",
            "loader.batch_sampler.sampler",
        ),
    ],
)
def test_code_for_a_sampler(built: str, expected: str) -> None:
    code = f"{built}\nfor epoch in range(9):\n    for x in loader:\n        pass\n"
    assert [code.code for code in drawn(code)[0].sampler_at.values()] == [expected]


def test_code_for_a_sampler_that_may_be_missing() -> None:
    code = """
sampler = DistributedSampler(data) if several else None
loader = DataLoader(data, sampler=sampler)
def fit(loader):
    for epoch in range(9):
        for x in loader:
            pass
for run in range(3):
    fit(loader)
"""
    expected = SamplerCode("sampler", "sampler is not None", "loader.sampler")
    assert [*drawn(code)[0].sampler_at.values()] == [expected, expected]


def test_names_that_are_bound_on_some_paths_only_are_no_code_for_a_sampler() -> None:
    code = """
loader = DataLoader(data, sampler=DistributedSampler(data))
if several:
    mine = loader.sampler
for epoch in range(9):
    for x in loader:
        pass
"""
    assert [x.code for x in drawn(code)[0].sampler_at.values()] == ["loader.sampler"]


def test_the_loops_over_a_loader_and_single_batches() -> None:
    code = """
loader = DataLoader(data)
for epoch in range(9):
    for x in loader:
        pass
    y = next(iter(loader))
"""
    events = drawn(code)
    assert [event.whole for event in events] == [True, False] * 2
    assert {event.context.loops[0].passes for event in events} == {9}


def test_a_loader_with_and_without_its_progress_is_one() -> None:
    code = """
from tqdm import tqdm
loader = DataLoader(data, 8)
shown = tqdm(loader) if first else loader
for x in shown:
    pass
"""
    (event,) = drawn(code)
    assert event.loader.arguments["batch_size"].value == 8
