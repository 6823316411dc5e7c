"""What is wrong with a body is said in the words of the API, not in those of the library that finds it."""

import re
from typing import Any

import pytest
from pydantic import BaseModel

from amp.api import app  # noqa: F401 - declares all operations
from amp.api.json_body import validate
from amp.api.models.assets import AssetCreate
from amp.api.models.search import SearchIn
from amp.api.models.types import TypeCreate
from amp.api.operations import REQUEST_MODELS
from amp.errors import Invalid

_VALUES: tuple[Any, ...] = (
    None,
    1,
    -1,
    1.5,
    "x",
    "",
    True,
    [],
    [1],
    [[]],
    {},
    {"x": 1},
    [{}],
    ["x"] * 20_000,
    "y" * 70_000,
)
_LIBRARY_WORDS = re.compile(
    r"Input|should|dictionary|instance|valid (string|list|integer|number|boolean)|None|after validation"
)


def faults(model: type[BaseModel], value: Any) -> list[tuple[str, str]]:
    try:
        validate(model, value)
    except Invalid as e:
        return [(fault.pointer, fault.detail) for fault in e.faults]
    return []


@pytest.mark.parametrize("model", sorted(REQUEST_MODELS, key=lambda model: model.__name__), ids=lambda m: m.__name__)
def test_no_sentence_of_the_library_reaches_a_client(model: type[BaseModel]) -> None:
    names = [field.alias or name for name, field in model.model_fields.items()]
    for name in (*names, "unknown"):
        for value in _VALUES:
            for pointer, detail in faults(model, {name: value}):
                assert not _LIBRARY_WORDS.search(detail), (name, str(value)[:40], pointer, detail)


@pytest.mark.parametrize(
    ("model", "value", "fault"),
    [
        (AssetCreate, {"typ": "x"}, ("/typ", "is not a known member; did you mean 'type'?")),
        (AssetCreate, {"zzz": "x"}, ("/zzz", "is not a known member")),
        (AssetCreate, {"type": 5}, ("/type", "must be text")),
        (AssetCreate, {"type": "x", "metadata": []}, ("/metadata", "must be an object")),
        (AssetCreate, {"type": "x", "labels": "y"}, ("/labels", "must be an array")),
        (SearchIn, {"size": "x"}, ("/size", "must be a whole number")),
        (
            SearchIn,
            {"sort": [{"field": "name", "order": "dsc"}]},
            ("/sort/0/order", "must be 'asc' or 'desc'; did you mean 'desc'?"),
        ),
        (
            TypeCreate,
            {"name": "a", "fields": {"x": {"type": "strin"}}},
            (
                "/fields/x/type",
                "must be 'string', 'text', 'long', 'double', 'boolean' or 'date'; did you mean 'string'?",
            ),
        ),
        (
            TypeCreate,
            {"name": "a", "fields": {"x": {"type": "long", "requird": True}}},
            ("/fields/x/requird", "is not a known member; did you mean 'required'?"),
        ),
    ],
)
def test_what_is_wrong_is_said_plainly(model: type[BaseModel], value: Any, fault: tuple[str, str]) -> None:
    assert fault in faults(model, value)
