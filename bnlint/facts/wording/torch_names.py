"""By which names a file knows torch's parts, for code that is put into it."""

from bnlint.facts.types.site import Site

_IMPORTS = {
    "from torch import nn\n": "nn",
    "import torch.nn as nn\n": "nn",
    "import torch\n": "torch.nn",
}
"""Lines of a file, and the name that they give torch's layers."""


def name_of_layers(site: Site) -> str | None:
    """What ``torch.nn`` is called in the file of a place, if a line imports it in the usual way."""
    return next((name for line, name in _IMPORTS.items() if site.source.mentions(line)), None)
