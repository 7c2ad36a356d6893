"""Why reading the code does not give a value, in words for users."""

import re

from bnlint.facts.recipe import Built, Constant, LibraryName, Recipe, Unobtainable
from bnlint.interpreter.values import Many, Tensor, Unknown, Value

DEVICE = Constant("cpu")
"""What a model is told where the code finds out which device there is."""
TORCH_DEVICE = Built(LibraryName("torch.device"), (DEVICE,))
CUDA_QUESTIONS = {"torch.cuda.is_available()": False, "torch.cuda.device_count()": 0}

_WORDS = (
    (r"option (.+)", "it comes from the option `{0}`, which has no default"),
    (r"argument (.+)", "it is the parameter `{0}` of a function that is not seen called"),
    (r"depends on a condition", "it depends on a condition that is not known"),
    (r"items that depend on a condition", "it depends on a condition that is not known"),
    (r"(?:name|global|import) (.+)", "`{0}` is not defined in files that are read"),
    (r"(?:length|item|unpacked item)", "it is taken from something that is not known"),
    (r"(.+\(\))", "it is what `{0}` returns"),
)


def unknown(value: Value, what: str) -> Recipe:
    """A gap, with the reason; or what the value is where there is no graphics card."""
    reason = value.reason if isinstance(value, Unknown) else ""
    if reason in CUDA_QUESTIONS:
        return Constant(CUDA_QUESTIONS[reason])
    if reason == "torch.device()":
        return TORCH_DEVICE
    if what == "device":
        return DEVICE
    why = "it is a tensor" if isinstance(value, Tensor) else _why(reason)
    if isinstance(value, Many):
        why = "it has an unknown number of items"
    return Unobtainable(f"`{what}` is not known from reading the code{why and ': '}{why}")


def _why(reason: str) -> str:
    for pattern, words in _WORDS:
        match = re.fullmatch(pattern, reason)
        if match is not None:
            return words.format(*match.groups())
    return ""
