"""Why reading the code does not give a value, in words for users."""

import re

from bnlint.facts.types.recipe import Assumed, Built, Constant, LibraryName, Recipe, Unobtainable
from bnlint.interpreter.core.values import Many, Tensor, Unknown, Value

DEVICE = Constant("cpu")
"""What a model is told where the code finds out which device there is."""
TORCH_DEVICE = Built(LibraryName("torch.device"), (DEVICE,))
CUDA_QUESTIONS = {"torch.cuda.is_available()": False, "torch.cuda.device_count()": 0}

_NUMBER = r"(?:n|nb|no|num|number|total|in|out)_?(?:of_)?"
_CLASSES = r"(?:class|classes|cls|categories|labels|identities|speakers)"
_WORDS_OR_SUCH = r"(?:vocab|vocabulary|words|tokens?|chars)"
_COUNTS = (
    (re.compile(f"{_NUMBER}{_CLASSES}|{_CLASSES}_?(?:num|number|count)|classes"), 10),
    (re.compile(f"{_NUMBER}{_WORDS_OR_SUCH}|(?:\\w+_)?{_WORDS_OR_SUCH}_(?:size|len)"), 1000),
)
_WORDS = (
    (r"option (.+)", "it comes from the option `{0}`, which has no default"),
    (r"argument (.+)", "it is the parameter `{0}` of a function that is not seen called"),
    (r"depends on a condition", "it depends on a condition that is not known"),
    (r"items that depend on a condition", "it depends on a condition that is not known"),
    (r"(?:name|global|import) (.+)", "`{0}` is not defined in files that are read"),
    (r"(?:length|item|unpacked item)", "it is taken from something that is not known"),
    (r"(?:builtins\.)?(.+\(\))", "it is what `{0}` returns"),
)


def counts(name: str) -> int | None:
    """A number to take for a count of classes or words, by its name; ``None`` for other names."""
    return next((number for words, number in _COUNTS if words.fullmatch(name.lower())), None)


def unknown(value: Value, what: str) -> Recipe:
    """A gap, with the reason; or what the value is without a graphics card, or a usual number."""
    reason = value.reason if isinstance(value, Unknown) else ""
    if reason in CUDA_QUESTIONS:
        return Constant(CUDA_QUESTIONS[reason])
    if reason == "torch.device()":
        return TORCH_DEVICE
    if what == "device":
        return DEVICE
    assumed = counts(what)
    if assumed is not None and isinstance(value, Unknown):
        return Assumed(what, assumed)
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
