"""The environment of the child: what Python, torch and the system's libraries need, and no secrets."""

import os
import tempfile
from collections.abc import Collection

NAMES = frozenset(
    """
    PATH HOME USER LOGNAME SHELL LANG LANGUAGE TZ TMPDIR TEMP TMP TERM PWD VIRTUAL_ENV
    CONDA_PREFIX CONDA_DEFAULT_ENV MPLCONFIGDIR HF_HOME HF_HUB_CACHE HF_DATASETS_CACHE
    MALLOC_ARENA_MAX SYSTEMROOT SYSTEMDRIVE WINDIR COMSPEC PATHEXT USERPROFILE APPDATA
    LOCALAPPDATA PROGRAMDATA PROGRAMFILES NUMBER_OF_PROCESSORS PROCESSOR_ARCHITECTURE
    """.split()
)
"""Variables that are passed on."""

PREFIXES = (
    *(
        "LC_",
        "XDG_",
        "PYTHON",
        "LD_",
        "DYLD_",
        "TORCH",
        "PYTORCH_",
        "ATEN_",
        "OMP_",
        "GOMP_",
        "KMP_",
    ),
    *("MKL_", "OPENBLAS_", "BLIS_", "NUMEXPR_", "NUMBA_", "CUDA_", "NVIDIA_", "CUDNN_", "NCCL_"),
    *("HIP_", "ROCM_", "TRITON_"),
)
"""Beginnings of the names of others that are."""

SECRETS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "APIKEY", "PRIVATE")
"""Words in names that are not passed on, whatever they begin with."""

QUIET = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_OFFLINE": "1",
    "MKL_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
    "WANDB_MODE": "disabled",
}
"""No accelerators, networks, windows and threads."""


def environment(passed: Collection[str] = ()) -> dict[str, str]:
    """What the child gets of our environment; ``passed`` are names that the user adds.

    Matplotlib cannot be imported without a folder that it believes it may write to.
    """
    kept = {name: value for name, value in os.environ.items() if name in passed or _is_kept(name)}
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    usual = [os.path.join(cache, "matplotlib"), os.path.expanduser("~/.matplotlib")]
    if "MPLCONFIGDIR" in kept or any(map(os.path.isdir, usual)):
        return kept | QUIET
    return kept | QUIET | {"MPLCONFIGDIR": tempfile.gettempdir()}


def _is_kept(name: str) -> bool:
    upper = name.upper()
    known = upper in NAMES or upper.startswith(PREFIXES)
    return known and not any(word in upper for word in SECRETS)
