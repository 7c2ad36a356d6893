"""What a piece of code is, by its text: where only that is at hand."""

import ast
import re

from bnlint.facts.wording.parsed_code import expression, statements

_DOTTED_NAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
_FOLLOWS_MODE = re.compile(r"[=(,]\s*[\w.]+\.training\s*[,)]")
_FALSE = re.compile(r"[=(,]\s*False\b")
_STORED = re.compile(r"(?:\.\w++|\])\s*+(?::[^=]*+)?=(?!=)")
_ASSIGNED = re.compile(r"\s*+([^\W\d]\w*+)\s*+(?::[^=]*+)?=(?!=)")
_SLICE_OF_BATCH = re.compile(r"\[[^\[\]\n*:]*\*[^\[\]\n:]*:")
_LABELS_DROPPED = re.compile(r"for\s[^\n]*?,\s*+_\w*+[\s)\]]*+\bin\s")
_SIZES = re.compile(r"size\b|shape\b|\blen\(|batch_?size|\bbs\b")
_SKIPPED = re.compile(
    r"\bif\b[^\n]*(?:size|shape\b|\blen\(|\bbs\b|last)[^\n]*:\s*(?:#[^\n]*\n\s*)*(?:continue|break)\b"
)
_COMPARED = re.compile(
    r"\bif\b[^\n]*(?:size\((?:dim=)?0?\)(?:\[0\])?|shape\[0\]|\blen\([\w.]+\))\s*[<>=!]=?"
)
_COUNTING = re.compile(r"for\s+([^\W\d]\w*)\s+in\s+[^\n]*\b(?:t?range|count)\(")
_PROCESSES = re.compile("world|gpu|device|proc|rank|replica|node|worker", re.IGNORECASE)
_FIRST_ARGUMENT = re.compile(
    r"\A[\w.]++\(\s*+(?:module\s*+=\s*+)?(?P<given>[^\W\d]\w*+(?:\.\w++|\[-?\d++\])*+)\s*+(?:,.*)?\)",
    re.DOTALL,
)
_FROZEN = re.compile("froz|freez|fix|eval|infer|deploy|static", re.IGNORECASE)
_UNPACKED = re.compile(r"[(,]\s*\*\*\s*[\w({]")
_WHOLE_NUMBER = re.compile(r"(int|len|round)\(.*\)|.*//.*", re.DOTALL)

_STEPS = re.compile(r"\benv(ironment)?\.step\(")
_ACTS = re.compile(r"(^|_)(act|acts|action|actions)(_|$)|(get|select|choose|sample)Action")
_ONE = re.compile(
    r"unsqueeze\(\s*(dim\s*=|axis\s*=)?\s*0\s*\)|\[\s*None\b|\[\s*np\.newaxis\b|expand_dims\("
    r"|(reshape|view)\(\s*\(?\s*1\s*,|FloatTensor\(\s*\[\w+\]\s*\)|(tensor|array)\(\s*\[\w+\]\s*[,)]"
)

_CUT_OFF = re.compile(r"\.detach\(\)|\.data\b|\.item\(\)|\.argmax\(|\.tolist\(")

_BINDING_TIGHTLY = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)


def is_dotted_name(text: str) -> bool:
    """Whether it is a name or a chain of attributes, which means the same on the next line."""
    return _DOTTED_NAME.fullmatch(text) is not None


def filled_with_ones(call: str) -> str | None:
    """The call that fills with ones what a call of ``torch.nn.init`` or of a tensor's method fills.

    ``None`` where that cannot be told by its text.
    """
    tree = expression(call)
    match tree:
        case ast.Call(func=ast.Attribute(value=owner), args=[target, *_]) if _is_init(owner):
            return f"{ast.unparse(owner)}.ones_({ast.unparse(target)})"
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="weight" | "data") as owner)):
            return f"{ast.unparse(owner)}.fill_(1.0)"
    return None


def _is_init(node: ast.expr) -> bool:
    """Whether it names ``torch.nn.init``."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name == "init"
    return False


def is_whole_number(text: str) -> bool:
    """Whether an expression visibly gives a whole number: ``width // 2``, ``len(classes)``."""
    return _WHOLE_NUMBER.fullmatch(text) is not None


def hands_over_false(text: str) -> bool:
    """Whether ``False`` is assigned or an argument in it."""
    return _FALSE.search(text) is not None


def follows_mode(text: str) -> bool:
    """Whether an argument is the mode of a module: ``training=self.training``."""
    return _FOLLOWS_MODE.search(text) is not None


def stores_beyond_names(text: str) -> bool:
    """Whether a statement assigns to an attribute or an item, not to a local name alone."""
    return _STORED.search(text.split("(")[0]) is not None


