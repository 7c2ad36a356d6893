"""How to convert a model to SyncBatchNorm before something wraps it."""

from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import given_first, is_dotted_name
from bnlint.facts.wording.torch_names import name_of_layers
from bnlint.finding import Edit


def conversion_before(wrapper: Site) -> tuple[str, Edit | None] | None:
    """A title and the line before the statement of a call that wraps a model which has a name."""
    model, layers = given_first(wrapper.text), name_of_layers(wrapper)
    if model is None or layers is None or not is_dotted_name(model) or not wrapper.runs_at_once:
        return None
    line = f"{model} = {layers}.SyncBatchNorm.convert_sync_batchnorm({model})"
    return f"Convert `{model}` before", wrapper.insert_before(line)
