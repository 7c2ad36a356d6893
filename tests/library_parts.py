"""Write down which children of torchvision's models contain BatchNorm layers, and how these are called.

``python -m tests.library_parts`` builds each model on the meta device where that is possible, and
writes ``model_parts.txt`` and ``norm_names.txt`` in ``bnlint/interpreter/library/torch_library``. It needs torchvision.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import bnlint.interpreter.library.torch_library

PARTS = Path(bnlint.interpreter.library.torch_library.__file__).with_name("model_parts.txt")
HEADER = """\
# The children of models that contain BatchNorm layers, and those that contain none.
# Made by `python -m tests.library_parts` with torchvision {version}.
"""
NAMES = PARTS.with_name("norm_names.txt")
ABOUT_NAMES = """\
# BatchNorm layers of models by their names. Of names that differ in the numbers of blocks alone, the first stands for all.
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


def norm_names(model: nn.Module) -> tuple[str, ...]:
    """The names of BatchNorm layers, those of further blocks left out."""
    every = [name for name, module in model.named_modules() if isinstance(module, _BatchNorm)]
    alone = len({name.partition(".")[0] for name in every}) == 1
    first: dict[tuple[str, ...], str] = {}
    for name in every:
        words = name.split(".")
        kept = 2 if alone else 1
        numberless = (re.sub(r"\d+", "", word) for word in words[kept:])
        first.setdefault((*words[:kept], *numberless), name)
    return tuple(first.values())


def name_lines(package: str, models: Iterator[tuple[str, Builder]]) -> Iterator[str]:
    """One line for all models of a package with the same names."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for name, build in models:
        if found := norm_names(built(build)):
            groups[found].append(name)
    for found, names in groups.items():
        yield f"{package} {' '.join(names)}: {' '.join(found)}"


def main() -> None:
    """Write the files anew."""
    version = import_module("torchvision").__version__.partition("+")[0]
    for path, header, found in (
        (PARTS, HEADER, lines("torchvision", torchvision_models())),
        (NAMES, ABOUT_NAMES, name_lines("torchvision", torchvision_models())),
    ):
        path.write_text(header.format(version=version) + "\n".join(found) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
