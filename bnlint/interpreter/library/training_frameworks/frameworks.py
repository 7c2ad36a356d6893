"""Training frameworks that switch between train and eval mode themselves."""

from collections.abc import Mapping

FRAMEWORKS: Mapping[str, tuple[str, frozenset[str]]] = {
    package: (framework, frozenset(names.split()))
    for packages, framework, names in (
        (
            "pytorch_lightning lightning",
            "Lightning",
            "LightningModule LightningDataModule Trainer LightningCLI",
        ),
        (
            "transformers",
            "transformers.Trainer",
            "Trainer Seq2SeqTrainer TFTrainer",
        ),
        (
            "ignite",
            "ignite",
            "create_supervised_trainer create_supervised_evaluator create_supervised_tbptt_trainer",
        ),
        (
            "fastai",
            "fastai",
            "Learner vision_learner cnn_learner unet_learner create_cnn create_cnn_model "
            "text_classifier_learner language_model_learner tabular_learner ConvLearner",
        ),
        (
            "skorch",
            "skorch",
            "NeuralNet NeuralNetClassifier NeuralNetBinaryClassifier NeuralNetRegressor",
        ),
        (
            "catalyst",
            "catalyst",
            "Runner SupervisedRunner CustomRunner GANRunner SelfSupervisedRunner IRunner",
        ),
        (
            "mmcv mmengine",
            "MMEngine",
            "Runner EpochBasedRunner IterBasedRunner FlexibleRunner BaseModel",
        ),
        ("composer", "Composer", "Trainer ComposerModel ComposerClassifier"),
        ("poutyne", "Poutyne", "Model Experiment ModelBundle"),
        ("torchbearer", "torchbearer", "Trial Model"),
        ("ultralytics", "Ultralytics", "YOLO RTDETR SAM"),
        ("monai", "MONAI", "SupervisedTrainer SupervisedEvaluator GanTrainer EnsembleEvaluator"),
        ("detectron2", "Detectron2", "DefaultTrainer DefaultPredictor SimpleTrainer"),
        ("sentence_transformers", "sentence-transformers", "SentenceTransformer CrossEncoder"),
        ("tianshou", "Tianshou", "OffpolicyTrainer OnpolicyTrainer BasePolicy"),
        ("stable_baselines3", "Stable-Baselines3", "PPO A2C DQN SAC TD3 DDPG BasePolicy"),
    )
    for package in packages.split()
}
"""By package: the framework's name, and the classes and functions with which it takes over.

Accelerate and Lightning Fabric leave the modes to the script; a plain ``ignite.engine.Engine``
calls the user's step function and leaves them, too.
"""


def framework_of(qualified: str) -> str | None:
    """The framework that a dotted name (a base class, a constructor) hands the modes to.

    ``lightning.pytorch.LightningModule`` and ``pytorch_lightning.core.LightningModule`` are
    Lightning's alike: the package and the last name decide.
    """
    package = qualified.partition(".")[0]
    name = qualified.rpartition(".")[2]
    framework, names = FRAMEWORKS.get(package, ("", frozenset()))
    return framework if name in names else None
