"""The interpreter's tables against the installed torch."""

import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from bnlint.facts.types.kind import Kind
from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Purpose
from bnlint.interpreter.library.data_loading.datasets import dataset_facts, purpose_of_name
from bnlint.interpreter.library.torch_library.models import arrives_in_eval, contains_batchnorm
from bnlint.interpreter.library.training_frameworks.frameworks import framework_of
from bnlint.vocabulary.layers import (
    CONTAINERS,
    KINDS,
    PARENTS,
    REQUIRED,
    SIGNATURES,
    ancestors,
    bare_name,
    parameter_names,
)
from bnlint.vocabulary.operations import ATTRIBUTES, CREATIONS, FUNCTIONS, METHODS, SCALARS

torch = pytest.importorskip("torch")
nn = torch.nn

DESCRIBED = "2.13"
"""The torch whose classes and functions the tables hold."""
as_described = pytest.mark.skipif(
    not torch.__version__.startswith(f"{DESCRIBED}."), reason=f"the tables are torch {DESCRIBED}'s"
)

CLASSES = {
    name: member
    for name, member in vars(nn).items()
    if inspect.isclass(member) and issubclass(member, nn.Module)
} | {
    "DistributedDataParallel": nn.parallel.DistributedDataParallel,
    "_BatchNorm": nn.modules.batchnorm._BatchNorm,
    "_InstanceNorm": nn.modules.instancenorm._InstanceNorm,
    "_ConvNd": nn.modules.conv._ConvNd,
}
MIXINS = (
    "_LazyNormBase",
    "_LazyConvXdMixin",
    "LazyModuleMixin",
    "Joinable",
    "ABC",
    "Generic",
    "object",
)
SAME_AS_BASE = ("RNN", "LSTM", "GRU")  # *args, handed on to RNNBase


@as_described
def test_every_module_class_of_torch_nn_is_in_the_tables_and_no_other() -> None:
    assert set(SIGNATURES) | CONTAINERS == set(CLASSES)
    assert set(KINDS) == set(CLASSES)
    assert not set(SIGNATURES) & CONTAINERS


@as_described
@pytest.mark.parametrize("name", sorted(set(SIGNATURES) - set(SAME_AS_BASE)))
def test_signature_equals_that_of_the_installed_class(name: str) -> None:
    written = [(p.name, p.default, p.keyword_only) for p in SIGNATURES[name]]
    assert written == list(_installed_parameters(name))


def _installed_parameters(name: str) -> Iterator[tuple[str, object, bool]]:
    parameters = list(inspect.signature(CLASSES[name].__init__).parameters.values())[1:]
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        default = REQUIRED if parameter.default is parameter.empty else parameter.default
        default = default.__name__ if inspect.isfunction(default) else default
        yield parameter.name, default, parameter.kind is parameter.KEYWORD_ONLY


@pytest.mark.parametrize("name", SAME_AS_BASE)
def test_recurrent_signature_sets_the_attributes_of_its_names(name: str) -> None:
    layer = CLASSES[name](3, 4, 2, *([] if name != "RNN" else ["relu"]), False, True, 0.5, True)
    assert (layer.input_size, layer.hidden_size, layer.num_layers) == (3, 4, 2)
    given = [p.name for p in SIGNATURES[name] if p.name != "nonlinearity"]
    assert given[3:7] == ["bias", "batch_first", "dropout", "bidirectional"]
    assert (layer.bias, layer.batch_first, layer.dropout, layer.bidirectional) == (
        False,
        True,
        0.5,
        True,
    )


@as_described
@pytest.mark.parametrize("name", sorted(PARENTS))
def test_parent_is_the_first_base_class_that_is_no_mixin(name: str) -> None:
    member = CLASSES.get(name) or _private(name)
    bases = [base.__name__ for base in member.__bases__ if base.__name__ not in MIXINS]
    assert bases == [PARENTS[name]]
    assert [n for n in (base.__name__ for base in member.__mro__) if n not in MIXINS] == list(
        ancestors(name)
    )


def _private(name: str) -> Any:
    for member in CLASSES.values():
        for base in member.__mro__:
            if base.__name__ == name:
                return base
    raise AssertionError(name)


