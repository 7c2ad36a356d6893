"""How to estimate the running statistics of an average before it is used."""

import ast
import re
from collections.abc import Iterator

from bnlint.facts.passes.forwards import loops_of
from bnlint.facts.passes.population_statistics.stale_averages import StaleAverage
from bnlint.facts.types.context import Loop
from bnlint.facts.types.site import Site
from bnlint.facts.wording.code_text import is_dotted_name
from bnlint.facts.wording.fix_places import encloses
from bnlint.facts.wording.parsed_code import statements
from bnlint.finding import Edit
from bnlint.immutable import immutable

_NAMES = {
    "import torch\n": "torch.optim.swa_utils.update_bn",
    "from torch.optim import swa_utils\n": "swa_utils.update_bn",
}
"""Lines of a file, and the name that they give the function."""
_IMPORTED = ("import update_bn\n", ", update_bn\n", "import update_bn,")


@immutable
class Estimation:
    """The call that estimates the statistics, as far as it can be written, and the edit for it."""

    call: str
    edit: Edit | None


@immutable
class _Batches:
    """A loop over a loader whose batches begin with the input, moved to ``device`` (as code)."""

    loader: str
    device: str = ""


def estimated_before(entry: StaleAverage) -> Estimation:
    """``update_bn(loader, average)`` before the place where the average is used."""
    place = entry.place
    average = _name_at(entry, place)
    batches = _batches_of(entry)
    name = _function_at(place)
    loader = "train_loader" if batches is None else batches.loader
    call = f"update_bn({loader}, {average or entry.update.model.name})"
    if batches is None or average is None or name is None or not _is_plain(entry):
        return Estimation(call, None)
    device = f", device={batches.device}" if batches.device else ""
    line = f"{name}({loader}, {average}{device})"
    return Estimation(call, _statement_around(entry).insert_before(line))


def _statement_around(entry: StaleAverage) -> Site:
    """The loop that uses the average batch by batch, or the use itself."""
    shared = loops_of(entry.update)
    around = (loop.site for loop in entry.use.context.loops if loop.site not in shared)
    return next((loop for loop in around if encloses(loop, entry.place)), entry.place)


def _is_plain(entry: StaleAverage) -> bool:
    """Whether the average is used wherever it was updated, and none of its statistics must stay."""
    conditions = set(entry.use.context.assumptions) - set(entry.update.context.assumptions)
    return not conditions and not _is_partly_frozen(entry)


def _is_partly_frozen(entry: StaleAverage) -> bool:
    """Whether statistics would be estimated that are meant to stay."""
    return any(not switch.training for norm in entry.trained.norms for switch in norm.mode)


def _function_at(place: Site) -> str | None:
    if any(map(place.source.mentions, _IMPORTED)):
        return "update_bn"
    return next((name for line, name in _NAMES.items() if place.source.mentions(line)), None)


def _name_at(entry: StaleAverage, place: Site) -> str | None:
    """What the average is called where it is used, or where it is updated in the same function."""
    receiver = entry.update.site.text.partition(".update_parameters(")[0]
    if len(entry.use.context.shared_frames(entry.update.context)) == len(
        entry.update.context.frames
    ):
        return receiver if is_dotted_name(receiver) else None
    name = entry.update.model.name
    return name if name in _names_given(place.text) else None


def _names_given(call: str) -> list[str]:
    """The names among the arguments of a call."""
    tree = _parsed(call)
    if not isinstance(tree, ast.Call):
        return []
    given = [*tree.args, *(keyword.value for keyword in tree.keywords)]
    return [name for name in map(ast.unparse, given) if is_dotted_name(name)]


def _batches_of(entry: StaleAverage) -> _Batches | None:
    """The loop that the averaged network is trained in, with names of the place of the use."""
    trained = entry.trained
    loops = [loop for loop in trained.context.loops if loop.loader in trained.loaders]
    found = _loop_over(loops[-1], trained.site.text) if loops else None
    frames = trained.context.frames
    around = len(entry.use.context.shared_frames(entry.update.context))
    if found is None or len(entry.use.context.shared_frames(trained.context)) < around:
        return None
    if len(frames) == around:
        return found
    call = frames[around].call
    given = [] if call is None else _names_given(call.text)
    names = [name for name in given if any(name in loader.names for loader in trained.loaders)]
    known = not is_dotted_name(found.device) or found.device in given
    return _Batches(names[0], found.device) if names and known else None


def _loop_over(loop: Loop, forward: str) -> _Batches | None:
    """``for images, labels in loader``, where the first item of each batch is the whole input."""
    tree = _parsed(loop.site.text)
    if not isinstance(tree, ast.For):
        return None
    loader, image = _iterated(tree.iter), _first_of_batch(tree.target)
    if loader is None or image is None:
        return None
    given = re.fullmatch(rf"[\w.]+\({image}(?P<moved>\.(?:to|cuda)\([^()]*\))?\)", forward)
    if given is None:
        return None
    values = list(_values_of(image, tree))
    values += [_parsed(image + given["moved"])] if given["moved"] else []
    devices = [_device(value, image) for value in values]
    if None in devices or len(devices) > 1:
        return None
    return _Batches(loader, devices[0] or "" if devices else "")


def _iterated(node: ast.expr) -> str | None:
    """What a loop goes through: ``loader`` in ``enumerate(tqdm(loader))``."""
    match node:
        case ast.Call(ast.Name(), [inner, *_]):
            return _iterated(inner)
    name = ast.unparse(node)
    return name if is_dotted_name(name) else None


def _first_of_batch(target: ast.expr) -> str | None:
    match target:
        case ast.Tuple([ast.Name(), ast.Tuple() as batch]):
            return _first_of_batch(batch)
        case ast.Tuple([ast.Name(name), ast.Name(), *_]):
            return name
    return None


def _values_of(name: str, loop: ast.For) -> Iterator[ast.AST | None]:
    """What a loop assigns to a name."""
    for node in ast.walk(loop):
        match node:
            case ast.Assign([ast.Name(bound)], value) if bound == name:
                yield value
            case ast.Assign([ast.Tuple(targets)], ast.Tuple(values)):
                for target, value in zip(targets, values, strict=False):
                    if isinstance(target, ast.Name) and target.id == name:
                        yield value
            case ast.Assign([ast.Tuple(targets)]):
                if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                    yield None


def _device(value: ast.AST | None, name: str) -> str | None:
    """The device, as code, that a value moves a name to; ``None`` if it does something else."""
    match value:
        case ast.Call(ast.Attribute(ast.Name(moved), "cuda"), []) if moved == name:
            return '"cuda"'
        case ast.Call(ast.Attribute(ast.Name(moved), "to"), [device, *_]) if moved == name:
            return ast.unparse(device).replace("'", '"')
    return None


def _parsed(code: str) -> ast.AST | None:
    """A statement or an expression; ``None`` where the text alone is neither."""
    match statements(code):
        case [ast.Expr(value=value)]:
            return value
        case [statement]:
            return statement
    return None