def assigned_name(statement: str) -> str | None:
    """The one name that a statement gives a value: ``norm`` in ``norm = make(8)``."""
    found = _ASSIGNED.match(statement)
    return found[1] if found is not None else None


def asks_for(test: str, name: str) -> bool:
    """Whether a condition may ask if something is there already, as before it is built once."""
    return re.search(rf"\b(?:{name}|in|None|hasattr)\b", test) is not None


def unpacks_keywords(text: str) -> bool:
    """Whether a call has ``**options``."""
    return _UNPACKED.search(text) is not None


def speaks_of_frozen(name: str) -> bool:
    """Whether a class is called like one that never uses the statistics of a batch."""
    return _FROZEN.search(name) is not None


def is_about_sizes(text: str) -> bool:
    """Whether a condition asks how large something is: ``len(x) > 1``, ``x.size(0) == batch_size``."""
    return _SIZES.search(text) is not None


def skips_batches(text: str) -> bool:
    """Whether code leaves batches out, or treats them in another way, by their size."""
    return _SKIPPED.search(text) is not None or _COMPARED.search(text) is not None


def slices_batches(text: str) -> bool:
    """Whether it takes batches by their number: ``labels[step * size:(step + 1) * size]``."""
    return _SLICE_OF_BATCH.search(text) is not None


def drops_labels(text: str) -> bool:
    """Whether a loop leaves the last part of what it is given unread: ``for images, _ in loader:``."""
    return _LABELS_DROPPED.match(text) is not None


def receiver_of_simple_call(text: str) -> str | None:
    """``net`` in ``net.freeze_bn()`` and ``net.apply(set_bn_eval)``: calls with at most a name."""
    callee, _, rest = text.partition("(")
    receiver, _, method = callee.rpartition(".")
    simple = rest == ")" or (rest.endswith(")") and is_dotted_name(rest[:-1]))
    return receiver if simple and is_dotted_name(receiver) and is_dotted_name(method) else None


def call_of_one(text: str) -> tuple[str, str] | None:
    """The callee and the only argument of a call, in brackets where an attribute needs them."""
    tree = expression(text)
    match tree:
        case ast.Call(func=callee, args=[argument], keywords=[]):
            code = ast.get_source_segment(text, argument)
            name = ast.get_source_segment(text, callee)
            if name is None or code is None or isinstance(argument, ast.Starred):
                return None
            return name, code if isinstance(argument, _BINDING_TIGHTLY) else f"({code})"
    return None


def moved_into_root(text: str) -> str | None:
    """``torch.sqrt(var + eps)`` for ``torch.sqrt(var) + eps``; ``None`` where it is written otherwise."""
    code = f"({text})"  # it may go over several lines
    tree = expression(code)
    match tree:
        case ast.BinOp(
            left=ast.Call(func=callee, args=[inner], keywords=[]), op=ast.Add(), right=eps
        ):
            return f"{_segment(code, callee)}({_sum(code, inner, eps)})"
        case ast.BinOp(
            left=ast.Call(func=ast.Attribute(value=inner, attr=name), args=[], keywords=[]),
            op=ast.Add(),
            right=eps,
        ):
            return f"({_sum(code, inner, eps)}).{name}()"
        case ast.BinOp(
            left=ast.BinOp(left=inner, op=ast.Pow(), right=power), op=ast.Add(), right=eps
        ):
            return f"({_sum(code, inner, eps)}) ** {_segment(code, power)}"
    return None


def _sum(code: str, one: ast.expr, other: ast.expr) -> str:
    """The sum of two expressions in some code."""
    plain = isinstance(one, (*_BINDING_TIGHTLY, ast.BinOp))
    first = _segment(code, one)
    return f"{first if plain else f'({first})'} + {_segment(code, other)}"


def _segment(code: str, node: ast.expr) -> str:
    return ast.get_source_segment(code, node) or ast.unparse(node)


def as_owner(text: str) -> str:
    """An expression so that an attribute can follow, in brackets where it needs them."""
    tree = expression(text)
    return text if isinstance(tree, _BINDING_TIGHTLY) else f"({text})"


def first_argument(text: str) -> str | None:
    """What a call is given first, if that is a name."""
    tree = expression(text)
    if not isinstance(tree, ast.Call) or not tree.args:
        return None
    name = ast.unparse(tree.args[0])
    return name if is_dotted_name(name) else None


def counter_of(loop: str) -> str | None:
    """The variable of a loop that is a number: ``epoch`` of ``for epoch in range(90): ...``."""
    counted = _COUNTING.match(loop)
    return counted[1] if counted is not None else None


def first_name(code: str) -> str:
    """The name that a chain of attributes and items begins with."""
    return re.split(r"\W", code, maxsplit=1)[0]


