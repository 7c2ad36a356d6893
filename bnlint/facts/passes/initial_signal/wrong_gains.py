"""Standardised weights of normalizer-free networks whose gain does not fit the activation before them."""

from collections.abc import Iterator

from bnlint.facts.passes.initial_signal.normalizer_free import (
    SAME,
    ScaledBlock,
    Stretch,
    normalizer_free_blocks,
)
from bnlint.facts.passes.initial_signal.signal_paths import product_of
from bnlint.facts.passes.once import Pass
from bnlint.facts.types.graph import Call, ModelGraph
from bnlint.immutable import immutable


@immutable
class WrongGain:
    """Layers of a model that multiply what ``activation`` gives by ``gain`` instead of ``right``.

    ``layers`` are all of them, ``judged`` is the number of layers whose gain is known.
    """

    activation: Call
    gain: float
    right: float
    layers: tuple[Stretch, ...]
    judged: int

    @property
    def share(self) -> float:
        """What is left of the variance behind each of the layers."""
        return (self.gain / self.right) ** 2


@Pass
def wrong_gains(graph: ModelGraph) -> tuple[WrongGain, ...]:
    """One for each activation and gain, in execution order."""
    judged = [
        (stretch, stretch.activation, stretch.gain, stretch.right_gain)
        for block in normalizer_free_blocks(graph)
        for stretch in _judged(block)
    ]
    found: dict[tuple[str, float], list[Stretch]] = {}
    for stretch, activation, gain, right in judged:
        if activation is not None and gain and right and abs(gain / right - 1) > SAME:
            found.setdefault((activation.op, round(gain, 3)), []).append(stretch)
    return tuple(_made(layers, len(judged)) for layers in found.values())


def _made(layers: list[Stretch], judged: int) -> WrongGain:
    first = layers[0]
    assert first.activation is not None and first.gain is not None and first.right_gain is not None
    return WrongGain(first.activation, first.gain, first.right_gain, tuple(layers), judged)


def _judged(block: ScaledBlock) -> Iterator[Stretch]:
    """The layers whose gain serves the activation alone.

    The first one of a branch may have ``1 / beta`` in it, the last one ``alpha``.
    """
    for number, stretch in enumerate(block.stretches[1:], 1):
        last = number == len(block.stretches) - 1
        may_be_alpha = last and stretch.extra != 1 and product_of(block.tail) == 1
        gated = any(step.gate is not None for step in stretch.steps)
        if not may_be_alpha and not gated and stretch.right_gain and stretch.gain:
            yield stretch