@as_described
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Conv2d", {"in_channels": 4, "out_channels": 8, "kernel_size": 3}),
        ("Conv2d", {"in_channels": 4, "out_channels": 8, "kernel_size": 3, "bias": False}),
        ("ConvTranspose1d", {"in_channels": 4, "out_channels": 8, "kernel_size": 3}),
        ("Linear", {"in_features": 4, "out_features": 2, "bias": False}),
        ("Bilinear", {"in1_features": 4, "in2_features": 2, "out_features": 2}),
        ("BatchNorm2d", {"num_features": 4}),
        ("BatchNorm2d", {"num_features": 4, "affine": False}),
        ("BatchNorm2d", {"num_features": 4, "bias": False}),
        ("BatchNorm1d", {"num_features": 4, "track_running_stats": False}),
        ("InstanceNorm2d", {"num_features": 4, "affine": False, "track_running_stats": False}),
        ("InstanceNorm2d", {"num_features": 4, "affine": True, "track_running_stats": True}),
        ("GroupNorm", {"num_groups": 2, "num_channels": 4, "affine": False}),
        ("GroupNorm", {"num_groups": 2, "num_channels": 4}),
        ("LayerNorm", {"normalized_shape": 4}),
        ("LayerNorm", {"normalized_shape": 4, "bias": False}),
        ("RMSNorm", {"normalized_shape": 4}),
        ("PReLU", {}),
        ("ReLU", {}),
        ("Dropout", {"p": 0.2}),
        ("Embedding", {"num_embeddings": 4, "embedding_dim": 2}),
        ("LSTM", {"input_size": 3, "hidden_size": 4, "num_layers": 2, "bidirectional": True}),
        ("LSTM", {"input_size": 3, "hidden_size": 4, "proj_size": 2}),
        ("GRU", {"input_size": 3, "hidden_size": 4, "bias": False}),
        ("GRUCell", {"input_size": 3, "hidden_size": 4}),
        ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2}),
        ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2, "kdim": 3, "bias": False}),
        ("MultiheadAttention", {"embed_dim": 4, "num_heads": 2, "add_bias_kv": True}),
    ],
)
def test_parameter_names_are_those_of_the_built_layer(
    name: str, arguments: dict[str, object]
) -> None:
    layer = CLASSES[name](**arguments)
    bound = {p.name: p.default for p in SIGNATURES[name]} | arguments
    assert set(parameter_names(name, bound)) == {n for n, _ in layer.named_parameters()}


def test_kinds_agree_with_the_class_hierarchy() -> None:
    bases = {
        nn.modules.batchnorm._BatchNorm: Kind.BATCH_NORM,
        nn.modules.instancenorm._InstanceNorm: Kind.INSTANCE_NORM,
        nn.modules.conv._ConvNd: Kind.CONV,
        nn.modules.dropout._DropoutNd: Kind.DROPOUT,
        nn.modules.loss._Loss: Kind.OTHER,
        nn.RNNBase: Kind.RECURRENT,
        nn.Linear: Kind.LINEAR,
    }
    for base, kind in bases.items():
        of_base = {name for name, member in CLASSES.items() if issubclass(member, base)}
        assert {KINDS[name] for name in of_base} == {kind}
    by_module = {"activation": {Kind.ACTIVATION, Kind.ATTENTION}, "padding": {Kind.PAD}}
    for module, kinds in by_module.items():
        members = vars(getattr(nn.modules, module)).values()
        names = {n for n, c in CLASSES.items() if c in members and c.__module__.endswith(module)}
        assert {KINDS[name] for name in names} == kinds


def test_classes_are_found_under_every_path_that_code_may_use() -> None:
    for name, member in CLASSES.items():
        assert bare_name(f"{member.__module__}.{name}") == name
    assert bare_name("torch.nn.BatchNorm2d") == "BatchNorm2d"
    assert bare_name("torch.nn.modules.BatchNorm2d") == "BatchNorm2d"
    assert bare_name("torch.nn.modules.batchnorm._BatchNorm") == "_BatchNorm"
    assert bare_name("torch.nn.parallel.DistributedDataParallel") == "DistributedDataParallel"
    assert bare_name("torch.nn._BatchNorm") is None
    assert bare_name("torch.nn.functional") is None
    assert bare_name("sync_batchnorm.BatchNorm2d") is None


@as_described
def test_functions_methods_and_attributes_exist() -> None:
    modules = (torch, nn.functional, torch.special, torch.linalg, torch.fft)
    assert [n for n in FUNCTIONS if not any(hasattr(module, n) for module in modules)] == []
    assert [n for n in METHODS if not hasattr(torch.Tensor, n)] == []
    assert [n for n in ATTRIBUTES if not hasattr(torch.Tensor, n)] == []
    assert [n for n in SCALARS if not hasattr(torch.Tensor, n)] == []
    assert [n for n in CREATIONS if n not in FUNCTIONS and n not in METHODS] == []


