"""Objects whose fields a class declares: what they are given, and their defaults."""

import pytest

from tests.rehearsing import rehearse, widths

FIELDS = """
from dataclasses import dataclass, field
import attrs
import pydantic
from pydantic import BaseModel, Field
{kind}
    width: int = {default}
    depth: int = 1
    inner: dict = {made}(default_factory=dict)
{further}
nn.BatchNorm2d(Record().width)
nn.BatchNorm2d(Record(width=7).width)
"""
KINDS = {
    "a dataclass": ("@dataclass\nclass Record:", "field(default=3)", "field"),
    "one of attrs": ("@attrs.define\nclass Record:", "attrs.field(default=3)", "attrs.field"),
    "a model of pydantic": ("class Record(BaseModel):", "Field(default=3, ge=1)", "Field"),
    "a default by its place": ("class Record(BaseModel):", "Field(3)", "Field"),
    "a dataclass of pydantic": (
        "@pydantic.dataclasses.dataclass\nclass Record:",
        "Field(default=3)",
        "Field",
    ),
    "a subclass": ("class Base(BaseModel): pass\nclass Record(Base):", "3", "Field"),
}


def declared(kind: str, further: str = "") -> list[object]:
    head, default, made = KINDS[kind]
    code = FIELDS.format(kind=head, default=default, made=made, further=further)
    return widths(rehearse(code))


@pytest.mark.parametrize("kind", KINDS)
def test_fields_have_their_defaults_or_what_is_given(kind: str) -> None:
    assert declared(kind) == [3, 7]


@pytest.mark.parametrize(
    "decorator",
    ["pydantic.field_validator('width')", "pydantic.validator('width')", "pydantic.root_validator"],
)
def test_what_a_validator_returns_is_not_known(decorator: str) -> None:
    further = f"    @{decorator}\n    def check(cls, value): return 2 * value"
    assert declared("a model of pydantic", further) == [None, None]


def test_a_model_of_pydantic_may_change_its_fields_when_they_are_set() -> None:
    further = "    def model_post_init(self, context): self.width += 1"
    assert declared("a model of pydantic", further) == [4, 8]
