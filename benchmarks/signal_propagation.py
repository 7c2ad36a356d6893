"""How the signal propagates through deep pre-activation ResNets at initialisation.

    python benchmarks/signal_propagation.py [--blocks N N N N] [--plot FILE] [--more]

Bottleneck networks (three convolutions a block) with 33 blocks, about 100 convolutions, and with 199,
about 600, in the variants of arXiv 2101.08692, fed with Gaussian noise of 8 x 3 x 64 x 64. Prints
what is measured and the verdict, and draws the plots.
"""

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median

import torch
from preactivation import VARIANTS, Network, Variant
from torch import nn

from bnlint.facts.types.signal import Block, Signal, in_digits
from bnlint.facts.wording.signal_verdict import verdict
from bnlint.report import signal_plot
from bnlint.tracer.record.ways import record
from bnlint.tracer.signal.measuring import measure, noise

DEPTHS = ((8, 8, 9, 8), (50, 50, 50, 49))
SIZE = (8, 3, 64, 64)
SEED = 0
MORE: Mapping[str, Variant] = {
    "ReLU-BN-conv, He": Variant("ReLU BN"),
    "normalizer-free, Scaled WS, circular padding": replace(
        VARIANTS["normalizer-free, Scaled WS"], padding="circular"
    ),
    "normalizer-free, Scaled WS, alpha 0.2": replace(
        VARIANTS["normalizer-free, Scaled WS"], alpha=0.2
    ),
}


def main() -> None:
    """Measure each variant at each depth."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, nargs="+", help="blocks of each stage")
    parser.add_argument("--plot", type=Path, help="where to draw the deepest networks of the paper")
    parser.add_argument("--more", action="store_true", help="variants beside the paper's")
    options = parser.parse_args()
    torch.set_num_threads(1)
    depths = [tuple(options.blocks)] if options.blocks else DEPTHS
    variants = {**VARIANTS, **(MORE if options.more else {})}
    drawn: dict[str, Signal] = {}
    for blocks in depths:
        for name, variant in variants.items():
            signal = _measured(name, variant, blocks)
            if name in VARIANTS:
                drawn[name] = signal
    if options.plot is not None:
        signal_plot.save(drawn, options.plot)


def _measured(name: str, variant: Variant, blocks: Sequence[int]) -> Signal:
    torch.manual_seed(SEED)
    model = Network(variant, blocks)
    convolutions = sum(isinstance(module, nn.Conv2d) for module in model.modules())
    start = time.perf_counter()
    recording = record(model, (torch.empty(SIZE, device="meta"),))
    recorded = time.perf_counter()
    signal = measure(model, (noise(SIZE),), recording)
    done = time.perf_counter()
    print(f"{name}: {convolutions} convolutions, {len(signal.blocks)} blocks", end="")
    print(f" (recorded in {recorded - start:.1f} s, measured in {done - recorded:.1f} s)")
    _print(signal)
    return signal


def _print(signal: Signal) -> None:
    for stage in sorted({block.stage for block in signal.blocks}):
        found = [block for block in signal.blocks if block.stage == stage]
        branch = median(block.branch_variance for block in found)
        theory = found[0].expected_branch
        known = "" if theory is None else f" (theory {in_digits(_expected(found))})"
        print(
            f"  stage {stage}: variance {_ends(found, 'variance')},"
            f" squared mean {_ends(found, 'squared_mean')},"
            f" branch {in_digits(branch)}{known}"
        )
    print(f"  {verdict(signal).text}\n", flush=True)


def _expected(blocks: Sequence[Block]) -> float:
    return median(block.expected_branch or 0.0 for block in blocks)


def _ends(blocks: Sequence[Block], name: str) -> str:
    first, last = (in_digits(getattr(block, name)) for block in (blocks[0], blocks[-1]))
    return f"{first} to {last}"


if __name__ == "__main__":
    main()
