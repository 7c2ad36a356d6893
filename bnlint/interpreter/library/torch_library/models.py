"""What well-known packages return: whether a model contains BatchNorm, in which mode it arrives.

Arguments are given by keyword or, where the call has them by position, as ``"0"``, ``"1"`` ...;
values that are not known are whatever the caller uses for that, as long as it is no string.
The names of timm were compared with the models of timm 1.0.31; those of the other packages are
written by hand and not compared with an installed one. What is in the parts of models was read off
the models themselves (``model_parts.txt``).
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from bnlint.facts.types.known import Known, any_of
from bnlint.vocabulary.words import words

# Architectures by the beginning of their names in torchvision, timm, pretrainedmodels, torch.hub.
_WITH = words(
    """
    resnet resnext wide_resnet wide_resnext resnest seresnet seresnext se_resnet se_resnext
    ecaresnet ecaresnext skresnet skresnext res2net res2next fbresnet cafferesnet densenet
    mobilenet tf_mobilenet mnasnet semnasnet spnasnet fbnet shufflenet googlenet inception
    bninception adv_inception ens_adv_inception xception legacy_xception regnetx regnety
    regnet_x regnet_y efficientnet tf_efficientnet gernet dla dpn hrnet mixnet tf_mixnet
    ghostnet rexnet hardcorenas darknet cspresnet cspresnext cspdarknet senet legacy_se nasnet
    pnasnet polynet repvgg vovnet ese_vovnet selecsls tresnet lcnet tinynet mobileone convmixer
    hgnet fastvit levit efficientformer gluon_resnet gluon_resnext gluon_seresnext tv_resnet
    tv_resnext tv_densenet ssl_resn swsl_resn ig_resnext maxvit r3d mc3 r2plus1d s3d deeplabv3
    fcn_resnet lraspp raft_large gcresnet InceptionResnetV1 ResNet DenseNet MobileNetV GoogLeNet
    Inception3 ShuffleNetV2 MNASNet EfficientNet RegNet coatnet mobilevit repvit volo xcit halonet
    DeepLabHead FCNHead ASPP botnet repghostnet cs3darknet cs3sedarknet efficientvit lambda_resnet sehalonet sebotnet
    """
)
_WITHOUT = words(
    """
    alexnet AlexNet squeezenet SqueezeNet vit deit swin convnext ConvNeXt VisionTransformer
    SwinTransformer mixer resmlp gmlp beit eva cait pit_ nfnet dm_nfnet eca_nfnet nf_ davit
    focalnet poolformer pvt_v2 mvit twins mit_b raft_small ssd300_vgg BERT caformer coat_ coatnext
    convformer convit crossvit edgenext flexivit gcvit hiera maxxvit nest_ tnt
    """
)
_NOT_CERTAIN = ("_gn", "_sgn", "_evos", "_frn", "_bit", "_iabn", "_ln", "_mci", "mobilenetv5")

_FUSED = words(
    """
    efficientnet_ efficientnetv2_ tf_efficientnet mobilenetv2_ mobilenetv3 tf_mobilenetv3 mnasnet_
    semnasnet spnasnet mixnet_ tf_mixnet tinynet_ lcnet_ fbnet hardcorenas densenet regnetx_
    regnety_ rexnet_
    """
)
"""Architectures of timm, since 0.6, whose BatchNorm layers apply the activation, too (``BatchNormAct2d``)."""

_VOLUMETRIC = ("r3d_", "mc3_", "r2plus1d_", "s3d")

_DETECTORS_WITH = frozenset(
    words(
        """
        fasterrcnn_resnet50_fpn_v2 maskrcnn_resnet50_fpn_v2 retinanet_resnet50_fpn_v2
        ssdlite320_mobilenet_v3_large
        """
    )
)
_DETECTORS_FROZEN = frozenset(
    words(
        """
        fasterrcnn_mobilenet_v3_large_320_fpn fasterrcnn_mobilenet_v3_large_fpn
        fasterrcnn_resnet50_fpn fcos_resnet50_fpn keypointrcnn_resnet50_fpn maskrcnn_resnet50_fpn
        retinanet_resnet50_fpn
        """
    )
)
"""Detectors whose BatchNorm layers are frozen ones if any part of them is pretrained."""
_OLD_OPTIONS = ("0", "pretrained", "pretrained_backbone")
"""Options of the detectors by whose time those layers were frozen anyway, or no longer were."""

_SMP_DECODERS_WITH = frozenset(words("PAN DeepLabV3 DeepLabV3Plus UPerNet Segformer"))
_SMP_DECODERS_OPTIONAL = frozenset(words("Unet UnetPlusPlus MAnet Linknet PSPNet"))

_TEXT_MODELS = words(
    """
    Bert Roberta DistilBert Albert Electra XLNet XLMRoberta Camembert Deberta Longformer BigBird
    Funnel MobileBert MPNet Flaubert GPT OPT Bloom Llama Mistral Mixtral Gemma Qwen Phi Falcon
    T5 MT5 Bart MBart Pegasus Marian Blenderbot OpenAIGPT CTRL TransfoXL Reformer ViT DeiT Beit
    Swin CLIP
    """
)
_TEXT_CHECKPOINTS = words(
    """
    bert roberta distilbert albert electra xlnet xlm camembert deberta longformer bigbird gpt
    opt bloom llama mistral gemma qwen phi falcon t5 mt5 flan bart mbart pegasus opus-mt
    """
)
_IMAGE_MODELS = words("ResNet RegNet EfficientNet MobileNetV MobileViT Levit")
_IMAGE_CHECKPOINTS = words("resnet- regnet- efficientnet- mobilenet_v mobilevit- levit-")
"""Models of transformers that contain BatchNorm, by the beginning of class and checkpoint."""
_TEXT_HEADS = words(
    """
    SequenceClassification CausalLM MaskedLM TokenClassification QuestionAnswering Seq2SeqLM
    MultipleChoice NextSentencePrediction LMHead
    """
)

_PACKAGES: Mapping[str, Known] = {
    "efficientnet_pytorch": Known.YES,
    "geffnet": Known.YES,
    "resnest": Known.YES,
    "sentence_transformers": Known.NO,
    "pytorch_pretrained_bert": Known.NO,
    "pytorch_transformers": Known.NO,
}


def contains_batchnorm(constructor: str, arguments: Mapping[str, object]) -> Known:
    """Whether what ``constructor``, a dotted name, returns contains BatchNorm layers.

    Frozen BatchNorm, whose statistics never change, does not count. Anything that is not known
    here is unknown.
    """
    package, _, rest = constructor.partition(".")
    name = rest.rpartition(".")[2]
    match package:
        case "torchvision":
            return _in_torchvision(rest, name, arguments)
        case "timm":
            named = _text(arguments, "model_name", 0) if name == "create_model" else name
            return _by_architecture(named, arguments)
        case "segmentation_models_pytorch":
            return _in_segmentation_models(name, arguments)
        case "pretrainedmodels":
            return _by_architecture(name, arguments)
        case "torch" if constructor == "torch.hub.load":
            return _in_hub(arguments)
        case "transformers":
            return _in_transformers(rest, arguments)
        case "facenet_pytorch":
            return _by_architecture(name, arguments)
        case "clip" if name == "load":
            return _in_clip(_text(arguments, "name", 0))
    return _PACKAGES.get(package, Known.UNKNOWN)


PLAIN_OPTIONS = frozenset(
    words(
        """
        model_name name pretrained weights progress num_classes in_chans drop_rate drop_path_rate
        checkpoint_path transform_input aux_logits width_mult zero_init_residual replace_stride_with_dilation
        weights_backbone pretrained_backbone aux_loss
        """
    )
)
"""Options that change nothing about which parts a model has, and which of them hold BatchNorm."""


def architecture_of(constructor: str, arguments: Mapping[str, object]) -> str | None:
    """The name of the model that ``constructor`` returns, for :func:`part_contains_batchnorm`.

    ``None`` where its parts are not known, or an option may change them.
    """
    package, _, name = constructor.rpartition(".")
    package = package.partition(".")[0]
    if package not in ("torchvision", "timm") or ".detection." in constructor:
        return None
    options = {option for option in arguments if not option.isdigit()}
    if not options <= PLAIN_OPTIONS or (arguments.keys() - options) - {"0", "1"}:
        return None
    if name in ("create_model", "get_model"):
        name = _text(arguments, "model_name" if name == "create_model" else "name", 0)
    name = f"{package}.{name.rpartition('/')[2].partition('.')[0]}"
    return name if name in _parts() else None


def part_contains_batchnorm(architecture: str, part: str) -> Known:
    """Whether a child of a model contains BatchNorm layers."""
    return _parts().get(architecture, {}).get(part, Known.UNKNOWN)


@cache
def _parts() -> Mapping[str, Mapping[str, Known]]:
    """By model: which of its children contain BatchNorm."""
    text = files(__package__).joinpath("model_parts.txt").read_text(encoding="utf-8")
    found: dict[str, Mapping[str, Known]] = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        models, _, children = line.partition(": ")
        package, *names = models.split(" ")
        with_norm, _, without = children.partition(" | ")
        by_name = dict.fromkeys(with_norm.split(), Known.YES)
        by_name |= dict.fromkeys(without.split(), Known.NO)
        found |= dict.fromkeys((f"{package}.{name}" for name in names), by_name)
    return found


@cache
def norm_names(architecture: str) -> tuple[str, ...]:
    """Names of BatchNorm layers of a model; the first of its blocks stands for those like it."""
    text = files(__package__).joinpath("norm_names.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        models, _, names = line.partition(": ")
        package, *known = models.split(" ")
        if architecture in (f"{package}.{name}" for name in known):
            return tuple(names.split())
    return ()


def batchnorm_class(constructor: str) -> str:
    """The class of the BatchNorm layers in what ``constructor`` returns: of images, but for video."""
    name = constructor.rpartition(".")[2]
    volumetric = ".video." in constructor or name.startswith(_VOLUMETRIC)
    return "BatchNorm3d" if volumetric else "BatchNorm2d"


def fused_architecture(constructor: str, arguments: Mapping[str, object]) -> str | None:
    """The name of the model that ``constructor`` returns if its BatchNorm layers also activate."""
    package, _, name = constructor.rpartition(".")
    if name == "create_model":
        name = _text(arguments, "model_name", 0).rpartition("/")[2]
    known = package.partition(".")[0] == "timm" and name.startswith(_FUSED)
    return name if known and contains_batchnorm(constructor, arguments) is Known.YES else None


def arrives_in_eval(constructor: str) -> bool:
    """Whether a constructor returns its model in eval mode: Hugging Face and CLIP do.

    Source: the documentation of ``PreTrainedModel.from_pretrained`` in transformers.
    """
    package = constructor.partition(".")[0]
    if constructor.endswith(".from_pretrained"):
        return package in ("transformers", "diffusers", "huggingface_hub", "pytorch_transformers")
    return constructor == "clip.load"


def _text(arguments: Mapping[str, object], name: str, position: int) -> str:
    value = arguments.get(name, arguments.get(str(position)))
    return value if isinstance(value, str) else ""


def _by_architecture(name: str, arguments: Mapping[str, object]) -> Known:
    """By the name of an architecture, with its hub prefix and its tag of weights."""
    name = name.rpartition("/")[2].partition(".")[0]
    if arguments.get("norm_layer") is not None or any(part in name for part in _NOT_CERTAIN):
        return Known.UNKNOWN
    if name.startswith("vgg"):
        return Known.of("_bn" in name)
    if name.startswith("resnetv2"):
        return Known.UNKNOWN
    if name.startswith(_WITH):
        return Known.YES
    hybrid = "resnet" in name or "hybrid" in name
    return Known.NO if name.startswith(_WITHOUT) and not hybrid else Known.UNKNOWN


def _in_torchvision(path: str, name: str, arguments: Mapping[str, object]) -> Known:
    if not path.startswith("models."):
        return Known.UNKNOWN
    if name == "get_model":
        name = _text(arguments, "name", 0)
    if ".detection." in path:
        return _in_detectors(name, arguments)
    return _by_architecture(name, arguments)


def _in_detectors(name: str, arguments: Mapping[str, object]) -> Known:
    """Whether a detector of torchvision has BatchNorm that is not frozen."""
    if name in _DETECTORS_WITH or name.startswith("ssd300_vgg"):
        return Known.of(name in _DETECTORS_WITH)
    if name not in _DETECTORS_FROZEN or not arguments.keys().isdisjoint(_OLD_OPTIONS):
        return Known.UNKNOWN
    if isinstance(arguments.get("weights"), str):
        return Known.NO
    backbone = arguments.get("weights_backbone", "its default")
    if backbone is None and arguments.get("weights") is None:
        return Known.YES
    return Known.NO if isinstance(backbone, str) else Known.UNKNOWN


def _in_segmentation_models(name: str, arguments: Mapping[str, object]) -> Known:
    if name == "create_model":
        return _by_architecture(_encoder(arguments, 1), arguments)
    if name in _SMP_DECODERS_WITH:
        return Known.YES
    encoder = _by_architecture(_encoder(arguments, 0), arguments)
    if name == "FPN":
        return encoder
    if name not in _SMP_DECODERS_OPTIONAL:
        return Known.UNKNOWN
    options = ("decoder_use_batchnorm", "decoder_use_norm", "psp_use_batchnorm")
    given = [arguments[option] for option in options if option in arguments]
    return any_of([encoder, *map(_uses_batchnorm, given)]) if given else Known.YES


def _encoder(arguments: Mapping[str, object], position: int) -> str:
    if "encoder_name" not in arguments and str(position) not in arguments:
        return "resnet34"
    return _text(arguments, "encoder_name", position).removeprefix("tu-").removeprefix("timm-")


def _uses_batchnorm(option: object) -> Known:
    match option:
        case bool():
            return Known.of(option)
        case "batchnorm" | "inplace":
            return Known.YES
        case str():
            return Known.NO
    return Known.UNKNOWN


def _in_hub(arguments: Mapping[str, object]) -> Known:
    repository, name = _text(arguments, "repo_or_dir", 0), _text(arguments, "model", 1)
    owner = repository.partition(":")[0].lower()
    if owner.startswith(("ultralytics/yolov", "nvidia/deeplearningexamples")):
        return Known.YES if owner.startswith("ultralytics") else Known.UNKNOWN
    return _by_architecture(name, arguments)


def _in_transformers(path: str, arguments: Mapping[str, object]) -> Known:
    class_name = path.removesuffix(".from_pretrained").removesuffix(".from_config")
    class_name = class_name.rpartition(".")[2]
    if class_name.startswith(_IMAGE_MODELS) and _is_model_of_transformers(class_name):
        return Known.YES
    if not class_name.startswith("Auto"):
        return Known.NO if class_name.startswith(_TEXT_MODELS) else Known.UNKNOWN
    if class_name.endswith(_TEXT_HEADS):
        return Known.NO
    checkpoint = _text(arguments, "pretrained_model_name_or_path", 0).rpartition("/")[2]
    if checkpoint.startswith(_IMAGE_CHECKPOINTS) and _is_model_of_transformers(class_name):
        return Known.YES
    return Known.NO if checkpoint.startswith(_TEXT_CHECKPOINTS) else Known.UNKNOWN


def _is_model_of_transformers(class_name: str) -> bool:
    """Whether it is no configuration and no processor of one."""
    return "For" in class_name or class_name.endswith(("Model", "Backbone"))


def _in_clip(name: str) -> Known:
    return Known.YES if name.startswith("RN") else Known.of(False if name[:3] == "ViT" else None)