@as_described
def test_every_public_function_of_torch_nn_functional_has_a_kind() -> None:
    internal = ("has_torch_function", "handle_torch_function", "assert_int_or_pair")
    missing = [
        name
        for name, member in vars(nn.functional).items()
        if callable(member) and not inspect.isclass(member) and name not in FUNCTIONS
        if not name.startswith(("_", *internal)) and "torch" in (member.__module__ or "torch")
    ]
    assert sorted(missing) == [
        "boolean_dispatch",
        "grouped_mm",
        "linear_cross_entropy",
        "scaled_grouped_mm",
        "scaled_mm",
    ]


@pytest.mark.parametrize(
    ("constructor", "arguments", "expected"),
    [
        ("torchvision.models.resnet18", {"pretrained": True}, Known.YES),
        ("torchvision.models.resnet.resnet50", {}, Known.YES),
        ("torchvision.models.resnet50", {"norm_layer": object()}, Known.UNKNOWN),
        ("torchvision.models.densenet121", {}, Known.YES),
        ("torchvision.models.mobilenet_v3_small", {}, Known.YES),
        ("torchvision.models.googlenet", {}, Known.YES),
        ("torchvision.models.inception_v3", {}, Known.YES),
        ("torchvision.models.vgg16", {}, Known.NO),
        ("torchvision.models.vgg16_bn", {}, Known.YES),
        ("torchvision.models.alexnet", {}, Known.NO),
        ("torchvision.models.squeezenet1_0", {}, Known.NO),
        ("torchvision.models.convnext_tiny", {}, Known.NO),
        ("torchvision.models.vit_b_16", {}, Known.NO),
        ("torchvision.models.swin_t", {}, Known.NO),
        ("torchvision.models.get_model", {"0": "regnet_y_400mf"}, Known.YES),
        ("torchvision.models.segmentation.deeplabv3_resnet50", {}, Known.YES),
        ("torchvision.models.segmentation.deeplabv3.DeepLabHead", {"0": 2048, "1": 2}, Known.YES),
        ("torchvision.models.detection.fasterrcnn_resnet50_fpn", {}, Known.NO),
        ("torchvision.models.detection.fasterrcnn_resnet50_fpn", {"0": True}, Known.UNKNOWN),
        (
            "torchvision.models.detection.fcos_resnet50_fpn",
            {"weights_backbone": None},
            Known.YES,
        ),
        (
            "torchvision.models.detection.retinanet_resnet50_fpn",
            {"weights_backbone": None, "weights": "DEFAULT"},
            Known.NO,
        ),
        (
            "torchvision.models.detection.maskrcnn_resnet50_fpn",
            {"weights": object(), "weights_backbone": None},
            Known.UNKNOWN,
        ),
        ("torchvision.models.detection.retinanet_resnet50_fpn_v2", {}, Known.YES),
        ("torchvision.models.detection.ssdlite320_mobilenet_v3_large", {}, Known.YES),
        ("torchvision.models.detection.FasterRCNN", {}, Known.UNKNOWN),
        ("torchvision.models.detection.ssd300_vgg16", {}, Known.NO),
        ("torchvision.models.video.r3d_18", {}, Known.YES),
        ("torchvision.transforms.Compose", {}, Known.UNKNOWN),
        ("timm.create_model", {"0": "resnet50"}, Known.YES),
        ("timm.create_model", {"model_name": "hf_hub:timm/resnet50.a1_in1k"}, Known.YES),
        ("timm.create_model", {"0": "tf_efficientnet_b0.ns_jft_in1k"}, Known.YES),
        ("timm.create_model", {"0": "vit_base_patch16_224"}, Known.NO),
        ("timm.create_model", {"0": "vit_base_resnet50d_224"}, Known.UNKNOWN),
        ("timm.create_model", {"0": "resnet50_gn"}, Known.UNKNOWN),
        ("timm.create_model", {"0": "resnetv2_50x1_bit"}, Known.UNKNOWN),
        ("timm.create_model", {}, Known.UNKNOWN),
        ("timm.models.resnet50", {}, Known.YES),
        ("segmentation_models_pytorch.Unet", {}, Known.YES),
        ("segmentation_models_pytorch.Unet", {"decoder_use_batchnorm": False}, Known.YES),
        (
            "segmentation_models_pytorch.Unet",
            {"0": "vgg11", "decoder_use_batchnorm": False},
            Known.NO,
        ),
        (
            "segmentation_models_pytorch.Unet",
            {"encoder_name": object(), "decoder_use_batchnorm": False},
            Known.UNKNOWN,
        ),
        ("segmentation_models_pytorch.FPN", {"encoder_name": "mit_b0"}, Known.NO),
        ("efficientnet_pytorch.EfficientNet.from_pretrained", {}, Known.YES),
        ("pretrainedmodels.se_resnext50_32x4d", {}, Known.YES),
        ("torch.hub.load", {"0": "pytorch/vision", "1": "resnet50"}, Known.YES),
        ("torch.hub.load", {"0": "facebookresearch/dino:main", "1": "unheard_of"}, Known.UNKNOWN),
        ("transformers.BertModel.from_pretrained", {"0": "bert-base-uncased"}, Known.NO),
        ("transformers.AutoModelForSequenceClassification.from_pretrained", {}, Known.NO),
        ("transformers.AutoModel.from_pretrained", {"0": "microsoft/resnet-50"}, Known.YES),
        ("transformers.ResNetForImageClassification.from_pretrained", {}, Known.YES),
        ("transformers.AutoConfig.from_pretrained", {"0": "microsoft/resnet-50"}, Known.UNKNOWN),
        ("transformers.ResNetConfig", {}, Known.UNKNOWN),
        ("clip.load", {"0": "RN50"}, Known.YES),
        ("clip.load", {"0": "ViT-B/32"}, Known.NO),
        ("somewhere.resnet50", {}, Known.UNKNOWN),
    ],
)
def test_library_models_contain_batchnorm_or_not(
    constructor: str, arguments: dict[str, object], expected: Known
) -> None:
    assert contains_batchnorm(constructor, arguments) is expected


