"""Functions that other functions run: in other processes, or from a command line."""

from textwrap import indent

import pytest

from bnlint.facts.types.known import Known
from bnlint.facts.types.run import Forward, is_training
from tests.rehearsing import forwards, modes, rehearse, widths

WORK = """
import u
def work(rank, size):
    net, loader = Net(), DataLoader(u.d(), batch_size=size)
    for x, y in loader:
        net(x)
"""
LAUNCHED = {
    "spawn": "import torch.multiprocessing as mp\nmp.spawn(work, args=(4,), nprocs=2)",
    "spawn from": "from torch.multiprocessing import spawn\nspawn(fn=work, args=(4,), nprocs=2)",
    "start_processes": "import torch.multiprocessing as mp\n"
    "mp.start_processes(work, (4,), nprocs=2, start_method='fork')",
    "xla": "import torch_xla.distributed.xla_multiprocessing as xmp\nxmp.spawn(work, args=(4,))",
    "process": "from torch.multiprocessing import Process\n"
    "for rank in range(2):\n    p = Process(target=work, args=(rank, 4))\n    p.start()",
    "process by keywords": "from multiprocessing import Process\n"
    "Process(target=work, kwargs={'rank': 0, 'size': 4}).start()",
    "notebook_launcher": "from accelerate import notebook_launcher\n"
    "notebook_launcher(work, (0, 4), num_processes=2)",
    "idist": "import ignite.distributed as idist\nidist.spawn('nccl', work, (4,))",
    "partial": "import functools\nimport torch.multiprocessing as mp\n"
    "mp.spawn(functools.partial(work, size=4), nprocs=2)",
}

MEASURED = {
    "itself": "memory_usage(proc=lambda: work(0, 4))",
    "with arguments": "memory_usage((work, (0, 4)), max_usage=True)",
    "with keywords": "memory_usage((work, (0,), {'size': 4}))",
    "for its answer": "_, done = memory_usage((work, (0, 4)), retval=True)",
}


def sizes(code: str) -> list[object]:
    """The batch size at each forward of the script's own run."""
    runs = [run for run in rehearse(WORK + code + "\n", net=True).runs if run.main]
    found = [forward for run in runs for forward in run.of_type(Forward)]
    return [forward.batch.value if forward.batch is not None else None for forward in found]


@pytest.mark.parametrize("code", LAUNCHED.values(), ids=LAUNCHED)
def test_processes_run_what_they_are_given(code: str) -> None:
    found = sizes(code)
    assert found
    assert set(found) == {4}


@pytest.mark.parametrize("code", MEASURED.values(), ids=MEASURED)
def test_what_a_profiler_measures_runs(code: str) -> None:
    found = sizes("from memory_profiler import memory_usage\n" + code)
    assert found and set(found) == {4}


def test_what_a_profiler_measures_changes_what_it_can_reach() -> None:
    code = "from memory_profiler import memory_usage\nnet = Net()\nmemory_usage(net.eval)\nnet(0)\n"
    assert modes(rehearse(code, net=True)) == ["eval"]


def test_a_process_that_is_never_started_does_nothing() -> None:
    assert sizes("from multiprocessing import Process\nProcess(target=work, args=(0, 4))") == []


def test_what_a_process_changes_stays_in_it() -> None:
    code = """
    from torch.multiprocessing import Process
    net = Net()
    def evaluate(rank):
        net.eval()
    Process(target=evaluate, args=(0,)).start()
    net(torch.rand(2, 3, 8, 8))
    """
    (forward,) = forwards(rehearse(code, net=True))
    assert {switch.training for switch in forward.mode} == {True}


EXECUTED = {
    "submit": "with futures.ThreadPoolExecutor(4) as pool:\n"
    "    jobs = [pool.submit(step, net, x) for x in (1, 2)]\n"
    "    for job in futures.as_completed(jobs):\n        results.append(job.result())",
    "map": "pool = futures.ThreadPoolExecutor(max_workers=4)\nresults = list(pool.map(step, [net], [1]))",
    "processes": "with futures.ProcessPoolExecutor() as pool:\n"
    "    results.append(pool.submit(step, net, x=1).result())",
}


