"""The models of the zoo: those of pytorchcv, timm, torchvision and of folders.

Of pytorchcv, timm and torchvision it takes the smallest one of each file, going by names.
"""

import importlib
import importlib.util
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import torch
from candidates import Candidate, Folder, models_of, smallest_of_each_file
from traced import NotAModule, imported, warm_up

from bnlint.tracer.building.observed import watched
from bnlint.tracer.building.weights import no_weights

SMALL = ("atto", "femto", "pico", "nano", "xx_?small", "tiny", "xs", "mini", "small", "lite", "_s")
LARGE = ("base", "medium", "large", "huge", "giant", "gigantic", "enormous", "xl", "_[lmhg]", "so")
TORCHVISION_OPERATORS = {
    "nms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align": "(Tensor x, Tensor rois, float scale, SymInt h, SymInt w, int n, bool aligned)"
    " -> Tensor",
    "roi_pool": "(Tensor x, Tensor rois, float scale, SymInt h, SymInt w) -> (Tensor, Tensor)",
    "ps_roi_align": "(Tensor x, Tensor rois, float scale, SymInt h, SymInt w, int n)"
    " -> (Tensor, Tensor)",
    "ps_roi_pool": "(Tensor x, Tensor rois, float scale, SymInt h, SymInt w) -> (Tensor, Tensor)",
    "deform_conv2d": "(Tensor x) -> Tensor",
    "_roi_align_backward": "(Tensor x) -> Tensor",
    "_roi_pool_backward": "(Tensor x) -> Tensor",
    "_ps_roi_align_backward": "(Tensor x) -> Tensor",
    "_ps_roi_pool_backward": "(Tensor x) -> Tensor",
    "_deform_conv2d_backward": "(Tensor x) -> Tensor",
}
"""What torchvision wants to find when it is imported; no model of the zoo calls them."""


def declare_torchvision_operators() -> None:
    """Let torchvision be imported where its compiled part does not load, as beside torch for CPU."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    _LIBRARIES.append(library)
    for name, schema in TORCHVISION_OPERATORS.items():
        if not hasattr(torch.ops.torchvision, name):
            library.define(name + schema)  # type: ignore[no-untyped-call]


_LIBRARIES: list[torch.library.Library] = []
"""Declarations last as long as these."""


def zoo(sources: Iterable[str], folders: Iterable[Path]) -> Iterator[Candidate]:
    """The models of installed packages by name, and of folders.

    Raises:
        ModuleNotFoundError: a package is not installed.
    """
    for source in sources:
        yield from SOURCES[source]()
    for root in folders:
        yield from models_of(Folder(root.resolve()))


def _pytorchcv() -> Iterator[Candidate]:
    return smallest_of_each_file(_package("pytorchcv"))


def _timm() -> Iterator[Candidate]:
    """The smallest model of each file."""
    timm = importlib.import_module("timm")
    root = _package("timm").parent
    for module in timm.list_modules():
        names = timm.list_models(module=module)
        if names:
            file = root / "timm" / "models" / f"{module}.py"
            yield Candidate("timm", root, file, f"{min(names, key=_size)}()")


def _torchvision() -> Iterator[Candidate]:
    """The smallest classifier of each file, and all for segmentation and video."""
    models = importlib.import_module("torchvision.models")
    root = _package("torchvision").parent
    by_file: Mapping[str, list[str]] = defaultdict(list)
    for name in models.list_models():
        module = models.get_model_builder(name).__module__
        if not module.startswith(("torchvision.models.detection", "torchvision.models.quant")):
            by_file[module].append(name)
    for module, names in by_file.items():
        file = root.joinpath(*module.split(".")).with_suffix(".py")
        classify = module.count(".") == 2
        for name in [min(names, key=_size)] if classify else names:
            options = "weights_backbone=None" if ".segmentation." in module else ""
            yield Candidate("torchvision", root, file, f"{name.rpartition('/')[2]}({options})")


SOURCES = {"pytorchcv": _pytorchcv, "timm": _timm, "torchvision": _torchvision}


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name} is not installed: pip install --no-deps {name}")
    return Path(spec.origin).parent


def _size(name: str) -> tuple[float, float, str]:
    """What orders models by their names: words for sizes, then the numbers in them."""
    rank = next((n for n, word in enumerate(SMALL) if re.search(rf"{word}(?![a-z])", name)), None)
    if rank is None:
        large = (n for n, word in enumerate(LARGE) if re.search(rf"{word}(?![a-z])", name))
        rank = len(SMALL) + 1 + next(large, -1)
    numbers = [float(number) for number in re.findall(r"\d+", name)]
    return rank, sum(numbers) or math.inf, name


def build(candidate: Candidate, *, meta: bool = True) -> torch.nn.Module:
    """Build a model as the tracer's child does, with parameters on the meta device if possible.

    Raises whatever importing and building raise.
    """
    folder = Folder(candidate.root)
    with no_weights():
        scope = vars(imported(candidate.file, folder.roots_of(candidate.file)))
        model = _evaluated(candidate.expression, scope, meta)
    if not isinstance(model, torch.nn.Module):
        raise NotAModule(type(model).__name__)
    return model


def _evaluated(expression: str, scope: dict[str, object], meta: bool) -> object:
    try:
        with watched(meta=meta):
            return eval(expression, scope)
    except Exception:
        if not meta:
            raise
        return _evaluated(expression, scope, meta=False)


def prepare() -> None:
    """Import once what the children need, so that none of them spends time on it."""
    warm_up()
    declare_torchvision_operators()
    for name in ("torchvision", "timm", "pytorchcv"):
        if importlib.util.find_spec(name) is not None:
            importlib.import_module(name)
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 3000))
    torch.set_num_threads(1)
