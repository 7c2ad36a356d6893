"""Whether objects have attributes of given names, as ``hasattr`` asks."""

from bnlint.interpreter.core.objects import Instance
from bnlint.interpreter.core.values import MISSING, Configuration, Library, Maybe, Value
from bnlint.interpreter.torch.modules import MODE
from bnlint.interpreter.torch.parameters import names_of
from bnlint.vocabulary.layers import SIGNATURES, bare_name


def has_attribute(owner: Value, name: str) -> bool | None:
    """``hasattr(owner, name)``, ``None`` where it is not known."""
    if isinstance(owner, Library):
        return True if bare_name(f"{owner.path}.{name}") else None
    if isinstance(owner, Configuration):
        return _has_entry(owner, name)
    if not isinstance(owner, Instance):
        return None
    if isinstance(owner.attributes.get(name), Maybe):
        return None
    if name in owner.attributes or name in owner.arguments or name == MODE:
        return True
    if owner.cls is not None and owner.cls.find(name) is not MISSING:
        return True
    if owner.is_module and name in MODULE_METHODS:
        return None
    if owner.library in ("", "torch.nn.Module", "argparse.Namespace"):
        return False if owner.cls is None or not owner.cls.open else None
    if owner.library in CONTAINERS:
        return None if _is_opened(owner) else False
    if owner.library.startswith("torch.nn.") and name in ("weight", "bias"):
        return "Norm" in owner.library or "Conv" in owner.library or "Linear" in owner.library
    if bare_name(owner.library) in SIGNATURES and not _is_opened(owner):
        return name in names_of(owner) or (None if name in OTHER_ATTRIBUTES else False)
    return None


def _has_entry(owner: Configuration, name: str) -> bool | None:
    if name in owner:
        return None if isinstance(owner[name], Maybe) else True
    if owner.cls is not None and owner.cls.find(name) is not MISSING:
        return True
    return None if any(not isinstance(key, str) for key in owner) else False


CONTAINERS = frozenset({"torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict"})
"""Classes of torch whose objects have their children for attributes, and what all modules have."""

OTHER_ATTRIBUTES = frozenset(
    """running_mean running_var num_batches_tracked transposed in_proj_weight in_proj_bias out_proj
    flatten_parameters weight_orig weight_g weight_v weight_mask num_parameters""".split()
)
"""Attributes of layers that their tables do not list."""


def _is_opened(owner: Instance) -> bool:
    return (owner.cls is not None and owner.cls.open) or not owner.resolved


MODULE_METHODS = frozenset(
    """train eval to cuda cpu half float double bfloat16 type parameters named_parameters buffers
    named_buffers modules named_modules children named_children apply state_dict load_state_dict
    zero_grad requires_grad_ register_buffer register_parameter register_module add_module
    register_forward_hook register_forward_pre_hook register_backward_hook
    register_full_backward_hook share_memory append extend insert items keys values forward
    get_submodule get_parameter set_submodule compile to_empty xpu pop update clear __init__
    __setattr__ __getattr__ __call__ __getitem__ __len__ extra_repr no_sync save_pretrained
    freeze""".split()
)
