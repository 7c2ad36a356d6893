"""Well-known packages, which an import means rather than a project's file of that name."""

import math
from collections.abc import Mapping
from pathlib import Path

NEVER_OURS = frozenset({"numpy", "timm", "torch", "torchvision"})
"""Packages that are what their names say even where a project has a copy of them."""

THIRD_PARTY = frozenset(
    {
        "absl",
        "accelerate",
        "albumentations",
        "apex",
        "bitsandbytes",
        "cv2",
        "datasets",
        "deepspeed",
        "detectron2",
        "diffusers",
        "efficientnet_pytorch",
        "einops",
        "fairseq",
        "fastai",
        "fire",
        "fvcore",
        "geffnet",
        "h5py",
        "horovod",
        "huggingface_hub",
        "hydra",
        "ignite",
        "imageio",
        "jax",
        "joblib",
        "kornia",
        "lightning",
        "lightning_fabric",
        "lmdb",
        "matplotlib",
        "ml_collections",
        "mmcls",
        "mmcv",
        "mmdet",
        "mmengine",
        "mmpretrain",
        "mmseg",
        "monai",
        "nibabel",
        "numba",
        "nvidia",
        "omegaconf",
        "onnx",
        "onnxruntime",
        "open_clip",
        "optuna",
        "pandas",
        "peft",
        "PIL",
        "plotly",
        "pretrainedmodels",
        "pycocotools",
        "pydantic",
        "pytest",
        "pytorch_grad_cam",
        "pytorch_lightning",
        "pytorch_msssim",
        "ray",
        "requests",
        "rich",
        "safetensors",
        "scipy",
        "seaborn",
        "segmentation_models_pytorch",
        "setuptools",
        "six",
        "skimage",
        "sklearn",
        "spacy",
        "sympy",
        "tensorboard",
        "tensorboardX",
        "tensorflow",
        "tensorrt",
        "termcolor",
        "thop",
        "tokenizers",
        "torch2trt",
        "torch_geometric",
        "torch_optimizer",
        "torch_scatter",
        "torch_xla",
        "torchaudio",
        "torchdata",
        "torchinfo",
        "torchmetrics",
        "torchsummary",
        "torchtext",
        "tqdm",
        "transformers",
        "triton",
        "turbojpeg",
        "typer",
        "ultralytics",
        "wandb",
        "xformers",
        "yaml",
    }
)
"""Packages that a project's module is taken for only where a script would find it first."""


def is_library(path: str) -> bool:
    """Whether a file belongs to an installed package."""
    return bool({"site-packages", "dist-packages"} & set(Path(path).parts))


STAR_EXPORTS: Mapping[str, frozenset[str]] = {
    "math": frozenset(name for name in dir(math) if name[:1] != "_"),
    "numpy.random": frozenset(
        """
        BitGenerator Generator MT19937 PCG64 PCG64DXSM Philox RandomState SFC64 SeedSequence beta
        binomial bytes chisquare choice default_rng dirichlet exponential f gamma geometric
        get_bit_generator get_state gumbel hypergeometric laplace logistic lognormal logseries
        multinomial multivariate_normal negative_binomial noncentral_chisquare noncentral_f normal
        pareto permutation poisson power rand randint randn random random_integers random_sample ranf
        rayleigh sample seed set_bit_generator set_state shuffle standard_cauchy
        standard_exponential standard_gamma standard_normal standard_t triangular uniform vonmises
        wald weibull zipf
        """.split()
    ),
}
"""What ``from math import *`` and the like bring; a name that is not among them is defined elsewhere."""


WITHOUT_BATCHNORM = (
    "torch.autograd.",
    "torchvision.transforms.",
    "torchaudio.transforms.",
    "einops.layers.",
    "kornia.augmentation.",
)
"""Where packages keep what a model may call like a layer, and what has no BatchNorm in it."""

_OF_MODELS = (
    "torchvision.models.",
    "timm.models.",
    "segmentation_models_pytorch.",
    "efficientnet_pytorch.",
    "geffnet.",
    "pretrainedmodels.",
)


def builds_model(path: str) -> bool:
    """Whether a dotted name is one of a package of models, most of which are built by calling it."""
    return path.startswith(_OF_MODELS)