@pytest.mark.parametrize("way", EXECUTED)
def test_executors_call_what_they_are_given(way: str) -> None:
    code = f"""
from concurrent import futures
def step(net, x):
    net.eval()
    net(torch.randn(2, 3, 8, 8))
    return 5
net, results = Net(), []
with torch.no_grad():
{indent(EXECUTED[way], "    ")}
nn.BatchNorm2d(results[0])
net(torch.randn(2, 3, 8, 8))
"""
    found = rehearse(code, net=True)
    *within, last = forwards(found)
    assert {forward.grad for forward in within} == {Known.YES}
    assert {str(is_training(norm.mode)) for norm in within[0].norms} == {str(Known.NO)}
    assert {is_training(norm.mode) for norm in last.norms} == {Known.of(way == "processes")}
    assert 5 in widths(found)


COMMANDS = {
    "click": "import click\n@click.command()\n@click.option('--size', '-s', default=4)\n"
    "def main(size):\n    work(0, size)\nmain()",
    "click with a name": "import click\n@click.command()\n@click.option('--batch', 'size', default=4)"
    "\ndef main(size):\n    work(0, size)\nmain()",
    "click within a group": "import click\n@click.group()\ndef cli():\n    pass\n@cli.command()\n"
    "@click.option('--size', default=4)\ndef train(size):\n    work(0, size)\ncli()",
    "click within a group in a group": "import click\n@click.group()\ndef cli():\n    pass\n"
    "@cli.group()\ndef nets():\n    pass\n@cli.command()\ndef info():\n    pass\n@nets.command()\n"
    "@click.option('--size', default=4)\ndef train(size):\n    work(0, size)\ncli()",
    "typer, with several": "import typer\napp = typer.Typer()\n@app.command()\ndef info():\n    pass\n"
    "@app.command()\ndef train(size: int = typer.Option(4)):\n    work(0, size)\napp()",
    "typer": "import typer\ndef main(size: int = typer.Option(4, help='images')):\n"
    "    work(0, size)\ntyper.run(main)",
    "fire": "import fire\ndef main(size=4):\n    work(0, size)\nfire.Fire(main)",
    "fire, with nothing": "import fire\ndef main(size=4, **more):\n    work(0, size)\nfire.Fire()",
    "fire, with a dict": "import fire\ndef main(size=4):\n    work(0, size)\n"
    "def other(size):\n    pass\nfire.Fire({'other': other, 'train': main})",
    "fire, with a class": "import fire\nclass Base:\n    def __init__(self, path, size=4):\n"
    "        self.size = size\n    def train(self, path):\n        work(0, self.size)\n"
    "class Tasks(Base):\n    def info(self):\n        self.size = 8\n    def _hidden(self):\n"
    "        work(0, 16)\nfire.Fire(Tasks)",
    "fire, with an object": "import fire\nclass Tasks:\n    def train(self, size=4):\n"
    "        work(0, size)\nfire.Fire(Tasks())",
    "absl": "from absl import app\ndef main(argv):\n    work(0, 4)\napp.run(main)",
    "tyro": "import tyro\ndef main(size: int = 4):\n    work(0, size)\ntyro.cli(main)",
    "tyro with a dataclass": "import tyro\nfrom dataclasses import dataclass\n@dataclass\n"
    "class Args:\n    size: int = 4\nargs = tyro.cli(Args)\nwork(0, args.size)",
}


@pytest.mark.parametrize("code", COMMANDS.values(), ids=COMMANDS)
def test_commands_run_with_their_defaults(code: str) -> None:
    runs = [run for run in rehearse(WORK + code + "\n", net=True).runs if run.main]
    found = [forward for run in runs for forward in run.of_type(Forward)]
    values = {f.batch.value for f in found if f.batch is not None}
    assert values == {4}


def test_an_option_that_click_requires_is_not_known() -> None:
    code = (
        "import click\n@click.command()\n@click.option('--size', required=True)\n"
        "def main(size):\n    work(0, size)\nmain()\n"
    )
    assert not {size for size in sizes(code) if isinstance(size, int)}
