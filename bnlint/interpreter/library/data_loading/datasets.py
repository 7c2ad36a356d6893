"""What is known of the datasets of torch, torchvision, torchaudio, Hugging Face and WebDataset.

Written by hand; the packages are not compared with it.
"""

import re
from collections.abc import Mapping

from bnlint.facts.types.known import Known
from bnlint.facts.types.loader import Purpose
from bnlint.immutable import immutable
from bnlint.vocabulary.words import words


@immutable
class DatasetFacts:
    """What a dataset is for, whether it can only be iterated, whether it lists class by class.

    ``drawn`` says that its samples are random numbers.
    """

    purpose: Purpose = Purpose.UNKNOWN
    iterable: Known = Known.UNKNOWN
    ordered_by_class: Known = Known.UNKNOWN
    drawn: bool = False


# Parameter that selects the split, its position and its default, by class of torchvision.datasets.
_SPLITS: Mapping[str, tuple[str, int, object]] = {
    name: (parameter, position, default)
    for parameter, position, default, names in (
        ("train", 1, True, "MNIST FashionMNIST KMNIST CIFAR10 CIFAR100 USPS"),
        ("train", -1, True, "EMNIST"),
        ("train", 6, True, "UCF101 HMDB51"),
        ("train", 2, None, "PhotoTour"),
        ("split", 1, "train", "STL10 SVHN ImageNet Cityscapes CelebA Food101 Flowers102 DTD GTSRB"),
        ("split", 1, "train", "StanfordCars PCAM Country211 FER2013 RenderedSST2 Imagenette"),
        ("split", 1, "train", "CLEVRClassification WIDERFace"),
        ("split", 1, "trainval", "FGVCAircraft OxfordIIITPet"),
        ("split", 1, "train-standard", "Places365"),
        ("split", 3, "train", "Kinetics"),
        ("image_set", 2, "train", "VOCSegmentation VOCDetection"),
        ("image_set", 1, "train", "SBDataset"),
        ("classes", 1, "train", "LSUN"),
        ("background", 1, True, "Omniglot"),
    )
    for name in names.split()
}
_BY_CLASS = frozenset(
    words(
        """
        ImageFolder DatasetFolder ImageNet Caltech101 Caltech256 Country211 DTD EuroSAT Food101
        GTSRB HMDB51 INaturalist Imagenette Kinetics Omniglot RenderedSST2 SUN397 UCF101
        """
    )
)
_NOT_BY_CLASS = frozenset(
    words(
        """
        MNIST FashionMNIST KMNIST EMNIST QMNIST CIFAR10 CIFAR100 SVHN USPS CelebA FakeData FER2013
        PCAM CocoDetection CocoCaptions VOCSegmentation VOCDetection SBDataset Kitti
        StanfordCars WIDERFace
        """
    )
)
_DRAWN = frozenset({"FakeData", "FakeDataset"})
_ITERABLE = frozenset(words("IterableDataset ChainDataset IterDataPipe IterableWrapper"))
_INDEXED = frozenset(words("Dataset TensorDataset Subset ConcatDataset StackDataset"))

_HELD = words("set loader dataset dataloader dir iter")
"""What words for a purpose are written together with, as in ``testloader``."""


def _alone_and_together(purposes: str, others: str) -> frozenset[str]:
    written = words(purposes)
    return frozenset((*words(others), *written, *(f"{w}{held}" for w in written for held in _HELD)))


_TRAINING = _alone_and_together("train training", "trainval trn")
_EVALUATION = _alone_and_together(
    "val valid validation eval test",
    "validate evaluation testing dev tst holdout inference infer predict",
)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def words_of(name: str) -> set[str]:
    """The words of a name, in lower case: ``X_test`` and ``xTest`` are of the same."""
    return {word.lower() for word in _WORD.findall(name)}


def purpose_of_name(text: str) -> Purpose:
    """What a name or a path says that it is for: its last telling component decides.

    ``train_loader``, ``valDataset`` and ``train_images/test`` tell; ``train_test_split`` does not.
    """
    for component in reversed(text.split("/")):
        words_in_it = words_of(component)
        training, evaluation = words_in_it & _TRAINING, words_in_it & _EVALUATION
        if training and evaluation:
            return Purpose.UNKNOWN
        if training or evaluation:
            return Purpose.TRAINING if training else Purpose.EVALUATION
    return Purpose.UNKNOWN


def dataset_facts(qualified: str, arguments: Mapping[str, object]) -> DatasetFacts:
    """What is known of a library dataset by its dotted name and its arguments.

    Arguments are given by keyword or, by position, as ``"0"``, ``"1"`` ...
    """
    package, _, rest = qualified.partition(".")
    name = rest.rpartition(".")[2]
    match package:
        case "torchvision" | "torch_geometric" if name in _DRAWN:
            return DatasetFacts(iterable=Known.NO, drawn=True)
        case "torchvision" if rest.startswith("datasets."):
            return DatasetFacts(_torchvision_purpose(name, arguments), Known.NO, _by_class(name))
        case "torch" if name in _ITERABLE:
            return DatasetFacts(iterable=Known.YES)
        case "torch" if name in _INDEXED:
            return DatasetFacts(iterable=Known.NO)
        case "torchaudio":
            return DatasetFacts(_purpose(arguments.get("subset")), Known.NO)
        case "datasets" if name == "load_dataset":
            streaming = arguments.get("streaming", False)
            known = streaming if isinstance(streaming, bool) else None
            return DatasetFacts(_purpose(arguments.get("split")), Known.of(known))
        case "webdataset" | "torchdata" | "ffcv":
            return DatasetFacts(iterable=Known.YES)
    return DatasetFacts()


def _torchvision_purpose(name: str, arguments: Mapping[str, object]) -> Purpose:
    if name in _SPLITS:
        parameter, position, default = _SPLITS[name]
        return _purpose(arguments.get(parameter, arguments.get(str(position), default)))
    root = arguments.get("root", arguments.get("0"))
    return purpose_of_name(root) if isinstance(root, str) else Purpose.UNKNOWN


def _purpose(split: object) -> Purpose:
    match split:
        case True:
            return Purpose.TRAINING
        case False:
            return Purpose.EVALUATION
        case str():
            return purpose_of_name(split)
    return Purpose.UNKNOWN


def _by_class(name: str) -> Known:
    if name in _BY_CLASS:
        return Known.YES
    return Known.NO if name in _NOT_BY_CLASS else Known.UNKNOWN