def is_about_processes(text: str) -> bool:
    """Whether an expression speaks of devices or processes: ``batch // world_size``."""
    return _PROCESSES.search(text) is not None


def given_first(call: str) -> str | None:
    """The first argument of a call, if it is a name, an attribute or an item with a number."""
    found = _FIRST_ARGUMENT.fullmatch(call)
    return found["given"] if found is not None else None


def repeated_call(text: str) -> tuple[str, str] | None:
    """The only item of a list, a call, and the number that the list is multiplied by."""
    code = f"({text})"  # it may go over several lines
    tree = expression(code)
    match tree:
        case (
            ast.BinOp(left=ast.List(elts=[ast.Call() as call]), right=times)
            | ast.BinOp(left=times, right=ast.List(elts=[ast.Call() as call]))
        ):
            built, count = ast.get_source_segment(code, call), ast.get_source_segment(code, times)
            return None if built is None or count is None else (built, count)
    return None


def has_plain_arguments(call: str) -> bool:
    """Whether the arguments of a call are numbers and the like, written out on one line."""
    tree = expression(call)
    if not isinstance(tree, ast.Call) or "\n" in call:
        return False
    return all(isinstance(a, ast.Constant) for a in (*tree.args, *(k.value for k in tree.keywords)))


def network_of_parameters(code: str) -> str | None:
    """``net`` in ``dict(net.named_parameters())`` and other dicts of all of its parameters."""
    tree = expression(code)
    match tree:
        case ast.Call(ast.Name("dict" | "OrderedDict"), [listed], []):
            return _owner_of_named(listed)
        case ast.DictComp(ast.Name(key), _, [ast.comprehension(target, listed, [])]):
            named = isinstance(target, ast.Tuple) and ast.unparse(target.elts[0]) == key
            return _owner_of_named(listed) if named else None
    return None


def _owner_of_named(listed: ast.expr) -> str | None:
    match listed:
        case ast.Call(ast.Attribute(network, "named_parameters"), [], []):
            name = ast.unparse(network)
            return name if is_dotted_name(name) else None
    return None


def takes_apart_by_name(loop: str, forward: str) -> bool:
    """Whether ``for batch in loader`` hands parts of a dict to a call: ``net(batch["image"])``, ``net(**batch)``."""
    statement, given = next(iter(statements(loop)), None), expression(forward)
    if not isinstance(statement, ast.For) or not isinstance(given, ast.Call):
        return False
    target = (
        statement.target.elts[-1] if isinstance(statement.target, ast.Tuple) else statement.target
    )
    if not isinstance(target, ast.Name):
        return False
    if any(k.arg is None and ast.unparse(k.value) == target.id for k in given.keywords):
        return True
    whole = [a for a in given.args if isinstance(a, ast.Name) and a.id == target.id]
    return not whole and any(_is_named_part(node, target.id) for node in ast.walk(statement))


def _is_named_part(node: ast.AST, of: str) -> bool:
    match node:
        case ast.Subscript(ast.Name(name), ast.Constant(str())):
            return name == of
    return False


def says_that_it_acts(function: str) -> bool:
    """Whether a function's name says that an agent acts in it: ``select_action``, ``act``."""
    return _ACTS.search(function) is not None


def makes_batch_of_one(code: str) -> bool:
    """Whether code visibly makes a batch of one sample: ``state.unsqueeze(0)``, ``x[None]``."""
    return _ONE.search(code) is not None


def steps_environment(code: str) -> bool:
    """Whether a function lets an environment take a step: ``env.step(action)``."""
    return _STEPS.search(code) is not None


def is_given_one(call: str, code: str) -> bool:
    """Whether a call gets what it, or an assignment in the code around it, makes a batch of one."""
    given = {node.id for node in ast.walk(expression(call) or ast.Pass()) if type(node) is ast.Name}
    made = (
        ast.unparse(node.value)
        for node in ast.walk(ast.Module(statements(code) or [], []))
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id in given for target in node.targets)
    )
    return any(map(makes_batch_of_one, (call, *made)))


def cuts_gradients_off(code: str) -> bool:
    """Whether code takes the value of a tensor alone: ``.detach()``, ``.item()``."""
    return _CUT_OFF.search(code) is not None


def loads_loosely(call: str) -> bool:
    """Whether a call of ``load_state_dict`` is given ``strict=False``."""
    tree = expression(call)
    match tree:
        case ast.Call(ast.Attribute(attr="load_state_dict"), [_, ast.Constant(False)]):
            return True
        case ast.Call(ast.Attribute(attr="load_state_dict"), [_], keywords):
            values = {k.arg: k.value for k in keywords}
            strict = values.get("strict")
            return isinstance(strict, ast.Constant) and strict.value is False
    return False
