"""Names of the parameters of torch's functions and methods whose constant arguments matter."""

from collections.abc import Mapping

_REDUCTIONS = "mean sum nanmean nansum prod max min amax amin median mode logsumexp argmax argmin"
_WINDOW = ("input", "kernel_size", "stride", "padding")

SIGNATURES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_REDUCTIONS.split(), ("input", "dim", "keepdim")),
    **{
        f"adaptive_{kind}_pool{n}d": ("input", "output_size")
        for kind in ("avg", "max")
        for n in "123"
    },
    **{f"max_pool{n}d": (*_WINDOW, "dilation", "ceil_mode") for n in "123"},
    **{f"avg_pool{n}d": (*_WINDOW, "ceil_mode", "count_include_pad") for n in "123"},
    **dict.fromkeys(
        ("var", "std", "var_mean", "std_mean"), ("input", "dim", "unbiased", "keepdim")
    ),
    "norm": ("input", "p", "dim", "keepdim"),
    "cat": ("tensors", "dim"),
    "concat": ("tensors", "dim"),
    "concatenate": ("tensors", "dim"),
    "stack": ("tensors", "dim"),
    "chunk": ("input", "chunks", "dim"),
    "split": ("input", "split_size_or_sections", "dim"),
    "unsafe_chunk": ("input", "chunks", "dim"),
    "unsafe_split": ("input", "split_size", "dim"),
    "split_with_sizes": ("input", "split_sizes", "dim"),
    "tensor_split": ("input", "indices_or_sections", "dim"),
    "unbind": ("input", "dim"),
    "select": ("input", "dim", "index"),
    "pad": ("input", "pad"),
    "pixel_shuffle": ("input", "upscale_factor"),
    "pixel_unshuffle": ("input", "downscale_factor"),
    "glu": ("input", "dim"),
    "flatten": ("input", "start_dim", "end_dim"),
    "unsqueeze": ("input", "dim"),
    "squeeze": ("input", "dim"),
    **dict.fromkeys(
        ("dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout"),
        ("input", "p", "training"),
    ),
    "add": ("input", "other", "alpha"),
    "mul": ("input", "other"),
    "div": ("input", "other"),
    "transpose": ("input", "dim0", "dim1"),
    "swapaxes": ("input", "dim0", "dim1"),
    "swapdims": ("input", "dim0", "dim1"),
    "linear": ("input", "weight", "bias"),
    "batch_norm": (
        "input",
        "running_mean",
        "running_var",
        "weight",
        "bias",
        "training",
        "momentum",
        "eps",
    ),
}
"""Parameter names in order, the tensor first, by bare name without a trailing underscore."""

VARIADIC = frozenset({"view", "reshape", "permute", "expand", "repeat"})
"""Functions that take sizes or dimensions one by one or as one sequence: it is called ``shape``."""

MODULE_PARAMETERS: Mapping[str, str] = {
    "torch.compile": "model",
    "torch.jit.script": "obj",
    "torch.jit.trace": "func",
    "torch.fx.symbolic_trace": "root",
}
"""Functions that give the module back that they get first, and what they call it."""


_OTHER_NAMES: Mapping[str, str] = {
    "axis": "dim",
    "keepdims": "keepdim",
    "axis0": "dim0",
    "axis1": "dim1",
    "split_size": "split_size_or_sections",
}
"""What NumPy, and methods of tensors, call parameters that these functions take as well."""


def parameter_named(function: str, word: str) -> str:
    """The name of the parameter that a keyword of a call means, ``dim`` for ``axis=``."""
    names = SIGNATURES.get(function.rstrip("_"), ())
    return word if word in names else _OTHER_NAMES.get(word, word)


def parameter(function: str, number: int) -> str:
    """The name of a parameter of a function or method, the tensor is 0; else its number."""
    names = SIGNATURES.get(function.rstrip("_"), ())
    return names[number] if number < len(names) else str(number)
