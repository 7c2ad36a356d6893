"""Write down which children of torchvision's models contain BatchNorm layers.

``python -m tests.library_parts`` builds each model on the meta device where that is possible, and
writes ``bnlint/interpreter/library/model_parts.txt``. It needs torchvision.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import bnlint.interpreter.library

PARTS = Path(bnlint.interpreter.library.__file__).with_name("model_parts.txt")
HEADER = """\
# The children of models that contain BatchNorm layers, and those that contain none.
# Made by `python -m tests.library_parts` with torchvision {version}.
"""
Builder = Callable[[], nn.Module]


def torchvision_models() -> Iterator[tuple[str, Builder]]:
    """Builders by name; those of detectors choose the normalisation by the weights they load."""
    models = import_module("torchvision.models")
    for name in models.list_models():
        builder = models.get_model_builder(name)
        if ".detection." not in builder.__module__ and not name.startswith("quantized"):
            yield name, lambda builder=builder: builder(weights=None, **without_backbone(builder))


def without_backbone(builder: Callable[..., nn.Module]) -> dict[str, None]:
    """What keeps a segmentation model from loading its backbone."""
    return {"weights_backbone": None} if "segmentation" in builder.__module__ else {}


def built(build: Builder) -> nn.Module:
    """A model without memory for its weights, unless it computes with them when it is built."""
    try:
        with torch.device("meta"):
            return build()
    except NotImplementedError:
        return build()


def parts(model: nn.Module) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the children with BatchNorm layers, and without."""
    found: tuple[list[str], list[str]] = [], []
    for name, child in model.named_children():
        found[not any(isinstance(m, _BatchNorm) for m in child.modules())].append(name)
    return tuple(found[0]), tuple(found[1])


def lines(package: str, models: Iterator[tuple[str, Builder]]) -> Iterator[str]:
    """One line for all models of a package with the same children."""
    groups: dict[tuple[tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for name, build in models:
        found = parts(built(build))
        if found[0]:
            groups[found].append(name)
    for (with_norm, without), names in groups.items():
        yield f"{package} {' '.join(names)}: {' '.join(with_norm)} | {' '.join(without)}"


def main() -> None:
    """Write the file anew."""
    version = import_module("torchvision").__version__.partition("+")[0]
    found = lines("torchvision", torchvision_models())
    PARTS.write_text(HEADER.format(version=version) + "\n".join(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