def test_only_hugging_face_and_clip_hand_out_models_in_eval_mode() -> None:
    assert arrives_in_eval("transformers.BertModel.from_pretrained")
    assert arrives_in_eval("clip.load")
    assert not arrives_in_eval("transformers.AutoModel.from_config")
    assert not arrives_in_eval("efficientnet_pytorch.EfficientNet.from_pretrained")
    assert not arrives_in_eval("torchvision.models.resnet18")
    assert not arrives_in_eval("timm.create_model")


def test_frameworks_are_recognised_by_package_and_last_name() -> None:
    assert framework_of("pytorch_lightning.LightningModule") == "Lightning"
    assert framework_of("lightning.pytorch.core.LightningModule") == "Lightning"
    assert framework_of("transformers.Trainer") == "transformers.Trainer"
    assert framework_of("torch.nn.Module") is None
    assert framework_of("accelerate.Accelerator") is None
    assert framework_of("trainer.Trainer") is None


@pytest.mark.parametrize(
    ("dataset", "arguments", "purpose", "iterable", "ordered"),
    [
        ("CIFAR10", {"0": "data"}, Purpose.TRAINING, Known.NO, Known.NO),
        ("CIFAR10", {"0": "data", "train": False}, Purpose.EVALUATION, Known.NO, Known.NO),
        ("mnist.MNIST", {"0": "data", "1": False}, Purpose.EVALUATION, Known.NO, Known.NO),
        ("SVHN", {"split": "extra"}, Purpose.UNKNOWN, Known.NO, Known.NO),
        ("SVHN", {"split": object()}, Purpose.UNKNOWN, Known.NO, Known.NO),
        ("ImageFolder", {"0": "data/val"}, Purpose.EVALUATION, Known.NO, Known.YES),
        ("ImageFolder", {"0": object()}, Purpose.UNKNOWN, Known.NO, Known.YES),
        ("VOCDetection", {"image_set": "val"}, Purpose.EVALUATION, Known.NO, Known.NO),
    ],
)
def test_torchvision_datasets(
    dataset: str, arguments: dict[str, object], purpose: Purpose, iterable: Known, ordered: Known
) -> None:
    facts = dataset_facts(f"torchvision.datasets.{dataset}", arguments)
    assert (facts.purpose, facts.iterable, facts.ordered_by_class) == (purpose, iterable, ordered)


def test_other_datasets() -> None:
    assert dataset_facts("torch.utils.data.IterableDataset", {}).iterable is Known.YES
    assert dataset_facts("torch.utils.data.TensorDataset", {}).iterable is Known.NO
    assert dataset_facts("webdataset.WebDataset", {}).iterable is Known.YES
    assert dataset_facts("datasets.load_dataset", {"split": "train"}).purpose is Purpose.TRAINING
    assert dataset_facts("datasets.load_dataset", {"streaming": True}).iterable is Known.YES
    assert dataset_facts("my.Dataset", {}).iterable is Known.UNKNOWN


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("train_loader", Purpose.TRAINING),
        ("trainval", Purpose.TRAINING),
        ("valDataset", Purpose.EVALUATION),
        ("testdataloader", Purpose.EVALUATION),
        ("testdata", Purpose.UNKNOWN),
        ("data/train_images/test", Purpose.EVALUATION),
        ("train_test_split", Purpose.UNKNOWN),
        ("contest", Purpose.UNKNOWN),
        ("loader", Purpose.UNKNOWN),
    ],
)
def test_names_tell_what_a_loader_is_for(text: str, purpose: Purpose) -> None:
    assert purpose_of_name(text) is purpose
