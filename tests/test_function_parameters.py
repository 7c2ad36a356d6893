"""Where functions of torch take their arguments, against the installed torch."""

import ast
import inspect
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from bnlint.interpreter import library
from bnlint.vocabulary.function_parameters import MODULE_PARAMETERS, SIGNATURES

torch = pytest.importorskip("torch")

BY_OTHER_NAMES = {
    **{"self": "input", "tensor": "input", "axis0": "dim0", "axis1": "dim1"},
    **dict.fromkeys(("sections", "indices"), "indices_or_sections"),
}
"""What torch's declarations call a parameter, and how the table does."""


def declared(name: str) -> Iterator[list[str]]:
    """The parameters of each form of a function or method, from its declarations and in Python."""
    for schema in torch._C._jit_get_schemas_for_operator(f"aten::{name}"):
        yield [argument.name for argument in schema.arguments]
    for owner in (torch, torch.nn.functional):
        for function in (getattr(owner, name, None), getattr(owner, f"{name}_with_indices", None)):
            if inspect.isfunction(function):
                yield list(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", sorted(SIGNATURES))
def test_a_function_has_these_parameters_in_this_order(name: str) -> None:
    forms = [[BY_OTHER_NAMES.get(word, word) for word in form] for form in declared(name)]
    expected = list(SIGNATURES[name])
    assert expected in [form[: len(expected)] for form in forms], forms


def lookups() -> Iterator[object]:
    """What handlers look up: the functions that they are for, the position and the name."""
    for file in sorted(Path(next(iter(library.__path__))).rglob("*.py")):
        for handler in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(handler, ast.FunctionDef) and (paths := [*handled(handler)]):
                for position, name in looked_up(handler):
                    test = f"{handler.name}-{position}-{name}"
                    yield pytest.param(paths, position, name, id=test)


def handled(handler: ast.FunctionDef) -> Iterator[str]:
    """The functions of torch that are written out in a handler's decorator."""
    for decorator in handler.decorator_list:
        match decorator:
            case ast.Call(func=ast.Name("library_function"), args=paths):
                for path in paths:
                    match path:
                        case ast.Constant(str(text)) if text.startswith("torch."):
                            yield text


def looked_up(handler: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    for node in ast.walk(handler):
        match node:
            case ast.Call(
                func=ast.Attribute(ast.Name("arguments"), "get"),
                args=[ast.Constant(int(position)), ast.Constant(str(name)), *_],
            ):
                yield position, name


def parameters(path: str) -> list[str] | None:
    """Those of a function or class, where the installed torch has it and says so."""
    owner, _, last = path.rpartition(".")
    try:
        return list(inspect.signature(getattr(import_module(owner), last)).parameters)
    except (ImportError, AttributeError, TypeError, ValueError):
        return None


@pytest.mark.parametrize(("paths", "position", "name"), lookups())
def test_a_handler_looks_an_argument_up_where_torch_takes_it(
    paths: list[str], position: int, name: str
) -> None:
    known = [found for found in map(parameters, paths) if found is not None]
    if not known:
        pytest.skip("the installed torch does not say")
    assert {found.index(name) for found in known if name in found} == {position}


@pytest.mark.parametrize("path", MODULE_PARAMETERS)
def test_what_gives_a_module_back_gets_it_first(path: str) -> None:
    assert (parameters(path) or [])[:1] == [MODULE_PARAMETERS[path]]
