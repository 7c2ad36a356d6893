"""Which classes of libraries are modules, and the one name that each has here."""

from functools import lru_cache

from bnlint.vocabulary.layers import bare_name

FRAMEWORK_MODULES = ("LightningModule", "LightningDataModule", "PreTrainedModel", "MetaModule")
PACKAGE_MODULES = frozenset(
    """composer.ComposerModel composer.ComposerClassifier mmengine.BaseModel mmengine.BaseModule
    mmcv.BaseModule torch_geometric.MessagePassing detectron2.Backbone diffusers.ModelMixin""".split()
)
"""Base classes that are modules, by package and name; others have such names for something else."""
MODEL_PACKAGES = (
    "torchvision.models.",
    "timm.models.",
    "segmentation_models_pytorch.",
    "efficientnet_pytorch.",
    "pretrainedmodels.models.",
)
"""Where packages keep the classes of their models, from which a project's own may derive."""
DDP = "torch.nn.parallel.DistributedDataParallel"
OPENMMLAB = "mmcv.parallel.MMDataParallel"
FSDP = "torch.distributed.fsdp.FullyShardedDataParallel"
AVERAGE = "torch.optim.swa_utils.AveragedModel"
"""The class that averages the weights of a model in a copy of it."""

SYNCHRONISED = frozenset(f"encoding.nn.BatchNorm{dimensions}d" for dimensions in (1, 2, 3))
"""Classes of packages that are SyncBatchNorm by another name."""


@lru_cache(maxsize=8192)
def canonical(path: str) -> str:
    """The one name under which the interpreter knows a library class or function."""
    bare = bare_name(path)
    if bare is not None and not bare.startswith("_"):
        return f"torch.nn.{bare}" if bare != "DistributedDataParallel" else DDP
    head, _, name = path.rpartition(".")
    if head.startswith("torch.nn.modules.container") or path in ("torch.nn.Sequential",):
        return f"torch.nn.{name}"
    if (name == "DataParallel" and head.startswith("torch.nn")) or path == OPENMMLAB:
        return "torch.nn.DataParallel"
    if path == "torch.jit.ScriptModule":
        return "torch.nn.Module"
    if name in ("DistributedDataParallel", "MMDistributedDataParallel"):
        return DDP
    if name == "FullyShardedDataParallel" and head.startswith("torch."):
        return FSDP
    if name.startswith(("SyncBatchNorm", "SynchronizedBatchNorm")) or path in SYNCHRONISED:
        return "torch.nn.SyncBatchNorm"
    return path


@lru_cache(maxsize=8192)
def is_module_class(path: str) -> bool:
    """Whether a library class is an nn.Module."""
    package, name = path.partition(".")[0], path.rpartition(".")[2]
    if name in FRAMEWORK_MODULES or f"{package}.{name}" in PACKAGE_MODULES:
        return True
    if is_packaged_model(path):
        return True
    return canonical(path) in (AVERAGE, FSDP) or canonical(path).startswith("torch.nn.")


@lru_cache(maxsize=8192)
def is_packaged_model(path: str) -> bool:
    """Whether a library class is one of a package's models, or of their parts, that are not read."""
    name = path.rpartition(".")[2]
    return path.startswith(MODEL_PACKAGES) and name[:1].isupper() and "_Weights" not in path
