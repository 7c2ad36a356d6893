"""Names of the parameters of torch's functions and methods whose constant arguments matter."""

from collections.abc import Mapping

SIGNATURES: Mapping[str, tuple[str, ...]] = {
    "cat": ("tensors", "dim"),
    "concat": ("tensors", "dim"),
    "concatenate": ("tensors", "dim"),
    "stack": ("tensors", "dim"),
    "chunk": ("input", "chunks", "dim"),
    "split": ("input", "split_size_or_sections", "dim"),
    "pad": ("input", "pad"),
    "pixel_shuffle": ("input", "upscale_factor"),
    "pixel_unshuffle": ("input", "downscale_factor"),
    "glu": ("input", "dim"),
    "flatten": ("input", "start_dim", "end_dim"),
    "unsqueeze": ("input", "dim"),
    "squeeze": ("input", "dim"),
    "mean": ("input", "dim", "keepdim"),
    "sum": ("input", "dim", "keepdim"),
    "max": ("input", "dim", "keepdim"),
    "dropout": ("input", "p", "training"),
    "avg_pool2d": ("input", "kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"),
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
